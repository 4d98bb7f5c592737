"""What a task's page says of one board, ready for the template: table, figures, troubles and controls."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from ticketbench.report.boards.board import NOT_APPLICABLE, Board, Cell, Series, near, score_in_column
from ticketbench.report.boards.controls import Controlled, controlled, orphans
from ticketbench.report.boards.costs import total_cost
from ticketbench.report.site.addresses import method_page, root, rows_of_cell, task_page
from ticketbench.report.site.families import crowded, family_figures, family_of, leading
from ticketbench.report.site.figures import Figure, four_figures, learning_figure, metric_figure, series_name
from ticketbench.report.site.looks import CONTROLS as CONTROL_LOOKS
from ticketbench.report.site.looks import OTHER_CONTROL, Look
from ticketbench.report.statistics.costs import cost_class
from ticketbench.report.units import Unit, unit_of
from ticketbench.report.wording import (
    Shown,
    difference_text,
    interval_line,
    seed_count,
    seeds_text,
    share,
    shown,
    times,
)
from ticketbench.results import CONTROLS, LOST

if TYPE_CHECKING:
    from ticketbench.methods import Method

TROUBLES = ("collapsed", *LOST)


@dataclass(frozen=True)
class Line:
    """One row of the main table.

    Attributes:
        marks: what the rulebook wants said of its tickets.
        cost, cost_class: what the sparsest ticket that has a score cost, as printed, and its class; empty if unknown.
        family, tags: as the method declares them.
        page, rows: where the method's page is, and the rows of every cell.
    """

    name: str
    title: str
    marks: Sequence[str]
    look: Look
    seeds: int
    cost: str
    cost_class: str
    family: str
    tags: Sequence[str]
    cells: Sequence[Shown | None]
    page: str
    rows: Sequence[str]


@dataclass(frozen=True)
class Trouble:
    """One line of the list of what is not done."""

    name: str
    where: str
    seeds: str
    status: str
    reason: str


@dataclass(frozen=True)
class Beside:
    """A method's tickets beside their controls: a figure, and the differences ticket - control."""

    name: str
    figure: Figure | None
    lines: Sequence[tuple[str, str, Sequence[Shown | None]]]


def board_page(board: Board, methods: Mapping[str, "Method"], looks: Mapping[str, Look]) -> dict[str, Any]:
    """What the template needs to show one board: table, troubles and controls, and figures if it is diagonal.

    A board of tickets that are trained elsewhere than they were found has its figures in the transfer matrix.
    """
    unit = unit_of(board.metric)
    kind = usual_kind(board_cells(board))
    lines = [(each.carried, _line(each, board, unit, kind, methods, looks)) for each in board.series]
    beside = controlled(board)
    many = board.diagonal and crowded(board)
    drawn = leading(board, methods) if many else board.series
    return {
        "board": board,
        "unit": unit,
        "kind": kind,
        "heads": [(times(c), share(1 / c)) for _, c in board.rungs],
        "dense": shown_dense(board, unit, kind),
        "dense_rows": root(task_page(board.task)) + rows_of_cell(None, board, 0),
        "dense_seeds": len(board.dense.seeds) if board.dense else 0,
        "lines": [line for carried, line in lines if not carried],
        "carried": [line for carried, line in lines if carried],
        "ordered_at": next((times(c) for rung, c in board.rungs if rung == board.ordered_by), ""),
        "covered": sum(_ordered(each, board) for each in board.series if not each.carried),
        "troubles": list(_troubles(board)),
        "metric": metric_figure(board, drawn, looks, choose=True) if board.diagonal else None,
        "families": list(family_figures(board, methods, looks)) if many else [],
        "learning": learning_figure(board, drawn, looks) if board.diagonal else None,
        "four": four_figures(board, looks) if board.diagonal else [],
        "controls": [_beside(each, board, unit, looks) for each in beside],
        "controlled_by": sorted({name for each in beside for name in each.controls}),
        "orphans": orphans(board, beside),
    }


def _beside(found: Controlled, board: Board, unit: Unit, looks: Mapping[str, Look]) -> Beside:
    name = series_name(found.series)
    meanings = {name: "the tickets"} | {
        series_name(each): f"{control}: {CONTROLS[control]}" if control in CONTROLS else control
        for control, each in found.controls.items()
    }
    drawn = {name: looks[name]} | {
        series_name(each): CONTROL_LOOKS.get(control, OTHER_CONTROL) for control, each in found.controls.items()
    }
    return Beside(
        name,
        metric_figure(board, [found.series, *found.controls.values()], drawn, meanings) if board.diagonal else None,
        [
            (
                control,
                CONTROLS.get(control, ""),
                [_difference(each, rung, found, control, unit) for rung, _ in board.rungs],
            )
            for control, each in found.controls.items()
        ],
    )


def _difference(control: Series, rung: int, found: Controlled, name: str, unit: Unit) -> Shown | None:
    """Ticket minus control at a rung, with what became of the control."""
    cell = control.cells.get(rung)
    if cell is None:
        return None
    interval = found.differences[name].get(rung)
    if interval is None:
        return _no_difference(cell, found.series.cells.get(rung))
    main, below = difference_text(interval, unit)
    beside = f"control: {interval_line(cell.score, unit)}{unit.sign}" if cell.score else ""
    statuses = [f"{count} {status}" for status in TROUBLES if (count := cell.count(status))]
    seeds = [seed_count(interval.seeds)] if interval.seeds != len(found.series.seeds) else []
    ticket = found.series.cells[rung].compression
    off = cell.compression and ticket and not near(cell.compression, ticket)
    notes = (*statuses, *([f"at {times(cell.compression)}"] if off and cell.compression else []))
    return Shown(main, below or "no interval", (*(f"control: {each}" for each in notes), *seeds), beside)


def _no_difference(control: Cell, ticket: Cell | None) -> Shown:
    """What stands where a control and its ticket have no seed with a number of both, and why."""
    if control.score is None:
        reasons = "; ".join(trouble.reason or trouble.status for trouble in control.troubles)
        return Shown("–" if control.why == NOT_APPLICABLE else "?", long=reasons or control.why)
    if ticket is None:
        return Shown("?", long="the ticket has no row here")
    return Shown("?", long=f"the ticket: {ticket.why}" if ticket.why else "no seed in common with the ticket")


def _line(
    series: Series,
    board: Board,
    unit: Unit,
    kind: str,
    methods: Mapping[str, "Method"],
    looks: Mapping[str, Look],
) -> Line:
    usual, cells = shown_cells(series, board, unit, kind)
    method = methods.get(series.method)
    name = series_name(series)
    up = root(task_page(board.task))
    cost = _cost(series, board)
    return Line(
        name=name,
        title=method.title if method else "",
        marks=list(marks(series)),
        look=looks[name],
        seeds=usual,
        cost=f"{cost:.1f}" if cost is not None else "",
        cost_class=cost_class(cost) if cost is not None else "",
        family=family_of(series, methods),
        tags=method.tags if method else (),
        cells=cells,
        page=up + method_page(series.method),
        rows=[up + rows_of_cell(series, board, rung) for rung, _ in board.rungs],
    )


def _cost(series: Series, board: Board) -> float | None:
    """What the sparsest ticket that has a score cost, in whole trainings."""
    last = max((row["rung"] for row in series.rows if row["test_final"] is not None), default=0)
    return total_cost(series.at(last), board.batch_size, board.steps)


def shown_cells(series: Series, board: Board, unit: Unit, kind: str) -> tuple[int, list[Shown | None]]:
    """The usual number of seeds of a series, and its cells as the table prints them, one for each rung."""
    seeds = Counter(len(cell.seeds) for cell in series.cells.values())
    usual = max(seeds, key=lambda n: (seeds[n], n))
    return usual, [
        shown(series.cells[rung], unit, kind=kind, seeds=usual, column=compression, chance=board.chance)
        if rung in series.cells
        else None
        for rung, compression in board.rungs
    ]


def marks(series: Series) -> Iterable[str]:
    """What the rulebook wants said of a series' tickets."""
    scored = [row for row in series.rows if row["test_final"] is not None]
    if scored and all(row["training_steps"] == 0 for row in scored):
        yield "scored as it is, not trained"
    if any(row["edited"] for row in scored):
        yield "weights of the method’s own"


def shown_dense(board: Board, unit: Unit, kind: str) -> Shown | None:
    """The dense network as the table prints it; None where it has no rows."""
    if board.dense is None:
        return None
    return shown(board.dense, unit, kind=kind, seeds=len(board.dense.seeds), column=1.0, chance=board.chance)


def board_cells(board: Board) -> list[Cell]:
    """What the board's table shows: the cells of its series, and that of the dense network."""
    return [cell for each in board.series for cell in each.cells.values()] + ([board.dense] if board.dense else [])


def usual_kind(cells: Iterable[Cell]) -> str:
    """The kind of interval that most of these cells have; of two as common, the later by name."""
    kinds = Counter(cell.score.kind for cell in cells if cell.score and cell.score.kind != "none")
    return max(kinds, key=lambda kind: (kinds[kind], kind)) if kinds else "none"


def _troubles(board: Board) -> Iterable[Trouble]:
    """What is not done, with equal reasons of one method over several rungs in one line."""
    heads = dict(board.rungs)
    named: list[tuple[str, Iterable[Cell]]] = [("dense", [board.dense])] if board.dense else []
    named += [(series_name(each), each.cells.values()) for each in board.series]
    named += [(_control_name(each), each.cells.values()) for each in board.controls]
    for name, cells in named:
        places: dict[tuple[str, str, tuple[int, ...]], list[int]] = {}
        for cell in cells:
            for trouble in cell.troubles:
                places.setdefault((trouble.status, trouble.reason, trouble.seeds), []).append(cell.rung)
        for (status, reason, seeds), rungs in places.items():
            everywhere = len(rungs) == len(heads) > 1
            where = "every rung" if everywhere else ", ".join(times(heads[r]) if r in heads else "1×" for r in rungs)
            yield Trouble(name, where, seeds_text(seeds), status, reason or "no reason was recorded")


def _control_name(control: Series) -> str:
    ticket = replace(control, control="")
    return f"{control.control} of {series_name(ticket)}"


def _ordered(series: Series, board: Board) -> bool:
    """Whether the series has its place in the table by a mean."""
    by = board.ordered_by
    return by is not None and score_in_column(series.cells.get(by), dict(board.rungs)[by]) is not None
