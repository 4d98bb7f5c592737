"""Reproduced or not: what may be said of a published number or ordering.

The definitions are those of the project's protocol, section 4.8.
"""

from dataclasses import replace
from typing import Literal

from ticketbench.report.statistics.differences import ALPHA, EXACT_SEEDS, p_of
from ticketbench.report.statistics.intervals import Interval

Sign = Literal["higher", "lower", "equal"]
Verdict = Literal["reproduced", "not reproduced", "not comparable", "undecided", "not tested"]

_TOO_WIDE = 4  # half-widths of that many margins leave nothing to compare


def of_value(difference: Interval, margin: float | None) -> tuple[Verdict, str]:
    """What may be said of a published value, from our mean minus it, and why in words."""
    if difference.h is None:
        return "not comparable", "too few seeds for an interval"
    if margin is None:
        return "not comparable", "no margin: it needs dense networks, clear of a declared chance value"
    if abs(difference.mean) > difference.h + margin:
        return "not reproduced", "beyond our interval and the margin"
    if difference.h > _TOO_WIDE * margin:
        return "not comparable", "our interval is wider than four margins"
    return "reproduced", "within our interval and the margin"


def clear_of_chance(score: Interval, chance: float, *, higher_is_better: bool) -> bool:
    """Whether a score separates from chance as the better of the two; never with too few seeds for an interval."""
    p = p_of(replace(score, mean=score.mean - chance))
    return p is not None and p <= ALPHA and (score.mean > chance) == higher_is_better


def of_claim(sign: Sign, difference: Interval, margin: float | None, *, clear: bool = True) -> tuple[Verdict, str]:
    """What may be said of a claimed ordering or equality, from ours minus the other side, and why in words.

    Args:
        margin: may be None unless the claim is one of equality.
        clear: whether either side is clear of chance: two networks that learned nothing are equal, and say nothing.
    """
    p = p_of(difference)
    if p is None or difference.low is None or difference.high is None:
        return "not comparable", "too few seeds for an interval"
    if not clear:
        return "not comparable", "neither side is clear of chance"
    separates = p <= ALPHA
    mark = "" if difference.seeds >= EXACT_SEEDS else "; model-based: too few seeds for an exact test"
    if sign == "equal":
        if margin is None:
            return "not comparable", "without a margin nothing is equal"
        if -margin <= difference.low and difference.high <= margin:
            return "reproduced", "the whole interval lies within the margin"
        if separates and abs(difference.mean) > margin:
            return "not reproduced", f"differs from zero by more than the margin{mark}"
        return "undecided", "the interval reaches beyond the margin"
    if not separates:
        return "undecided", "does not separate from zero"
    if (difference.mean > 0) == (sign == "higher"):
        return "reproduced", f"has the claimed sign and separates from zero{mark}"
    return "not reproduced", f"separates from zero the other way{mark}"
