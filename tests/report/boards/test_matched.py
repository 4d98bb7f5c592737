"""Matching and critical compression of the rows of a board."""

import pytest

from ticketbench.report.boards.board import boards
from ticketbench.report.boards.curves import curve_of
from ticketbench.report.boards.matched import matched

MARGIN = 0.3


@pytest.fixture
def task(rows_of):
    return rows_of.make_task()


@pytest.fixture
def rows(rows_of, task):
    """Six rungs of a method that is near its dense network at all of them."""
    return rows_of.make_results(task, {"dense": [0.97], "imp": [0.95] * 6}, seeds=5)


def found_in(rows, task, margin=MARGIN):
    (board,) = boards(rows, {task.id: task})
    (series,) = board.series
    return matched(series, curve_of(series, board), board, margin)


def test_matching_stops_at_the_first_rung_that_a_seed_lacks(rows, task):
    whole = found_in(rows, task).matching
    holed = found_in([row for row in rows if (row["rung"], row["seed"]) != (4, 3)], task).matching

    assert (whole.censored, holed.censored) == ("right", "right")
    assert [whole.most, holed.most] == pytest.approx([(1 / 0.6) ** 6, (1 / 0.6) ** 3], rel=0.01)
    assert len(holed.x) == 4  # the dense network and rungs 1 to 3


@pytest.mark.parametrize("margin", [MARGIN, None])
def test_critical_compression_is_of_the_layers_that_rows_count(rows, task, margin):
    first = {0: 3, 1: 4, 2: 5}  # the rung from which a layer is empty, by seed; never of the others
    for row in rows:
        empty = row["rung"] >= first.get(row["seed"], 9)
        kept = [row["kept"], 0] if empty else [row["kept"] - 1, 1]
        row["kept_per_layer"] = [{"layer": str(place), "kept": each} for place, each in enumerate(kept)]
    critical = found_in(rows, task, margin).critical

    assert [critical.least, critical.median] == pytest.approx([(1 / 0.6) ** 3, (1 / 0.6) ** 5], rel=0.01)
    kept = [row for row in rows if row["seed"] > 2]
    assert found_in(kept, task, margin).critical.least is None
