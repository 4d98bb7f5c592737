"""The published rows, as boards and as what separates on them."""

from collections.abc import Callable, Sequence
from functools import cache
from pathlib import Path

import pytest

from ticketbench.report.boards.board import Board, boards
from ticketbench.report.boards.scores import paired
from ticketbench.report.statistics.differences import corrected
from ticketbench.results import Row, read_rows
from ticketbench.task import find_tasks

Cell = tuple[str, str]  # where tickets were found, where they were trained
RESULTS = Path(__file__).parents[2] / "results"


@cache
def _cells(name: str) -> dict[Cell, Board]:
    (task,) = find_tasks(name)
    rows = [row for path in sorted((RESULTS / name).glob("*.parquet")) for row in read_rows(path)]
    return {(each.found_on, each.trained_on): each for each in boards(rows, {name: task})}


def _rows_of(board: Board, method: str, rung: int) -> Sequence[Row]:
    (series,) = [each for each in board.series if each.method == method]
    return series.at(rung)


def _separations(first: Board, better: str, second: Board, worse: str) -> dict[int, int]:
    pairs = [(_rows_of(first, better, rung), _rows_of(second, worse, rung)) for rung, _ in first.rungs]
    differences = corrected([paired(*pair, first.column, first.chance) for pair in pairs])
    return {rung: each.separates for (rung, _), each in zip(first.rungs, differences, strict=True)}


@pytest.fixture(scope="session")
def results() -> Path:
    """The folder of the published rows."""
    return RESULTS


@pytest.fixture(scope="session")
def cells() -> Callable[[str], dict[Cell, Board]]:
    """`cells(task)`: its boards, by where tickets were found and where they were trained."""
    return _cells


@pytest.fixture(scope="session")
def board_of() -> Callable[[str], Board]:
    """`board_of(task)`: the board of a task of one setting."""

    def found(name: str) -> Board:
        (board,) = _cells(name).values()
        return board

    return found


@pytest.fixture(scope="session")
def rows_of() -> Callable[[Board, str, int], Sequence[Row]]:
    """`rows_of(board, method, rung)`: a row a seed."""
    return _rows_of


@pytest.fixture(scope="session")
def separations() -> Callable[[Board, str, Board, str], dict[int, int]]:
    """`separations(first, better, second, worse)`: by rung, 1 where the one method lies above the other, -1 below.

    Each is of a board of its own, which may be the same; else 0. Holm's correction covers the rungs.
    """
    return _separations
