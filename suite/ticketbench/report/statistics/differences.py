"""Is a difference more than noise? The p-value that inverts the joint interval, Holm's correction, more seeds.

The definitions are those of the project's protocol, sections 3.1 to 3.3 and 3.5. A difference is an `Interval` of
paired values: `Z = Z_A - Z_B` over common seeds.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from math import exp, isfinite, log, sqrt

import numpy as np
import numpy.typing as npt
from scipy import optimize, special, stats

from ticketbench.report.statistics.intervals import Floats, Interval

ALPHA = 0.05
EXACT_SEEDS = 6  # below, no sign-flip test over seeds alone can reach ALPHA
RANK_SEEDS = 5  # below, nothing is ranked, and no number of further seeds is guessed
MOST_SEEDS = 100  # more are not worth naming
POWER = 0.8
_LEAST = 1e-100
_SLACK = 1e-6  # by which the ends of a search lie outside, whatever rounding did to them
_MOST_FLIPPED = 40  # seeds whose sign flips can all be counted: 2^20 sums a half
_EQUAL = 1e-9  # sums closer than that, relative to the sum of magnitudes, are one sum written in two orders


@dataclass(frozen=True)
class Tested:
    """A difference held against zero.

    Attributes:
        p: its own p-value; None where there are too few seeds for an interval.
        adjusted: the same after Holm's correction over its family.
    """

    interval: Interval
    p: float | None
    adjusted: float | None

    @property
    def separates(self) -> int:
        """1 or -1 where the difference separates from zero, that way; else 0."""
        if self.adjusted is None or self.adjusted > ALPHA:
            return 0
        return 1 if self.interval.mean > 0 else -1


@dataclass(frozen=True)
class SeedsNeeded:
    """How many more seeds are expected to separate a difference, an estimate.

    Attributes:
        more: seeds to add to those there are; None where no number can be given, and then `why` says why.
    """

    more: int | None
    why: str


def p_value(mean: float, v_seed: float, v_example: float, seeds: int) -> float:
    """The smallest `a` whose joint interval at level `1 - a` excludes zero.

    That is where `t_{1-a/2,n-1}^2 V_seed + z_{1-a/2}^2 V_example` falls to `mean^2`.

    Args:
        v_seed, v_example: variances of the mean that come of n `seeds` and of the test examples.

    Raises `ValueError` for fewer than two seeds, a negative variance or a number that is none.
    """
    if v_example == 0 and v_seed > 0 and seeds > 1 and isfinite(mean):
        return float(2 * stats.t.sf(abs(mean) / sqrt(v_seed), seeds - 1)) if mean else 1.0
    return p_of_parts(mean, [(v_seed, v_example, seeds)])


def p_of_parts(mean: float, parts: Sequence[tuple[float, float, int]]) -> float:
    """The smallest `a` at which `sum of t_{1-a/2,n-1}^2 V_seed + z_{1-a/2}^2 V_example` falls to `mean^2`.

    Args:
        parts: `(V_seed, V_example, seeds)` of each independent part of the mean: one, or one a task (section 7.2).

    Raises `ValueError` for no parts, fewer than two seeds, a negative variance or a number that is none.
    """
    if not parts or any(seeds < 2 for *_, seeds in parts):
        raise ValueError(f"expected at least two seeds in every part, got {[seeds for *_, seeds in parts]}")
    if not all(isfinite(v) and v >= 0 for *variances, _ in parts for v in variances) or not isfinite(mean):
        raise ValueError(f"expected a mean and variances of at least 0, got {mean} and {[v for *v, _ in parts]}")
    if mean == 0:
        return 1.0
    # Seeds alike share a quantile: one look-up for many tasks.
    by_seeds: dict[int, float] = {}
    for v_seed, _, seeds in parts:
        by_seeds[seeds] = by_seeds.get(seeds, 0.0) + v_seed
    v_example = sum(v for _, v, _ in parts)
    if v_example == 0 and not any(by_seeds.values()):
        return 0.0
    if not any(by_seeds.values()):
        return float(2 * stats.norm.sf(abs(mean) / sqrt(v_example)))

    def excess(log_a: float) -> float:
        tail = exp(log_a) / 2
        # The same quantiles as scipy.stats', at a hundredth of the time: a table has hundreds of pairs.
        of_seeds = sum(float(special.stdtrit(seeds - 1, tail)) ** 2 * v for seeds, v in by_seeds.items())
        return of_seeds + float(special.ndtri(tail)) ** 2 * v_example - mean**2

    if excess(log(_LEAST)) < 0:
        return 0.0
    # Between what it would be were all of the variance known, and all of it as uncertain as that of the fewest seeds.
    distance = abs(mean) / sqrt(v_example + sum(by_seeds.values()))
    least, most = special.ndtr(-distance), special.stdtr(min(by_seeds) - 1, -distance)
    ends = (max(log(2 * max(least, _LEAST / 2)) - _SLACK, log(_LEAST)), min(log(2 * most) + _SLACK, 0.0))
    return exp(optimize.brentq(excess, *ends, xtol=1e-12))


def p_of(difference: Interval) -> float | None:
    """The p-value of a difference; None where it has too few seeds for an interval."""
    if difference.h is None or difference.v_seed is None or difference.v_example is None:
        return None
    return p_value(difference.mean, difference.v_seed, difference.v_example, difference.seeds)


def holm(p_values: Sequence[float]) -> list[float]:
    """Holm's adjusted p-values (Holm 1979), in the order given: each is compared with the level itself."""
    adjusted = [0.0] * len(p_values)
    least = 0.0
    for place, i in enumerate(sorted(range(len(p_values)), key=lambda i: p_values[i])):
        least = max(least, min(1.0, (len(p_values) - place) * p_values[i]))
        adjusted[i] = least
    return adjusted


def corrected(family: Sequence[Interval | None]) -> list[Tested | None]:
    """The differences of one family, each with its p-value and Holm's, in the order given.

    One that is None, or has too few seeds for a p-value, stands outside the correction.
    """
    p_values = [p_of(each) if each else None for each in family]
    adjusted = iter(holm([p for p in p_values if p is not None]))
    return [
        Tested(each, p, next(adjusted) if p is not None else None) if each else None
        for each, p in zip(family, p_values, strict=True)
    ]


def sign_flip(differences: npt.ArrayLike) -> tuple[float, float]:
    """The sign-flip p-values over seeds, two-sided and for "greater" (section 3.3): a check that decides nothing.

    Of all `2^n` ways to flip the signs, the share whose sum is at least as far from zero, or as large. Sums are
    counted exactly up to 40 seeds; beyond, by the normal limit of their distribution.

    Args:
        differences: shape (seeds,): one paired difference a seed.
    """
    d = np.asarray(differences, dtype=np.float64)
    if d.ndim != 1 or not len(d) or not np.isfinite(d).all():
        raise ValueError(f"expected one finite difference a seed, got {differences!r}")
    if not d.any():
        return 1.0, 1.0
    total = float(d.sum())
    if len(d) > _MOST_FLIPPED:
        return float(2 * stats.norm.sf(abs(total), scale=np.linalg.norm(d))), float(
            stats.norm.sf(total, scale=np.linalg.norm(d))
        )
    slack = _EQUAL * float(np.abs(d).sum())
    greater, beyond = (_share_at_least(d, least - slack) for least in (total, abs(total)))
    return min(1.0, 2 * beyond), greater


def _share_at_least(d: Floats, least: float) -> float:
    """The share of all sign flips whose sum is at least this: every sum of one half against the other's in order."""
    one, other = (_flipped(half) for half in (d[: len(d) // 2], d[len(d) // 2 :]))
    counts = len(other) - np.searchsorted(np.sort(other), least - one)
    return float(counts.mean() / len(other))


def _flipped(d: Floats) -> Floats:
    sums = np.zeros(1)
    for value in d:
        sums = np.concatenate([sums + value, sums - value])
    return sums


def seeds_needed(difference: Interval, pairs: int) -> SeedsNeeded:
    """How many more seeds would separate a difference with probability 0.8 (section 3.5), by what is known now.

    With `S2 = n V_seed` and `a = 0.05 / pairs`, the least `k` up to 100 whose joint half-width at level `1 - a`, with
    `z_.8 sqrt(S2 / k)` on top, is at most the difference seen; less the seeds there are, at least 1.

    Args:
        difference: one that does not separate.
        pairs: how many differences are in its family.
    """
    if pairs < 1:
        raise ValueError(f"expected a family of at least one pair, got {pairs}")
    if difference.seeds < RANK_SEEDS or difference.v_seed is None or difference.v_example is None:
        return SeedsNeeded(None, f"fewer than {RANK_SEEDS} seeds say too little")
    tail, seen = ALPHA / pairs / 2, abs(difference.mean)
    of_examples = float(stats.norm.isf(tail)) * sqrt(difference.v_example)
    if seen == 0:
        return SeedsNeeded(None, "no difference so far")
    if seen <= of_examples:
        return SeedsNeeded(None, "no number of seeds: the test set is too small")
    k = np.arange(3, MOST_SEEDS + 1)
    of_seeds = np.sqrt(difference.seeds * difference.v_seed / k)
    reached = np.hypot(stats.t.isf(tail, k - 1) * of_seeds, of_examples) + stats.norm.ppf(POWER) * of_seeds <= seen
    if not reached.any():
        return SeedsNeeded(None, f"more than {MOST_SEEDS} in all")
    return SeedsNeeded(max(1, int(k[reached.argmax()]) - difference.seeds), "")
