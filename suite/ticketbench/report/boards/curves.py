"""A series as curves, one a seed: where its points lie, and what they score in all and on every test item.

The definitions are those of the project's protocol, sections 1.6 and 4.1. Every score of a curve is a fixed linear
combination of its points, and so of their test items.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property, reduce
from math import log2
from typing import Any

import numpy as np
import numpy.typing as npt

from ticketbench.report.boards.board import NOT_APPLICABLE, Board, Series
from ticketbench.report.boards.scores import Scores, scores
from ticketbench.report.statistics.curves import covers
from ticketbench.report.statistics.intervals import Floats, Interval, joint_interval, seeds_interval
from ticketbench.report.statistics.normalising import Anchors
from ticketbench.results import Row

Weigh = Callable[[npt.ArrayLike, float], Floats | None]  # `at` or `area` of the statistics
_ROUNDING = 1e-9


@dataclass(frozen=True)
class Gap:
    """A rung at which some seed has no value: where it would lie (log2 of compression), and why."""

    x: float
    why: str


@dataclass(frozen=True)
class Curve:
    """The points of a series that every seed has, the dense network of the same seed first.

    Attributes:
        seeds: of the series.
        rungs: of the points; 0 is the dense network.
        x: log2 of the compression achieved. Shape (seeds, points), in the order of the rungs.
        values: on the scale that differences are taken on. Shape (seeds, points).
        items: of every point, shape (seeds, test items), bits as bytes unless a seed counts as chance; None where
            some point has none. One that every seed lost is chance on those that the other points have.
        gaps: the rungs that are no points.
    """

    seeds: tuple[int, ...]
    rungs: tuple[int, ...]
    x: Floats
    values: Floats
    items: tuple[npt.NDArray[Any], ...] | None
    gaps: tuple[Gap, ...]

    def lacks(self, target: float) -> str:
        """Why there is no score up to a target (log2 of a compression); empty where there is one."""
        if 0 not in self.rungs:
            return self.gaps[0].why
        ends = [self._end(x, target) for x in self.x]
        reach = max((end for end in ends if end is not None), default=0.0) if None not in ends else float("inf")
        needed = [gap for gap in self.gaps if gap.x <= reach + _ROUNDING]
        # A gap says more than that the curve ends before it.
        if needed:
            return min(needed, key=lambda gap: gap.x).why
        return "" if None not in ends else f"does not reach {2**target:.0f}×"

    def _end(self, x: Floats, target: float) -> float | None:
        """The first point at a target or beyond it; None where a seed's curve does not cover it."""
        if not covers(np.sort(x), target):
            return None
        beyond = x[x >= target - _ROUNDING]
        return float(beyond.min() if len(beyond) else x.max())

    def score(self, weigh: Weigh, target: float, anchors: Anchors | None = None) -> "Score | None":
        """A score of the curve: the metric at a compression or the area up to it; None where `lacks` says why.

        With anchors it is normalised: 0 is chance, 1 the dense network.
        """
        if self.lacks(target):
            return None
        weights = np.zeros_like(self.x)
        for seed, x in enumerate(self.x):
            order = np.argsort(x, kind="stable")
            found = weigh(x[order], target)
            assert found is not None
            weights[seed, order] = found
        return Score(self, weights, *((anchors.chance, anchors.way) if anchors else (0.0, 1.0)))


@dataclass(frozen=True)
class Score:
    """A linear combination of a curve's points: `(sum of weights * points - shift) / scale` for every seed.

    Attributes:
        weights: shape (seeds, points); those of a seed sum to 1.
    """

    curve: Curve
    weights: Floats
    shift: float = 0.0
    scale: float = 1.0

    @property
    def seeds(self) -> tuple[int, ...]:
        return self.curve.seeds

    @property
    def examples(self) -> int | None:
        """How many test items the combination is of; None where it is of values alone."""
        return self.curve.items[0].shape[1] if self.curve.items else None

    @cached_property
    def values(self) -> Floats:
        """One value a seed, shape (seeds,)."""
        if self.curve.items is None:
            return self._shifted((self.weights * self.curve.values).sum(axis=1))
        means = np.stack([items.mean(axis=1, dtype=np.float64) for items in self.curve.items], axis=1)
        return self._shifted((self.weights * means).sum(axis=1))

    @cached_property
    def interval(self) -> Interval:
        """The joint interval, or over seeds only where there are no test items."""
        return seeds_interval(self.values) if self.curve.items is None else joint_interval(self.matrix())

    @property
    def last_rung(self) -> int:
        """The sparsest rung that the score is read from, in any seed."""
        used = np.flatnonzero(self.weights.any(axis=0))
        return max(self.curve.rungs[place] for place in used)

    def matrix(self, places: Sequence[int] | None = None) -> Floats:
        """The combination of every test item, of all seeds or of some, by place. Shape (seeds, items)."""
        assert self.curve.items is not None
        rows = list(places) if places is not None else slice(None)
        used = np.flatnonzero(self.weights.any(axis=0))
        parts = (self.weights[rows, place, None] * self.curve.items[place][rows] for place in used)
        return self._shifted(reduce(np.add, parts))

    def _shifted(self, values: Floats) -> Floats:
        return (values - self.shift) / self.scale


def curve_of(series: Series, board: Board) -> Curve:
    """The curve of a series, over all its seeds. A rung at which a seed has no value is a gap, with the reason.

    A seed that diverged or failed counts as chance; where no weights of it were counted, it lies at the compression
    that was asked for. Raises `TicketbenchError` for a row whose values contradict its test items or its status.
    """
    dense = [row for row in board.dense_rows if row["seed"] in series.seeds]
    every = [_at_rung(0, 0.0, dense, series, board)]
    for rung, compression in board.rungs:
        every.append(_at_rung(rung, log2(compression) if compression >= 1 else 0.0, series.at(rung), series, board))
    points = [each for each in every if isinstance(each, _Point)]
    examples = next((each.scores.examples for each in points if not each.scores.lost), None)
    items = [found for each in points if (found := each.scores.items_of(examples)) is not None]
    values = [each.scores.values for each in points]
    return Curve(
        seeds=series.seeds,
        rungs=tuple(each.rung for each in points),
        x=np.stack([each.x for each in points], axis=1) if points else np.zeros((len(series.seeds), 0)),
        values=np.array(values, dtype=np.float64).reshape(len(points), len(series.seeds)).T,
        items=tuple(items) if items and len(items) == len(points) else None,
        gaps=tuple(each for each in every if isinstance(each, Gap)),
    )


@dataclass(frozen=True)
class _Point:
    """What all seeds have at a rung: `x` as of a curve, shape (seeds,)."""

    rung: int
    x: Floats
    scores: Scores


def _at_rung(rung: int, nominal: float, rows: Sequence[Row], series: Series, board: Board) -> _Point | Gap:
    what = "dense network" if rung == 0 else f"rung {rung}"
    by_seed = {row["seed"]: row for row in rows}
    if nature := [row for row in rows if row["status"] == NOT_APPLICABLE]:
        reason = nature[0]["reason"]
        return Gap(nominal, f"{NOT_APPLICABLE}{f': {reason}' if reason else ''}")
    if missing := [seed for seed in series.seeds if seed not in by_seed]:
        seeds = ", ".join(map(str, missing))
        return Gap(nominal, f"incomplete: {what} has no row of seed{'s' if len(missing) > 1 else ''} {seeds}")
    ordered = [by_seed[seed] for seed in series.seeds]
    each, why = scores(ordered, board.column, board.chance)
    if each is None:
        return Gap(nominal, f"incomplete: {what} has {why}")
    return _Point(rung, np.array([position(row, nominal) if rung else 0.0 for row in ordered]), each)


def position(row: Row, nominal: float) -> float:
    """Where a ticket lies, in log2 of its compression: the one counted, or asked for, or else `nominal`."""
    if row["prunable"] and row["kept"]:
        return log2(row["prunable"] / row["kept"])
    return log2(1 / row["density_asked"]) if row["density_asked"] else nominal


def reaches(board: Board, targets: Sequence[int]) -> list[int]:
    """The compressions of a list that the board's ladder covers."""
    most = max((log2(compression) for _, compression in board.rungs if compression >= 1), default=0.0)
    return [target for target in targets if covers([0.0, most], log2(target))]
