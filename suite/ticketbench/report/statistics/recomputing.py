"""Are values computed again elsewhere the published ones? Other processors and versions round otherwise.

After a few hundred steps a rounding difference is as large as another seed's, so what is recomputed elsewhere is
held against the variance of the published seeds. The definitions are those of the project's protocol, section 10.4,
and one test more: a single value that was changed widens the spread of its own cell, so that it hides itself, unless
it is held against the spread of the others too (docs/verify.md has the rates).
"""

from collections import Counter
from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from math import copysign, inf, isinf, sqrt

import numpy as np
import numpy.typing as npt
from scipy import optimize, special

from ticketbench.report.statistics.intervals import LEAST_SEEDS

LEVEL = (
    0.005  # of each test: of all rows together, of the row that differs most, and of the same by the others' spread
)
POWER = 0.8
_LEAST = 1e-18  # a variance below is none, and stands for rounding
_FARTHEST = 38.0  # standard deviations: beyond, the tail of a normal distribution is less than the least float


@dataclass(frozen=True)
class Spread:
    """How far a value lies from its mean by seed: a variance, and the degrees of freedom of its estimate."""

    variance: float
    df: float


@dataclass(frozen=True)
class Pair:
    """A published value, the one recomputed elsewhere, and the spread of its seeds.

    Attributes:
        spread: of its cell and those beside it.
        others: the same without the published value itself.
        seed: what rows have in common that share a seed's luck: the task and the seed.
    """

    published: float
    recomputed: float
    spread: Spread
    others: Spread
    seed: Hashable


@dataclass(frozen=True)
class Distance:
    """A recomputed value against the published one.

    Attributes:
        difference: recomputed minus published.
        t: the same in standard deviations of a difference of two seeds.
        p: two-sided.
        z: the normal score of t: a standard normal number has the same tail.
        p_others: as p, by the spread of the other values.
    """

    difference: float
    t: float
    p: float
    z: float
    p_others: float


@dataclass(frozen=True)
class Outcome:
    """A sample of recomputed values against the published ones.

    Attributes:
        shift, p_shift: all rows together, as a standard normal number, and its two-sided p.
        p_row, p_others: of the row that differs most, corrected for how many there are.
        unseen: the shift of every published value that is found with probability `POWER`; None without a bound.
        level: of each of the three tests.
    """

    distances: tuple[Distance, ...]
    shift: float
    p_shift: float
    p_row: float
    p_others: float
    unseen: float | None
    level: float = LEVEL

    @property
    def parted(self) -> bool:
        """Whether the published values are not what comes out here."""
        return min(self.p_shift, self.p_row, self.p_others) <= self.level

    @property
    def far(self) -> tuple[bool, ...]:
        """Of each row, whether it lies too far from what was published by itself."""
        return tuple(len(self.distances) * min(each.p, each.p_others) <= self.level for each in self.distances)


@dataclass(frozen=True)
class Drawn:
    """What is known of a value from its test items alone.

    Attributes:
        variance: of the value, by which items were drawn; None where nothing tells it.
        step: how much one item can change the value, at most.
    """

    variance: float | None
    step: float


def of_share(share: float, examples: int) -> Drawn:
    """A share of N test examples: the binomial variance `p (1 - p) / N`, and steps of `1 / N`.

    Raises `ValueError` for what is no share.
    """
    if not 0 <= share <= 1:
        raise ValueError(f"expected {LEAST_SEEDS} seeds, or a share of test examples, got {share}")
    return Drawn(share * (1 - share) / examples, 1 / examples)


def of_items(items: npt.ArrayLike) -> Drawn:
    """A mean of N test items of any size: their variance over N, and steps of their range over N.

    Args:
        items: shape (items,); with fewer than two, nothing is known.
    """
    found = np.asarray(items, dtype=np.float64)
    if len(found) < 2 or not np.isfinite(found).all():
        return Drawn(None, 0.0)
    return Drawn(float(found.var(ddof=1)) / len(found), float(np.ptp(found)) / len(found))


def spread(cell: npt.ArrayLike, beside: Sequence[npt.ArrayLike], published: float, examples: int | Drawn) -> Spread:
    """The seed variance about a published value: the mean over its own cell and those of the rungs beside it.

    Where its own cell has fewer than three seeds: the variance by which test items were drawn, of a share of N
    examples the binomial `p (1 - p) / N`, and infinite degrees of freedom. At least a step of one item squared, of a
    share `1 / N^2`, in either case: a value has no finer steps.

    Args:
        cell: the published values of its rung, one a seed; shape (seeds,).
        beside: the same of the rung before and the rung after, where there are such; fewer than three are left out.
        published: the value itself.
        examples: size N of the test set of which the value is a share; or what its test items say of any other.

    Raises `ValueError` where there are too few seeds, and nothing is known of its test items.
    """
    cells = [np.asarray(each, dtype=np.float64) for each in (cell, *beside)]
    if len(cells[0]) >= LEAST_SEEDS:
        return _mean_variance([each for each in cells if len(each) >= LEAST_SEEDS], _step(examples))
    drawn = examples if isinstance(examples, Drawn) else of_share(published, examples)
    if drawn.variance is None:
        raise ValueError(f"expected {LEAST_SEEDS} seeds, or test items, of {published}")
    return Spread(max(drawn.variance, drawn.step**2, _LEAST), inf)


def spread_of_others(
    others: npt.ArrayLike, beside: Sequence[npt.ArrayLike], published: float, examples: int | Drawn
) -> Spread:
    """As `spread`, with the cell's values but the published one: two are enough of them."""
    alone = np.asarray(others, dtype=np.float64)
    if len(alone) < LEAST_SEEDS - 1:
        return spread(alone, beside, published, examples)
    cells = [alone, *(each for each in (np.asarray(b, dtype=np.float64) for b in beside) if len(each) >= LEAST_SEEDS)]
    return _mean_variance(cells, _step(examples))


def distance(pair: Pair) -> Distance:
    """A recomputed value against the published one, by `t = (recomputed - published) / sqrt(2 v)`."""
    difference = pair.recomputed - pair.published
    t, by_others = (difference / sqrt(2 * each.variance) for each in (pair.spread, pair.others))
    p, p_others = 2 * _tail(abs(t), pair.spread.df), 2 * _tail(abs(by_others), pair.others.df)
    return Distance(difference, t, p, _normal_score(t, pair.spread.df), p_others)


def together(pairs: Sequence[Pair], level: float = LEVEL) -> Outcome:
    """A sample of at least one row held against what was published, each alone and all together.

    `Z = sum z / sqrt(sum over seeds of [m + m (m - 1) / 2])` with `m` rows of a seed, which may all err together.
    """
    distances = tuple(map(distance, pairs))
    scale = _scale([each.seed for each in pairs])
    shift = sum(each.z for each in distances) / scale
    p_row, p_others = (
        min(1.0, len(distances) * min(found)) for found in zip(*((d.p, d.p_others) for d in distances), strict=True)
    )
    unseen = _unseen([each.spread for each in pairs], scale, level)
    return Outcome(distances, shift, 2 * _tail(abs(shift), inf), p_row, p_others, unseen, level)


def _mean_variance(cells: Sequence[npt.NDArray[np.float64]], step: float) -> Spread:
    variance = float(np.mean([each.var(ddof=1) for each in cells]))
    return Spread(max(variance, step**2, _LEAST), float(sum(len(each) - 1 for each in cells)))


def _step(examples: int | Drawn) -> float:
    return examples.step if isinstance(examples, Drawn) else 1 / examples


def _scale(seeds: Sequence[Hashable]) -> float:
    return sqrt(sum(m + m * (m - 1) / 2 for m in Counter(seeds).values()))


def _unseen(spreads: Sequence[Spread], scale: float, level: float) -> float | None:
    """The shift at which Z is expected to be as far beyond its critical value as `POWER` asks for."""
    wanted = float(special.ndtri(POWER) - special.ndtri(level / 2))

    def lacking(size: float) -> float:
        return sum(_normal_score(size / sqrt(2 * each.variance), each.df) for each in spreads) / scale - wanted

    high = sqrt(2 * max(each.variance for each in spreads))
    for _ in range(60):
        if lacking(high) > 0:
            return float(optimize.brentq(lacking, 0.0, high, rtol=1e-9))
        high *= 2
    return None


def _tail(t: float, df: float) -> float:
    return float(special.ndtr(-t) if isinf(df) else special.stdtr(df, -t))


def _normal_score(t: float, df: float) -> float:
    """By the tail, whose digits are all there however far out."""
    return copysign(min(-float(special.ndtri(_tail(abs(t), df))), _FARTHEST), t) if t else 0.0
