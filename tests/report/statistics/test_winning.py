"""Winning tickets beside luck: worked numbers and edges."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ticketbench.report.statistics.intervals import wilson
from ticketbench.report.statistics.winning import (
    Runs,
    any_of,
    difficulty,
    luck,
    null_quality,
    null_rates,
    quality,
    sparsest,
    wins,
)


def close(value):
    return pytest.approx(value, rel=1e-6, abs=1e-12)


def runs(listed):
    return Runs([each["acc"] for each in listed], [each["step"] for each in listed])


@pytest.fixture(name="example")
def _example(worked):
    return worked.units["winning"]


def test_wins_their_rate_and_its_interval_are_the_worked_ones(example):
    won = wins(runs(example["ticket"]), runs(example["dense"]))

    assert won.tolist() == example["wins"]
    assert won.mean() == close(example["rate"])
    assert wilson(int(won.sum()), len(won)) == close(tuple(example["wilson"]))


def test_luck_at_one_rung_and_at_any_of_several_is_the_worked_one(example):
    rates = null_rates(runs(example["dense"]))

    assert rates.mean() == close(example["null_rate"])
    for each in example["null_any_of"]:
        assert any_of(rates, each["rungs"]) == close(each["rate"])
    assert luck(sum(example["wins"]), 5, rates.mean()) == close(example["null_p"])


def test_quality_and_that_of_luck_are_the_worked_ones(example):
    dense = runs(example["dense"])

    assert quality(runs(example["ticket"]), dense) == close(example["quality"])
    assert null_quality(dense) == close(example["null_quality"])


def test_a_ticket_as_good_and_as_early_wins_and_one_later_or_worse_does_not():
    dense = Runs([0.9, 0.9, 0.9, 0.9], [100, 100, 100, 100])

    assert wins(Runs([0.9, 0.91, 0.89, 0.95], [100, 99, 50, 101]), dense).tolist() == [True, True, False, False]


def test_without_wins_there_is_no_quality():
    assert quality(Runs([0.1], [5]), Runs([0.2], [5])) is None
    assert null_quality(Runs([0.9, 0.8], [20, 10])) is None


def test_dense_networks_that_are_all_alike_beat_each_other_every_time():
    alike = Runs([0.9] * 4, [100] * 4)

    assert null_rates(alike).tolist() == [1.0] * 4
    assert any_of(null_rates(alike), 3) == 1.0
    assert luck(4, 4, 1.0) == 1.0
    assert null_quality(alike) == 0.0


def test_the_sparsest_rung_up_to_a_compression_is_chosen_with_two_percent_to_spare():
    assert sparsest([1.25, 4.0, 8.15, 8.17, 2.0], 8) == 2
    assert sparsest([1.25, None, 2.0], 8) == 2
    assert sparsest([9.0, None], 8) is None
    assert sparsest([1.0], 8) is None  # nothing is pruned there
    assert difficulty(0.75) == 0.25


@pytest.mark.parametrize(
    "wrong",
    [
        lambda: Runs([0.9], [1, 2]),
        lambda: Runs([], []),
        lambda: Runs([float("nan")], [1]),
        lambda: wins(Runs([0.9], [1]), Runs([0.9, 0.8], [1, 2])),
        lambda: null_rates(Runs([0.9], [1])),
        lambda: any_of([0.5], 0),
        lambda: luck(3, 2, 0.5),
        lambda: luck(1, 2, 1.5),
        lambda: difficulty(1.2),
    ],
)
def test_impossible_arguments_are_refused(wrong):
    with pytest.raises(ValueError, match="expected"):
        wrong()


@settings(deadline=None)
@given(st.lists(st.tuples(st.integers(0, 4), st.integers(0, 3)), min_size=2, max_size=8), st.integers(1, 20))
def test_luck_grows_with_rungs_and_matches_every_pair_taken_one_by_one(listed, rungs):
    dense = Runs([acc for acc, _ in listed], [step for _, step in listed])
    pairs = [(i, j) for i in range(len(listed)) for j in range(len(listed)) if i != j]

    rates = null_rates(dense)

    beats = [listed[j][0] >= listed[i][0] and listed[j][1] <= listed[i][1] for i, j in pairs]
    assert rates.mean() == pytest.approx(np.mean(beats))
    assert any_of(rates, 1) == pytest.approx(rates.mean())
    assert any_of(rates, rungs) <= any_of(rates, rungs + 1) + 1e-12
