"""Matching and critical compression: worked numbers, censoring, and what must hold for any curves."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ticketbench.report.statistics.matching import (
    critical,
    critical_over_seeds,
    first_below,
    last_above,
    matching,
)


def close(value):
    return pytest.approx(value, rel=1e-6, abs=1e-12)


def same(found, expected):
    assert (found is None) == (expected is None)
    assert found is None or found == close(expected)


@pytest.mark.parametrize("method", ["alpha", "beta", "gamma"])
def test_grid_band_and_matching_compression_are_the_worked_ones(worked, method):
    curves, expected = worked.curves(method), worked.expected["matching"][method]

    found = matching([x for x, _ in curves], [bits - bits[0] for _, bits in curves], worked.board["margin"])

    assert found.x == close(expected["grid_log2"])
    assert found.mean == close(expected["mean"])
    assert found.band[0] == close(expected["lower"])
    assert found.band[1] == close(expected["upper"])
    same(found.estimate, expected["point"])
    same(found.proven, expected["low"])
    same(found.upper, expected["high"])
    assert found.censored == expected["censored"]


@pytest.mark.parametrize("place", range(4))
def test_crossings_are_the_worked_ones(worked, place):
    example = worked.units["crossing"][place]
    x = np.log2(example["compression"])

    for crossing, name in ((first_below, "first"), (last_above, "last")):
        found = crossing(x, example["difference"], -example["margin"])
        same(None if found is None else 2**found, example[name])


X = [0.0, 1.0, 2.0, 3.0]


def around(mean, spread=0.0, seeds=5):
    """Seeds whose differences from dense have these means and, at the pruned rungs, this spread."""
    shifts = spread * np.linspace(-1, 1, seeds)
    return [X] * seeds, [np.array(mean) + shift * (np.arange(len(mean)) > 0) for shift in shifts]


def test_one_that_never_falls_below_is_at_least_the_last_compression():
    found = matching(*around([0, 0.01, 0, -0.01]), margin=0.02)

    assert (found.estimate, found.proven, found.upper, found.censored) == (None, None, None, "right")
    assert (found.first, found.most, found.again) == (2.0, 8.0, ())


def test_one_that_fails_at_the_first_pruned_rung_is_less_than_it():
    found = matching(*around([0, -0.04, -0.05, -0.06]), margin=0.02)

    assert found.censored == "left"
    assert found.estimate == close(2**0.5)
    assert found.proven == found.estimate == found.upper


def test_the_first_crossing_counts_and_later_rungs_match_again():
    found = matching(*around([0, -0.03, -0.01, -0.05]), margin=0.02)

    assert found.estimate == close(2 ** (2 / 3))
    assert found.again == (4.0,)
    assert found.upper == close(2**2.25)


def test_a_later_rung_matches_again_by_the_lower_band_or_by_the_mean_where_there_is_none():
    d = [0, -0.03, -0.015, -0.05]

    assert matching(*around(d, 0.001), margin=0.02).again == (4.0,)
    assert matching(*around(d, 0.02), margin=0.02).again == ()
    assert matching(*around(d, 0.02, seeds=2), margin=0.02).again == (4.0,)


def test_noise_lowers_what_is_proven_and_raises_the_upper_end_around_one_estimate():
    clear, noisy = (matching(*around([0, 0, -0.01, -0.03], spread), margin=0.02) for spread in (0.001, 0.01))

    assert noisy.estimate == close(clear.estimate)
    assert noisy.proven < clear.proven < clear.estimate < clear.upper < (noisy.upper or np.inf)


def test_fewer_than_three_seeds_have_an_estimate_and_no_interval():
    found = matching(*around([0, -0.01, -0.03, -0.05], 0.001, seeds=2), margin=0.02)

    assert found.estimate == close(2**1.5)
    assert (found.proven, found.upper, found.band) == (None, None, None)


def test_the_grid_is_the_mean_of_the_rungs_cut_where_the_shortest_curve_ends():
    found = matching([[0, 1, 2.2], [0, 1.2, 2.0], [0, 1.1, 1.8]], [np.zeros(3)] * 3, margin=0.1)

    assert found.x == close([0, 1.1, 1.8])
    assert found.most == close(2**1.8)


def test_a_seed_that_pruned_nothing_leaves_only_dense_to_match():
    found = matching([[0.0, 1.0], [0.0, 0.0], [0.0, 1.0]], [np.zeros(2)] * 3, margin=0.1)

    assert (found.first, found.most, found.estimate, found.censored) == (1.0, 1.0, None, "right")


@pytest.mark.parametrize(
    ("x", "d", "margin"),
    [
        ([X] * 3, [np.zeros(4)] * 3, 0.0),
        ([X] * 3, [np.zeros(4)] * 3, float("nan")),
        ([X, X, [0.0, 1.0]], [np.zeros(4)] * 3, 0.1),
        ([[0.0]] * 3, [np.zeros(1)] * 3, 0.1),
        ([], [], 0.1),
        ([X] * 3, [np.zeros(4)] * 2, 0.1),
        ([X] * 3, [np.zeros(3)] * 3, 0.1),
        ([X] * 3, [np.full(4, np.nan)] * 3, 0.1),
        ([X] * 2, [np.zeros((4, 5)), np.zeros((4, 6))], 0.1),
        ([[0.0, 2.0, 1.0, 3.0]] * 3, [np.zeros(4)] * 3, 0.1),
    ],
)
def test_impossible_curves_are_refused(x, d, margin):
    with pytest.raises(ValueError, match="expected"):
        matching(x, d, margin)


@pytest.mark.parametrize("place", range(2))
def test_critical_compression_is_the_worked_one(worked, place):
    example = worked.units["critical_compression"][place]
    compressions = [example["prunable"] / kept for kept in example["kept"]]

    assert critical(compressions, example["kept_per_layer"]) == example["critical"]
    # The order of rungs does not matter.
    assert critical(compressions[::-1], example["kept_per_layer"][::-1]) == example["critical"]


def test_over_seeds_one_in_which_no_layer_empties_stands_above_all_others():
    def both(*seeds):
        found = critical_over_seeds(seeds)
        return found.least, found.median

    assert both(4.0, 2.0, 8.0) == (2.0, 4.0)
    assert both(4.0, 2.0) == (2.0, 3.0)
    assert both(None, 2.0, None) == (2.0, None)
    assert both(2.0, None) == (2.0, None)
    assert both(None, 2.0, 8.0) == (2.0, 8.0)
    assert both(None) == (None, None)
    with pytest.raises(ValueError, match="at least one seed"):
        critical_over_seeds([])
    with pytest.raises(ValueError, match="2 compressions"):
        critical([1.0, 2.0], [[1]])


heights = st.lists(st.floats(-0.1, 0.05), min_size=3, max_size=3)


@settings(deadline=None, max_examples=50)
@given(st.lists(heights, min_size=3, max_size=6), st.floats(0.001, 0.05), st.randoms(use_true_random=False))
def test_proven_is_never_beyond_the_estimate_nor_the_estimate_beyond_the_upper_end(seeds, margin, random):
    d = [np.array([0.0, *each]) for each in seeds]
    found = matching([X] * len(d), d, margin)
    random.shuffle(d)
    again = matching([X] * len(d), d, margin)

    proven, estimate, upper = (np.inf if e is None else e for e in (found.proven, found.estimate, found.upper))
    assert proven <= estimate + 1e-9
    assert estimate <= upper + 1e-9
    same(again.estimate, found.estimate)
    same(again.proven, found.proven)
