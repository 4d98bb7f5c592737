"""Tables to compute with, as CSV: a board's, its ranking, and the ranking over a set of tasks."""

import csv
import io
from collections.abc import Iterable, Sequence
from statistics import geometric_mean
from typing import Any

from ticketbench.report.boards.board import Board, Cell
from ticketbench.report.printable import printable
from ticketbench.report.site.overview import SetPage
from ticketbench.report.site.ranking_page import Ranks
from ticketbench.report.units import unit_of
from ticketbench.report.wording import Shown
from ticketbench.results import Row

_BOARD = ("task", "task_version", "numerics", "found_on", "trained_on")
_HEADS = (
    *(*_BOARD, "method", "params", "label", "rung"),
    *("density_asked", "compression", "compression_over_all_parameters"),
    *("metric", "mean", "half_width", "low", "high", "interval", "seeds"),
    *("collapsed", "diverged", "failed", "why_no_mean"),
)
_FORMULA = ("=", "+", "-", "@", "\t", "\r")  # what a spreadsheet takes for the start of one
_RANK = ("rank", "rank_low", "rank_high")


def csv_table(board: Board) -> str:
    """The table of a board, one line for each method and rung, with every number at full precision.

    Numbers are on the scale that differences are taken on: `metric` says where they are logarithms.
    Text that a spreadsheet would take for a formula has an apostrophe before it, in all of these tables.
    """
    lines = [_line(board, ("dense", "{}", ""), board.dense, 1.0, board.dense_rows)] if board.dense else []
    for series in board.series:
        for rung, compression in board.rungs:
            if cell := series.cells.get(rung):
                lines.append(_line(board, series.key, cell, compression, series.at(rung)))
    return _csv(_HEADS, lines)


def csv_ranking(ranks: Ranks, board: Board) -> str:
    """A board's ranking, one line a method: means at full precision, and each with its interval as printed.

    Both are in the unit that the column's name says, where there is one: `at_4x_percent`, `at_4x_nats`.
    """
    unit = unit_of(board.metric)
    named = unit.sign.replace("%", "percent").strip()
    scale = f"_{named}" if named else ""
    columns = [f"at_{head[:-1]}x{name}" for head in ranks.heads for name in (scale, f"{scale}_interval")]
    heads = (
        *(*_BOARD, "compression", "group", "method", *_RANK, "area", "area_interval", *columns),
        *("matches_dense", "matches_dense_to", "cost", "cost_class", "seeds", "not_ranked"),
    )
    said = (*_said(board), ranks.compression)
    lines = []
    for heading, own in ranks.groups:
        for each in own:
            rank = (each.rank.rank, each.rank.low, each.rank.high) if each.rank else ("", "", "")
            matching = (each.matching.main, each.matching.below) if each.matching else ("", "")
            points = [value for cell in each.points for value in _mean(cell, unit.factor)]
            kept = (each.cost, each.cost_class, each.seeds, each.apart)
            lines.append([*said, heading, each.name, *rank, *_mean(each.area), *points, *matching, *kept])
    return _csv(heads, lines)


def csv_overview(page: SetPage) -> str:
    """The ranking over a set of tasks, one line a method, with its area on every task."""
    tasks = [name for member in page.tasks.tasks for name in (member.called, f"{member.called} interval")]
    heads = ("set", "set_version", "group", "method", *_RANK, "area", "area_interval", "cost", "cost_class", *tasks)
    lines = []
    for heading, own in page.groups:
        for each in own:
            means = [value for cell in each.areas for value in _mean(cell)]
            rank = (each.rank.rank, each.rank.low, each.rank.high) if each.rank else ("", "", "")
            said = (page.tasks.name, page.tasks.version, heading, each.name)
            lines.append([*said, *rank, *_mean(each.area), each.cost, each.cost_class, *means])
    return _csv(heads, lines)


def _line(board: Board, key: tuple[str, str, str], cell: Cell, compression: float, rows: Sequence[Row]) -> list[Any]:
    score = cell.score
    numbers = (score.mean, score.h, score.low, score.high, score.kind, score.seeds) if score else ("",) * 6
    lost = [cell.count(status) for status in ("collapsed", "diverged", "failed")]
    asked = 1 / compression
    measured = unit_of(board.metric).quantity
    kept = (cell.compression, _over_all(rows))
    return [*_said(board), *key, cell.rung, asked, *kept, measured, *numbers, *lost, cell.why]


def _over_all(rows: Sequence[Row]) -> float | None:
    """Compression counted over all parameters, those that no mask covers too: its geometric mean over seeds."""
    counted = [row for row in rows if row["prunable"] and row["kept"]]
    each = [row["parameters"] / (row["kept"] + row["parameters"] - row["prunable"]) for row in counted]
    return geometric_mean(each) if each else None


def _said(board: Board) -> tuple[Any, ...]:
    return (board.task, board.version, board.numerics, board.found_on, board.trained_on)


def _mean(cell: Shown | None, factor: float = 1.0) -> tuple[Any, str]:
    """A number at full precision where it is known, times a factor, and what stands beside it."""
    if cell is None:
        return "", ""
    return (cell.order * factor if cell.order is not None else cell.main), cell.below


def _csv(heads: Sequence[str], lines: Iterable[Sequence[Any]]) -> str:
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(heads)
    for line in lines:
        writer.writerow([_shielded(printable(value)) if isinstance(value, str) else value for value in line])
    return text.getvalue()


def _shielded(text: str) -> str:
    return f"'{text}" if text.startswith(_FORMULA) else text
