"""The published rows of `mnist/lenet-300-100`: Frankle & Carbin's first experiment at full length."""

import pytest

from ticketbench.report.boards.ledger import ledger
from ticketbench.task import find_tasks

TASK = "mnist/lenet-300-100"


def test_at_9_times_a_ticket_is_above_its_controls_and_dense_and_learns_faster(board_of, rows_of):
    board = board_of(TASK)
    (dense,) = board.dense_rows
    ticket, redrawn, random = (rows_of(board, name, 10)[0] for name in ("imp", "imp-reinit", "random-layer"))
    four = (ticket, redrawn, random, dense)
    assert ticket["density"] == pytest.approx(1 / 9.235, rel=1e-4)
    assert [row["test_final"] for row in four] == pytest.approx([0.9841, 0.9777, 0.9765, 0.9763])
    assert [row["best_step"] for row in four] == [2500, 8300, 8500, 8300]
    assert [row["test_best"] for row in four] == pytest.approx([0.9819, 0.9795, 0.9756, 0.9804])


def test_the_last_step_s_highest_rung_is_that_one_and_two_orderings_of_a_reproduction_go_the_other_way(
    board_of, rows_of
):
    board = board_of(TASK)
    (dense,) = board.dense_rows
    final = {rung: rows_of(board, "imp", rung)[0]["test_final"] for rung in range(1, 21)}
    assert max(final, key=final.__getitem__) == 10
    assert (final[3], final[7], final[15]) == pytest.approx((0.9823, 0.9814, 0.9824))  # 51.3, 21.1 and 3.6 %
    assert final[7] < final[3] and final[15] > dense["test_final"]


def test_one_seed_settles_none_of_the_published_statements(cells):
    (task,) = find_tasks(TASK)
    verdicts = [each.verdict for each in ledger(cells(TASK), task, {})]
    assert len(verdicts) == len(task.references) > 0
    assert {*verdicts} == {"not comparable", "not tested"}
