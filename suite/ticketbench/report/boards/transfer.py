"""The transfer matrix: tickets found on one setting and trained on another, against what they are held against.

The definitions are those of the project's protocol, section 8. `M[A,B]` is the score of the ticket found on A and
trained on B. A matrix compares columns, never rows: settings differ in difficulty.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import permutations

from ticketbench.report.boards.board import Board, Cell, Series, near
from ticketbench.report.boards.scores import paired
from ticketbench.report.statistics.differences import ALPHA, Tested, corrected, p_of
from ticketbench.report.statistics.intervals import Interval
from ticketbench.results import Row

SHUFFLED = "shuffled"
RANDOM = "random-layer"

Cells = Mapping[tuple[str, str], Board]
Key = tuple[str, str, str]


@dataclass(frozen=True)
class Crossing:
    """An off-diagonal cell of a matrix at one rung. Positive differences are better.

    Attributes:
        cell: of M[A,B]; None where it was not run.
        gap: M[A,B] - M[B,B], corrected over the gaps of this matrix at this rung.
        advantage: M[A,B] - R[A,B], with R the ticket's mask shuffled within layers, corrected likewise.
        against_random: M[A,B] minus random tickets with the same count in every layer on B, corrected likewise.
        against_dense: M[A,B] - dense[B], corrected likewise.
        share: (M[A,B] - R[A,B]) / (M[B,B] - R[B,B]), where that denominator separates from zero.
    """

    found_on: str
    trained_on: str
    cell: Cell | None
    gap: Tested | None
    advantage: Tested | None
    against_random: Tested | None
    against_dense: Tested | None
    share: float | None


@dataclass(frozen=True)
class Matrix:
    """One method's tickets on every pair of settings.

    Attributes:
        carried: whether its tickets carry trained weights of the setting that they were found on.
        rungs: index and compression.
        crossings: by rung, the off-diagonal cells in the order of the settings.
    """

    key: Key
    settings: tuple[str, ...]
    carried: bool
    rungs: tuple[tuple[int, float], ...]
    crossings: Mapping[int, Sequence[Crossing]]


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


def random_on(cells: Cells, setting: str) -> Series | None:
    """The random tickets with the same count in every layer that were found and trained on a setting."""
    board = cells.get((setting, setting))
    return next((each for each in board.series if each.method == RANDOM), None) if board else None


def _matrix(cells: Cells, settings: Sequence[str], key: Key) -> Matrix:
    rungs = dict(rung for board in cells.values() for rung in board.rungs)
    pairs = list(permutations(settings, 2))
    carried = any(series.carried for pair in pairs if (series := series_of(cells[pair], key)))
    return Matrix(
        key,
        tuple(settings),
        carried,
        tuple(sorted(rungs.items())),
        {rung: _crossings(cells, pairs, key, rung) for rung in rungs},
    )


def _crossings(cells: Cells, pairs: Sequence[tuple[str, str]], key: Key, rung: int) -> list[Crossing]:
    gaps: list[Interval | None] = []
    advantages: list[Interval | None] = []
    beside: list[Interval | None] = []
    against: list[Interval | None] = []
    shares: list[float | None] = []
    for pair in pairs:
        board, home = cells[pair], cells[pair[1], pair[1]]
        ours, own = (_at(series_of(each, key), rung) for each in (board, home))
        shuffled, own_shuffled = (_at(control_of(each, key, SHUFFLED), rung) for each in (board, home))
        random = _at(random_on(cells, pair[1]), rung) if key[0] != RANDOM else []
        gaps.append(_difference(board, *_alike(ours, own)))
        advantages.append(_difference(board, ours, shuffled))
        beside.append(_difference(board, *_alike(ours, random)))
        against.append(_difference(board, ours, board.dense_rows))
        shares.append(_share(advantages[-1], _difference(home, own, own_shuffled)))
    tested = zip(*(corrected(each) for each in (gaps, advantages, beside, against)), strict=True)
    return [
        Crossing(*pair, _cell(series_of(cells[pair], key), rung), gap, advantage, random, dense, share)
        for pair, (gap, advantage, random, dense), share in zip(pairs, tested, shares, strict=True)
    ]


def _alike(one: Sequence[Row], other: Sequence[Row]) -> tuple[Sequence[Row], Sequence[Row]]:
    """Both, where they keep as many weights; nothing to compare where a density came out as another."""
    counts = [[row["kept"] for row in rows if row["kept"]] for rows in (one, other)]
    means = [sum(each) / len(each) if each else None for each in counts]
    if means[0] and means[1] and not near(means[0], means[1]):
        return [], []
    return one, other


def _difference(board: Board, one: Sequence[Row], other: Sequence[Row]) -> Interval | None:
    found = paired(one, other, board.column, board.chance)
    return found if found is None or board.higher_is_better else found.reversed


def _share(advantage: Interval | None, own: Interval | None) -> float | None:
    """The share transferred, by sections 8 and 3.1: only where the ticket has an advantage at home."""
    if advantage is None or own is None:
        return None
    p = p_of(own)
    return advantage.mean / own.mean if p is not None and p <= ALPHA else None


def _at(series: Series | None, rung: int) -> list[Row]:
    return series.at(rung) if series else []


def _cell(series: Series | None, rung: int) -> Cell | None:
    return series.cells.get(rung) if series else None
