"""Controls beside their tickets: which stands where, and what the difference is."""

import pytest

from ticketbench.report.boards.board import boards
from ticketbench.report.boards.controls import controlled, orphans
from ticketbench.report.boards.scores import paired
from ticketbench.report.site.figures import score_points


@pytest.fixture
def task(rows_of):
    return rows_of.make_task()


def only(rows, task):
    (board,) = boards(rows, {task.id: task})
    return board


def test_a_difference_is_ticket_minus_control_by_seed(rows_of, task):
    tickets = rows_of.make_results(task, {"imp": [0.9, 0.8]}, 5)
    control = rows_of.make_controls(task, "imp", {"shuffled": [0.7, 0.6]}, 5)
    control = [row for row in control if row["seed"] != 2]

    (found,) = controlled(only(tickets + control, task))

    second = [[row for row in rows if row["rung"] == 2] for rows in (tickets, control)]
    assert found.differences["shuffled"][2] == paired(*second, "test_final", 0.1)
    assert found.differences["shuffled"][2].seeds == 4
    assert found.differences["shuffled"][2].mean > 0


def test_controls_come_in_the_order_of_what_they_undo_and_strangers_last(rows_of, task):
    names = ("long-dense", "mine", "small-dense", "random-layer", "reinitialized", "shuffled")
    rows = rows_of.make_results(task, {"imp": [0.9]}, 3)
    rows += rows_of.make_controls(task, "imp", {name: [0.8] for name in names}, 3)

    (found,) = controlled(only(rows, task))

    assert list(found.controls) == [
        *("shuffled", "reinitialized", "random-layer", "small-dense", "long-dense"),
        "mine",
    ]


def test_a_dense_network_trained_for_long_is_drawn_at_its_tickets_compression_and_a_small_one_at_its_own(
    rows_of, task
):
    rows = rows_of.make_results(task, {"imp": [0.9, 0.8]}, 3)
    rows += rows_of.make_controls(task, "imp", {"long-dense": [0.95, 0.95]}, 3)
    rows += [
        row | {"kept": row["kept"] + 300} for row in rows_of.make_controls(task, "imp", {"small-dense": [0.9]}, 3)
    ]
    board = only(rows, task)

    (found,) = controlled(board)

    tickets = [cell.compression for cell in found.series.cells.values()]
    drawn = {
        name: [point.compression for point in score_points(each, board, name) if point.y is not None]
        for name, each in found.controls.items()
    }
    assert drawn["long-dense"] == tickets
    assert drawn["small-dense"] == [pytest.approx(11900 / (11900 / tickets[0] + 300))]


def test_a_control_trained_for_long_costs_as_many_dense_trainings_as_it_trains(rows_of, task):
    rows = rows_of.make_results(task, {"dense": [0.95], "imp": [0.9]}, 3, search_examples=60 * 14 * 800)
    longer = {"search_examples": 0, "search_steps": 0, "training_steps": 15 * 800}
    rows += rows_of.make_controls(task, "imp", {"long-dense": [0.95]}, 3, **longer)
    board = only(rows, task)
    (found,) = controlled(board)

    costs = [
        point.cost for each in (found.series, found.controls["long-dense"]) for point in score_points(each, board, "")
    ]

    assert task.training.batch_size == 60
    assert costs == [15.0, 15.0]


def test_controls_without_their_ticket_are_counted(rows_of, task):
    rows = rows_of.make_results(task, {"imp": [0.9]}, 3)
    rows += rows_of.make_controls(task, "snip", {"shuffled": [0.8]}, 3)
    rows += rows_of.make_controls(task, "imp", {"shuffled": [0.8]}, 3)
    board = only(rows, task)

    assert orphans(board, controlled(board)) == 3


def test_a_control_that_cannot_be_had_has_no_difference(rows_of, task):
    rows = rows_of.make_results(task, {"imp": [0.9]}, 3)
    rows += [
        rows_of.make_row(
            *(task, "imp", 1, seed),
            kind="control",
            label="small-dense",
            status="not applicable",
            reason="no narrower network",
            kept=None,
        )
        for seed in range(3)
    ]

    (found,) = controlled(only(rows, task))

    assert found.differences == {"small-dense": {1: None}}
