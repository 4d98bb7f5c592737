"""Magnitude pruning over all layers and in every layer: what goes, what is kept, and how it is trained on."""

from itertools import pairwise
from types import SimpleNamespace

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from ticketbench import Checkpoint, Rung
from ticketbench.masks import count_per_layer
from ticketbench.methods import shipped_methods
from ticketbench.methods.state import State

BOTH = ["magnitude-global", "magnitude-layer"]
LAYERED = [{"hidden.0.weight": h, "output.weight": o} for h, o in ((461, 72), (276, 43), (166, 26))]


def same(one, other):
    return one.keys() == other.keys() and all(torch.equal(one[name], other[name]) for name in one)


class OnPaper:
    """What these methods look at of a search: the dense network, the rungs, and where retraining starts."""

    dense = "the dense network, trained"
    task = SimpleNamespace(training=SimpleNamespace(rewind_step=3))

    def __init__(self, scope, sizes, *counts):
        rungs = enumerate(counts, start=1)
        self.ladder = tuple(Rung(i, sum(each.values()), sum(sizes.values()), each, scope) for i, each in rungs)


def pruned(name, trained, *counts, scope="layer"):
    """The masks of a method that is sent these weights, one after another, as if they had been trained.

    `counts` are those of the rungs, for every layer; `scope` is the task's.
    """
    weights = [
        {layer: torch.as_tensor(each, dtype=torch.float32) for layer, each in given.items()} for given in trained
    ]
    search = OnPaper(scope, {layer: weight.numel() for layer, weight in weights[0].items()}, *counts)
    asked = shipped_methods()[name].start(search, None)
    assert next(asked) == search.dense
    whole = {layer: torch.ones(weight.shape, dtype=torch.bool) for layer, weight in weights[0].items()}
    held, masks = Checkpoint(None, 9, lambda: State(9, weights[0], {}, whole)), []
    for after in [*weights[1:], None]:
        ticket = asked.send(held)
        assert (ticket.checkpoint.step, ticket.schedule) == (3, "last")
        masks.append(ticket.mask)
        held = held.replace(weights=after, mask=ticket.mask) if after else held
    assert next(asked, "the end") == "the end"
    return masks


@pytest.mark.parametrize("scope", ["global", "layer"])
@pytest.mark.parametrize("name", BOTH)
def test_of_the_weights_10_minus_8_and_a_tenth_the_tenth_goes_first_and_then_minus_8(name, scope):
    """y = ReLU(10 x0 - 8 x1 + 0.1 x2): sign is no size, so the second to go is -8."""
    weights = {"unit.weight": [[10.0, -8.0, 0.1]]}
    masks = pruned(name, [weights] * 2, {"unit.weight": 2}, {"unit.weight": 1}, scope=scope)
    assert [mask["unit.weight"].tolist() for mask in masks] == [[[True, True, False]], [[True, False, False]]]


@pytest.mark.parametrize("scope", ["global", "layer"])
def test_one_ranking_over_two_layers_and_one_in_each_keep_other_weights_whatever_the_tasks_scope(scope):
    weights = {"wide.weight": [[3.0, -4.0], [5.0, 6.0]], "narrow.weight": [[0.1, -0.2]]}
    counts = {"wide.weight": 2, "narrow.weight": 1}
    [everywhere] = pruned("magnitude-global", [weights], counts, scope=scope)
    assert {name: kept.tolist() for name, kept in everywhere.items()} == {
        "wide.weight": [[False, True], [True, True]],
        "narrow.weight": [[False, False]],
    }
    [apart] = pruned("magnitude-layer", [weights], counts, scope=scope)
    assert {name: kept.tolist() for name, kept in apart.items()} == {
        "wide.weight": [[False, False], [True, True]],
        "narrow.weight": [[False, True]],
    }


def test_a_pruned_weight_stays_pruned_though_one_that_was_kept_is_trained_to_zero():
    first, then = {"unit.weight": [1.0, 2.0, 3.0]}, {"unit.weight": [9.0, 0.0, 3.0]}
    for name in BOTH:
        masks = pruned(name, [first, then, then], *({"unit.weight": kept} for kept in (2, 2, 1)))
        assert [mask["unit.weight"].tolist() for mask in masks] == [[False, True, True]] * 2 + [[False, False, True]]


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


@settings(deadline=None, max_examples=50)
@given(
    st.sampled_from(BOTH), st.permutations(range(6)), st.integers(0, 2**16), st.integers(1, 23), st.integers(1, 11)
)
def test_reordering_hidden_units_reorders_the_mask(name, order, seed, into, out):
    rng = torch.Generator().manual_seed(seed)
    plain = {"in": torch.randn(6, 4, generator=rng), "out": torch.randn(2, 6, generator=rng)}
    moved = {"in": plain["in"][order], "out": plain["out"][:, order]}
    [mask], [other] = (pruned(name, [each], {"in": into, "out": out}) for each in (plain, moved))
    assert same(other, {"in": mask["in"][order], "out": mask["out"][:, order]})


@st.composite
def retrained(draw):
    """Sizes, counts that fall from rung to rung, and weights for every rung, many of them equal or zero."""
    sizes = draw(st.dictionaries(st.sampled_from("abc"), st.integers(1, 12), min_size=1))
    counts, left = [], sizes
    for _ in range(draw(st.integers(1, 4))):
        left = {layer: draw(st.integers(0, count)) for layer, count in left.items()}
        counts.append(left)
    numbers = st.integers(-3, 3).map(float)
    weights = [
        {layer: draw(st.lists(numbers, min_size=size, max_size=size)) for layer, size in sizes.items()}
        for _ in counts
    ]
    return counts, weights


@settings(deadline=None)
@given(st.sampled_from([*BOTH, "lamp"]), st.sampled_from(["global", "layer"]), retrained())
def test_whatever_is_trained_between_the_rungs_counts_are_exact_and_masks_nested(name, scope, drawn):
    counts, weights = drawn
    masks = pruned(name, weights, *counts, scope=scope)
    for mask, each in zip(masks, counts, strict=True):
        found = count_per_layer(mask)
        assert found == each if name == "magnitude-layer" else sum(found.values()) == sum(each.values())
    for larger, smaller in pairwise(masks):
        assert all(not (smaller[layer] & ~larger[layer]).any() for layer in larger)
