"""Ranks that know their noise: shared ranks and rank intervals (protocol, section 3.4)."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt


@dataclass(frozen=True)
class Rank:
    """A method's place in a table.

    Attributes:
        rank: shared by the methods that nothing better separates from: the tie group. It is `low`.
        low, high: the rank interval, which always holds the position in the table.
    """

    rank: int
    low: int
    high: int


def ranks(means: Sequence[float], better: npt.ArrayLike) -> list[Rank]:
    """Ranks of K methods, in the order given.

    `low = 1 +` the better ones that separate, then its running maximum down the table; `high = K -` the worse ones
    that separate, then its running minimum up the table. So a method with one ruined seed, whose wide interval
    separates from nothing, does not tie with the best.

    Args:
        means: oriented so that larger is better. Equal ones stand in the order given.
        better: shape (K, K): whether i separates from j and is the better of the two.

    Raises `ValueError` for a mean that is no number, or where a worse mean is said to be better.
    """
    value = np.asarray(means, dtype=np.float64)
    over = np.asarray(better, dtype=bool)
    if value.ndim != 1 or not np.isfinite(value).all():
        raise ValueError(f"expected one finite mean a method, got {means!r}")
    k = len(value)
    if not k:
        return []
    if over.shape != (k, k):
        raise ValueError(f"expected a matrix of {k} x {k} methods, got shape {over.shape}")
    if (over & (value[:, None] <= value[None, :])).any():
        raise ValueError("a method is said to be better than one whose mean is as good")
    table = np.argsort(-value, kind="stable")
    low = np.maximum.accumulate(1 + over.sum(axis=0)[table])
    high = np.minimum.accumulate((k - over.sum(axis=1)[table])[::-1])[::-1]
    found = [Rank(int(lo), int(lo), int(hi)) for lo, hi in zip(low, high, strict=True)]
    return [found[place] for place in np.argsort(table)]
