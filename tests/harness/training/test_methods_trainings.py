"""What a method may do to a training beside its mask: an objective, extra tensors, frozen names, an optimizer."""

from dataclasses import dataclass

import pytest
import torch

from ticketbench.harness.training import Member, advance
from ticketbench.methods import Refused
from ticketbench.methods.state import derive
from ticketbench.task import Adam

MOMENTUM = '{ name = "sgd", lr = 0.1, momentum = 0.9 }'


@dataclass(frozen=True)
class Shrinking:
    """The plain loss and the squares of `extra["x"]`, from step `since` on."""

    since: int = 0

    def __call__(self, network, weights, extra, inputs, targets, step, rng, loss):
        plain = loss(network, weights, inputs, targets)
        return plain + extra["x"].square().sum() if step >= self.since else plain


@dataclass(frozen=True)
class Says:
    """Gives what it is told to."""

    what: str

    def __call__(self, network, weights, extra, inputs, targets, step, rng, loss):
        plain = loss(network, weights, inputs, targets)
        return {
            "a number": lambda: plain.item(),
            "nothing": lambda: None,
            "a loss for every example": lambda: plain.expand(len(targets)),
            "a loss that decides nothing": lambda: plain.detach(),
            "a loss of shape (1,)": lambda: plain.reshape(1),
            "an error": lambda: plain / (1 // (step - 3) + 5),
        }[self.what]()


@pytest.fixture
def dense(workload):
    """A dense network at step 4 under this optimizer."""

    def make(optimizer=MOMENTUM):
        work = workload(optimizer=optimizer)
        return work, advance([Member(work.initial(0), 0)], 4, work)[0]

    return make


@pytest.mark.parametrize("optimizer", [MOMENTUM, '{ name = "adam", lr = 0.01 }'])
def test_extra_tensors_may_come_in_the_middle_of_a_training(optimizer, dense):
    work, early = dense(optimizer)
    started = derive(early, extra={"x": torch.ones(3)})
    (late,) = advance([Member(started, 0, objective=Shrinking())], 8, work)
    assert (late.extra["x"] < 1).all()
    (other,) = advance([Member(early, 0)], 8, work)  # which the weights do not feel
    assert all(torch.equal(late.weights[name], other.weights[name]) for name in other.weights)


@pytest.mark.parametrize("shape", [(5,), (3, 1), (), (2,)])
@pytest.mark.parametrize("optimizer", [MOMENTUM, '{ name = "adam", lr = 0.01 }'])
def test_an_extra_tensor_of_another_shape_starts_afresh(shape, optimizer, dense):
    work, early = dense(optimizer)
    started = derive(early, extra={"x": torch.ones(3)})
    (between,) = advance([Member(started, 0, objective=Shrinking())], 8, work)
    (reshaped,) = advance(
        [Member(derive(between, extra={"x": torch.ones(shape)}), 0, objective=Shrinking())], 9, work
    )
    (fresh,) = advance([Member(started, 0, objective=Shrinking())], 5, work)
    assert torch.equal(reshaped.extra["x"], fresh.extra["x"].flatten()[0].expand(shape))
    slots = {key: slot for key, slot in reshaped.optimizer.items() if key.endswith("/x") and key != "step/x"}
    assert slots
    assert all(slot.shape == shape for slot in slots.values())


def test_an_extra_tensor_that_first_decides_later_is_moved_from_then_on(dense):
    work, early = dense()
    started = derive(early, extra={"x": torch.ones(3)})
    (before,) = advance([Member(started, 0, objective=Shrinking(since=10))], 10, work)
    (after,) = advance([Member(started, 0, objective=Shrinking(since=10))], 12, work)
    assert torch.equal(before.extra["x"], torch.ones(3))
    assert (after.extra["x"] < 1).all()


def test_an_extra_tensor_may_be_frozen(dense):
    work, early = dense()
    started = derive(early, extra={"x": torch.ones(3)})
    (late,) = advance([Member(started, 0, objective=Shrinking(), freeze=("x",))], 8, work)
    assert torch.equal(late.extra["x"], torch.ones(3))


def test_an_extra_tensor_that_cannot_be_trained_is_refused(dense):
    work, early = dense()
    started = derive(early, extra={"x": torch.ones(3, dtype=torch.int64)})
    with pytest.raises(Refused, match=r"extra tensor x: .*floating.*int64"):
        advance([Member(started, 0, objective=Shrinking())], 8, work)


@pytest.mark.parametrize("optimizer", [MOMENTUM, '{ name = "adam", lr = 0.01 }'])
def test_what_is_frozen_keeps_its_value_and_its_optimizer_state(optimizer, dense):
    work, early = dense(optimizer)
    frozen = ("hidden.0.weight", "output.bias")
    (held,) = advance([Member(early, 0, freeze=frozen)], 8, work)
    for name in frozen:
        assert torch.equal(held.weights[name], early.weights[name])
        slots = [key for key in early.optimizer if key.endswith(f"/{name}")]
        assert slots
        assert all(torch.equal(held.optimizer[key], early.optimizer[key]) for key in slots)
    assert not torch.equal(held.weights["output.weight"], early.weights["output.weight"])
    (free,) = advance([Member(held, 0)], 9, work)
    assert all(not torch.equal(free.weights[name], early.weights[name]) for name in frozen)


def test_what_was_frozen_from_the_start_can_be_freed(dense):
    work, _ = dense()
    (held,) = advance([Member(work.initial(0), 0, freeze=("hidden.0.weight",))], 4, work)
    (free,) = advance([Member(held, 0)], 8, work)
    assert not torch.equal(free.weights["hidden.0.weight"], held.weights["hidden.0.weight"])


def test_another_optimizer_drops_the_state_it_did_not_write(dense, assert_same):
    work, early = dense()
    adam = Adam(name="adam", lr=0.01)
    carried, fresh = advance(
        [Member(early, 0, optimizer=adam), Member(derive(early, fresh_optimizer=True), 0, optimizer=adam)], 8, work
    )
    assert_same(carried, fresh)
    assert carried.optimizer_name == "adam"
    assert {key.split("/")[0] for key in carried.optimizer} == {"step", "exp_avg", "exp_avg_sq"}
    assert carried.optimizer["step/output.bias"] == 4


def test_advancing_by_no_step_changes_nothing(dense):
    work, early = dense()
    (same,) = advance([Member(early, 0)], 4, work)
    assert same.digest() == early.digest()
    (start,) = advance([Member(work.initial(0), 0)], 0, work)
    assert start.optimizer is None


@pytest.mark.parametrize(
    ("what", "told"),
    [
        ("a number", "raised TypeError at step 4: .*a tensor, not float"),
        ("nothing", "raised TypeError at step 4: .*a tensor, not NoneType"),
        ("a loss for every example", "raised RuntimeError at step 4: grad can be implicitly created only for scalar"),
        ("a loss that decides nothing", "raised RuntimeError at step 4: .*does not require grad"),
    ],
)
def test_an_objective_that_gives_no_loss_is_refused(what, told, dense):
    work, early = dense()
    with pytest.raises(Refused, match=f"objective Says {told}"):
        advance([Member(early, 0, objective=Says(what))], 8, work)


def test_an_objective_that_raises_is_refused_and_harms_nothing(workload, assert_same):
    work = workload()
    (before,) = advance([Member(work.initial(0), 0)], 8, work)
    with pytest.raises(Refused, match="objective Says raised ZeroDivisionError at step 3") as caught:
        advance([Member(work.initial(0), 0, objective=Says("an error"))], 8, work)
    assert isinstance(caught.value.__cause__, ZeroDivisionError)
    (after,) = advance([Member(work.initial(0), 0)], 8, work)
    assert_same(after, before)


def test_a_loss_of_one_element_is_a_loss(dense):
    work, early = dense()
    (one,) = advance([Member(early, 0, objective=Says("a loss of shape (1,)"))], 8, work)
    (plain,) = advance([Member(early, 0)], 8, work)
    assert all(torch.equal(one.weights[name], plain.weights[name]) for name in plain.weights)
