"""What the tests of boards share: the ranking of rows, boards by cell, and tasks with references."""

import pytest

from ticketbench.report.boards.board import boards
from ticketbench.report.boards.ranking import ranking
from ticketbench.task import Reference


@pytest.fixture(scope="session")
def ranked():
    """`ranked(rows, task)`: the ranking of one board's rows, each method's file read, no recipe of its own in any."""

    def rank(rows, task):
        (board,) = boards(rows, {task.id: task})
        return ranking(board, {series.method: False for series in board.series})

    return rank


@pytest.fixture(scope="session")
def reference():
    """`reference(**said)`: one of a task's, to the test score in a table of somebody's unless said."""

    def make(**said):
        return Reference.model_validate({"cite": "x", "where": "Table 1", "column": "test_final"} | said)

    return make


@pytest.fixture(scope="session")
def cells():
    """`cells(rows, task)`: the boards of the rows by where tickets were found and where trained."""

    def by_cell(rows, task):
        return {(each.found_on, each.trained_on): each for each in boards(rows, {task.id: task})}

    return by_cell


@pytest.fixture(scope="session")
def with_references():
    """`with_references(task, references)`: the task with these references instead of its own."""

    def change(task, references):
        return task.model_copy(update={"references": tuple(references)})

    return change
