"""Cells as the pages print them."""

import pytest

from ticketbench.report.boards.board import boards
from ticketbench.report.units import unit_of
from ticketbench.report.wording import shown


@pytest.mark.parametrize(("column", "off"), [(2.0, False), (1.2, True), (None, False)])
def test_a_cell_of_another_compression_than_its_column_orders_nothing(rows_of, column, off):
    task = rows_of.make_task()
    rows = rows_of.make_results(task, {"imp": [0.9]}, seeds=3, kept=5950, prunable=11900)
    (board,) = boards(rows, {})
    cell = board.series[0].cells[1]

    found = shown(cell, unit_of("accuracy"), kind="joint", seeds=3, column=column)

    assert found.main.startswith("9") or found.main.startswith("8")
    assert (found.off, found.order is None) == (off, off)
    assert ("at 2.00×" in found.notes) == off
