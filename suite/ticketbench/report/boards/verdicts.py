"""Reproduced or not: what counts as no difference, and what may be said of a published number or ordering.

The definitions are those of the project's protocol, sections 4.3, 4.5 and 4.8.
"""

from collections.abc import Sequence
from math import ceil, log
from typing import Literal

import numpy as np

from ticketbench.report.statistics.differences import ALPHA, p_of
from ticketbench.report.statistics.intervals import Interval

Sign = Literal["higher", "lower", "equal"]
Verdict = Literal["reproduced", "not reproduced", "not comparable", "undecided", "not tested"]

LEAST_MARGIN = 0.005
_CLEAR = 5  # the dense network is that many standard deviations from chance, or nothing is normalised by it
_TOO_WIDE = 4  # half-widths of that many margins leave nothing to compare


def on_scale(value: float, metric: str) -> float:
    """The value on the scale that differences are taken on: perplexity as its logarithm, all else as it is."""
    return log(value) if metric == "perplexity" else value


def normalised(value: float, dense: float, chance: float, metric: str = "accuracy") -> float:
    """`g`: how far a value is from chance (0) to dense (1). Never clipped.

    Raises `ValueError` where dense is chance.
    """
    way = on_scale(dense, metric) - on_scale(chance, metric)
    if way == 0:
        raise ValueError("the dense network scores what chance scores: nothing lies between them")
    return (on_scale(value, metric) - on_scale(chance, metric)) / way


def default_margin(dense: Sequence[float], chance: float, metric: str = "accuracy") -> float | None:
    """The share of the way from dense to chance that counts as no difference, where a task says none.

    `max(0.005, sd of g)` over the dense seeds, rounded up to three decimals. None with fewer than two seeds, or
    where the dense networks are not clear of chance by five standard deviations.
    """
    values = np.array([on_scale(value, metric) for value in dense])
    if len(values) < 2:
        return None
    sd, way = float(values.std(ddof=1)), abs(float(values.mean()) - on_scale(chance, metric))
    if way == 0 or way < _CLEAR * sd:
        return None
    return ceil(round(1000 * max(LEAST_MARGIN, sd / way), 9)) / 1000


def margin(dense: Sequence[float], chance: float, share: float | None, metric: str = "accuracy") -> float | None:
    """M, the same in the units of the metric: `share` (or else the default) of the way from dense to chance."""
    share = share if share is not None else default_margin(dense, chance, metric)
    if share is None or not len(dense):
        return None
    mean = float(np.mean([on_scale(value, metric) for value in dense]))
    return share * abs(mean - on_scale(chance, metric))


def of_value(difference: Interval, margin: float) -> tuple[Verdict, str]:
    """What may be said of a published value, from our mean minus it, and why in words."""
    if difference.h is None:
        return "not comparable", "too few seeds for an interval"
    if difference.h > _TOO_WIDE * margin:
        return "not comparable", "our interval is wider than four margins"
    if abs(difference.mean) <= difference.h + margin:
        return "reproduced", "within our interval and the margin"
    return "not reproduced", "beyond our interval and the margin"


def of_claim(sign: Sign, difference: Interval, margin: float | None) -> tuple[Verdict, str]:
    """What may be said of a claimed ordering or equality, from ours minus the other side, and why in words.

    `margin` may be None unless the claim is one of equality.
    """
    p = p_of(difference)
    if p is None or difference.low is None or difference.high is None:
        return "not comparable", "too few seeds for an interval"
    separates = p <= ALPHA
    if sign == "equal":
        if margin is None:
            return "not comparable", "without a margin nothing is equal"
        if -margin <= difference.low and difference.high <= margin:
            return "reproduced", "the whole interval lies within the margin"
        if separates and abs(difference.mean) > margin:
            return "not reproduced", "differs from zero by more than the margin"
        return "undecided", "the interval reaches beyond the margin"
    if not separates:
        return "undecided", "does not separate from zero"
    if (difference.mean > 0) == (sign == "higher"):
        return "reproduced", "has the claimed sign and separates from zero"
    return "not reproduced", "separates from zero the other way"
