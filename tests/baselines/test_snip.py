"""SNIP held against its definition: the derivative of the loss in a factor before every weight."""

import sys
from itertools import pairwise

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn
from torch.func import functional_call

from ticketbench.masks import count, count_per_layer
from ticketbench.methods import shipped_methods


@pytest.fixture(scope="module")
def sensitivity():
    return sys.modules[shipped_methods()["snip"].module].connection_sensitivity


def same(one, other):
    return one.keys() == other.keys() and all(torch.equal(one[name], other[name]) for name in one)


def test_a_network_worked_by_hand(sensitivity):
    """y = 3 relu(x0 - x1) - 2 relu(2 x0 + x1 / 2) at x = (1, 2), with loss (y + 4)^2 / 2.

    The units are relu(-1) = 0 and relu(3) = 3, so y = -6 and dL/dy = -2. The second unit's weights have
    dL/dw = (-2)(-2)(1, 2) = (4, 8), times w: 8 and 4. The outer ones have dL/dw = -2 (0, 3), times w: 0 and 12.
    """
    weights = {"hidden": torch.tensor([[1.0, -1.0], [2.0, 0.5]]), "output": torch.tensor([3.0, -2.0])}
    for weight in weights.values():
        weight.requires_grad_()
    answer = weights["output"] @ torch.relu(weights["hidden"] @ torch.tensor([1.0, 2.0]))
    scores = sensitivity((answer + 4) ** 2 / 2, weights)
    assert scores["hidden"].tolist() == [[0, 0], [8, 4]]
    assert scores["output"].tolist() == [0, 12]  # the largest weight leads to a silent unit and goes first


def test_a_parameter_that_the_loss_does_not_reach_scores_zero(sensitivity):
    used, unused = torch.ones(2, requires_grad=True), torch.ones(3, requires_grad=True)
    scores = sensitivity(2 * used.sum(), {"used": used, "unused": unused})
    assert (scores["used"].tolist(), scores["unused"].tolist()) == ([2, 2], [0, 0, 0])


@pytest.mark.parametrize("parent", ["mlp", "conv"])
def test_the_mask_keeps_the_largest_derivatives_in_a_factor_before_each_weight(follow, task, parent):
    """dL/dc at c = 1, as the paper writes it, on one batch of the task's size with batch norm in inference mode."""
    found = follow("snip", task(parent=parent))
    search = found.search
    network = search.network(search.initial)
    [(inputs, targets)] = search.batches(1, 60)
    factors = {name: torch.ones_like(weight, requires_grad=True) for name, weight in search.initial.prunable.items()}
    scaled = {name: factors[name] * weight for name, weight in search.initial.prunable.items()}
    nn.functional.cross_entropy(functional_call(network, scaled, (inputs,)), targets).backward()
    scores = {name: factor.grad.abs() for name, factor in factors.items()}
    assert len(found.masks) == 3
    for mask, rung in zip(found.masks, search.ladder, strict=True):
        kept = torch.cat([scores[name][mask[name]] for name in mask])
        gone = torch.cat([scores[name][~mask[name]] for name in mask])
        assert len(kept) == rung.kept and len(gone) == rung.prunable - rung.kept
        assert kept.min() >= gone.max() * (1 - 1e-5)
    assert {row["search_examples"] for row in found.rows} == {60} and {row["search_steps"] for row in found.rows} == {
        0
    }


def test_masks_are_nested_and_tickets_start_from_initialization(follow):
    snip = follow("snip")
    for larger, smaller in pairwise(snip.masks):
        assert all(not (smaller[name] & ~larger[name]).any() for name in larger)
    for ticket in snip.tickets:
        assert same(ticket.checkpoint.weights, snip.search.initial.weights)
    assert {(row["start_step"], row["carried"], row["edited"]) for row in snip.rows} == {(0, False, False)}
    assert all(same(one, other) for one, other in zip(snip.masks, follow("snip").masks, strict=True))
    assert not same(snip.masks[0], follow("snip", seed=1).masks[0])


def test_the_batch_can_be_of_another_size(follow):
    fewer = follow("snip", batch=7)
    assert {row["search_examples"] for row in fewer.rows} == {7}
    assert not same(fewer.masks[0], follow("snip").masks[0])
    search = fewer.search
    with pytest.raises(ValueError, match="size 0"):
        next(search.method("snip", search.ladder[0], batch=0))


@pytest.mark.parametrize("parent", ["mlp", "conv"])
def test_the_shuffled_mask_keeps_every_layers_count_and_moves_the_places(follow, task, parent):
    snip, moved = follow("snip", task(parent=parent)), follow("snip-shuffled", task(parent=parent))
    for mask, other in zip(snip.masks, moved.masks, strict=True):
        assert count_per_layer(mask) == count_per_layer(other) and list(mask) == list(other)
        for name, kept in mask.items():
            if 4 < int(kept.sum()) < kept.numel() - 4:
                assert not torch.equal(kept, other[name])
    kept, room = count(snip.masks[2]), sum(mask.numel() for mask in snip.masks[2].values())
    shared = sum(int((snip.masks[2][name] & moved.masks[2][name]).sum()) for name in snip.masks[2])
    assert shared < kept / 2 and kept < room / 4  # of a fifth kept, about a fifth is met again by chance
    again = follow("snip-shuffled", task(parent=parent)).masks
    assert all(same(one, two) for one, two in zip(moved.masks, again, strict=True))
    assert not same(moved.masks[2], follow("snip-shuffled", task(parent=parent), seed=1).masks[2])
    assert any(
        (moved.masks[1][name] & ~moved.masks[0][name]).any() for name in moved.masks[0]
    )  # drawn anew each rung


@settings(deadline=None, max_examples=50)
@given(seed=st.integers(0, 2**32), widths=st.lists(st.integers(1, 6), min_size=3, max_size=5), data=st.data())
def test_scores_follow_hidden_units_that_change_places(sensitivity, seed, widths, data):
    order = torch.tensor(data.draw(st.permutations(range(widths[1]))))
    rng = torch.Generator().manual_seed(seed)
    weights = [torch.randn(b, a, generator=rng, dtype=torch.float64) for a, b in pairwise(widths)]
    inputs = torch.randn(5, widths[0], generator=rng, dtype=torch.float64)
    targets = torch.randint(widths[-1], (5,), generator=rng)

    def scores(*layers):
        named = {str(i): layer.clone().requires_grad_() for i, layer in enumerate(layers)}
        signal = inputs
        for layer in list(named.values())[:-1]:
            signal = torch.relu(signal @ layer.T)
        loss = nn.functional.cross_entropy(signal @ named[str(len(layers) - 1)].T, targets)
        return list(sensitivity(loss, named).values())

    plain, moved = scores(*weights), scores(weights[0][order], weights[1][:, order], *weights[2:])
    for one, other in zip([plain[0][order], plain[1][:, order], *plain[2:]], moved, strict=True):
        torch.testing.assert_close(one, other)
