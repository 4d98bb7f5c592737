"""Movement pruning held against its definition: scores that sum up how weights move away from zero."""

import sys
from itertools import pairwise

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from ticketbench.masks import count_per_layer
from ticketbench.methods import shipped_methods

movement = sys.modules[shipped_methods()["movement"].module]


def loss_of(weights, inputs):
    return (weights["w"] @ inputs).sum()


def test_the_gradient_of_scores_and_weights_by_hand():
    """W = [[1, -2], [3, 4]], x = (1, 10), loss = the sum of W' x, so dL/dW' = [[1, 10], [1, 10]].

    At the end of the schedule two weights stay: the scores 0.3 and 0.2 of the second row. The loss is 3 + 40 = 43;
    dL/dS = dL/dW' W = [[1, -20], [3, 40]] everywhere, dL/dW = dL/dW' only where the mask is 1.
    """
    score = torch.tensor([[0.1, -0.5], [0.3, 0.2]], requires_grad=True)
    weight = torch.tensor([[1.0, -2.0], [3.0, 4.0]], requires_grad=True)
    objective = movement.MovementPruning({"w": 2}, begin=0, end=10)
    value = objective(
        None, {"w": weight}, {movement.SCORE + "w": score}, torch.tensor([1.0, 10.0]), None, 10, None,
        lambda network, weights, inputs, targets: loss_of(weights, inputs),
    )  # fmt: skip
    value.backward()
    assert value.item() == 43
    assert score.grad.tolist() == [[1, -20], [3, 40]]
    assert weight.grad.tolist() == [[0, 0], [1, 10]]


def test_weights_that_move_away_from_zero_gain_score():
    """One step of gradient descent at rate 0.1 on the loss w1 - w2 at w = (2, 2): w1 falls, w2 grows.

    dL/dW' = (1, -1), so S goes from 0 to -0.1 (1 * 2, -1 * 2) = (-0.2, 0.2): the weight that grew stays.
    """
    score, weight = torch.zeros(2, requires_grad=True), torch.tensor([2.0, 2.0])
    objective = movement.MovementPruning({"w": 1}, begin=5, end=10)
    objective(
        None, {"w": weight}, {movement.SCORE + "w": score}, torch.tensor([1.0, -1.0]), None, 0, None,
        lambda network, weights, inputs, targets: weights["w"] @ inputs,
    ).backward()  # fmt: skip
    moved = score.detach() - 0.1 * score.grad
    assert moved.tolist() == pytest.approx([-0.2, 0.2])
    assert movement.top(moved, 1).tolist() == [0, 1]


def test_the_schedule_keeps_all_through_warm_up_and_falls_as_a_cubic():
    """From 1000 to 100 between steps 10 and 50: 1000, then 480, 212 and 114 a quarter, a half, three quarters in."""
    seen = []
    objective = movement.MovementPruning({"w": 100}, begin=10, end=50)
    for step in (0, 10, 20, 30, 40, 50, 59):
        objective(
            None, {"w": torch.ones(1000)}, {movement.SCORE + "w": torch.zeros(1000)}, None, None, step, None,
            lambda network, weights, inputs, targets: seen.append(int(weights["w"].sum())),
        )  # fmt: skip
    assert seen == [1000, 1000, 480, 212, 114, 100, 100]


@given(st.integers(1, 10**6), st.data())
def test_counts_only_fall(size, data):
    kept = data.draw(st.integers(0, size))
    counts = [movement.count_at(size, kept, k / 20) for k in range(21)]
    assert (counts[0], counts[-1]) == (size, kept)
    assert all(one >= other for one, other in pairwise(counts))


@pytest.mark.parametrize("parent", ["mlp", "conv"])
def test_the_ticket_goes_on_from_the_tuned_weights_for_the_cool_down(follow, task, parent):
    found = follow("movement", task(parent=parent))
    for rung, ticket, start, row in zip(found.search.ladder, found.tickets, found.starts, found.rows, strict=True):
        assert count_per_layer(ticket.mask) == dict(rung.kept_per_layer)
        assert row["search_steps"] == 30 + 24  # the dense training, and the tuning up to the cool-down
        assert (row["start_step"], row["training_steps"], row["optimizer_state"]) == (24, 6, "carried")
        assert not row["edited"] and not ticket.checkpoint.extra
        assert all(not start[name][~kept].any() for name, kept in ticket.mask.items())
    assert not any(torch.equal(a, b) for a, b in pairwise([s["output.weight"] for s in found.starts]))


def test_it_begins_at_the_trained_dense_network(follow):
    """With no warm-up to speak of and a rung nearly dense, weights stay near where the dense training left them."""
    dense = follow("prune-only").tickets[0].checkpoint.weights["hidden.0.weight"]
    found = follow("movement")
    start, initial = found.starts[0]["hidden.0.weight"], found.search.initial.weights["hidden.0.weight"]
    kept = found.masks[0]["hidden.0.weight"]
    assert (start - dense)[kept].norm() < (start - initial)[kept].norm()


def test_the_masks_are_not_those_of_magnitude_and_repeat(follow):
    found, again, other = follow("movement"), follow("movement"), follow("movement", seed=1)
    for mask, same, differs, ticket in zip(found.masks, again.masks, other.masks, found.tickets, strict=True):
        assert all(torch.equal(mask[n], same[n]) for n in mask)
        assert any(not torch.equal(mask[n], differs[n]) for n in mask)
        size = ticket.checkpoint.weights["hidden.0.weight"].abs()
        kept = mask["hidden.0.weight"]
        assert size[~kept].max() > size[kept].min()
