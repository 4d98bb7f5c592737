"""Values computed again elsewhere: the protocol's worked examples, and what must hold of any."""

from math import inf

import numpy as np
import pytest
from scipy import stats

from ticketbench.report.statistics.recomputing import Pair, Spread, distance, spread, spread_of_others, together


def pairs_of(cells, sampled, recomputed, examples):
    """The rows at these places (rung, seed) of published cells, shape (rungs, seeds)."""
    found = []
    for (rung, seed), again in zip(sampled, recomputed, strict=True):
        beside = [cells[r] for r in (rung - 1, rung + 1) if 0 <= r < len(cells)]
        value = cells[rung][seed]
        own = spread(cells[rung], beside, value, examples)
        others = spread_of_others(np.delete(cells[rung], seed), beside, value, examples)
        found.append(Pair(value, again, own, others, seed))
    return found


def pairs(published, recomputed, spreads, seeds):
    return [
        Pair(one, other, by_seed, by_seed, seed)
        for one, other, by_seed, seed in zip(published, recomputed, spreads, seeds, strict=True)
    ]


@pytest.mark.worked_examples("verify", ids=lambda example: example["name"])
def test_the_protocols_worked_examples(example):
    rows = pairs_of(example["published"], example["sample"], example["recomputed"], example["test_examples"])
    outcome, expected = together(rows), example["expected"]
    for row, pair, found in zip(expected["rows"], rows, outcome.distances, strict=True):
        assert pair.spread.variance == pytest.approx(row["variance"], rel=1e-6) and pair.spread.df == row["df"]
        assert found.difference == pytest.approx(row["difference"], rel=1e-6)
        assert (found.t, found.p, found.z) == pytest.approx((row["t"], row["p"], row["z"]), rel=1e-6)
    assert outcome.shift == pytest.approx(expected["Z"], rel=1e-6)
    assert outcome.p_shift == pytest.approx(expected["p_shift"], rel=1e-6)
    assert outcome.p_row == pytest.approx(expected["p_row"], rel=1e-6)
    assert outcome.parted == (expected["verdict"] == "parted")


def test_below_three_seeds_the_spread_is_of_the_test_examples():
    """p (1 - p) / N, as if the value were known: infinite degrees of freedom, so a normal tail."""
    by_seed = spread([0.9, 0.8], [[0.7, 0.8, 0.9]], 0.9, 1000)
    assert by_seed == Spread(pytest.approx(0.9 * 0.1 / 1000), inf)
    assert spread_of_others([0.8], [[0.7, 0.8, 0.9]], 0.9, 1000) == by_seed
    found = distance(Pair(0.9, 0.9 + 1.96 * (2 * by_seed.variance) ** 0.5, by_seed, by_seed, 0))
    assert found.p == pytest.approx(0.05, abs=1e-4) and found.z == pytest.approx(1.96)


def test_a_rung_beside_with_fewer_than_three_seeds_is_left_out():
    assert spread([0.9, 0.8, 0.7], [[0.1, 0.9], []], 0.9, 100) == Spread(pytest.approx(0.01), 2)


def test_without_three_seeds_only_a_share_of_test_examples_has_a_spread():
    with pytest.raises(ValueError, match="expected 3 seeds, or a share of test examples, got 80"):
        spread([80.0], [], 80.0, 1000)


@pytest.mark.parametrize("cell", [[0.5, 0.5, 0.5], [1.0]])
def test_seeds_that_agree_leave_room_for_one_test_example(cell):
    by_seed = spread(cell, [], cell[0], 50)
    assert by_seed.variance == 1 / 50**2


def test_rows_of_one_seed_count_for_less_than_rows_of_as_many():
    """They may share what that seed had of luck: half of their variance is taken to be common."""
    spreads = [Spread(1e-4, 8)] * 4
    published, recomputed = [0.9] * 4, [0.92] * 4
    one = together(pairs(published, recomputed, spreads, ["a"] * 4))
    four = together(pairs(published, recomputed, spreads, "abcd"))
    z = one.distances[0].z
    assert four.shift == pytest.approx(4 * z / 4**0.5) and one.shift == pytest.approx(4 * z / 10**0.5)
    assert one.unseen > four.unseen


def test_a_difference_however_large_has_a_finite_score_and_never_cancels_into_nothing():
    spreads = [Spread(1e-12, 3.0), Spread(1e-12, inf)]
    outcome = together(pairs([0.1, 0.9], [0.9, 0.1], spreads, "ab"))
    assert outcome.distances[1].z == -38.0 and np.isfinite(outcome.shift)
    assert outcome.parted and outcome.p_row <= 0.005


def test_a_changed_value_does_not_hide_in_the_spread_that_it_makes():
    """Raised by 30 standard deviations; with five seeds t is at most sqrt(15 / 2) by a spread that it is part of."""
    rng = np.random.default_rng(0)
    cells = 0.9 + 0.001 * rng.normal(size=(3, 5))
    cells[1, 2] += 0.03
    outcome = together(pairs_of(cells, [(1, 2), (0, 0)], [0.9, 0.9], 10_000))
    assert abs(outcome.distances[0].t) < (15 / 2) ** 0.5 and outcome.p_row > 0.005
    assert outcome.p_others < 1e-6 and outcome.parted and outcome.far == (True, False)


def test_what_goes_unseen_is_found_with_the_power_it_says():
    """Simulated: published and recomputed values of equal spread, the published all raised by `unseen`."""
    rng = np.random.default_rng(0)
    rungs, seeds, examples = np.array([0.001, 0.002, 0.003]), 5, 10_000
    sampled = [(0, 0), (1, 1), (2, 2), (0, 3), (1, 4), (2, 0)]
    found, said = 0, []
    for _ in range(400):
        cells = 0.9 + rng.normal(size=(3, seeds)) * rungs[:, None]
        again = [0.9 + rng.normal() * rungs[r] for r, _ in sampled]
        said.append(together(pairs_of(cells, sampled, again, examples)).unseen)
        found += together(pairs_of(cells + said[-1], sampled, again, examples)).p_shift <= 0.005
    assert 0.75 <= found / 400 <= 0.9
    # By hand, were the variances known: (z_.9975 + z_.8) scale / sum of 1 / sqrt(2 v); the scale is of 2, 1, 1, 1, 1.
    known = (stats.norm.isf(0.0025) + stats.norm.isf(0.2)) * 7**0.5 / (2 * (1 / (2**0.5 * rungs)).sum())
    assert np.median(said) == pytest.approx(known, rel=0.35)
