"""Magnitude pruning over all layers and in every layer: what goes, what is kept, and how it is trained on."""

from itertools import pairwise

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from ticketbench import keep_largest
from ticketbench.masks import count_per_layer

LAYERED = [{"hidden.0.weight": h, "output.weight": o} for h, o in ((461, 72), (276, 43), (166, 26))]


def same(one, other):
    return one.keys() == other.keys() and all(torch.equal(one[name], other[name]) for name in one)


def magnitudes(weights):
    return {name: weight.abs() for name, weight in weights.items()}


def test_of_the_weights_10_minus_8_and_a_tenth_the_tenth_goes_first_and_then_minus_8():
    """y = ReLU(10 x0 - 8 x1 + 0.1 x2): sign is no size, so the second to go is -8."""
    weights = {"unit.weight": torch.tensor([[10.0, -8.0, 0.1]])}
    assert keep_largest(magnitudes(weights), 2)["unit.weight"].tolist() == [[True, True, False]]
    assert keep_largest(magnitudes(weights), 1)["unit.weight"].tolist() == [[True, False, False]]


def test_one_ranking_over_two_layers_and_one_in_each_keep_other_weights():
    weights = {"wide.weight": torch.tensor([[3.0, -4.0], [5.0, 6.0]]), "narrow.weight": torch.tensor([[0.1, -0.2]])}
    everywhere = keep_largest(magnitudes(weights), 3, scope="global")
    assert {name: kept.tolist() for name, kept in everywhere.items()} == {
        "wide.weight": [[False, True], [True, True]],
        "narrow.weight": [[False, False]],
    }
    apart = keep_largest(magnitudes(weights), {"wide.weight": 2, "narrow.weight": 1}, scope="layer")
    assert {name: kept.tolist() for name, kept in apart.items()} == {
        "wide.weight": [[False, False], [True, True]],
        "narrow.weight": [[False, True]],
    }


@pytest.mark.parametrize("name", ["magnitude-global", "magnitude-layer"])
def test_masks_are_of_what_was_trained_before_nested_and_exact(follow, name):
    found = follow(name)
    trained, within = follow("prune-only").tickets[0].checkpoint.weights, None  # of the dense network at its end
    for ticket, rung, after in zip(found.tickets, found.search.ladder, found.trained, strict=True):
        ours = {layer: trained[layer].abs() for layer in LAYERED[0]}
        for layer, score in ours.items():
            if within is not None:
                ours[layer] = torch.where(within[layer], score, -1.0)
        if name == "magnitude-global":
            joined = torch.cat([score.flatten() for score in ours.values()]).sort(descending=True)[0]
            expected = {layer: score >= joined[rung.kept - 1] for layer, score in ours.items()}
        else:
            expected = {
                layer: score >= score.flatten().sort(descending=True)[0][rung.kept_per_layer[layer] - 1]
                for layer, score in ours.items()
            }
        assert same(ticket.mask, expected)
        assert sum(count_per_layer(ticket.mask).values()) == rung.kept
        trained, within = after.weights, ticket.mask
    for larger, smaller in pairwise(found.masks):
        assert all(not (smaller[layer] & ~larger[layer]).any() for layer in larger)


def test_only_the_layered_one_keeps_each_layers_count(follow):
    assert [count_per_layer(mask) for mask in follow("magnitude-layer").masks] == LAYERED
    assert [count_per_layer(mask) for mask in follow("magnitude-global").masks] != LAYERED


@pytest.mark.parametrize(("name", "parent"), [("magnitude-layer", "mlp"), ("magnitude-global", "conv")])
def test_under_the_tasks_own_scope_it_is_fine_tune(follow, task, name, parent):
    on = task(parent=parent)
    found, tuned = follow(name, on), follow("fine-tune", on)
    assert all(same(mask, theirs) for mask, theirs in zip(found.masks, tuned.masks, strict=True))
    assert [row["test_correct"] for row in found.rows] == [row["test_correct"] for row in tuned.rows]
    assert {(r["start_step"], r["training_steps"], r["optimizer_state"]) for r in found.rows} == {(10, 20, "fresh")}


@given(st.permutations(range(6)), st.integers(0, 2**16), st.integers(1, 30))
def test_reordering_hidden_units_reorders_the_mask(order, seed, kept):
    rng = torch.Generator().manual_seed(seed)
    into, out = torch.randn(6, 4, generator=rng), torch.randn(2, 6, generator=rng)
    mask = keep_largest(magnitudes({"in": into, "out": out}), kept, scope="global")
    moved = keep_largest(magnitudes({"in": into[order], "out": out[:, order]}), kept, scope="global")
    assert same(moved, {"in": mask["in"][order], "out": mask["out"][:, order]})
