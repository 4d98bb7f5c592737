"""Where magnitude at initialization cuts a network off, and SynFlow keeps a path; and where neither does."""

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


def mask_of(name, task, workload, seed, store, rung):
    """The mask of a method at a rung, by its place in the ladder, without any training."""
    method = shipped_methods()[name]
    bench = Bench(task, method, "default", seed, None, Trainings({"default": workload}, Store(store)))
    return next(method.start(bench, bench.ladder[rung])).mask


@pytest.mark.parametrize("seed", [0, 1, 2])
def test_synflow_keeps_a_path_where_magnitude_at_initialization_empties_a_layer(tmp_path, seed):
    (conv,) = find_tasks("digits/conv")
    whole = conv.model_copy(update={"ladder": conv.ladder.model_copy(update={"prune": 0.99, "rounds": 1})})
    workload = Vision(whole, torch.device("cpu"))
    masks = {name: mask_of(name, whole, workload, seed, tmp_path, 0) for name in ("magnitude-init", "synflow")}
    assert {count(mask) for mask in masks.values()} == {25}  # of 2,536
    assert 0 in count_per_layer(masks["magnitude-init"]).values()
    assert flow(workload, masks["magnitude-init"]) == 0
    assert 0 not in count_per_layer(masks["synflow"]).values()
    assert flow(workload, masks["synflow"]) > 0


@pytest.fixture
def lenet(mnist_mirror):
    """mnist/lenet-300-100-ci on made-up images: initial weights, inputs' shape and ladder are the task's own."""
    mnist_mirror(train=300)
    (task,) = find_tasks("mnist/lenet-300-100-ci")
    return task.model_copy(update={"data": task.data.model_copy(update={"validation": 50})})


@pytest.mark.parametrize("seed", [0, 1])
def test_of_lenet_magnitude_at_initialization_empties_no_layer_but_synflow_leaves_the_widest_twice_as_many(
    tmp_path, lenet, seed
):
    """Glorot's normal weights have deviations of 0.043, 0.071 and 0.135 in layers of 784 to 300 to 100 to 10 units.

    That is no gap that 1.2 % of the weights, the last rung, would fall through. So a difference in what tickets score
    on this task is not that one network was cut off.
    """
    workload = Vision(lenet, torch.device("cpu"))
    ladder = range(lenet.ladder.rounds)
    found = [mask_of("magnitude-init", lenet, workload, seed, tmp_path, rung) for rung in ladder]
    assert (len(found), count(found[-1])) == (10, 3180)  # of 266,200
    for mask in found:
        assert 0 not in count_per_layer(mask).values() and flow(workload, mask) > 0
    conserved = mask_of("synflow", lenet, workload, seed, tmp_path, -1)
    assert count(conserved) == 3180 and flow(workload, conserved) > 10 * flow(workload, found[-1])
    widest = [count_per_layer(mask)["hidden.0.weight"] for mask in (conserved, found[-1])]
    assert widest[0] > 2 * widest[1]
