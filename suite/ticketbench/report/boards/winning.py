"""Winning tickets beside the luck that they are held against, difficulty and quality (protocol, section 5)."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import log2
from statistics import fmean

import numpy as np

from ticketbench.report.boards.board import NOT_APPLICABLE, Board, Series
from ticketbench.report.boards.curves import position
from ticketbench.report.boards.eligible import AS_IT_IS, family
from ticketbench.report.measures import effective, scaled
from ticketbench.report.statistics.curves import covers
from ticketbench.report.statistics.intervals import Interval, seeds_interval, wilson
from ticketbench.report.statistics.winning import (
    Runs,
    any_of,
    difficulty,
    luck,
    null_quality,
    null_rates,
    quality,
    sparsest,
    wins,
)
from ticketbench.results import Row

LEAST_DENSE = 2  # networks, for luck to be measured between
LEAST_TESTED = 5  # of them, for a rate of wins to be tested against their luck
UNTRAINED = "scored as its tickets are, not trained: there is no step of lowest validation loss"


@dataclass(frozen=True)
class Won:
    """The wins of a series at one rung.

    Attributes:
        won, seeds: how many of how many seeds' tickets win. One that is not done is no win; one whose seed's dense
            network is not done cannot be judged and is left out.
        run: how many seeds have a ticket, those left out among them.
        interval: Wilson's, of the rate.
        p: the chance of at least as many wins by luck; None with fewer than five dense networks.
        gain: `test_best` minus the same seed's dense network's, over all `seeds`, on the scale that differences are
            taken on; positive is better. One that diverged or failed counts as chance (protocol, section 1.6); None
            where one has no value.
        quality: the mean gain of the winning seeds; None where none won.
    """

    won: int
    seeds: int
    run: int
    interval: tuple[float, float]
    p: float | None
    gain: Interval | None
    quality: float | None

    @property
    def rate(self) -> float:
        return self.won / self.seeds


@dataclass(frozen=True)
class Winner:
    """A series with its wins.

    Attributes:
        rungs: by rung; one with no seed that could be judged is left out.
        success: by compression of the tables that every seed covers, the rung that the rate stands for.
        any_rung: the share of seeds that win at some rung.
        lucky: the chance that luck wins at any of as many rungs; None with fewer than five dense networks.
        starts: the first and the last step that its tickets start at. Their evaluations count from where their masks
            last changed, which is the start of one that was rewound, and before it of one pruned as it trained.
        apart: why nothing of it can win; empty where something can.
    """

    series: Series
    rungs: Mapping[int, Won]
    success: Mapping[int, int]
    any_rung: float
    lucky: float | None
    starts: tuple[int, int] = (0, 0)
    apart: str = ""

    def difficulty(self, compression: int) -> float | None:
        """One minus the rate of success at a compression; None where no rung stands for it."""
        rung = self.success.get(compression)
        return None if rung is None else difficulty(self.rungs[rung].rate)


@dataclass(frozen=True)
class Winning:
    """What luck gives among the dense networks alone, and what each series gives.

    Attributes:
        luck: the rate at which one dense network wins against another; None without two of them.
        null_gain: the mean gain of dense networks that win by luck; None where none does.
        dense: how many dense networks there are.
    """

    luck: float | None
    null_gain: float | None
    dense: int
    winners: Sequence[Winner]


def winning(board: Board, targets: Sequence[int]) -> Winning:
    """The winning tickets of a board.

    Args:
        targets: compressions at which success and difficulty are told.
    """
    dense = {row["seed"]: row for row in board.dense_rows if _judged(row)}
    runs = _runs(list(dense.values()), board)
    rates = null_rates(runs) if runs and len(runs.best) >= LEAST_DENSE else None
    found = [_winner(each, board, dense, rates, targets) for each in board.series]
    return Winning(
        luck=float(rates.mean()) if rates is not None else None,
        null_gain=null_quality(runs) if runs else None,
        dense=len(dense),
        winners=[each for each in found if each.rungs or each.apart],
    )


def _winner(
    series: Series, board: Board, dense: Mapping[int, Row], rates: np.ndarray | None, targets: Sequence[int]
) -> Winner:
    tested = rates if rates is not None and len(rates) >= LEAST_TESTED else None
    rungs: dict[int, Won] = {}
    winners: list[set[int]] = []
    held: list[tuple[Row, float]] = []
    for rung, compression in board.rungs:
        run = [row for row in series.at(rung) if row["status"] != NOT_APPLICABLE]
        rows = [row for row in run if row["seed"] in dense]
        held += [(row, log2(compression) if compression > 1 else 0.0) for row in rows]
        if rows:
            rate = float(tested.mean()) if tested is not None else None
            rungs[rung], seeds = _won(rows, len(run), board, dense, rate)
            winners.append(seeds)
    if held and family(series) == AS_IT_IS:
        return Winner(series, {}, {}, 0.0, None, apart=UNTRAINED)
    pruned = list(rungs)
    compressions = [series.cells[rung].compression for rung in pruned]
    places = {target: sparsest(compressions, target) for target in targets if _covered(held, target)}
    judged = [seed for seed in series.seeds if seed in dense]
    starts = [int(row["start_step"] or 0) for row, _ in held if _judged(row)]
    return Winner(
        series,
        rungs,
        {target: pruned[place] for target, place in places.items() if place is not None},
        fmean(seed in set().union(*winners) for seed in judged) if judged else 0.0,
        any_of(tested, len(pruned)) if tested is not None and pruned else None,
        (min(starts, default=0), max(starts, default=0)),
    )


def _covered(held: Sequence[tuple[Row, float]], target: int) -> bool:
    """Whether every seed's tickets reach a compression, each with what its rung asks for."""
    ends: dict[int, float] = {}
    for row, nominal in held:
        ends[row["seed"]] = max(ends.get(row["seed"], 0.0), position(row, nominal))
    return bool(ends) and all(covers([0.0, end], log2(target)) for end in ends.values())


def _won(
    rows: Sequence[Row], run: int, board: Board, dense: Mapping[int, Row], rate: float | None
) -> tuple[Won, set[int]]:
    able = [row for row in rows if _judged(row)]
    tickets, beside = _runs(able, board), _runs([dense[row["seed"]] for row in able], board)
    won: set[int] = set()
    mean = None
    if tickets and beside:
        sparser = np.array([bool(row["kept"] < row["prunable"]) for row in able])
        winners = wins(tickets, beside) & sparser
        won = {row["seed"] for row, win in zip(able, winners, strict=True) if win}
        mean = quality(*(Runs(each.best[winners], each.step[winners]) for each in (tickets, beside))) if won else None
    p = luck(len(won), len(rows), rate) if rate is not None else None
    interval = wilson(len(won), len(rows))
    return Won(len(won), len(rows), run, interval, p, _gain(rows, board, dense), mean), won


def _gain(rows: Sequence[Row], board: Board, dense: Mapping[int, Row]) -> Interval | None:
    values = [effective(row, "test_best", board.chance) for row in rows]
    beside = [scaled(dense[row["seed"]], "test_best") for row in rows]
    gains = [a - b for a, b in zip(values, beside, strict=True) if a is not None and b is not None]
    if len(gains) < len(rows):
        return None
    found = seeds_interval(gains)
    return found if board.higher_is_better else found.reversed


def _judged(row: Row) -> bool:
    needed = ("best_step", "kept", "prunable")
    whole = row["status"] == "done" and all(row[name] is not None for name in needed)
    return whole and scaled(row, "test_best") is not None


def _runs(rows: Sequence[Row], board: Board) -> Runs | None:
    sign = 1.0 if board.higher_is_better else -1.0
    if not rows:
        return None
    return Runs(
        np.array([sign * (scaled(row, "test_best") or 0.0) for row in rows]),
        np.array([row["best_step"] for row in rows], dtype=np.float64),
    )
