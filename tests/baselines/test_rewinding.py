"""Weight and learning-rate rewinding at any step: against imp and imp-late, and at the ends of training."""

from itertools import pairwise

import pytest
import torch

from ticketbench.harness.search import Job, run_search
from ticketbench.harness.store import Store
from ticketbench.harness.trainings import Trainings
from ticketbench.harness.workloads.vision import Vision
from ticketbench.methods import find_methods, shipped_methods


def same(one, other):
    return one.keys() == other.keys() and all(torch.equal(one[name], other[name]) for name in one)


def alike(found, other):
    """Whether two searches gave the same masks, the same answers on test examples, and the same numbers."""
    columns = ("kept", "test_final", "test_correct", "curve", "start_step", "optimizer_state", "carried", "edited")
    columns = (*columns, "search_steps", "training_steps")
    assert all(same(mask, theirs) for mask, theirs in zip(found.masks, other.masks, strict=True))
    assert [[row[c] for c in columns] for row in found.rows] == [[row[c] for c in columns] for row in other.rows]


@pytest.fixture
def rows(tmp_path):
    def run(name, task, **parameters):
        trainings = Trainings({"default": Vision(task, torch.device("cpu"))}, Store(tmp_path / "store"))
        found = shipped_methods()[name].with_parameters(**parameters)
        return run_search(Job(task, found, "default", 0), trainings)

    return run


@pytest.mark.parametrize("parent", ["mlp", "conv"])
def test_at_the_tasks_rewind_step_it_is_imp_late_and_at_0_it_is_imp(follow, task, parent):
    on = task(parent=parent)
    late = follow("imp-late", on)
    alike(follow("weight-rewind", on), late)
    alike(follow("weight-rewind", on, step=10), late)
    alike(follow("weight-rewind", on, step=0), follow("imp", on))


def test_at_any_step_tickets_start_from_the_dense_network_there(follow):
    found = follow("weight-rewind", step=23)
    [start] = {ticket.checkpoint.key for ticket in found.tickets}
    dense = found.tickets[0].checkpoint
    assert dense.step == 23 and all(bool(kept.all()) for kept in dense.mask.values())
    assert not same(dense.weights, found.search.initial.weights) and start == dense.key
    assert {(r["start_step"], r["training_steps"], r["optimizer_state"]) for r in found.rows} == {(23, 7, "fresh")}
    for larger, smaller in pairwise(found.masks):
        assert all(not (smaller[name] & ~larger[name]).any() for name in larger)


def test_at_the_last_step_nothing_is_trained_again(follow):
    trained = follow("prune-only")
    for name in ("weight-rewind", "lr-rewind"):
        found = follow(name, step=30)
        assert all(same(mask, theirs) for mask, theirs in zip(found.masks, trained.masks, strict=True))
        assert [row["test_correct"] for row in found.rows] == [row["test_correct"] for row in trained.rows]
        assert {row["training_steps"] for row in found.rows} == {0}


def test_learning_rate_rewinding_goes_on_from_trained_values_at_any_step(follow):
    found = follow("lr-rewind", step=4)
    trained = follow("prune-only").tickets[0].checkpoint.weights
    for ticket, start, after in zip(found.tickets, found.starts, found.trained, strict=True):
        for name, kept in ticket.mask.items():
            assert torch.equal(start[name], torch.where(kept, trained[name], 0.0))
        assert (ticket.checkpoint.step, ticket.schedule) == (4, "task")
        trained = after.weights
    assert {(r["start_step"], r["training_steps"], r["optimizer_state"]) for r in found.rows} == {(4, 26, "fresh")}
    alike(follow("lr-rewind", step=10), follow("lr-rewind"))


def test_a_sweep_over_steps_is_one_command_and_each_step_a_method_of_its_own():
    found = find_methods(["weight-rewind(step=0)", "weight-rewind(step=100)", "weight-rewind", "lr-rewind(step=7)"])
    assert [(each.name, dict(each.given)) for each in found] == [
        ("weight-rewind", {"step": 0}),
        ("weight-rewind", {"step": 100}),
        ("weight-rewind", {}),
        ("lr-rewind", {"step": 7}),
    ]


@pytest.mark.parametrize("name", ["weight-rewind", "lr-rewind"])
@pytest.mark.parametrize("step", [-1, 31, 2.0, True, "10"])
def test_a_step_that_the_training_does_not_have_is_one_clear_error(rows, task, name, step):
    for row in rows(name, task(), step=step):
        assert row["status"] == "failed"
        assert f"step: expected a step of the training, 0 to 30, got {step!r}" in row["reason"]
