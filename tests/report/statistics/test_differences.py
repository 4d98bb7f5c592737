"""P-values and Holm's correction against the protocol's worked examples, and what must hold for any difference."""

import json
from pathlib import Path

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from scipy import stats

from ticketbench.report.boards.scores import Scores, difference
from ticketbench.report.statistics.differences import corrected, holm, p_of, p_value
from ticketbench.report.statistics.intervals import joint_interval, seeds_interval, unpack_bits

EXAMPLES = json.loads((Path(__file__).parents[1] / "protocol-examples.json").read_text("utf-8"))
BOARD, UNITS = EXAMPLES["board"], EXAMPLES["units"]


def close(value):
    return pytest.approx(value, rel=1e-6, abs=1e-12)


def of_cell(method, rung):
    """The scores of a cell of the worked board, in an order of seeds that is not theirs."""
    rows = [row for row in BOARD["rows"] if (row["method"], row["rung"]) == (method, rung)]
    rows.sort(key=lambda row: (row["seed"] * 3) % 5)
    bits = np.stack([unpack_bits(bytes.fromhex(row["test_correct"]), BOARD["test_examples"]) for row in rows])
    return Scores(tuple(row["seed"] for row in rows), bits.mean(axis=1), bits)


@pytest.mark.parametrize("example", UNITS["p_value"], ids=lambda e: f"{e['mean']}-{e['V_example']}")
def test_the_p_value_is_the_worked_one(example):
    found = p_value(example["mean"], example["V_seed"], example["V_example"], example["seeds"])

    assert found == close(example["p"])
    assert p_value(-example["mean"], example["V_seed"], example["V_example"], example["seeds"]) == found


@pytest.mark.parametrize("example", UNITS["holm"], ids=lambda e: str(len(e["p"])))
def test_holm_is_the_worked_one_in_the_order_given(example):
    assert holm(example["p"]) == close(example["adjusted"])
    assert holm(example["p"][::-1]) == close(example["adjusted"][::-1])
    assert holm([]) == []


def test_differences_of_the_worked_board_have_their_p_values_and_half_widths():
    (pair,) = [each for each in BOARD["expected"]["pairs_rung_3"] if (each["a"], each["b"]) == ("alpha", "beta")]

    found = difference(of_cell("alpha", 3), of_cell("beta", 3))

    assert (found.mean, found.v_seed, found.v_example, found.h) == (
        close(pair["mean"]),
        close(pair["V_seed"]),
        close(pair["V_example"]),
        close(pair["half"]),
    )
    assert p_of(found) == close(pair["p"])


def test_areas_of_the_worked_board_have_their_p_values_and_holms():
    pairs = BOARD["expected"]["pairs_area_8"]
    found = [p_value(each["mean"], each["V_seed"], each["V_example"], BOARD["seeds"]) for each in pairs]

    assert found == close([each["p"] for each in pairs])
    assert holm(found) == close([each["p_holm"] for each in pairs])


def test_transfer_gaps_and_advantages_are_the_worked_ones():
    said = UNITS["transfer"]["values"]

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
        expected = UNITS["transfer"][name]
        assert (interval.mean, interval.h) == (close(expected["mean"]), close(expected["half_seed"]))
        assert p_of(interval) == close(expected["p"])
    gaps = corrected([found["gap_AB"], found["gap_BA"]])
    # The smaller p-value is doubled, the larger one may not fall below it.
    p_ab, p_ba = (UNITS["transfer"][name]["p"] for name in ("gap_AB", "gap_BA"))
    assert [each.adjusted for each in gaps] == close([2 * p_ab, max(2 * p_ab, p_ba)])
    assert [each.separates for each in gaps] == [-1, -1]


def test_no_difference_has_p_one_and_one_without_any_noise_p_zero():
    assert p_value(0.0, 1e-4, 1e-4, 5) == p_value(0.0, 0.0, 0.0, 5) == 1.0
    assert p_value(0.01, 0.0, 0.0, 5) == 0.0
    assert p_value(1e3, 1e-9, 1e-9, 30) < 1e-50
    assert p_value(0.01, 0.0, 1e-5, 5) == close(2 * stats.norm.sf(0.01 / np.sqrt(1e-5)))
    with pytest.raises(ValueError, match="two seeds"):
        p_value(0.1, 0.1, 0.1, 1)


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


spreads = st.floats(1e-8, 1e-2)


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
