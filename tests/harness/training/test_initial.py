"""Initial weights are a function of network, seed and draw, of the distribution that the task names."""

import hashlib
import json
from math import sqrt

import pytest
import torch
from torch import nn

from ticketbench.harness.workloads.vision import Vision
from ticketbench.networks import build
from ticketbench.task import Network, load_task


def weights_of(work, seed, draw):
    """Drawn by themselves: torch's global generator seeded by the purpose, then the network built."""
    digest = hashlib.sha256(json.dumps(["weights", seed, draw]).encode()).hexdigest()
    torch.manual_seed(int(digest[:16], 16) // 2)
    return dict(build(work.task.network, work.shape, work.classes).named_parameters())


@pytest.mark.parametrize("network", ["mlp", "conv"])
@pytest.mark.parametrize(("seed", "draw"), [(0, 0), (0, 1), (5, 0)])
def test_initial_weights_are_a_closed_function_of_seed_and_draw(network, seed, draw, workload):
    work = workload(network)
    torch.rand(17)
    drawn, expected = work.initial(seed, draw), weights_of(work, seed, draw)
    assert list(drawn.weights) == list(expected)
    assert all(torch.equal(drawn.weights[name], expected[name]) for name in expected)
    assert drawn.step == 0
    assert drawn.optimizer is None
    assert list(drawn.mask) == work.prunable
    assert all(bool(kept.all()) for kept in drawn.mask.values())


def test_they_depend_on_nothing_else_of_the_task(task_file, assert_same):
    one, other = (
        Vision(load_task(task_file(**said)), torch.device("cpu"))
        for said in ({}, {"steps": "7", "batch_size": "9", "optimizer": '{ name = "sgd", lr = 1.0 }'})
    )
    assert_same(one.initial(3), other.initial(3))


def test_seeds_and_draws_differ(workload):
    work = workload()
    states = [work.initial(*which) for which in ((0, 0), (0, 1), (1, 0), (1, 1))]
    firsts = [state.weights["hidden.0.weight"].flatten()[:50] for state in states]
    assert all(not (a == b).any() for i, a in enumerate(firsts) for b in firsts[:i])


def test_a_state_is_a_copy_that_training_does_not_touch(workload, assert_same):
    work = workload()
    state = work.initial(0)
    work.module().hidden[0].weight.data.fill_(3.0)
    assert_same(work.initial(0), state)


def expected_std(weight, init):
    fan_out, fan_in = weight.shape[0] * weight[0][0].numel(), weight[0].numel()
    return {"glorot-normal": sqrt(2 / (fan_in + fan_out)), "kaiming-normal": sqrt(2 / fan_in)}[init]


@pytest.mark.parametrize("init", ["glorot-normal", "kaiming-normal"])
@pytest.mark.parametrize(
    ("name", "options"), [("lenet-300-100", {}), ("small-resnet", {"width": 48})], ids=["lenet", "resnet"]
)
def test_a_named_initialization_has_its_published_spread(init, name, options):
    """Glorot & Bengio 2010, equation 12 with a normal; He et al. 2015, equation 10."""
    torch.manual_seed(0)
    network = build(Network(name=name, init=init, options=options), (1, 28, 28), 10)
    layers = [m for m in network.modules() if isinstance(m, (nn.Linear, nn.Conv2d))]
    scaled = [m.weight.detach() / expected_std(m.weight, init) for m in layers]
    for each in scaled:
        assert abs(each.std() - 1) < 5 / sqrt(2 * each.numel())
        assert abs(each.mean()) < 5 / sqrt(each.numel())
    everything = torch.cat([each.flatten() for each in scaled])
    assert 0.677 < (everything.abs() < 1).float().mean() < 0.689  # of a normal 0.683; of a uniform 0.577
    assert all(not m.bias.any() for m in layers if m.bias is not None)


def test_the_default_initialization_is_torchs_own():
    torch.manual_seed(4)
    network = build(Network(name="mlp", options={"hidden": [12]}), (1, 8, 8), 10)
    torch.manual_seed(4)
    expected = [nn.Linear(64, 12), nn.Linear(12, 10)]
    assert torch.equal(network.hidden[0].weight, expected[0].weight)
    assert torch.equal(network.output.bias, expected[1].bias)
