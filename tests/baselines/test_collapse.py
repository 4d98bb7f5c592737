"""At a hundred times compression magnitude at initialization cuts digits/conv off, and SynFlow keeps a path."""

import pytest
import torch

from ticketbench.harness.bench import Bench
from ticketbench.harness.store import Store
from ticketbench.harness.trainings import Trainings
from ticketbench.harness.workloads.vision import Vision
from ticketbench.masks import count, count_per_layer
from ticketbench.methods import shipped_methods
from ticketbench.task import find_tasks


def flow(workload, mask):
    """What reaches the outputs from an input of ones through the kept weights, each taken as 1, and nothing else."""
    network = workload.fresh_module().eval()
    with torch.no_grad():
        for name, parameter in network.named_parameters():
            parameter.copy_(mask[name].float() if name in mask else torch.full_like(parameter, "norm.w" in name))
        return float(network(torch.ones(1, *workload.shape)).sum())


@pytest.mark.parametrize("seed", [0, 1, 2])
def test_synflow_keeps_a_path_where_magnitude_at_initialization_empties_a_layer(tmp_path, seed):
    (conv,) = find_tasks("digits/conv")
    whole = conv.model_copy(update={"ladder": conv.ladder.model_copy(update={"prune": 0.99, "rounds": 1})})
    workload = Vision(whole, torch.device("cpu"))
    masks = {}
    for name in ("magnitude-init", "synflow"):
        method = shipped_methods()[name]
        bench = Bench(whole, method, "default", seed, None, Trainings({"default": workload}, Store(tmp_path)))
        masks[name] = next(method.start(bench, bench.ladder[0])).mask
    assert {count(mask) for mask in masks.values()} == {25}  # of 2,536
    assert 0 in count_per_layer(masks["magnitude-init"]).values()
    assert flow(workload, masks["magnitude-init"]) == 0
    assert 0 not in count_per_layer(masks["synflow"]).values()
    assert flow(workload, masks["synflow"]) > 0
