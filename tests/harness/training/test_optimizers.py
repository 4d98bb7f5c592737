"""Optimizers and schedules: torch's own, and the rate of every step a closed function of it."""

import pytest
import torch
from torch.optim import lr_scheduler

from ticketbench.harness.training import Member, advance, trainer
from ticketbench.harness.training.optimizers import build_optimizer, learning_rate, load_state, save_state
from ticketbench.methods.state import derive
from ticketbench.task import SGD, Adam, RMSprop, Schedule

STEPS = 40


def rates(scheduler, optimizer):
    """The rate of every step as torch has it."""
    found = []
    for _ in range(STEPS):
        found.append(optimizer.param_groups[0]["lr"])
        optimizer.step()
        scheduler.step()
    return found


@pytest.fixture
def torchs():
    weight = torch.zeros(1, requires_grad=True)
    weight.grad = torch.zeros(1)
    return torch.optim.SGD([weight], lr=0.3)


@pytest.mark.parametrize("factor", [0.1, 0.5, 3.0])
@pytest.mark.parametrize("milestones", [(), (1,), (10, 25), (10, 11, 39), (100,)])
def test_milestones_are_those_of_torch(milestones, factor, torchs):
    schedule = Schedule(milestones=milestones, factor=factor)
    ours = [learning_rate(0.3, schedule, step, STEPS) for step in range(STEPS)]
    theirs = rates(lr_scheduler.MultiStepLR(torchs, list(milestones), factor), torchs)
    assert ours == pytest.approx(theirs, rel=1e-12)
    assert len(set(ours)) == 1 + sum(milestone < STEPS for milestone in milestones)


@pytest.mark.parametrize("warmup", [2, 7, 40])
def test_warm_up_is_torchs_linear_one_from_the_first_step_on(warmup, torchs):
    ours = [learning_rate(0.3, Schedule(warmup=warmup), step, STEPS) for step in range(STEPS)]
    theirs = rates(lr_scheduler.LinearLR(torchs, 1 / warmup, total_iters=warmup - 1), torchs)
    assert ours == pytest.approx(theirs, rel=1e-12)
    assert ours[0] == pytest.approx(0.3 / warmup)
    assert ours[warmup - 1] == 0.3


def test_the_rate_falls_with_the_root_of_the_step_after_the_warm_up():
    schedule = Schedule(warmup=4, decay="inverse-sqrt")
    found = [learning_rate(0.2, schedule, step, STEPS) for step in (0, 1, 3, 4, 15, 35)]
    assert found == pytest.approx([0.05, 0.1, 0.2, 0.2 * (4 / 5) ** 0.5, 0.1, 0.2 / 3], rel=1e-12)
    assert learning_rate(0.2, schedule, 0, 16, "last") == pytest.approx(0.1)


def test_gradients_are_clipped_to_the_norm_of_all_of_them_that_are_trained(workload, random_mask):
    """Without momentum the first step is the gradient times the rate, so its length is told."""
    work = workload(optimizer='{ name = "sgd", lr = 1.0 }', clip="0.02")
    start = work.initial(0)
    masked = derive(start, mask=random_mask(start, 0.3))
    for first in (start, masked):
        (after,) = advance([Member(first, 0)], 1, work)
        moved = torch.cat([(after.weights[name] - weight).flatten() for name, weight in first.weights.items()])
        assert float(moved.norm()) == pytest.approx(0.02, rel=1e-4)
    free = workload(optimizer='{ name = "sgd", lr = 1.0 }', clip="1e9")
    unclipped = workload(optimizer='{ name = "sgd", lr = 1.0 }')
    one, other = (advance([Member(start, 0)], 3, each)[0] for each in (free, unclipped))
    assert all(torch.equal(one.weights[name], weight) for name, weight in other.weights.items())


def test_the_last_rate_is_that_of_the_last_step_throughout():
    schedule = Schedule(warmup=3, milestones=(10, 20), factor=0.1)
    held = {learning_rate(0.3, schedule, step, STEPS, "last") for step in range(STEPS)}
    assert held == {learning_rate(0.3, schedule, STEPS - 1, STEPS)}
    assert held.pop() == pytest.approx(0.003)


@pytest.mark.parametrize(
    ("member", "expected"),
    [
        ({}, [0.05, 0.1, 0.1, 0.1, 0.02, 0.02, 0.02, 0.004, 0.004]),
        ({"schedule": "last"}, [0.004] * 9),
        ({"optimizer": SGD(name="sgd", lr=1.0)}, [0.5, 1.0, 1.0, 1.0, 0.2, 0.2, 0.2, 0.04, 0.04]),
    ],
)
def test_the_engine_steps_at_these_rates(member, expected, workload, watched, monkeypatch):
    built, seen = [], []
    real = build_optimizer
    monkeypatch.setattr(trainer, "build_optimizer", lambda *said: built.append(real(*said)) or built[-1])
    work = workload(
        steps="9",
        optimizer='{ name = "sgd", lr = 0.1 }',
        schedule="{ warmup = 2, milestones = [4, 7], factor = 0.2 }",
    )
    spied = watched(work, lambda _: seen.append(built[-1].param_groups[0]["lr"]))
    advance([Member(work.initial(0), 0, **member)], 9, spied)
    assert seen == pytest.approx(expected, rel=1e-12)


SPECS = [
    (SGD(name="sgd", lr=0.1, momentum=0.9, nesterov=True, weight_decay=0.01), torch.optim.SGD),
    (Adam(name="adam", lr=0.1, betas=(0.8, 0.9), eps=1e-6, weight_decay=0.01), torch.optim.Adam),
    (Adam(name="adamw", lr=0.1, betas=(0.8, 0.9), eps=1e-6, weight_decay=0.01), torch.optim.AdamW),
    (RMSprop(name="rmsprop", lr=0.1, alpha=0.8, eps=1e-6, momentum=0.5, weight_decay=0.01), torch.optim.RMSprop),
]


@pytest.mark.parametrize(("spec", "kind"), SPECS)
def test_every_word_of_a_recipe_reaches_torch(spec, kind):
    weight = torch.zeros(2, requires_grad=True)
    optimizer = build_optimizer(spec, [weight])
    assert type(optimizer) is kind
    (group,) = optimizer.param_groups
    for name, value in spec.model_dump(exclude={"name"}).items():
        assert group[name] == value
    assert group.get("fused", kind is torch.optim.RMSprop)  # of which torch has no fused kernel


@pytest.mark.parametrize(("spec", "kind"), SPECS)
def test_state_goes_out_and_comes_back(spec, kind):
    torch.manual_seed(0)
    one, other = ({"a.b": torch.ones(3, requires_grad=True), "c": torch.ones((), requires_grad=True)} for _ in "12")
    first, second = build_optimizer(spec, list(one.values())), build_optimizer(spec, list(other.values()))
    for gradients in torch.randn(5, 4):
        one["a.b"].grad, one["c"].grad = gradients[:3], gradients[3]
        first.step()
    saved = save_state(first, one)
    with torch.no_grad():
        for name in other:
            other[name].copy_(one[name])
    load_state(second, other, saved)
    for weights, optimizer in ((one, first), (other, second)):
        weights["a.b"].grad, weights["c"].grad = torch.ones(3), torch.ones(())
        optimizer.step()
    assert all(torch.equal(one[name], other[name]) for name in one)
    assert all(torch.equal(save_state(first, one)[key], slot) for key, slot in save_state(second, other).items())
    assert set(saved) == {key for key in saved if key.split("/")[1] in one}
    assert saved.keys() == save_state(second, other).keys()


def test_an_optimizer_without_memory_has_no_state():
    weight = torch.ones(3, requires_grad=True)
    optimizer = build_optimizer(SGD(name="sgd", lr=0.1), [weight])
    weight.grad = torch.ones(3)
    optimizer.step()
    assert save_state(optimizer, {"w": weight}) is None
