"""What follows from how many weights a mask keeps of each layer: operations, bytes, and what the ladder asks."""

from collections.abc import Mapping
from dataclasses import dataclass

from ticketbench.harness.rows import deployment_columns
from ticketbench.harness.workloads import Domain
from ticketbench.ladder import rungs
from ticketbench.methods.state import Tensors
from ticketbench.results import Row
from ticketbench.task import Task


@dataclass(frozen=True)
class Shape:
    """A task's network in one setting.

    Attributes:
        flops: operations an example takes dense: in all, and of every prunable weight's layer.
        weights: all parameters, their shapes and types alone.
        sizes: elements of every prunable weight.
        ladder: what every rung asks of each layer, rung 0 first.
    """

    flops: tuple[float, Mapping[str, float]]
    weights: Tensors
    sizes: Mapping[str, int]
    ladder: tuple[Mapping[str, int], ...]

    def deployment(self, kept: Mapping[str, int]) -> Row:
        """What a mask that keeps so many weights of each layer takes to run and to store."""
        return deployment_columns(self.flops, self.weights, kept)


def shape_of(task: Task, workload: Domain) -> Shape:
    """The shape of a workload's network. Raises `TicketbenchError` for a ladder that the network cannot have."""
    weights = {name: weight.detach().to("meta") for name, weight in workload.module().named_parameters()}
    sizes = {name: weights[name].numel() for name in workload.prunable}
    return Shape(workload.flops, weights, sizes, tuple(rung.kept_per_layer for rung in rungs(task.ladder, sizes)))
