"""LAMP: the score of Lee et al. 2021 on numbers, its invariances, and the tickets it gives."""

import sys
from fractions import Fraction
from itertools import pairwise

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from ticketbench import keep_largest
from ticketbench.masks import count_per_layer
from ticketbench.methods import shipped_methods


def lamp_scores(weight):
    return sys.modules[shipped_methods()["lamp"].module].lamp_scores(weight)


def test_scores_are_squares_over_the_sum_of_the_squares_at_least_as_large():
    """Of 10, -8 and 0.1: 100/100, 64/164 and 0.01/164.01."""
    found = lamp_scores(torch.tensor([[10.0, -8.0, 0.1]], dtype=torch.float64))
    assert found.dtype == torch.float64
    assert found.flatten().tolist() == pytest.approx([1.0, 0.3902439024390244, 6.097189195780745e-05], rel=1e-14)


def test_a_layer_of_small_weights_is_not_emptied_where_magnitude_would():
    """By hand: wide scores 9/86, 16/77, 25/61, 1; narrow 0.01/0.05 and 1. Three are kept: 1, 1, 25/61."""
    weights = {"wide": torch.tensor([3.0, -4.0, 5.0, 6.0]), "narrow": torch.tensor([0.1, -0.2])}
    scores = {name: lamp_scores(weight) for name, weight in weights.items()}
    assert scores["wide"].tolist() == pytest.approx([9 / 86, 16 / 77, 25 / 61, 1.0], rel=1e-12)
    assert scores["narrow"].tolist() == pytest.approx([0.2, 1.0], rel=1e-6)  # 0.1 and 0.2 are rounded to single
    kept = keep_largest(scores, 3, scope="global")
    assert {n: k.tolist() for n, k in kept.items()} == {"wide": [False, False, True, True], "narrow": [False, True]}
    by_magnitude = keep_largest({n: w.abs() for n, w in weights.items()}, 3, scope="global")
    assert not by_magnitude["narrow"].any()


def test_of_equal_weights_one_scores_1_and_the_first_stays_longest():
    assert lamp_scores(torch.tensor([2.0, -2.0, 2.0, 0.0])).tolist() == [1.0, 1 / 2, 1 / 3, 0.0]


def test_tiny_weights_neither_vanish_nor_tie():
    """Their squares are below the smallest single-precision number, and vanish beside 1 in a sum."""
    scores = lamp_scores(torch.tensor([1.0, 1e-30, 2e-30, 3e-30]))
    assert 0 < scores[1] < scores[2] < scores[3] < 1e-50


def test_a_layer_with_nothing_left_scores_0():
    assert lamp_scores(torch.zeros(2, 3)).tolist() == [[0.0] * 3] * 2


@given(st.lists(st.integers(-50, 50), min_size=1, max_size=12, unique_by=abs))
def test_scores_agree_with_exact_arithmetic(weights):
    scores = lamp_scores(torch.tensor(weights, dtype=torch.float32)).tolist()
    for weight, score in zip(weights, scores, strict=True):
        above = sum(Fraction(w) ** 2 for w in weights if abs(w) >= abs(weight))
        assert score == pytest.approx(float(Fraction(weight) ** 2 / above) if above else 0.0, rel=1e-12)


@given(st.integers(0, 2**16), st.permutations(range(8)), st.sampled_from([0.25, 2.0, 1024.0]))
def test_scores_do_not_depend_on_order_or_on_the_scale_of_a_layer(seed, order, scale):
    weight = torch.randn(8, 3, generator=torch.Generator().manual_seed(seed))
    scores = lamp_scores(weight)
    assert torch.allclose(lamp_scores(weight[order]), scores[order], rtol=1e-12)
    assert torch.equal(lamp_scores(weight * scale), scores)  # powers of two: no rounding
    assert torch.equal(lamp_scores(weight.T), scores.T)
    assert float(scores.max()) == 1.0
    assert torch.equal(scores.flatten().argsort(), weight.abs().flatten().argsort())


@given(st.integers(0, 2**16), st.lists(st.tuples(st.integers(1, 9), st.integers(-6, 6)), min_size=1, max_size=6))
def test_as_many_weights_as_layers_leave_one_in_each_whatever_their_scales(seed, layers):
    rng = torch.Generator().manual_seed(seed)
    weights = {str(i): torch.randn(size, generator=rng) * 10.0**scale for i, (size, scale) in enumerate(layers)}
    kept = keep_largest({name: lamp_scores(weight) for name, weight in weights.items()}, len(weights), scope="global")
    for name, weight in weights.items():
        assert kept[name].nonzero().flatten().tolist() == [int(weight.abs().argmax())]


@pytest.mark.parametrize("parent", ["mlp", "conv"])
def test_its_tickets_are_of_what_was_trained_before_nested_exact_and_leave_no_layer_empty(follow, task, parent):
    on = task(parent=parent)
    found = follow("lamp", on)
    trained = follow("prune-only", on).tickets[0].checkpoint.weights
    for ticket, rung, after in zip(found.tickets, found.search.ladder, found.trained, strict=True):
        scores = {}
        for name in ticket.mask:  # by the definition: a sum for every weight
            squares = trained[name].double().square().flatten()
            sums = torch.stack([squares[squares >= each].sum() for each in squares])
            scores[name] = torch.where(squares > 0, squares / sums, 0.0).view(trained[name].shape)
        joined = torch.cat([score.flatten() for score in scores.values()]).sort(descending=True)[0]
        between = (joined[rung.kept - 1] + joined[rung.kept]) / 2
        assert joined[rung.kept - 1] > joined[rung.kept]
        assert all(torch.equal(ticket.mask[name], scores[name] > between) for name in scores)
        counts = count_per_layer(ticket.mask)
        assert sum(counts.values()) == rung.kept and min(counts.values()) >= 1
        assert (ticket.checkpoint.step, ticket.schedule) == (10, "last")
        trained = after.weights
    for larger, smaller in pairwise(found.masks):
        assert all(not (smaller[name] & ~larger[name]).any() for name in larger)
