"""What the tests of boards share: the ranking of rows."""

import pytest

from ticketbench.report.boards.board import boards
from ticketbench.report.boards.ranking import ranking


@pytest.fixture(scope="session")
def ranked():
    """`ranked(rows, task)`: the ranking of rows of one board, every method's file read, without a recipe of its own."""

    def rank(rows, task):
        (board,) = boards(rows, {task.id: task})
        return ranking(board, {series.method: False for series in board.series})

    return rank
