"""Tickets beside random ones: what Yu et al. 2020 call winning, on language and on games (arXiv 1906.02768)."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from ticketbench.report.boards.board import Board, Series, better_by, near
from ticketbench.report.boards.transfer import RANDOM, random_of
from ticketbench.report.statistics.differences import Tested, corrected
from ticketbench.report.statistics.intervals import Interval


@dataclass(frozen=True)
class Beside:
    """A series and, by rung, what it is better by than random tickets that keep as many weights.

    Attributes:
        differences: over common seeds, corrected over all series and rungs of the board; positive is better.
    """

    series: Series
    differences: Mapping[int, Tested]


def against_random(board: Board) -> Sequence[Beside]:
    """The series of a board beside its random tickets, in its order; none where it has no random tickets."""
    random = random_of(board)
    if random is None:
        return []
    found: list[tuple[Series, int, Interval]] = []
    for series in (each for each in board.series if each.method != RANDOM):
        for rung, _ in board.rungs:
            if difference := _difference(board, series, random, rung):
                found.append((series, rung, difference))
    tested = corrected([difference for *_, difference in found])
    by_series: dict[tuple[str, str, str], dict[int, Tested]] = {}
    for (series, rung, _), each in zip(found, tested, strict=True):
        if each is not None:
            by_series.setdefault(series.key, {})[rung] = each
    return [Beside(each, by_series[each.key]) for each in board.series if each.key in by_series]


def _difference(board: Board, series: Series, random: Series, rung: int) -> Interval | None:
    """None where either has no mean there, or keeps another number of weights."""
    ours, theirs = series.cells.get(rung), random.cells.get(rung)
    if ours is None or theirs is None or ours.compression is None or theirs.compression is None:
        return None
    if not near(ours.compression, theirs.compression):
        return None
    return better_by(board, series.at(rung), random.at(rung))
