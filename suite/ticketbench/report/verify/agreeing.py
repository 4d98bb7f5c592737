"""Rows made elsewhere, by which examples are right and how far weights moved: as two seeds of a cell are alike."""

from collections.abc import Sequence
from itertools import combinations
from math import sqrt

import numpy as np
import numpy.typing as npt

from ticketbench.report.measures import scaled
from ticketbench.report.statistics.intervals import LEAST_SEEDS, unpack_bits
from ticketbench.results import SCORED, Row

SEEN, CHANCE = 8.0, 2.5  # standard deviations: how alike seeds have to be, and what chance alone may bring
NEAR = 0.03  # accuracies within which two networks may be expected to be alike
FACTOR = 4.0  # times the largest ratio of two published seeds
_LENGTHS = ("path_length", "distance_moved")


def likeness(one: npt.ArrayLike, other: npt.ArrayLike) -> float | None:
    """By how many standard deviations two networks err on more of the same examples than chance would have them.

    Args:
        one, other: which test examples each gets right, as 0 and 1; shape (examples,).

    None where either errs on none or all. The mistakes that two networks share by chance are hypergeometric.
    """
    wrong = [1 - np.asarray(each, dtype=np.int64) for each in (one, other)]
    n, (first, second) = len(wrong[0]), (int(each.sum()) for each in wrong)
    if n < 2 or first in (0, n) or second in (0, n):
        return None
    expected = first * second / n
    variance = expected * (n - first) * (n - second) / (n * (n - 1))
    return float((wrong[0] @ wrong[1] - expected) / sqrt(variance))


def unlike(published: Row, again: Row, others: Sequence[Row]) -> str | None:
    """In what a row is less like the recomputed one than other seeds of its cell are alike; None if in nothing.

    Args:
        others: the published rows of its cell, of other seeds. Fewer than three of them tell nothing.
    """
    others = [row for row in others if row["status"] in SCORED]
    if len(others) < LEAST_SEEDS or any(row["status"] not in SCORED for row in (published, again)):
        return None
    if not _near(published, again, others):  # the test of values is for these
        return None
    for name in _LENGTHS:
        if (ratio := _ratio(published, again, name)) is None:
            continue
        ratios = [_ratio(*pair, name) for pair in combinations(others, 2)]
        if None not in ratios and ratio > FACTOR * max(each for each in ratios if each is not None):
            return f"{name} {published[name]!r} published, {again[name]!r} here, farther apart than seeds are"
    return _mistakes(published, again, others)


def _near(published: Row, again: Row, others: Sequence[Row]) -> bool:
    """Whether two scores may be those of like networks: of metrics that are no shares, as near as two seeds are."""
    ours, theirs, *rest = (scaled(row, "test_final") or 0.0 for row in (again, published, *others))
    apart = NEAR if published["metric"] == "accuracy" else max(rest) - min(rest)
    return abs(ours - theirs) <= apart


def _mistakes(published: Row, again: Row, others: Sequence[Row]) -> str | None:
    if any(row["test_correct"] is None for row in (published, again, *others)):
        return None
    ours, theirs, *bits = (
        unpack_bits(row["test_correct"], row["test_examples"]) for row in (published, again, *others)
    )
    found = likeness(ours, theirs)
    alike = [likeness(*pair) for pair in combinations(bits, 2)]
    least = min((each for each in alike if each is not None), default=None)
    if found is None or None in alike or least is None or least < SEEN or found >= CHANCE:
        return None
    return (
        f"test_correct errs on other examples than here: {found:.1f} standard deviations more in common than by "
        f"chance, where any two published seeds have {least:.1f}"
    )


def _ratio(one: Row, other: Row, name: str) -> float | None:
    low, high = sorted((row[name] or 0.0) for row in (one, other))
    return float(high / low) if low > 0 else None
