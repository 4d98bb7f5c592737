"""Many methods on one page: the first of every family together, then each family by itself."""

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING

from ticketbench.report.boards.board import Board, Series
from ticketbench.report.site.figures import Figure, metric_figure, score_points, series_name
from ticketbench.report.site.looks import Look

if TYPE_CHECKING:
    from ticketbench.methods import Method

MANY = 12  # curves that one figure may hold
OTHERS = "other methods"
_ALWAYS = ("imp", "random-layer")  # what every family is held against


def family_of(series: Series, methods: Mapping[str, "Method"]) -> str:
    """The family that the method declares; a method that is not at hand, or declares none, is of the others."""
    return (methods[series.method].family if series.method in methods else "") or OTHERS


def crowded(board: Board) -> bool:
    """Whether there are more curves than one figure can show."""
    return len(_drawn(board.series)) > MANY


def leading(board: Board, methods: Mapping[str, "Method"]) -> list[Series]:
    """The first series of every family, in the board's order, and those that all are held against."""
    first = {id(members[0]) for members in _families(board, methods).values()}
    return [each for each in _drawn(board.series) if id(each) in first or series_name(each) in _ALWAYS]


def family_figures(
    board: Board, methods: Mapping[str, "Method"], looks: Mapping[str, Look]
) -> Iterable[tuple[str, Figure]]:
    """The metric of every family beside what all are held against, on shared axes, in the order of first series."""
    beside = [each for each in _drawn(board.series) if series_name(each) in _ALWAYS]
    reach = [point for each in _drawn(board.series) for point in score_points(each, board, "") if point.y is not None]
    for family, members in _families(board, methods).items():
        shown = [*members, *(each for each in beside if each not in members)]
        names = {series_name(each): series_name(each) for each in shown}
        if figure := metric_figure(board, shown, looks, names, choose=True, reach=reach):
            yield family, figure


def _families(board: Board, methods: Mapping[str, "Method"]) -> dict[str, list[Series]]:
    found: dict[str, list[Series]] = {}
    for each in _drawn(board.series):
        found.setdefault(family_of(each, methods), []).append(each)
    return found


def _drawn(series: Iterable[Series]) -> Sequence[Series]:
    return [each for each in series if any(cell.score for cell in each.cells.values())]
