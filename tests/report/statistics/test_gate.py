"""The gate: the protocol's worked comparisons, and what holds whatever the differences are."""

from dataclasses import replace
from math import inf, isclose

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from ticketbench.report.statistics.gate import Statistic, curve_and_rungs, outcomes, verdict


def statistics(differences, margin=0.0043):
    """Shape (methods, rungs, seeds) into the statistics of a comparison, by what the worked examples name them."""
    named = {}
    for method, each in enumerate(differences):
        for rung, values in enumerate(curve_and_rungs(np.array(each, dtype=float))):
            what = f"rung {rung}" if rung else "curve"
            named[f"method {method}, {what}"] = Statistic(values, what, margin)
    return named


@pytest.mark.worked_examples("compare", ids=lambda example: example["name"])
def test_the_protocols_worked_comparisons(example):
    named = statistics(example["differences"], example["margin"])
    found = {what: each for what, each in zip(named, outcomes([*named.values()]), strict=True) if each is not None}
    expected = example["expected"]
    assert set(found) == {test["what"] for test in expected["tests"]}
    for test in expected["tests"]:
        ours = found[test["what"]]
        assert (ours.nu, ours.df, ours.regression) == (test["nu"], test["df"], test["regression"])
        pairs = [(ours.drop, "drop"), (ours.s2, "s2"), (ours.t, "t"), (ours.p, "p"), (ours.adjusted, "p_holm")]
        for value, name in pairs:
            assert isclose(value, float(test[name]), rel_tol=1e-6, abs_tol=1e-18), name
    assert (verdict([*found.values()]) == "regression") == bool(expected["exit"])


def test_a_gain_that_is_the_same_in_every_seed_is_no_regression():
    (found,) = outcomes([Statistic(np.full(5, 0.02), "", 0.0)])
    assert (found.t, found.p, found.regression) == (inf, 1.0, False)


def test_what_rounding_leaves_of_nothing_is_nothing():
    """A rung up by 3 of 360 examples and one down by 3: their mean is 0 up to the last bit, in every seed alike."""
    up, base = np.full(5, 0.1 + 0.2 - 0.3), np.full(5, 0.3 / 3 - 0.1)
    assert outcomes([Statistic(up + base, "", 0.0)]) == [None]


def test_the_dense_network_alone_in_its_pool_borrows_nothing():
    alone = Statistic(np.array([0.01, -0.02, 0.0, 0.01, -0.01]), "dense", 0.004)
    others = [Statistic(np.array([0.3, -0.2, 0.1, 0.0, 0.1]), "rung 1", 0.004)] * 3
    (found, *pooled) = outcomes([alone, *others])
    assert (found.nu, found.df) == (0, 4) and isclose(found.s2, np.var(alone.differences, ddof=1))
    assert [(each.nu, each.df) for each in pooled] == [(2, 6)] * 3


def test_no_more_than_three_degrees_of_freedom_are_borrowed_and_none_under_five_seeds():
    rng = np.random.default_rng(0)
    for seeds, nu in ((4, 0), (5, 3), (10, 3)):
        found = outcomes([Statistic(rng.normal(size=seeds), "", 0.0) for _ in range(9)])
        assert [each.nu for each in found] == [nu] * 9


def test_no_worse_needs_every_bound_within_its_margin():
    quiet = Statistic(np.array([1e-4, -1e-4, 0.0, 1e-4, -1e-4]), "a", 0.004)
    noisy = Statistic(np.array([1e-2, -1e-2, 0.0, 1e-2, -2e-2]), "b", 0.004)
    assert verdict(outcomes([quiet])) == "no worse"
    assert verdict(outcomes([quiet, noisy])) == "not shown"
    assert verdict(outcomes([quiet, replace(noisy, margin=0.5)])) == "no worse"
    assert verdict([]) == verdict([None]) == "no worse"


def test_a_drop_must_exceed_the_margin_to_be_found():
    """Where the noise is small beside the margin, the protocol's formula promises what the margin rule denies."""
    (found,) = outcomes([Statistic(np.array([0.001, -0.001, 0.0, 0.001, -0.001]), "", 0.05)])
    assert found.smallest < found.margin < found.findable
    (found,) = outcomes([Statistic(np.array([0.1, -0.1, 0.0, 0.1, -0.1]), "", 0.05)])
    assert found.findable == found.smallest


def test_one_seed_has_no_variance():
    with pytest.raises(ValueError, match="two seeds"):
        outcomes([Statistic(np.array([0.1]), "", 0.0)])


_points = st.integers(-40, 40).map(lambda n: n / 1000)


@st.composite
def _differences(draw):
    seeds = draw(st.integers(3, 7))
    methods, rungs = draw(st.integers(1, 4)), draw(st.integers(1, 3))
    flat = draw(st.lists(_points, min_size=methods * rungs * seeds, max_size=methods * rungs * seeds))
    return np.array(flat).reshape(methods, rungs, seeds)


def _what_is_said(differences, order=None):
    named = statistics(differences)
    names = list(named) if order is None else [list(named)[i] for i in order]
    found = dict(zip(names, outcomes([named[name] for name in names]), strict=True))
    return {name: each and (round(each.adjusted, 9), each.regression) for name, each in sorted(found.items())}


@given(_differences(), st.randoms())
@settings(max_examples=60, deadline=None)
def test_the_order_of_seeds_and_of_statistics_changes_nothing(differences, random):
    seeds = list(range(differences.shape[2]))
    places = list(range(len(statistics(differences))))
    random.shuffle(seeds), random.shuffle(places)
    assert _what_is_said(differences) == _what_is_said(differences[:, :, seeds]) == _what_is_said(differences, places)


@given(_differences(), st.integers(1, 60), st.data())
@settings(max_examples=80, deadline=None)
def test_a_bigger_drop_never_turns_a_regression_into_none(differences, more, data):
    """Every other method stays as it is, and nothing that was there becomes nothing."""
    which = data.draw(st.integers(0, len(differences) - 1))
    worse = differences.copy()
    worse[which] -= more / 1000 + 1e-5
    before, after = (outcomes([*statistics(each).values()]) for each in (differences, worse))
    assume(all(one is not None for one in before))
    for one, other in zip(before, after, strict=True):
        assert other is not None and (other.regression or not one.regression)


@given(_differences())
@settings(max_examples=60, deadline=None)
def test_an_improvement_is_never_a_regression(differences):
    better = differences - np.minimum(differences.mean(axis=2, keepdims=True), 0)
    for found in outcomes([*statistics(better, margin=0.0).values()]):
        assert found is None or (found.drop <= 1e-12 and not found.regression)
