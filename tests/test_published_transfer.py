"""The published rows of transfer between data sets, as paired differences with joint intervals.

Each test's family, which Holm's correction covers, is the rungs of one cell.
"""

from functools import cache
from pathlib import Path

import pytest

from ticketbench.report.boards.board import Board, boards
from ticketbench.report.boards.scores import paired
from ticketbench.report.statistics.differences import corrected
from ticketbench.results import Row, read_rows
from ticketbench.task import find_tasks

TASK = "mnist/dataset-transfer-ci"
RESULTS = Path(__file__).parents[1] / "results" / TASK
MNIST, FASHION = "mnist", "fashion-mnist"
HOME = [(MNIST, MNIST), (FASHION, FASHION)]
AWAY = [(MNIST, FASHION), (FASHION, MNIST)]
RUNGS = (1, 2, 3, 4, 5)


@cache
def cells() -> dict[tuple[str, str], Board]:
    (task,) = find_tasks(TASK)
    rows = [row for path in sorted(RESULTS.glob("*.parquet")) for row in read_rows(path)]
    return {(each.found_on, each.trained_on): each for each in boards(rows, {TASK: task})}


def rows_of(method: str, cell: tuple[str, str], rung: int) -> list[Row]:
    (series,) = [each for each in cells()[cell].series if each.method == method]
    return list(series.at(rung))


def separations(cell, better, worse, worse_cell):
    """By rung: 1 where the first method, of a cell, scores above the second, of another cell, -1 below, else 0."""
    board = cells()[cell]
    differences = [
        paired(rows_of(better, cell, rung), rows_of(worse, worse_cell, rung), board.column, board.chance)
        for rung in RUNGS
    ]
    return [each.separates for each in corrected(differences)]


def test_every_cell_has_five_seeds_of_every_rung():
    for cell in (*HOME, *AWAY):
        for method in ("imp", "random-layer", "imp-reinit"):
            assert {rung: len(rows_of(method, cell, rung)) for rung in RUNGS} == dict.fromkeys(RUNGS, 5)


@pytest.mark.parametrize("cell", HOME)
@pytest.mark.parametrize("control", ["random-layer", "imp-reinit"])
def test_at_home_a_ticket_is_above_random_masks_and_above_its_own_mask_reinitialized(cell, control):
    assert separations(cell, "imp", control, cell) == [1] * len(RUNGS)


@pytest.mark.parametrize("cell", AWAY)
def test_no_ticket_is_as_good_as_the_target_s_own(cell):
    own = (cell[1], cell[1])
    assert separations(cell, "imp", "imp", own) == [-1] * len(RUNGS)


@pytest.mark.parametrize(("cell", "above"), [((FASHION, MNIST), [2, 3, 5]), ((MNIST, FASHION), [])])
def test_away_a_ticket_of_fashion_mnist_is_above_random_masks_at_three_rungs_and_one_of_mnist_at_none(cell, above):
    expected = [int(rung in above) for rung in RUNGS]
    assert separations(cell, "imp", "random-layer", (cell[1], cell[1])) == expected
