"""Cells as the pages print them."""

from dataclasses import replace

import pytest

from ticketbench.report.boards.board import boards
from ticketbench.report.statistics.intervals import single_run
from ticketbench.report.units import unit_of
from ticketbench.report.wording import difference_line, one_class, shown


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


def test_the_ends_of_one_run_s_difference_have_their_signs():
    run = single_run(480, 500)
    less, across = (
        replace(run, mean=m, low=low, high=high) for m, low, high in ((-0.014, -0.02, -0.009), (0.0, -0.01, 0.01))
    )
    assert difference_line(less, unit_of("accuracy")) == "−1.40 −2.00 to −0.90"
    assert difference_line(across, unit_of("accuracy")) == "0.0 −1.0 to 1.0"


@pytest.mark.parametrize(
    ("seeds", "long", "short", "others"),
    [
        (1, "the one seed answers one class", "× the one seed collapsed to one class", "1 seed"),
        (3, "all 3 seeds answer one class", "× all 3 collapsed to one class", "3 seeds"),
    ],
)
def test_of_one_seed_it_speaks_in_the_singular(rows_of, seeds, long, short, others):
    task, unit = rows_of.make_task(), unit_of("accuracy")
    (board,) = boards(rows_of.collapsed(rows_of.make_results(task, {"imp": [0.9]}, seeds=seeds), 0.3), {})
    cell = board.series[0].cells[1]

    assert one_class(cell, unit, None) == long
    assert shown(cell, unit, kind=cell.score.kind, seeds=5, column=None).notes == (short, others)
