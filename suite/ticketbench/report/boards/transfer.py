"""The transfer matrix: tickets found on one setting and trained on another, against what they are held against.

The definitions are those of the project's protocol, section 8. `M[A,B]` is the score of the ticket found on A and
trained on B. A matrix compares columns, never rows: settings differ in difficulty.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import permutations
from typing import NamedTuple

from ticketbench.report.boards.board import Board, Cell, Series, better_by, near
from ticketbench.report.statistics.differences import Tested, corrected
from ticketbench.report.statistics.intervals import Interval
from ticketbench.results import Row

SHUFFLED = "shuffled"
RANDOM = "random-layer"

Cells = Mapping[tuple[str, str], Board]
Key = tuple[str, str, str]
Pair = tuple[str, str]  # found on, trained on


@dataclass(frozen=True)
class Crossing:
    """A cell of a matrix at one rung. Positive differences are better.

    Off the diagonal, every kind of difference is corrected as a family of its own; on it, all kinds are as one.

    Attributes:
        cell: of M[A,B]; None where it was not run.
        gap: M[A,B] - M[B,B]; None on the diagonal.
        advantage: M[A,B] - R[A,B], with R the ticket's mask shuffled within layers.
        against_random: M[A,B] minus random tickets on B, which keep of each layer what the ladder does.
        against_dense: M[A,B] - dense[B].
        share: (M[A,B] - R[A,B]) / (M[B,B] - R[B,B]), where that denominator separates from zero and is above it;
            never on the diagonal.
        beside: what M[A,B] is held against, by the name of the difference.
    """

    found_on: str
    trained_on: str
    cell: Cell | None
    gap: Tested | None
    advantage: Tested | None
    against_random: Tested | None
    against_dense: Tested | None
    share: float | None
    beside: Mapping[str, Cell]

    @property
    def both_collapsed(self) -> frozenset[str]:
        """The differences of which neither side has a network that answers more than one thing, in any seed."""
        if self.cell is None or not self.cell.collapsed:
            return frozenset()
        return frozenset(name for name, cell in self.beside.items() if cell.collapsed)


@dataclass(frozen=True)
class Matrix:
    """One method's tickets on every pair of settings.

    Attributes:
        carried: whether its tickets carry weights of the setting that they were found on.
        rungs: index and compression.
        crossings: by rung, the off-diagonal cells in the order of the settings.
        diagonal: by rung, the cells of tickets trained where they were found, in that order.
    """

    key: Key
    settings: tuple[str, ...]
    carried: bool
    rungs: tuple[tuple[int, float], ...]
    crossings: Mapping[int, Sequence[Crossing]]
    diagonal: Mapping[int, Sequence[Crossing]]


class _Against(NamedTuple):
    """The ticket of a cell minus what it is held against where it is trained; None where one of them is missing."""

    shuffled: Interval | None
    random: Interval | None
    dense: Interval | None


def matrices(cells: Cells, settings: Sequence[str]) -> list[Matrix]:
    """The matrices of the methods that have rows for every pair of these settings, those that carry weights last."""
    found = [_matrix(cells, settings, key) for key in whole(cells, settings)]
    return sorted(found, key=lambda each: (each.carried, each.key))


def whole(cells: Cells, settings: Sequence[str]) -> list[Key]:
    """The series with rows for every pair of settings."""
    wanted = [(found_on, trained_on) for found_on in settings for trained_on in settings]
    if any(pair not in cells for pair in wanted):
        return []
    return sorted(set.intersection(*({each.key for each in cells[pair].series} for pair in wanted)))


def partial(cells: Cells, settings: Sequence[str]) -> list[Key]:
    """The series that lack rows for some pair of settings."""
    return sorted({each.key for board in cells.values() for each in board.series} - set(whole(cells, settings)))


def series_of(board: Board | None, key: Key) -> Series | None:
    """A board's series of this key."""
    return next((each for each in board.series if each.key == key), None) if board else None


def control_of(board: Board, key: Key, control: str) -> Series | None:
    """A board's control of the series of this key."""
    return next((each for each in board.controls if (each.key, each.control) == (key, control)), None)


def random_of(board: Board | None) -> Series | None:
    """A board's random tickets, layer by layer as the ladder has them; never a variant with parameters or a label."""
    return series_of(board, (RANDOM, "{}", ""))


def random_on(cells: Cells, setting: str) -> Series | None:
    """The random tickets that were found and trained on a setting."""
    return random_of(cells.get((setting, setting)))


def _matrix(cells: Cells, settings: Sequence[str], key: Key) -> Matrix:
    rungs = dict(rung for board in cells.values() for rung in board.rungs)
    pairs = list(permutations(settings, 2))
    against = {
        rung: {(a, b): _against(cells, (a, b), key, rung) for a in settings for b in settings} for rung in rungs
    }
    diagonal = {rung: _diagonal(cells, settings, key, rung, against[rung]) for rung in rungs}
    return Matrix(
        key=key,
        settings=tuple(settings),
        carried=any(series.carried for pair in pairs if (series := series_of(cells[pair], key))),
        rungs=tuple(sorted(rungs.items())),
        crossings={rung: _crossings(cells, pairs, key, rung, against[rung], diagonal[rung]) for rung in rungs},
        diagonal=diagonal,
    )


def _crossings(
    cells: Cells,
    pairs: Sequence[Pair],
    key: Key,
    rung: int,
    against: Mapping[Pair, _Against],
    diagonal: Sequence[Crossing],
) -> list[Crossing]:
    at_home = {each.trained_on: each.advantage for each in diagonal}
    families = zip(
        corrected([_gap(cells, pair, key, rung) for pair in pairs]),
        corrected([against[pair].shuffled for pair in pairs]),
        corrected([against[pair].random for pair in pairs]),
        corrected([against[pair].dense for pair in pairs]),
        strict=True,
    )
    return [
        Crossing(
            *pair,
            _cell(series_of(cells[pair], key), rung),
            *tested,
            share=_share(against[pair].shuffled, at_home[pair[1]]),
            beside=_beside(cells, pair, key, rung),
        )
        for pair, tested in zip(pairs, families, strict=True)
    ]


def _diagonal(
    cells: Cells, settings: Sequence[str], key: Key, rung: int, against: Mapping[Pair, _Against]
) -> list[Crossing]:
    tested = iter(corrected([each for name in settings for each in against[name, name]]))
    return [
        Crossing(
            name,
            name,
            _cell(series_of(cells[name, name], key), rung),
            gap=None,
            advantage=next(tested),
            against_random=next(tested),
            against_dense=next(tested),
            share=None,
            beside=_beside(cells, (name, name), key, rung),
        )
        for name in settings
    ]


def _beside(cells: Cells, pair: Pair, key: Key, rung: int) -> dict[str, Cell]:
    """What a ticket is held against in a cell of the matrix, by the name of the difference."""
    board, home = cells[pair], (pair[1], pair[1])
    found = {
        "gap": _cell(series_of(cells[home], key), rung) if pair != home else None,
        "advantage": _cell(control_of(board, key, SHUFFLED), rung),
        "against_random": _cell(random_on(cells, pair[1]), rung),
        "against_dense": board.dense,
    }
    return {name: cell for name, cell in found.items() if cell is not None}


def _gap(cells: Cells, pair: Pair, key: Key, rung: int) -> Interval | None:
    board = cells[pair]
    ours, own = (_at(series_of(each, key), rung) for each in (board, cells[pair[1], pair[1]]))
    return better_by(board, *_alike(ours, own))


def _against(cells: Cells, pair: Pair, key: Key, rung: int) -> _Against:
    board = cells[pair]
    ours = _at(series_of(board, key), rung)
    random = _at(random_on(cells, pair[1]), rung) if key[0] != RANDOM else []
    return _Against(
        shuffled=better_by(board, ours, _at(control_of(board, key, SHUFFLED), rung)),
        random=better_by(board, *_alike(ours, random)),
        dense=better_by(board, ours, board.dense_rows),
    )


def _alike(one: Sequence[Row], other: Sequence[Row]) -> tuple[Sequence[Row], Sequence[Row]]:
    """Both, where they keep as many weights; nothing to compare where a density came out as another."""
    counts = [[row["kept"] for row in rows if row["kept"]] for rows in (one, other)]
    means = [sum(each) / len(each) if each else None for each in counts]
    if means[0] and means[1] and not near(means[0], means[1]):
        return [], []
    return one, other


def _share(advantage: Interval | None, own: Tested | None) -> float | None:
    """The share transferred, by section 8: only where the ticket that was found there has an advantage."""
    if advantage is None or own is None or own.separates != 1:
        return None
    return advantage.mean / own.interval.mean


def _at(series: Series | None, rung: int) -> list[Row]:
    return series.at(rung) if series else []


def _cell(series: Series | None, rung: int) -> Cell | None:
    return series.cells.get(rung) if series else None
