"""Controls beside the tickets that they stand in for: what is left of a ticket once one thing about it is undone."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from ticketbench.report.boards.board import Board, Series, better_by
from ticketbench.report.statistics.intervals import Interval
from ticketbench.results import CONTROLS

_AT_THE_TICKETS = ("long-dense",)  # keeps every weight: it stands beside its ticket, not at a compression of its own


@dataclass(frozen=True)
class Controlled:
    """A series and its controls.

    Attributes:
        controls: by name, in the order of `results.CONTROLS`; cells at the compression at which they are drawn.
        differences: by control and rung, ticket minus control over common seeds; positive is better for the ticket.
    """

    series: Series
    controls: Mapping[str, Series]
    differences: Mapping[str, Mapping[int, Interval | None]]


def controlled(board: Board) -> list[Controlled]:
    """The series of a board that have controls, in the order of the table."""
    return [found for series in board.series if (found := _controlled(board, series)).controls]


def _controlled(board: Board, series: Series) -> Controlled:
    known = list(CONTROLS)
    own = [each for each in board.controls if each.key == series.key]
    own.sort(key=lambda each: (known.index(each.control) if each.control in known else len(known), each.control))
    controls = {each.control: _placed(each, series) for each in own}
    return Controlled(series, controls, {name: _differences(board, series, each) for name, each in controls.items()})


def _differences(board: Board, series: Series, control: Series) -> dict[int, Interval | None]:
    return {rung: better_by(board, series.at(rung), control.at(rung)) for rung in control.cells}


def _placed(control: Series, series: Series) -> Series:
    if control.control not in _AT_THE_TICKETS:
        return control
    cells = {
        rung: replace(cell, compression=series.cells[rung].compression if rung in series.cells else None)
        for rung, cell in control.cells.items()
    }
    return replace(control, cells=cells)


def orphans(board: Board, found: Sequence[Controlled]) -> int:
    """How many rows of controls have no ticket on this board."""
    shown = {id(row) for each in found for control in each.controls.values() for row in control.rows}
    return sum(id(row) not in shown for control in board.controls for row in control.rows)
