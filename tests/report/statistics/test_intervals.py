"""The statistics against the protocol's worked examples, and what must hold for any matrix."""

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from ticketbench.report.statistics.intervals import (
    decimals_for,
    effective_value,
    joint_interval,
    plus_minus,
    seeds_interval,
    single_run,
    unpack_bits,
    wilson,
)

TICKETS = [f"{method}|{rung}" for method in ("alpha", "beta", "gamma") for rung in (1, 2, 3, 4)]


def close(value):
    return pytest.approx(value, rel=1e-6, abs=1e-12)


@pytest.mark.parametrize("cell", ["dense|0", *TICKETS])
def test_every_cell_of_the_board_has_the_worked_mean_variances_and_half_widths(worked, cell):
    expected, found = worked.expected["cells"][cell], joint_interval(worked.bits(cell))

    assert found.kind == "joint"
    assert found.seeds == worked.board["seeds"]
    assert found.mean == close(expected["mean"])
    assert found.sd == close(expected["sd"])
    assert found.v_seed == close(expected["V_seed"])
    assert found.v_example == close(expected["V_example"])
    assert found.h_seed == close(expected["half_seed"])
    assert found.h_example == close(expected["half_example"])
    assert found.h == close(expected["half_joint"])
    assert (found.low, found.high) == (close(expected["mean"] - expected["half_joint"]), close(found.mean + found.h))


@pytest.mark.parametrize("cell", TICKETS)
def test_a_single_run_has_the_worked_wilson_interval(worked, cell):
    bits = worked.bits(cell)[0]
    low, high = worked.expected["cells"][cell]["wilson_seed0"]

    found = single_run(int(bits.sum()), len(bits))

    assert (found.low, found.high) == (close(low), close(high))
    assert (found.kind, found.h, found.sd) == ("examples only", None, None)


def test_there_are_thirteen_cells_and_twelve_wilson_intervals_to_hold_to(worked):
    cells = worked.expected["cells"]
    assert len(cells) == 13 and set(cells) == {"dense|0", *TICKETS}
    assert {name for name, cell in cells.items() if "wilson_seed0" in cell} == set(TICKETS)


@pytest.mark.worked_examples("wilson", ids=lambda e: f"{e['k']}of{e['n']}")
def test_wilson_at_and_between_the_edges(example):
    low, high = example["interval"]

    assert wilson(example["k"], example["n"]) == (close(low), close(high))


@pytest.mark.worked_examples("status", ids=lambda e: e["status"])
def test_a_status_counts_as_the_protocol_says(example):
    assert effective_value(example["status"], example["test_final"], example["chance"]) == example["value"]


def test_without_a_chance_value_a_lost_seed_counts_for_nothing():
    assert effective_value("diverged", None, None) is None
    assert effective_value("failed", None, None) is None
    assert effective_value("not applicable", None, 0.1) is None


def test_test_correct_puts_the_first_example_in_the_highest_bit():
    assert unpack_bits(bytes([0b10000001, 0b01000000]), 10).tolist() == [1, 0, 0, 0, 0, 0, 0, 1, 0, 1]


@pytest.mark.parametrize(("packed", "examples"), [(b"\xff", 9), (b"\xff\x00", 8), (b"\xff", 7)])
def test_bits_that_do_not_fit_the_number_of_examples_are_refused(packed, examples):
    with pytest.raises(ValueError, match=r"do not hold|are set beyond"):
        unpack_bits(packed, examples)


def test_two_seeds_have_a_mean_but_no_interval():
    for found in (joint_interval([[1, 0, 1], [1, 1, 1]]), seeds_interval([2 / 3, 1.0])):
        assert found.mean == close(5 / 6)
        assert (found.kind, found.h, found.low, found.high, found.v_seed) == ("none", None, None, None, None)


def test_three_seeds_without_examples_have_the_t_interval():
    found = seeds_interval([1.0, 2.0, 3.0])

    # t_{0.975, 2} = 4.302652730, sd = 1
    assert found.h == close(4.302652729911275 / np.sqrt(3))
    assert (found.kind, found.v_example, found.sd) == ("seeds only", 0.0, 1.0)


def test_a_score_that_is_none_is_refused():
    for bad in (float("nan"), float("inf")):
        with pytest.raises(ValueError, match="finite"):
            joint_interval([[1, bad], [0, 1], [1, 1]])
        with pytest.raises(ValueError, match="finite"):
            seeds_interval([0.1, bad])
    with pytest.raises(ValueError, match="at least two examples"):
        joint_interval([[1], [0], [1]])


matrices = hnp.arrays(np.uint8, st.tuples(st.integers(3, 8), st.integers(2, 30)), elements=st.integers(0, 1))


@settings(deadline=None)
@given(matrices, st.randoms(use_true_random=False))
def test_the_order_of_seeds_and_examples_does_not_matter(bits, random):
    seeds, examples = list(range(bits.shape[0])), list(range(bits.shape[1]))
    random.shuffle(seeds)
    random.shuffle(examples)

    one, other = joint_interval(bits), joint_interval(bits[seeds][:, examples])

    assert (one.mean, one.h, one.v_example) == (close(other.mean), close(other.h), close(other.v_example))


@settings(deadline=None)
@given(matrices)
@example(np.array([[1, 0, 0], [1, 0, 0], [0, 1, 0]], dtype=np.uint8))  # whose examples vary by rounding alone
def test_errors_have_the_interval_of_successes_and_it_is_never_narrower_than_over_seeds(bits):
    right, wrong = joint_interval(bits), joint_interval(1 - bits)

    assert right.mean == close(1 - wrong.mean)
    assert right.h == close(wrong.h)
    assert right.h >= right.h_seed >= 0
    assert right.h_seed == close(seeds_interval(bits.mean(axis=1)).h)


@settings(deadline=None)
@given(matrices, st.floats(0.1, 10), st.floats(-5, 5))
def test_a_linear_change_of_unit_changes_the_interval_alike(bits, factor, offset):
    one, other = joint_interval(bits), joint_interval(factor * bits + offset)

    assert other.mean == pytest.approx(factor * one.mean + offset, rel=1e-9, abs=1e-9)
    assert other.h == pytest.approx(factor * one.h, rel=1e-6, abs=1e-6)


@pytest.mark.parametrize(
    ("mean", "half", "printed"),
    [
        (97.3149, 0.4321, ("97.31", "0.43")),
        (97.3149, 0.0996, ("97.31", "0.10")),
        (97.3149, 0.00456, ("97.3149", "0.0046")),
        (53.26, 11.49, ("53", "11")),
        (53.26, 9.96, ("53", "10")),
        (431.2, 123.4, ("431", "123")),
    ],
)
def test_half_widths_are_printed_at_two_significant_digits(mean, half, printed):
    assert plus_minus(mean, half) == printed


@settings(deadline=None)
@given(st.floats(1e-6, 9.9))
def test_a_printed_half_width_has_two_digits_that_are_right(half):
    _, shown = plus_minus(0.0, half)

    assert len(shown.replace(".", "").lstrip("0")) == 2
    assert float(shown) == pytest.approx(half, rel=0.051)
    assert len(shown.partition(".")[2]) == decimals_for(half)
