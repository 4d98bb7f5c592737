"""Ranks: worked ones, what holds for any table, and tables whose truth is known."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ticketbench.report.statistics.differences import corrected
from ticketbench.report.statistics.pairs import pairwise
from ticketbench.report.statistics.ranks import Rank, ranks


def matrix(count, pairs):
    better = np.zeros((count, count), dtype=bool)
    for i, j in pairs:
        better[i, j] = True
    return better


def of_bits(bits):
    """The ranks of a table of bits, methods x seeds x examples, by the whole protocol."""
    pairs = pairwise(bits)
    said = zip(pairs, corrected(list(pairs.values())), strict=True)
    better = [(i, j) if each.separates > 0 else (j, i) for (i, j), each in said if each.separates]
    return ranks(bits.mean(axis=(1, 2)).tolist(), matrix(len(bits), better)), better


@pytest.mark.parametrize("place", range(5))
def test_ranks_and_their_intervals_are_the_worked_ones(worked, place):
    example = worked.units["ranks"][place]

    found = ranks(example["means"], matrix(len(example["means"]), example["better"]))

    assert [each.rank for each in found] == example["rank"]
    assert [[each.low, each.high] for each in found] == example["interval"]


def test_methods_come_back_in_the_order_given_and_ties_stand_in_it():
    found = ranks([1.0, 3.0, 2.0, 3.0], matrix(4, [(1, 0), (3, 0), (2, 0), (1, 2)]))

    # In the table: 1, 3, 2, 0. Nothing separates the two leaders, and one of them from the third.
    assert found == [Rank(4, 4, 4), Rank(1, 1, 2), Rank(2, 2, 3), Rank(1, 1, 3)]


def test_one_method_is_first_and_none_are_an_empty_table():
    assert ranks([0.5], [[False]]) == [Rank(1, 1, 1)]
    assert ranks([], np.zeros((0, 0))) == []


def test_impossible_tables_are_refused():
    with pytest.raises(ValueError, match="finite mean"):
        ranks([float("nan")], [[False]])
    with pytest.raises(ValueError, match="2 x 2"):
        ranks([1.0, 2.0], [[False]])
    with pytest.raises(ValueError, match="as good"):
        ranks([1.0, 2.0], matrix(2, [(0, 1)]))
    with pytest.raises(ValueError, match="as good"):
        ranks([2.0, 2.0], matrix(2, [(0, 1)]))


@st.composite
def tables(draw):
    means = draw(st.lists(st.integers(0, 6), min_size=1, max_size=8))
    over = [(i, j) for i in range(len(means)) for j in range(len(means)) if means[i] > means[j]]
    return means, matrix(len(means), draw(st.lists(st.sampled_from(over), unique=True)) if over else [])


@settings(deadline=None)
@given(tables())
def test_an_interval_holds_the_place_in_the_table_and_tie_groups_are_runs_of_it(table):
    means, better = table
    found = ranks(means, better)
    order = sorted(range(len(means)), key=lambda i: -means[i])

    for place, i in enumerate(order, start=1):
        assert 1 <= found[i].low <= place <= found[i].high <= len(means)
        assert found[i].rank == found[i].low
    down = [found[i].rank for i in order]
    assert down == sorted(down)
    assert down[0] == 1


@settings(deadline=None)
@given(tables())
def test_a_method_never_shares_the_rank_of_one_that_separates_from_it(table):
    means, better = table
    found = ranks(means, better)

    for i, j in zip(*np.nonzero(better), strict=True):
        assert found[i].high < len(means)
        assert found[j].low > 1
    assert all(each.low == 1 for each in found) == (not better.any())


def test_a_planted_winner_among_ten_methods_stands_alone_at_the_top(draw):
    rng = np.random.default_rng(0)
    alone = 0
    for _ in range(30):
        place = int(rng.integers(10))
        accuracies = [0.93] * 10
        accuracies[place] = 0.95
        found, _ = of_bits(draw(rng, accuracies, 10, 2000, 0.2))
        alone += found[place] == Rank(1, 1, 1) and all(each.low >= 2 for i, each in enumerate(found) if i != place)
    assert alone == 30


def test_ten_equal_methods_are_not_separated(draw):
    rng = np.random.default_rng(1)
    tables = [of_bits(draw(rng, [0.94] * 10, 10, 1000, 0.2)) for _ in range(40)]

    quiet = [found for found, better in tables if not better]
    assert len(quiet) >= 36  # nine in ten; nineteen in twenty are promised
    assert all(each == Rank(1, 1, 10) for found in quiet for each in found)


def test_a_method_with_one_ruined_seed_does_not_tie_with_the_best(draw):
    rng = np.random.default_rng(2)
    bits = draw(rng, [0.96, 0.92, 0.92, 0.96], 6, 2000, 0.1)
    bits[3, 0] = rng.random(2000) < 0.1

    found, better = of_bits(bits)

    assert not any(3 in pair for pair in better)  # its interval is too wide to separate from anything
    assert found[0].rank == 1
    assert found[3].rank > 1
