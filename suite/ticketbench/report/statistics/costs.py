"""What a search cost: classes that tables can be read within, and the frontier (protocol, sections 6.3 and 6.4)."""

from collections.abc import Sequence
from dataclasses import dataclass
from math import isfinite
from typing import Literal

import numpy as np
import numpy.typing as npt

Bools = npt.NDArray[np.bool_]
Class = Literal["1x", "2x", "5x", "20x", "more"]
Standing = Literal["on", "not clearly beaten", "off"]

_CLASSES: tuple[tuple[float, Class], ...] = ((1.1, "1x"), (2.2, "2x"), (5.5, "5x"), (22.0, "20x"))


@dataclass(frozen=True)
class Point:
    """A cell's means: its compression, its metric oriented so that larger is better, its total cost."""

    compression: float
    metric: float
    total: float


def cost_class(total: float) -> Class:
    """The class of a total cost in dense trainings: up to 1.1 is `1x`, 2.2 `2x`, 5.5 `5x`, 22 `20x`, else `more`.

    Raises `ValueError` for a cost that is negative or no number.
    """
    if not isfinite(total) or total < 0:
        raise ValueError(f"expected a cost of at least 0 dense trainings, got {total}")
    return next((name for most, name in _CLASSES if total <= most), "more")


def dominates(points: Sequence[Point]) -> Bools:
    """Whether point i (row) is at least as good as j in compression, metric and cost, and better in one.

    Shape (points, points). Raises `ValueError` for a number that is none.
    """
    values = np.array([(p.compression, p.metric, -p.total) for p in points]).reshape(len(points), 3)
    if not np.isfinite(values).all():
        raise ValueError("expected a finite compression, metric and cost of every point")
    ours, theirs = values[:, None, :], values[None, :, :]
    return np.asarray((ours >= theirs).all(axis=2) & (ours > theirs).any(axis=2))


def frontier(points: Sequence[Point], better: npt.ArrayLike | None = None) -> list[Standing]:
    """Where each point stands to the frontier in (compression up, metric up, total cost down).

    It is off it if another `dominates` it; `not clearly beaten` (drawn hollow) if none of those that do separates
    from it.

    Args:
        better: shape (points, points): whether i separates from j and is the better; None where nothing was tested,
            and then nothing is drawn hollow.

    Raises `ValueError` for a number that is none, or a matrix of another shape.
    """
    over = dominates(points)
    separates = np.ones_like(over) if better is None else np.asarray(better, dtype=bool)
    if separates.shape != over.shape:
        raise ValueError(f"expected a matrix of {len(points)} x {len(points)} points, got {separates.shape}")
    standings: list[Standing] = []
    for dominated, beaten in zip(over.T, (over & separates).T, strict=True):
        standings.append("off" if beaten.any() else "not clearly beaten" if dominated.any() else "on")
    return standings
