"""Magnitude pruning of initial weights, on weights written by hand and on a task."""

from itertools import pairwise

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from ticketbench import Checkpoint, Rung, Search
from ticketbench.methods import shipped_methods
from ticketbench.methods.state import State


class ByHand(Search):
    """A search of which only the initial weights can be had."""

    def __init__(self, weights):
        mask = {name: torch.ones_like(weight, dtype=torch.bool) for name, weight in weights.items()}
        self._initial = Checkpoint(None, 0, lambda: State(0, weights, {}, mask))

    @property
    def initial(self):
        return self._initial

    network = batches = loss = reinitialized = method = None


def kept(weights, count):
    sizes = {name: weight.numel() for name, weight in weights.items()}
    rung = Rung(1, count, sum(sizes.values()), sizes, "layer")
    [ticket] = shipped_methods()["magnitude-init"].start(ByHand(weights), rung)
    return ticket.mask


def same(one, other):
    return one.keys() == other.keys() and all(torch.equal(one[name], other[name]) for name in one)


def test_of_relu_10_minus_8_and_a_tenth_the_tenth_goes_first():
    """y = relu(10 x0 - 8 x1 + 0.1 x2): the example that lectures on pruning begin with. Signs do not count."""
    weights = {"w": torch.tensor([[10.0, -8.0, 0.1]])}
    assert kept(weights, 2)["w"].tolist() == [[True, True, False]]
    assert kept(weights, 1)["w"].tolist() == [[True, False, False]]


def test_layers_are_ranked_together_and_ties_go_to_the_earlier():
    weights = {"wide": torch.tensor([[0.1, -0.2, 0.3, 0.5]]), "narrow": torch.tensor([[-0.5], [0.4], [0.9]])}
    assert [kept(weights, n)["wide"].sum().item() for n in (1, 2, 3, 4, 5)] == [0, 1, 1, 1, 2]
    assert [kept(weights, n)["narrow"].sum().item() for n in (1, 2, 3, 4, 5)] == [1, 1, 2, 3, 3]


@settings(deadline=None, max_examples=25)
@given(seed=st.integers(0, 2**32), widths=st.lists(st.integers(1, 6), min_size=3, max_size=5), data=st.data())
def test_masks_follow_hidden_units_that_change_places(seed, widths, data):
    order = torch.tensor(data.draw(st.permutations(range(widths[1]))))
    rng = torch.Generator().manual_seed(seed)
    layers = [torch.randn(b, a, generator=rng, dtype=torch.float64) for a, b in pairwise(widths)]
    count = data.draw(st.integers(1, sum(layer.numel() for layer in layers)))
    plain = kept({str(i): layer for i, layer in enumerate(layers)}, count)
    moved = [layers[0][order], layers[1][:, order], *layers[2:]]
    assert same(
        kept({str(i): layer for i, layer in enumerate(moved)}, count),
        {**plain, "0": plain["0"][order], "1": plain["1"][:, order]},
    )


@pytest.mark.parametrize("parent", ["mlp", "conv"])
def test_the_largest_initial_weights_stay_in_nested_masks(follow, task, parent):
    found = follow("magnitude-init", task(parent=parent))
    weights = found.search.initial.prunable
    for mask, rung in zip(found.masks, found.search.ladder, strict=True):
        stay = torch.cat([weights[name][mask[name]] for name in mask]).abs()
        go = torch.cat([weights[name][~mask[name]] for name in mask]).abs()
        assert len(stay) == rung.kept and stay.min() >= go.max()
    for larger, smaller in pairwise(found.masks):
        assert all(not (smaller[name] & ~larger[name]).any() for name in larger)
    assert {(r["search_steps"], r["search_examples"], r["carried"], r["edited"]) for r in found.rows} == {
        (0, 0, False, False)
    }
