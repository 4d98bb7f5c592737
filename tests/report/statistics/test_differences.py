"""P-values and Holm's correction against the protocol's worked examples, and what must hold for any difference."""

from itertools import product

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from scipy import stats

from ticketbench.report.boards.scores import Scores, difference
from ticketbench.report.statistics.differences import (
    corrected,
    holm,
    p_of,
    p_of_parts,
    p_value,
    seeds_needed,
    sign_flip,
)
from ticketbench.report.statistics.intervals import Interval, joint_interval, seeds_interval


def close(value):
    return pytest.approx(value, rel=1e-6, abs=1e-12)


@pytest.mark.worked_examples("p_value", ids=lambda e: f"{e['mean']}-{e['V_example']}")
def test_the_p_value_is_the_worked_one(example):
    found = p_value(example["mean"], example["V_seed"], example["V_example"], example["seeds"])

    assert found == close(example["p"])
    assert p_value(-example["mean"], example["V_seed"], example["V_example"], example["seeds"]) == found


@pytest.mark.worked_examples("holm", ids=lambda e: str(len(e["p"])))
def test_holm_is_the_worked_one_in_the_order_given(example):
    assert holm(example["p"]) == close(example["adjusted"])
    assert holm(example["p"][::-1]) == close(example["adjusted"][::-1])
    assert holm([]) == []


def test_transfer_gaps_and_advantages_are_the_worked_ones(worked):
    transfer = worked.units["transfer"]
    said = transfer["values"]

    def between(one, other):
        ours, theirs = (Scores(tuple(range(5)), np.array(said[name]), None) for name in (one, other))
        return difference(ours, theirs)

    found = {
        "gap_AB": between("found A, trained B", "found B, trained B"),
        "gap_BA": between("found B, trained A", "found A, trained A"),
        "advantage_AB": between("found A, trained B", "shuffled A ticket, trained B"),
        "advantage_BA": between("found B, trained A", "shuffled B ticket, trained A"),
    }
    for name, interval in found.items():
        expected = transfer[name]
        assert (interval.mean, interval.h) == (close(expected["mean"]), close(expected["half_seed"]))
        assert p_of(interval) == close(expected["p"])
    gaps = corrected([found["gap_AB"], found["gap_BA"]])
    # The smaller p-value is doubled, the larger one may not fall below it.
    p_ab, p_ba = (transfer[name]["p"] for name in ("gap_AB", "gap_BA"))
    assert [each.adjusted for each in gaps] == close([2 * p_ab, max(2 * p_ab, p_ba)])
    assert [each.separates for each in gaps] == [-1, -1]


def test_no_difference_has_p_one_and_one_without_any_noise_p_zero():
    assert p_value(0.0, 1e-4, 1e-4, 5) == p_value(0.0, 0.0, 0.0, 5) == 1.0
    assert p_value(0.01, 0.0, 0.0, 5) == 0.0
    assert p_value(1e3, 1e-9, 1e-9, 30) < 1e-50
    assert p_value(0.01, 0.0, 1e-5, 5) == close(2 * stats.norm.sf(0.01 / np.sqrt(1e-5)))


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ((0.1, 0.1, 0.1, 1), "two seeds"),
        ((0.1, 0.1, 0.0, 1), "two seeds"),
        ((0.1, -0.1, 0.1, 3), "at least 0"),
        ((0.1, -0.1, 0.0, 3), "at least 0"),
        ((0.1, 0.1, -0.1, 3), "at least 0"),
        ((float("nan"), 0.1, 0.0, 3), "a mean"),
        ((0.1, float("nan"), 0.1, 3), "at least 0"),
    ],
)
def test_impossible_differences_have_no_p_value(arguments, said):
    with pytest.raises(ValueError, match=said):
        p_value(*arguments)
    with pytest.raises(ValueError, match="two seeds"):
        p_of_parts(0.1, [])


def test_too_few_seeds_have_no_p_value_and_leave_the_family_alone():
    two, six = seeds_interval([0.1, 0.2]), seeds_interval([0.1, 0.2, 0.15, 0.1, 0.2, 0.15])

    few, none, enough = corrected([two, None, six])

    assert (few.p, few.adjusted, few.separates, none) == (None, None, 0, None)
    assert enough.adjusted == enough.p == p_of(six)
    assert enough.separates == 1


def test_pairs_are_made_by_seed_and_only_on_the_same_examples():
    rng = np.random.default_rng(1)
    bits = rng.integers(0, 2, (4, 50), dtype=np.uint8)
    one = Scores((0, 1, 2, 3), bits.mean(axis=1), bits)
    other = Scores((3, 2, 7, 1), 1 - bits[[3, 2, 0, 1]].mean(axis=1), 1 - bits[[3, 2, 0, 1]])

    assert difference(one, other) == joint_interval(2.0 * bits[1:] - 1)
    apart = difference(one, other, same_examples=False)
    assert (apart.mean, apart.kind) == (close(difference(one, other).mean), "seeds only")
    assert difference(one, Scores((8, 9), np.zeros(2), None)) is None


@pytest.mark.worked_examples("sign_flip", ids=lambda e: str(len(e["d"])))
def test_the_sign_flip_check_is_the_worked_one(example):
    assert sign_flip(example["d"]) == close((example["two_sided"], example["one_sided_greater"]))


def test_sign_flips_of_more_seeds_than_can_be_counted_have_the_normal_limit():
    d = np.append(0.3 + np.random.default_rng(0).standard_normal(40), 1e-12)

    # The last seed changes nothing but the way of counting.
    assert sign_flip(d) == pytest.approx(sign_flip(d[:40]), rel=0.05)


def test_without_any_difference_every_flip_is_as_far_from_zero():
    assert sign_flip([0.0, 0.0, 0.0]) == (1.0, 1.0)
    for wrong in ([], [[0.1]], [float("nan")]):
        with pytest.raises(ValueError, match="finite difference"):
            sign_flip(wrong)


def apart(mean, v_seed, v_example, seeds):
    """A difference from its variances."""
    return Interval(mean, None, seeds, v_seed, v_example, 1.0, 1.0, 1.0, mean - 1, mean + 1, "joint")


def test_seeds_that_no_number_can_be_given_for_say_why():
    assert seeds_needed(apart(0.001, 1e-6, 1e-4, 5), 3).why == "no number of seeds: the test set is too small"
    assert seeds_needed(apart(0.0, 0.0, 0.0, 5), 3).why == "no difference so far"
    assert seeds_needed(apart(0.001, 1e-4, 0.0, 5), 3).why == "more than 100 in all"
    assert seeds_needed(apart(0.01, 1e-4, 0.0, 4), 3).why == "fewer than 5 seeds say too little"
    assert seeds_needed(seeds_interval([0.1, 0.2]), 3).more is None
    assert seeds_needed(apart(0.5, 1e-6, 0.0, 5), 3).more == 1  # at least one, or it would have separated
    with pytest.raises(ValueError, match="at least one pair"):
        seeds_needed(apart(0.5, 1e-6, 0.0, 5), 0)


spreads = st.floats(1e-8, 1e-2)


@settings(deadline=None)
@given(st.floats(0.001, 0.1), spreads, st.floats(0, 1e-3), st.integers(5, 12), st.integers(1, 45))
def test_the_seeds_asked_for_are_the_fewest_that_reach_the_difference(mean, v_seed, v_example, seeds, pairs):
    found = seeds_needed(apart(mean, v_seed, v_example, seeds), pairs)
    q = 1 - 0.05 / pairs / 2

    def reaches(k):
        of_seeds = np.sqrt(seeds * v_seed / k)
        half = np.hypot(stats.t.ppf(q, k - 1) * of_seeds, stats.norm.ppf(q) * np.sqrt(v_example))
        return half + stats.norm.ppf(0.8) * of_seeds <= mean

    if found.more is None:
        assert not any(reaches(k) for k in range(3, 101))
    else:
        k = seeds + found.more
        assert reaches(k)
        assert found.more == 1 or not reaches(k - 1)
        assert seeds_needed(apart(-mean, v_seed, v_example, seeds), pairs) == found


@settings(deadline=None)
@given(st.lists(st.integers(-4, 4), min_size=1, max_size=9), st.randoms(use_true_random=False))
def test_sign_flips_are_counted_as_one_by_one_and_in_any_order(d, random):
    total = sum(d)
    sums = [sum(sign * abs(v) for sign, v in zip(signs, d, strict=True)) for signs in product((1, -1), repeat=len(d))]

    two_sided, greater = sign_flip(0.1 * np.array(d))

    assert greater == close(np.mean([each >= total for each in sums]))
    assert two_sided == close(np.mean([abs(each) >= abs(total) for each in sums]))
    random.shuffle(d)
    assert sign_flip(0.1 * np.array(d)) == close((two_sided, greater))


@settings(deadline=None)
@given(st.floats(-1, 1), spreads, spreads, st.integers(3, 12))
def test_p_is_at_most_a_level_exactly_where_that_levels_interval_excludes_zero(mean, v_seed, v_example, seeds):
    p = p_value(mean, v_seed, v_example, seeds)
    half = np.hypot(stats.t.ppf(0.975, seeds - 1) * np.sqrt(v_seed), stats.norm.ppf(0.975) * np.sqrt(v_example))
    assume(abs(abs(mean) - half) > 1e-9)

    assert (p <= 0.05) == (abs(mean) > half)


@settings(deadline=None)
@given(st.lists(st.floats(0, 1), max_size=8), st.randoms(use_true_random=False))
def test_holm_never_lowers_a_p_value_keeps_their_order_and_does_not_see_the_order_given(p_values, random):
    adjusted = holm(p_values)
    order = list(range(len(p_values)))
    random.shuffle(order)

    assert all(p <= each <= 1 for p, each in zip(p_values, adjusted, strict=True))
    assert holm([p_values[i] for i in order]) == [adjusted[i] for i in order]
    by_p = sorted(range(len(p_values)), key=lambda i: p_values[i])
    assert sorted(adjusted) == [adjusted[i] for i in by_p]
