"""Scores of a curve: its value at a compression, and the area under it (protocol, sections 4.1, 4.2 and 4.4).

A curve is one seed's points `(x, metric)`, `x = log2(compression)`, with its dense network at 0, joined by straight
lines in `x`. Both scores are linear in the points, so each is a vector of weights: its dot product with the
metric is the score, and with the bits what sections 2 and 3 take.
"""

import numpy as np
import numpy.typing as npt

from ticketbench.report.statistics.intervals import Floats

TARGETS = (2, 4, 8, 16, 32, 64)  # compressions at which tables are made
TOLERANCE = 0.03  # in log2: a target that little (2 % of compression) beyond the last point takes its value


def at(x: npt.ArrayLike, target: float) -> Floats | None:
    """The weights of the points in the curve's value at a target; None where the curve does not cover it.

    Args:
        x: shape (points,): ascending log2 compressions, the dense network first, at 0. Points of equal `x` count as
            their average.
        target: log2 of a compression of at least 1.

    Returns weights of shape (points,) that sum to 1. Raises `ValueError` for any other `x` or target.
    """
    points = _points(x)
    if not np.isfinite(target) or target < 0:
        raise ValueError(f"expected the logarithm of a compression of at least 1, got {target}")
    knots, of_knots = _knots(points)
    return np.asarray(_at(knots, target) @ of_knots) if _reaches(points, target) else None


def area(x: npt.ArrayLike, target: float) -> Floats | None:
    """The weights of the points in the mean height of the curve from 0 to the target, by trapezoids.

    `A_C = (1 / log2 C) * integral over x in [0, log2 C]`, over the seed's own points and the end.

    Args:
        x: as in `at`.
        target: log2 of a compression above 1.

    Returns weights of shape (points,) that sum to 1; None where the curve does not cover the target. Raises
    `ValueError` for any other `x` or target.
    """
    points = _points(x)
    if not np.isfinite(target) or target <= 0:
        raise ValueError(f"expected the logarithm of a compression above 1, got {target}")
    if not _reaches(points, target):
        return None
    knots, of_knots = _knots(points)
    inner = knots < target
    ends = np.append(knots[inner], target)
    steps = np.diff(ends) / target
    heights = np.append(np.eye(len(knots))[inner], _at(knots, target)[None, :], axis=0)
    trapezoids = (np.append(steps, 0.0) + np.append(0.0, steps)) / 2
    return np.asarray(trapezoids @ heights @ of_knots)


def covers(x: npt.ArrayLike, target: float) -> bool:
    """Whether a curve reaches a target: at most 0.03 (2 % of compression) beyond its last point."""
    return _reaches(_points(x), target)


def _reaches(points: Floats, target: float) -> bool:
    # A ten-billionth is rounding of a logarithm, not compression.
    return bool(target <= points[-1] + TOLERANCE + 1e-10)


def _points(x: npt.ArrayLike) -> Floats:
    points = np.asarray(x, dtype=np.float64)
    if points.ndim != 1 or not len(points) or not np.isfinite(points).all():
        raise ValueError(f"expected one finite log2 compression a point, got {x!r}")
    if points[0] != 0 or (np.diff(points) < 0).any():
        raise ValueError(f"expected ascending log2 compressions from the dense network's 0, got {points.tolist()}")
    return points


def _knots(points: Floats) -> tuple[Floats, Floats]:
    """The distinct `x`, and the share of each point in each: a matrix of knots by points."""
    if (np.diff(points) > 0).all():
        return points, np.eye(len(points))
    knots, which = np.unique(points, return_inverse=True)
    shares = (which[None, :] == np.arange(len(knots))[:, None]).astype(np.float64)
    return knots, shares / shares.sum(axis=1, keepdims=True)


def _at(knots: Floats, target: float) -> Floats:
    """The weights of the knots at a target: linear between two, the last one's value beyond it."""
    weights = np.zeros(len(knots))
    upper = int(np.searchsorted(knots, target))
    if upper == len(knots):
        weights[-1] = 1.0
    elif knots[upper] == target:
        weights[upper] = 1.0
    else:
        share = (target - knots[upper - 1]) / (knots[upper] - knots[upper - 1])
        weights[upper - 1 : upper + 1] = 1 - share, share
    return weights
