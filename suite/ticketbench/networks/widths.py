"""Narrower networks of the same kind: one share for every hidden width."""

from operator import index


def shrunk(width: int, shrink: float) -> int:
    """The width brought to this share of itself: rounded half to even, at least 1, and itself at 1.

    Raises `ValueError` where `shrink` is not above 0 and at most 1.
    """
    if not 0 < shrink <= 1:
        raise ValueError(f"shrink is a share of every hidden width, above 0 and at most 1, not {shrink}")
    return min(index(width), max(1, round(width * shrink)))
