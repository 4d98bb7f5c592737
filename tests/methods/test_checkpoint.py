"""Checkpoints: lazy, immutable, and on record for what is looked at."""

import copy

import pytest
import torch

from ticketbench.methods import Checkpoint
from ticketbench.methods.state import State

READ = ["mask", "weights", "prunable", "buffers", "extra"]


def a_state():
    weights = {"w": torch.arange(4.0), "bias": torch.ones(2)}
    mask = {"w": torch.tensor([False, True, True, True])}
    slots = {"momentum/w": torch.arange(4.0), "momentum/bias": torch.ones(2)}
    return State(3, weights, {"mean": torch.zeros(2)}, mask, slots, "sgd", extra={"gate": torch.ones(1)})


class Shelf:
    """Where a checkpoint's tensors lie: counts how often they are fetched, and whose were looked at."""

    def __init__(self):
        self.state, self.loads, self.looked_at = a_state(), 0, []

    def load(self):
        self.loads += 1
        return self.state

    def checkpoint(self, key="derivation", trainings=("t",)):
        return Checkpoint(
            key, self.state.step, self.load, trainings=frozenset(trainings), on_read=self.looked_at.append
        )


@pytest.fixture
def shelf():
    return Shelf()


def test_nothing_is_loaded_until_a_tensor_is_asked_for(shelf):
    checkpoint = shelf.checkpoint()
    assert (checkpoint.step, checkpoint.key) == (3, "derivation")
    assert repr(checkpoint) == "<checkpoint derivation at step 3>"
    assert shelf.loads == 0
    _ = checkpoint.weights
    assert shelf.loads == 1


@pytest.mark.parametrize("part", READ)
def test_editing_what_was_read_changes_nothing_but_the_copy(shelf, part):
    checkpoint, before = shelf.checkpoint(), a_state().digest()
    for tensor in getattr(checkpoint, part).values():
        tensor.fill_(1 if tensor.dtype == torch.bool else 77)
        tensor.resize_(9)
    getattr(checkpoint, part).clear()
    assert shelf.state.digest() == before
    assert getattr(checkpoint, part).keys() == getattr(Shelf().checkpoint(), part).keys()


@pytest.mark.parametrize("part", READ)
def test_editing_what_was_read_from_a_replaced_checkpoint_changes_nothing_either(shelf, part):
    checkpoint = shelf.checkpoint().replace(step=2)
    before = checkpoint.state().digest()
    for tensor in getattr(checkpoint, part).values():
        tensor.fill_(1 if tensor.dtype == torch.bool else 77)
    assert checkpoint.state().digest() == before
    assert shelf.state.digest() == a_state().digest()


def test_prunable_are_the_weights_that_a_mask_covers(shelf):
    prunable = shelf.checkpoint().prunable
    assert list(prunable) == ["w"]
    assert prunable["w"].tolist() == [0.0, 1.0, 2.0, 3.0]


@pytest.mark.parametrize("name", ["step", "key", "trainings", "weights", "_load", "mine"])
def test_nothing_of_it_can_be_set(shelf, name):
    checkpoint = shelf.checkpoint()
    with pytest.raises(AttributeError, match=f"checkpoint.{name}: a checkpoint cannot be changed"):
        setattr(checkpoint, name, frozenset())
    with pytest.raises(AttributeError):
        object.__setattr__(checkpoint, name, frozenset())
    assert not hasattr(checkpoint, "__dict__")
    assert (checkpoint.step, checkpoint.key, checkpoint.trainings) == (3, "derivation", {"t"})


def test_a_copy_of_it_is_itself(shelf):
    checkpoint = shelf.checkpoint()
    assert copy.copy(checkpoint) is copy.deepcopy([checkpoint])[0] is checkpoint


@pytest.mark.parametrize("part", READ)
def test_looking_at_a_tensor_is_reported_with_the_trainings_it_comes_from(shelf, part):
    getattr(shelf.checkpoint(trainings=("dense", "late")), part)
    assert shelf.looked_at == [frozenset({"dense", "late"})]


def test_replacing_naming_and_stepping_report_nothing_but_reading_what_was_replaced_does(shelf):
    checkpoint = shelf.checkpoint(key=None)
    replaced = checkpoint.replace(mask={"w": torch.tensor([False, False, True, True])}).replace(optimizer=None)
    _ = replaced.key, replaced.step, repr(checkpoint), checkpoint.state()
    assert shelf.looked_at == []
    _ = replaced.weights
    assert shelf.looked_at == [frozenset({"t"})]


def test_its_key_is_the_derivation_s_or_else_its_content_s(shelf):
    assert shelf.checkpoint().key == "derivation"
    assert shelf.checkpoint(key=None).key == a_state().digest()
    one, other = (shelf.checkpoint().replace(weights={"bias": torch.full((2,), value)}) for value in (5.0, 6.0))
    again = shelf.checkpoint().replace(weights={"bias": torch.full((2,), 5.0)})
    assert one.key == again.key == one.state().digest() != other.key


def test_replace_gives_another_and_leaves_the_first_as_it_was(shelf):
    checkpoint = shelf.checkpoint()
    mask = {"w": torch.tensor([True, False, True, False])}
    replaced = checkpoint.replace(
        mask=mask, weights={"bias": torch.zeros(2)}, buffers={"mean": torch.ones(2)}, step=1
    )
    assert replaced.step == 1
    assert replaced.weights["w"].tolist() == [0.0, 0.0, 2.0, 0.0]
    assert replaced.weights["bias"].tolist() == [0.0, 0.0]
    assert replaced.buffers["mean"].tolist() == [1.0, 1.0]
    assert replaced.state().optimizer["momentum/w"].tolist() == [0.0, 0.0, 2.0, 0.0]
    assert shelf.state.digest() == a_state().digest() and checkpoint.step == 3


def test_replace_with_nothing_changed_is_itself(shelf):
    checkpoint = shelf.checkpoint()
    assert checkpoint.replace() is checkpoint
    everything = {part: getattr(checkpoint, part) for part in ("mask", "weights", "buffers", "extra")}
    assert checkpoint.replace(**everything, step=3) is checkpoint
    assert checkpoint.replace(weights=checkpoint.prunable) is checkpoint


def test_the_optimizer_is_kept_or_dropped_and_nothing_else(shelf):
    checkpoint = shelf.checkpoint()
    dropped = checkpoint.replace(optimizer=None)
    assert dropped.state().optimizer is None and dropped.key != checkpoint.key
    assert dropped.replace(optimizer=None) is dropped
    for other in ({}, "fresh", checkpoint.state().optimizer):
        with pytest.raises(ValueError, match="optimizer: leave it out to keep its state, or give None"):
            checkpoint.replace(optimizer=other)


def test_a_state_that_grew_unmasked_is_never_seen(shelf):
    """Two masks one after the other: what the first took away, the second gives back as zeros."""
    none = {"w": torch.zeros(4, dtype=torch.bool)}
    every = {"w": torch.ones(4, dtype=torch.bool)}
    back = shelf.checkpoint().replace(mask=none).replace(mask=every)
    assert back.weights["w"].tolist() == [0.0] * 4
    assert back.state().optimizer["momentum/w"].tolist() == [0.0] * 4


def test_bad_parts_are_refused_by_name(shelf):
    with pytest.raises(ValueError, match=r"mask of w: expected torch\.bool \(4,\), got torch\.bool \(3,\)"):
        shelf.checkpoint().replace(mask={"w": torch.ones(3, dtype=torch.bool)})
    with pytest.raises(ValueError, match="weights: the network has no v"):
        shelf.checkpoint().replace(weights={"v": torch.ones(3)})
    with pytest.raises(ValueError, match="step: expected a whole number"):
        shelf.checkpoint().replace(step=-2)


def test_tensors_are_fetched_anew_for_every_look_and_are_the_same(shelf):
    checkpoint = shelf.checkpoint()
    first = checkpoint.weights
    shelf.state = a_state()
    assert all(torch.equal(first[name], tensor) for name, tensor in checkpoint.weights.items())
    assert shelf.loads == 2
