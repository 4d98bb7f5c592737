"""What follows from how many weights a mask keeps of each layer: operations, bytes, and what the ladder asks."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ticketbench.harness.workloads import Domain
from ticketbench.ladder import rungs
from ticketbench.task import Task

_INDEX = 4  # bytes of a column or an offset, as harness/rows.py counts them


@dataclass(frozen=True)
class Shape:
    """A task's network in one setting.

    Attributes:
        flops, layer_flops: operations an example takes dense, in all and of every prunable weight's layer.
        sizes, filters: elements of every prunable weight, and how many rows it has.
        dense, element: bytes of all parameters, and of one element of every prunable weight.
        ladder: what every rung asks of each layer, rung 0 first.
    """

    flops: float
    layer_flops: Mapping[str, float]
    sizes: Mapping[str, int]
    filters: Mapping[str, int]
    dense: int
    element: Mapping[str, int]
    ladder: tuple[Mapping[str, int], ...]

    def deployment(self, kept: Mapping[str, int]) -> dict[str, Any]:
        """`flops` and `bytes_sparse` of a mask that keeps so many weights of each layer."""
        saved = sum(self.layer_flops[name] * (1 - kept[name] / size) for name, size in self.sizes.items())
        spared = 0
        for name, size in self.sizes.items():
            stored = kept[name] * (self.element[name] + _INDEX) + _INDEX * (self.filters[name] + 1)
            spared += max(0, size * self.element[name] - stored)
        return {"flops": self.flops - saved, "bytes_sparse": self.dense - spared}


def shape_of(task: Task, workload: Domain) -> Shape:
    """The shape of a workload's network. Raises `TicketbenchError` for a ladder that the network cannot have."""
    weights = dict(workload.module().named_parameters())
    covered = {name: weights[name] for name in workload.prunable}
    sizes = {name: weight.numel() for name, weight in covered.items()}
    flops, layers = workload.flops
    return Shape(
        flops,
        layers,
        sizes,
        {name: weight.shape[0] for name, weight in covered.items()},
        sum(weight.numel() * weight.element_size() for weight in weights.values()),
        {name: weight.element_size() for name, weight in covered.items()},
        tuple(rung.kept_per_layer for rung in rungs(task.ladder, sizes)),
    )
