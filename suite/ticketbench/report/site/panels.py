"""The figures of a transfer matrix: one small panel for each setting found on and each trained on."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from ticketbench.report.boards import transfer
from ticketbench.report.boards.board import Board, Series
from ticketbench.report.boards.transfer import Cells, Matrix, series_of
from ticketbench.report.site import charts, looks
from ticketbench.report.site.charts import Point
from ticketbench.report.site.figures import dense_point, metric_scale, score_points
from ticketbench.report.site.looks import Look
from ticketbench.report.units import Unit, unit_of
from ticketbench.report.wording import one_class, times

_SIZES = {1: (400, 250), 2: (400, 250), 3: (270, 190)}  # plotting areas in pixels, by the number of settings
_SMALL = (190, 150)
_ROLES = {
    "found elsewhere": ("the ticket found on another setting", looks.FOUND_ELSEWHERE),
    "found there": ("the ticket found where it is trained", looks.FOUND_THERE),
    "random": ("random tickets, found where they are trained", looks.RANDOM),
    "shuffled": ("the ticket’s mask shuffled within layers", looks.CONTROLS[transfer.SHUFFLED]),
}

Pair = tuple[str, str]


@dataclass(frozen=True)
class Panel:
    """One cell of the grid: a drawing (SVG), what it shows in words, and what must not be missed."""

    found_on: str
    trained_on: str
    drawn: str
    described: str
    alarms: Sequence[str]


def panels(matrix: Matrix, cells: Cells) -> tuple[list[Panel], list[tuple[str, Look]]]:
    """The panels of a matrix, row by row, and the legend that they share."""
    unit = unit_of(next(iter(cells.values())).metric)
    pairs = [(found_on, trained_on) for found_on in matrix.settings for trained_on in matrix.settings]
    curves = {pair: _curves(cells, matrix, pair) for pair in pairs}
    columns = {setting: _column(cells, curves, setting) for setting in matrix.settings}
    used = {point.series for each in curves.values() for point in each}
    legend = [(meaning, look) for role, (meaning, look) in _ROLES.items() if role in used]
    if any(board.dense and board.dense.score for board in cells.values()):
        legend.append(("dense network", looks.DENSE_LINE))
    if any(board.chance is not None for board in cells.values()):
        legend.append((unit.chance, looks.CHANCE_LINE))
    return [_panel(matrix, cells, pair, curves[pair], columns[pair[1]], unit) for pair in pairs], legend


def _curves(cells: Cells, matrix: Matrix, pair: Pair) -> list[Point]:
    """The points of a panel, every curve under the name of its role; curves without a mean are left out."""
    found_on, trained_on = pair
    board, home = cells[pair], cells[trained_on, trained_on]
    every: list[tuple[str, Series | None, Board]] = [
        ("shuffled", transfer.control_of(board, matrix.key, transfer.SHUFFLED), board),
        ("found there", series_of(home, matrix.key), home),
    ]
    if matrix.key[0] != transfer.RANDOM:
        every.insert(0, ("random", transfer.random_on(cells, trained_on), home))
    if found_on != trained_on:
        every.append(("found elsewhere", series_of(board, matrix.key), board))
    points = [list(score_points(series, on, role)) for role, series, on in every if series]
    return [point for curve in points if any(each.y is not None for each in curve) for point in curve]


def _column(cells: Cells, curves: Mapping[Pair, Sequence[Point]], setting: str) -> list[Point]:
    """Every point in a column of the grid, which the axes of all its panels cover."""
    points = [point for (_, trained_on), each in curves.items() if trained_on == setting for point in each]
    dense = dense_point(cells[setting, setting])
    return [*points, dense] if dense else points


def _panel(
    matrix: Matrix, cells: Cells, pair: Pair, points: Sequence[Point], column: Sequence[Point], unit: Unit
) -> Panel:
    board = cells[pair]
    used = {point.series for point in points}
    spec = charts.figure(
        points,
        dense_point(board),
        {role: look for role, (_, look) in _ROLES.items() if role in used},
        replace(metric_scale(board), title=""),
        board.chance,
        reach=column,
    )
    return Panel(
        *pair,
        charts.svg(charts.sized(spec, *_SIZES.get(len(matrix.settings), _SMALL))),
        f"Test {unit.quantity} against compression of tickets found on {pair[0]} and trained on {pair[1]}; the "
        "tables have every number.",
        list(_alarms(board, series_of(board, matrix.key), unit)),
    )


def _alarms(board: Board, series: Series | None, unit: Unit) -> Iterable[str]:
    """Rungs at which every seed gives one answer, those of which the same is to be said in one sentence."""
    places: dict[str, list[str]] = {}
    heads = dict(board.rungs)
    for rung, cell in sorted(series.cells.items()) if series else ():
        if cell.collapsed:
            mean = unit.alone(cell.score.mean) if cell.score else "no mean"
            places.setdefault(f"{mean}, and {one_class(cell, unit, board.chance)}", []).append(times(heads[rung]))
    for said, where in places.items():
        yield f"At {', '.join(where)}: {said}."
