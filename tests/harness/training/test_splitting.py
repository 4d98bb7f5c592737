"""A training is the same, bit for bit, however it is split into parts and wherever its parts are stored."""

from dataclasses import dataclass, field, replace
from importlib import import_module

import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from torch import nn

from ticketbench.harness.store import Measured, Store, Stored
from ticketbench.harness.training import Member, advance
from ticketbench.methods.state import derive
from ticketbench.task import SGD

STEPS = 24
MOMENTUM = '{ name = "sgd", lr = 0.1, momentum = 0.9, weight_decay = 0.001 }'
NAMED = "lenet-5-caffe"  # stands for `Dropped`: a task names none but ours


class Dropped(nn.Module):
    """A perceptron with dropout."""

    def __init__(self, shape, classes, *, share=0.5):
        super().__init__()
        self.layers = nn.Sequential(nn.Flatten(), nn.Linear(64, 16), nn.ReLU(), nn.Dropout(share), nn.Linear(16, 10))

    def forward(self, inputs):
        return self.layers(inputs)


@dataclass(frozen=True)
class Gated:
    """Trains a gate on every output weight, with noise, and a penalty that depends on the step."""

    strength: float

    def __call__(self, network, weights, extra, inputs, targets, step, rng, loss):
        gate = torch.sigmoid(extra["gate"] + 0.1 * torch.randn(extra["gate"].shape, generator=rng))
        gated = weights | {"output.weight": weights["output.weight"] * gate}
        return loss(network, gated, inputs, targets) + self.strength * (step % 3) * gate.mean()


@dataclass(frozen=True)
class Case:
    network: str = "mlp"
    training: dict = field(default_factory=dict)
    member: dict = field(default_factory=dict)
    masked: bool = False


CASES = {
    "adam": Case(),
    "adam, decay": Case(training={"optimizer": '{ name = "adam", lr = 0.01, weight_decay = 0.01 }'}),
    "adamw": Case(training={"optimizer": '{ name = "adamw", lr = 0.01, weight_decay = 0.1 }'}),
    "rmsprop": Case(training={"optimizer": '{ name = "rmsprop", lr = 0.01 }', "clip": "0.5"}),
    "sgd": Case(training={"optimizer": '{ name = "sgd", lr = 0.1 }'}),
    "momentum": Case(training={"optimizer": '{ name = "sgd", lr = 0.1, momentum = 0.9 }'}),
    "nesterov, decay": Case(
        training={"optimizer": '{ name = "sgd", lr = 0.1, momentum = 0.9, nesterov = true, weight_decay = 0.01 }'}
    ),
    "batch norm": Case("conv", {"optimizer": MOMENTUM}),
    "warm-up, milestones": Case(training={"schedule": "{ warmup = 4, milestones = [9, 16], factor = 0.3 }"}),
    "last rate": Case(training={"schedule": "{ milestones = [9], factor = 0.1 }"}, member={"schedule": "last"}),
    "dropout": Case(NAMED),
    "another data order": Case(member={"data_order": 3}),
    "masked, state carried": Case(masked=True),
    "masked batch norm": Case("conv", {"optimizer": MOMENTUM}, masked=True),
    "objective": Case(member={"objective": Gated(0.5)}),
    "objective under momentum": Case(training={"optimizer": MOMENTUM}, member={"objective": Gated(0.5)}, masked=True),
    "frozen": Case(member={"freeze": ("hidden.0.weight", "output.bias")}),
    "another optimizer": Case(member={"optimizer": SGD(name="sgd", lr=0.05, momentum=0.5)}),
    "a batch is more than an epoch": Case(training={"batch_size": "1300"}),
}


@pytest.fixture(autouse=True)
def dropped(monkeypatch):
    monkeypatch.setitem(import_module("ticketbench.networks.build")._NETWORKS, NAMED, Dropped)


@pytest.fixture
def start(workload, random_mask):
    """The workload and the member of a case, at the step where its training begins."""

    def make(case: Case):
        work = workload(case.network, **case.training)
        state = work.initial(seed=1)
        if case.masked:  # between two evaluations, with the state of an optimizer that has been at work
            (state,) = advance([Member(state, seed=1)], 3, work)
            state = derive(state, mask=random_mask(state, 0.4))
        if "objective" in case.member:
            state = derive(state, extra={"gate": torch.linspace(-1, 1, 80).view(10, 8)})
        return work, Member(state, seed=1, **case.member)

    return make


def through(cuts, work, member, between=lambda state: state):
    """The member advanced to the end with a stop at every cut, and what `between` makes of it there."""
    for cut in [*cuts, STEPS]:
        (state,) = advance([member], cut, work)
        member = replace(member, start=between(state))
    return member.start


@pytest.mark.parametrize("name", CASES)
def test_a_training_split_anywhere_is_bit_identical(name, start, assert_same):
    work, member = start(CASES[name])
    whole = through([], work, member)
    assert whole.step == STEPS
    assert any(not torch.equal(whole.weights[n], w) for n, w in member.start.weights.items())
    first = member.start.step
    for cuts in ([first], [first + 1], [5, 10], [7, 13, 23], range(first, STEPS)):
        assert_same(through(cuts, work, member), whole)


@pytest.mark.parametrize("name", ["masked, state carried", "masked batch norm", "objective under momentum", "sgd"])
def test_a_training_that_passes_through_the_store_at_every_step_is_bit_identical(name, start, assert_same, tmp_path):
    work, member = start(CASES[name])

    def stored_and_read(state):
        Store(tmp_path).put("0" * 64, state.step, Stored(state, Measured()), keep=False)
        return Store(tmp_path).get("0" * 64, state.step).state

    first = member.start.step
    assert_same(through(range(first, STEPS), work, member, stored_and_read), through([], work, member))


@settings(deadline=None, max_examples=15, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(cuts=st.sets(st.integers(3, STEPS), max_size=6), name=st.sampled_from(["masked, state carried", "dropout"]))
def test_any_cuts_will_do(cuts, name, start, assert_same):
    work, member = start(CASES[name])
    assert_same(through(sorted(cuts), work, member), through([], work, member))


def test_dropout_is_at_work_between_evaluations_too(start):
    work, member = start(CASES["dropout"])
    (dropping,) = advance([member], 12, work)
    module = work.module()
    module.layers[3].p = 0.0
    try:
        (plain,) = advance([member], 12, work)
    finally:
        module.layers[3].p = 0.5
    pairs = list(zip(dropping.history.early_losses, plain.history.early_losses, strict=True))
    assert len(pairs) == 12
    assert all(one != other for one, other in pairs)
