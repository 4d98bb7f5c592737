"""Did it get worse? A moderated one-sided t-test of paired differences, corrected over a whole comparison.

The definitions are those of the project's protocol, sections 9.3 and 9.4. Differences are new minus base on the same
seed, oriented so that positive is better, in the units that margins are in.
"""

from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt
from scipy import special

from ticketbench.report.statistics.differences import ALPHA, holm
from ticketbench.report.statistics.intervals import Floats

Verdict = Literal["regression", "no worse", "not shown"]

POWER = 0.8
MOST_BORROWED = 3  # degrees of freedom that the pool lends
BORROWING_SEEDS = 5  # with fewer, nothing is borrowed: it gave false alarms
NOTHING = 1e-9  # a difference no larger is none, and so is the standard deviation of differences


@dataclass(frozen=True)
class Statistic:
    """One thing that may have got worse: a method's curve, one rung of it, or the dense network.

    Attributes:
        differences: shape (seeds,).
        pool: statistics with an equal one lend each other their variance: methods of a task and setting at one rung.
        margin: a mean drop of up to this counts as no difference.
    """

    differences: Floats
    pool: Hashable
    margin: float


@dataclass(frozen=True)
class Outcome:
    """What became of a statistic.

    Attributes:
        drop: minus the mean difference: positive is worse.
        s2: the moderated variance of one seed's difference; `nu` degrees of freedom of `df` came from the pool.
        t, p, adjusted: of the lower tail; Holm's correction is over the whole comparison.
        most: the largest drop that the one-sided 95 % bound leaves, not corrected.
        smallest: the true drop that this test finds with probability 0.8, the margin left out (protocol, 9.4).
        findable: the same with the margin, which a drop must exceed to count.
        regression: significant after correction, and larger than the margin.
    """

    drop: float
    s2: float
    nu: int
    df: int
    t: float
    p: float
    adjusted: float
    most: float
    smallest: float
    findable: float
    margin: float
    regression: bool


def curve_and_rungs(differences: Floats) -> list[Floats]:
    """The statistics of a method from its differences, shape (rungs, seeds): the mean over rungs, then each rung."""
    return [differences.mean(axis=0), *differences]


def outcomes(statistics: Sequence[Statistic]) -> list[Outcome | None]:
    """What became of each statistic, in the order given; None for one that is zero in every seed.

    With `v` the variance over k seeds and `v0` the mean of `v` over the M statistics of its pool,
    `s2 = ((k-1) v + nu v0) / (k-1+nu)`, `nu = min(3, M-1)` from 5 seeds and else 0; `t = mean(d) / sqrt(s2 / k)` on
    `k-1+nu` degrees of freedom. What is zero everywhere leaves both pool and correction.

    Raises `ValueError` for a statistic of fewer than two seeds.
    """
    if any(len(each.differences) < 2 and not unchanged(each) for each in statistics):
        raise ValueError("expected at least two seeds for a variance")
    changed = [each for each in statistics if not unchanged(each)]
    if not changed:
        return [None] * len(statistics)
    tested = iter(_tested(changed))
    return [None if unchanged(each) else next(tested) for each in statistics]


def unchanged(statistic: Statistic) -> bool:
    """Whether the differences are zero in every seed."""
    return not bool((np.abs(statistic.differences) > NOTHING).any())


def verdict(tested: Sequence[Outcome | None]) -> Verdict:
    """What may be said of the whole: `no worse` than the margin, if every bound is above it, or nothing shown."""
    found = [each for each in tested if each is not None]
    if any(each.regression for each in found):
        return "regression"
    return "no worse" if all(each.most < each.margin for each in found) else "not shown"


def _tested(changed: Sequence[Statistic]) -> list[Outcome]:
    """The outcomes of statistics none of which is zero everywhere."""
    k = np.array([len(each.differences) for each in changed])
    mean = np.array([each.differences.mean() for each in changed])
    v = np.array([each.differences.var(ddof=1) for each in changed])
    v[v < NOTHING**2] = 0.0
    lent, members = _pooled([each.pool for each in changed], v)
    nu = np.where(k >= BORROWING_SEEDS, np.minimum(MOST_BORROWED, members - 1), 0)
    df = k - 1 + nu
    s2 = ((k - 1) * v + nu * lent) / df
    s2[s2 < NOTHING**2] = 0.0
    error = np.sqrt(s2 / k)
    t = np.sign(mean) * np.where(np.abs(mean) > NOTHING, np.inf, 0.0)
    np.divide(mean, error, out=t, where=error > 0)
    p = special.stdtr(df, t)
    adjusted = holm([float(each) for each in p])
    margin = np.array([each.margin for each in changed])
    most = -mean + special.stdtrit(df, 1 - ALPHA) * error
    needed = special.stdtrit(df, 1 - ALPHA / len(changed)) * error
    luck = float(special.ndtri(POWER)) * error
    return [
        Outcome(
            drop=float(-mean[i]),
            s2=float(s2[i]),
            nu=int(nu[i]),
            df=int(df[i]),
            t=float(t[i]),
            p=float(p[i]),
            adjusted=adjusted[i],
            most=float(most[i]),
            smallest=float(needed[i] + luck[i]),
            findable=float(max(needed[i], margin[i]) + luck[i]),
            margin=float(margin[i]),
            regression=bool(adjusted[i] <= ALPHA and -mean[i] > margin[i]),
        )
        for i in range(len(changed))
    ]


def _pooled(pools: Sequence[Hashable], v: Floats) -> tuple[Floats, npt.NDArray[np.int64]]:
    """Each statistic's `v0`, and how many statistics its pool has."""
    places: dict[Hashable, list[int]] = {}
    for place, pool in enumerate(pools):
        places.setdefault(pool, []).append(place)
    lent, members = np.empty(len(v)), np.empty(len(v), dtype=np.int64)
    for which in places.values():
        lent[which], members[which] = v[which].mean(), len(which)
    return lent, members
