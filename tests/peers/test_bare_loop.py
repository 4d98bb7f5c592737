"""The engine against training loops written by hand, with torch's own layers, optimizers, schedules and masks."""

import hashlib
import json
from pathlib import Path

import pytest
import torch
from torch import nn
from torch.nn.utils import prune

from ticketbench.data import splits
from ticketbench.harness.training import Member, advance
from ticketbench.harness.workloads.vision import Vision
from ticketbench.methods.state import derive
from ticketbench.task import load_task

STEPS, BATCH, SEED = 30, 170, 5
TASK = """
id = "peers/loop"
version = 1
title = "Thirty steps on digits"
tier = "smoke"
extends = "digits/{parent}"
[training]
steps = 30
batch_size = 170
evaluate_every = 7
optimizer = {optimizer}
schedule = {{ milestones = [10, 20], factor = 0.5 }}
rewind_step = 2
"""
OPTIMIZERS = {
    "adam": ('{ name = "adam", lr = 0.01 }', torch.optim.Adam, {"lr": 0.01}),
    "adam, decay": (
        '{ name = "adam", lr = 0.01, weight_decay = 0.01 }', torch.optim.Adam, {"lr": 0.01, "weight_decay": 0.01}
    ),
    "adamw": (
        '{ name = "adamw", lr = 0.01, weight_decay = 0.1 }', torch.optim.AdamW, {"lr": 0.01, "weight_decay": 0.1}
    ),
    "sgd": ('{ name = "sgd", lr = 0.1 }', torch.optim.SGD, {"lr": 0.1}),
    "momentum, decay": (
        '{ name = "sgd", lr = 0.1, momentum = 0.9, weight_decay = 0.01 }',
        torch.optim.SGD, {"lr": 0.1, "momentum": 0.9, "weight_decay": 0.01},
    ),
    "nesterov": (
        '{ name = "sgd", lr = 0.1, momentum = 0.9, nesterov = true }',
        torch.optim.SGD, {"lr": 0.1, "momentum": 0.9, "nesterov": True},
    ),
}  # fmt: skip


@pytest.fixture
def workload(tmp_path):
    def make(parent, optimizer):
        path = Path(tmp_path / "task.toml")
        path.write_text(TASK.format(parent=parent, optimizer=OPTIMIZERS[optimizer][0]))
        return Vision(load_task(path), torch.device("cpu"))

    return make


def batches(work):
    """Inputs and targets of every step, drawn anew from the data and the seed."""
    train = splits(work.task.data).train
    order = []
    for epoch in range(-(-STEPS * BATCH // len(train))):
        digest = hashlib.sha256(json.dumps(["order", SEED, 0, epoch]).encode()).digest()
        rng = torch.Generator().manual_seed(int.from_bytes(digest[:8], "big") // 2)
        order.append(torch.randperm(len(train), generator=rng))
    for indices in torch.cat(order)[: STEPS * BATCH].view(STEPS, BATCH):
        yield train.inputs[indices], train.targets[indices]


def perceptron(state):
    network = nn.Sequential(
        nn.Flatten(), nn.Linear(64, 100), nn.ReLU(), nn.Linear(100, 50), nn.ReLU(), nn.Linear(50, 10)
    )
    theirs = dict(zip(("1", "3", "5"), ("hidden.0", "hidden.1", "output"), strict=True))
    with torch.no_grad():
        for place, name in theirs.items():
            network[int(place)].weight.copy_(state.weights[f"{name}.weight"])
            network[int(place)].bias.copy_(state.weights[f"{name}.bias"])
    return network, {
        f"{name}.{part}": f"{place}.{part}" for place, name in theirs.items() for part in ("weight", "bias")
    }


def loop(network, work, optimizer, fused):
    """The loop that everyone writes. Returns the losses."""
    _, kind, said = OPTIMIZERS[optimizer]
    optimizer = kind(network.parameters(), **said, **({"fused": True} if fused else {"foreach": False}))
    scheduler = torch.optim.lr_scheduler.MultiStepLR(optimizer, [10, 20], 0.5)
    losses = []
    network.train()
    for inputs, targets in batches(work):
        optimizer.zero_grad()
        loss = nn.functional.cross_entropy(network(inputs), targets)
        loss.backward()
        optimizer.step()
        scheduler.step()
        losses.append(loss.item())
    return losses


@pytest.mark.parametrize("optimizer", OPTIMIZERS)
def test_a_dense_network_is_trained_to_the_same_bits(optimizer, workload):
    work = workload("mlp", optimizer)
    (ours,) = advance([Member(work.initial(SEED), SEED)], STEPS, work)
    network, names = perceptron(work.initial(SEED))
    losses = loop(network, work, optimizer, fused=True)
    theirs = dict(network.named_parameters())
    assert ours.history.early_losses == tuple(losses[:16])
    assert all(torch.equal(ours.weights[name], theirs[names[name]]) for name in ours.weights)
    assert losses[-1] < 0.95 * losses[0]


@pytest.mark.parametrize("optimizer", OPTIMIZERS)
def test_torchs_own_arithmetic_without_fusing_agrees(optimizer, workload):
    work = workload("mlp", optimizer)
    (ours,) = advance([Member(work.initial(SEED), SEED)], STEPS, work)
    network, names = perceptron(work.initial(SEED))
    losses = loop(network, work, optimizer, fused=False)
    theirs = dict(network.named_parameters())
    assert ours.history.early_losses == pytest.approx(losses[:16], rel=1e-4)
    for name in ours.weights:
        assert torch.allclose(ours.weights[name], theirs[names[name]], rtol=1e-2, atol=1e-4)


@pytest.mark.parametrize("optimizer", OPTIMIZERS)
def test_a_pruned_network_is_trained_as_with_torchs_masks(optimizer, workload):
    work = workload("mlp", optimizer)
    initial = work.initial(SEED)
    rng = torch.Generator().manual_seed(0)
    mask = {name: torch.rand(kept.shape, generator=rng) < 0.2 for name, kept in initial.mask.items()}
    start = derive(initial, mask=mask)
    (ours,) = advance([Member(start, SEED)], STEPS, work)
    network, names = perceptron(start)
    for name, kept in mask.items():
        place, part = names[name].split(".")
        prune.custom_from_mask(network[int(place)], part, kept)
    losses = loop(network, work, optimizer, fused=True)
    assert ours.history.early_losses == tuple(losses[:16])
    for name in ours.weights:
        place, _ = names[name].split(".")
        layer = network[int(place)]
        theirs = layer.weight_orig * layer.weight_mask if name in mask else layer.bias
        assert torch.equal(ours.weights[name], theirs)


def test_a_network_with_batch_norm_is_trained_to_the_same_bits(workload):
    work = workload("conv", "momentum, decay")
    initial = work.initial(SEED)
    (ours,) = advance([Member(initial, SEED)], STEPS, work)
    network = work.fresh_module()
    network.load_state_dict({**initial.weights, **initial.buffers})
    loop(network, work, "momentum, decay", fused=True)
    theirs = network.state_dict()
    assert theirs.keys() == {*ours.weights, *ours.buffers}
    assert all(torch.equal(tensor, theirs[name]) for name, tensor in {**ours.weights, **ours.buffers}.items())
