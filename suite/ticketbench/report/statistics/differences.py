"""Is a difference more than noise? The p-value that inverts the joint interval, and Holm's correction.

The definitions are those of the project's protocol, sections 3.1 and 3.2. A difference is an `Interval` of paired
values: `Z = Z_A - Z_B` over common seeds.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from math import exp, log, sqrt

from scipy import optimize, stats

from ticketbench.report.statistics.intervals import Interval

ALPHA = 0.05
EXACT_SEEDS = 6  # below, no sign-flip test over seeds alone can reach ALPHA
_LEAST = 1e-100


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


def p_value(mean: float, v_seed: float, v_example: float, seeds: int) -> float:
    """The smallest `a` whose joint interval at level `1 - a` excludes zero.

    That is where `t_{1-a/2,n-1}^2 V_seed + z_{1-a/2}^2 V_example` falls to `mean^2`.

    Args:
        v_seed, v_example: variances of the mean that come of n `seeds` and of the test examples.

    Raises `ValueError` for fewer than two seeds or a negative variance.
    """
    if seeds < 2 or v_seed < 0 or v_example < 0:
        raise ValueError(f"expected two seeds and variances of at least 0, got {seeds}, {v_seed} and {v_example}")
    if mean == 0:
        return 1.0
    if v_example == 0:
        return float(2 * stats.t.sf(abs(mean) / sqrt(v_seed), seeds - 1)) if v_seed else 0.0
    if v_seed == 0:
        return float(2 * stats.norm.sf(abs(mean) / sqrt(v_example)))

    def excess(log_a: float) -> float:
        tail = exp(log_a) / 2
        return float(stats.t.isf(tail, seeds - 1) ** 2 * v_seed + stats.norm.isf(tail) ** 2 * v_example - mean**2)

    if excess(log(_LEAST)) < 0:
        return 0.0
    return exp(optimize.brentq(excess, log(_LEAST), 0.0, xtol=1e-12))


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
