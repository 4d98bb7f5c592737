"""What may be said of a published number or ordering."""

import numpy as np
import pytest

from ticketbench.report.statistics.intervals import seeds_interval
from ticketbench.report.statistics.verdicts import clear_of_chance, of_claim, of_value


def around(mean, half, seeds=5):
    """An interval over seeds with this mean and half-width."""
    shape = np.linspace(-1, 1, seeds)
    return seeds_interval(mean + shape * (half / seeds_interval(shape).h if half else 0))


@pytest.mark.parametrize(
    ("mean", "half", "verdict"),
    [
        (0.0, 0.002, "reproduced"),
        (0.0059, 0.002, "reproduced"),
        (-0.0059, 0.002, "reproduced"),
        (0.0061, 0.002, "not reproduced"),
        (0.0, 0.0159, "reproduced"),
        (0.0, 0.0161, "not comparable"),
        (0.0200, 0.0161, "not comparable"),
        (0.0202, 0.0161, "not reproduced"),  # however wide: it excludes the value by more than the margin
    ],
)
def test_a_value_is_reproduced_within_half_width_and_margin_unless_the_interval_is_too_wide(mean, half, verdict):
    assert of_value(around(mean, half), margin=0.004)[0] == verdict


@pytest.mark.parametrize(
    ("sign", "mean", "half", "verdict"),
    [
        ("higher", 0.02, 0.01, "reproduced"),
        ("higher", 0.02, 0.03, "undecided"),
        ("higher", -0.02, 0.01, "not reproduced"),
        ("lower", -0.02, 0.01, "reproduced"),
        ("lower", 0.02, 0.01, "not reproduced"),
        ("lower", -0.02, 0.03, "undecided"),
        ("equal", 0.001, 0.002, "reproduced"),
        ("equal", 0.003, 0.002, "undecided"),  # separates, but by less than the margin
        ("equal", 0.001, 0.02, "undecided"),
        ("equal", 0.02, 0.01, "not reproduced"),
        ("equal", -0.02, 0.01, "not reproduced"),
        ("equal", 0.02, 0.03, "undecided"),
    ],
)
def test_a_claim_is_held_against_the_difference(sign, mean, half, verdict):
    assert of_claim(sign, around(mean, half), margin=0.004)[0] == verdict


@pytest.mark.parametrize(("sign", "mean"), [("higher", 0.1), ("higher", -0.1), ("equal", 0.1)])
def test_what_fewer_than_six_seeds_separate_is_model_based(sign, mean):
    mark = "model-based: too few seeds for an exact test"
    assert of_claim(sign, around(mean, 0.01, seeds=5), 0.004)[1].endswith(f"; {mark}")
    assert mark not in of_claim(sign, around(mean, 0.01, seeds=6), 0.004)[1]
    assert mark not in of_claim("equal", around(0.0, 0.001, seeds=5), 0.004)[1]


def test_too_few_seeds_decide_nothing():
    two = seeds_interval([0.0, 0.1])

    assert of_value(two, 0.1) == ("not comparable", "too few seeds for an interval")
    assert of_claim("higher", two, 0.1) == ("not comparable", "too few seeds for an interval")


def test_equality_needs_a_margin_and_an_ordering_does_not():
    assert of_claim("equal", around(0.0, 0.001), None)[0] == "not comparable"
    assert of_claim("higher", around(0.1, 0.01), None)[0] == "reproduced"


@pytest.mark.parametrize("sign", ["higher", "lower", "equal"])
def test_two_networks_that_learned_nothing_bear_out_no_claim(sign):
    assert of_claim(sign, around(0.0, 0.0), 0.1, clear=False) == ("not comparable", "neither side is clear of chance")


@pytest.mark.parametrize(
    ("mean", "half", "higher_is_better", "clear"),
    [
        (0.12, 0.01, True, True),
        (0.12, 0.03, True, False),
        (0.08, 0.01, True, False),
        (0.08, 0.01, False, True),
        (0.1, 0.0, True, False),
        (0.12, 0.0, True, True),
    ],
)
def test_a_score_is_clear_of_chance_where_it_separates_as_the_better(mean, half, higher_is_better, clear):
    assert clear_of_chance(around(mean, half), 0.1, higher_is_better=higher_is_better) == clear


def test_too_few_seeds_are_never_clear_of_chance():
    assert not clear_of_chance(seeds_interval([0.9, 0.91]), 0.1, higher_is_better=True)
