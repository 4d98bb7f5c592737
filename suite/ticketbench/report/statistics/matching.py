"""How far a method can prune and still match dense, and when it empties a layer (protocol, sections 4.6 and 4.7)."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt

from ticketbench.report.statistics.curves import at
from ticketbench.report.statistics.intervals import Floats, joint_interval, seeds_interval


@dataclass(frozen=True)
class Matching:
    """The compression up to which a method matches its dense network, by a margin.

    Attributes:
        estimate: where the mean curve first falls below minus the margin; None where it never does.
        proven: where its lower band first does, the number for claims; None where it never does, or has no band.
        upper: where its upper band was last at or above minus the margin; None where it still is at the end, or
            there is no band.
        again: compressions of later rungs at which the lower band is back within the margin, or the mean where there
            is no band: "matches again".
        censored: `right` where the estimate is at least `most`, `left` where it is less than `first`.
        first, most: compressions of the first pruned rung and of the last that every seed covers.
        x, mean: the grid of log2 compressions and the mean difference from dense there. Shape (points,).
        band: the joint interval's ends there, lower and upper; None with fewer than three seeds.
    """

    estimate: float | None
    proven: float | None
    upper: float | None
    again: tuple[float, ...]
    censored: Literal["left", "right"] | None
    first: float
    most: float
    x: Floats
    mean: Floats
    band: tuple[Floats, Floats] | None


@dataclass(frozen=True)
class Critical:
    """The least achieved compression with a layer at zero kept weights, over seeds.

    Attributes:
        least, median: None where it never happens, or not in half of the seeds.
    """

    least: float | None
    median: float | None


def matching(x: Sequence[npt.ArrayLike], d: Sequence[npt.ArrayLike], margin: float) -> Matching:
    """Matching compression by the mean curve and its joint 95 % band.

    The curves of all seeds are read on one grid, the rungs' mean `x`, cut at the last point that every seed covers;
    mean and band are joined by straight lines. Rungs are thereby tested in order until one fails.

    Args:
        x: one array a seed, of shape (points,): ascending log2 compressions, dense first, at 0; as many for each.
        d: one array a seed, of shape (points,) or (points, examples): the metric, or bits, minus the same seed's
            dense network's, oriented so that positive is better; zeros for dense itself.
        margin: M, above 0, in the units of d.

    Raises `ValueError` for any other margin, seeds of unequal rungs, or fewer than one pruned rung.
    """
    curves = [np.asarray(each, dtype=np.float64) for each in x]
    values = [np.asarray(each, dtype=np.float64) for each in d]
    if not margin > 0 or not np.isfinite(margin):
        raise ValueError(f"expected a margin above 0, got {margin}")
    if not curves or len({each.shape for each in curves}) != 1 or len(curves[0]) < 2:
        raise ValueError("expected as many points of every seed: dense and at least one pruned rung")
    if len({each.shape for each in values}) != 1 or values[0].shape[:1] != curves[0].shape:
        raise ValueError("expected one difference a point, and the same test examples of every seed")
    if len(values) != len(curves) or not all(np.isfinite(each).all() for each in values):
        raise ValueError("expected finite differences of as many seeds as there are curves")
    grid = _grid(curves)
    read = np.stack([_weights(each, grid) @ y for each, y in zip(curves, values, strict=True)], axis=1)
    bands = [joint_interval(z) if z.ndim == 2 else seeds_interval(z) for z in read]
    mean = np.array([each.mean for each in bands])
    ends = [(each.low, each.high) for each in bands if each.low is not None and each.high is not None]
    lower, upper = np.array(ends).T if ends else (None, None)
    estimate, rung = first_below(grid, mean, -margin), grid[min(1, len(grid) - 1)]
    held = (mean if lower is None else lower) >= -margin
    return Matching(
        estimate=_compression(estimate),
        proven=_compression(first_below(grid, lower, -margin)) if lower is not None else None,
        upper=_compression(last_above(grid, upper, -margin)) if upper is not None else None,
        again=tuple(2.0 ** grid[(grid > estimate) & held]) if estimate is not None else (),
        censored="right" if estimate is None else "left" if estimate < rung else None,
        first=float(2**rung),
        most=float(2 ** grid[-1]),
        x=grid,
        mean=mean,
        band=(lower, upper) if lower is not None and upper is not None else None,
    )


def first_below(x: npt.ArrayLike, y: npt.ArrayLike, level: float) -> float | None:
    """Where a line through points first falls below a level; None where it never does."""
    at_x, at_y = np.asarray(x, dtype=np.float64), np.asarray(y, dtype=np.float64)
    below = at_y < level
    if not below.any():
        return None
    place = int(below.argmax())
    return float(at_x[0]) if place == 0 else _crossing(at_x, at_y, place, level)


def last_above(x: npt.ArrayLike, y: npt.ArrayLike, level: float) -> float | None:
    """Where a line through points was last at or above a level; None where it still is at its end."""
    at_x, at_y = np.asarray(x, dtype=np.float64), np.asarray(y, dtype=np.float64)
    below = at_y < level
    if not below[-1]:
        return None
    if below.all():
        return float(at_x[0])
    return _crossing(at_x, at_y, len(at_x) - int((~below)[::-1].argmax()), level)


def critical(compressions: Sequence[float], kept_per_layer: Sequence[Sequence[int]]) -> float | None:
    """One seed's critical compression: the least achieved with any prunable layer at zero kept weights, or None.

    Args:
        compressions: of each ticket.
        kept_per_layer: of each ticket, one count a prunable layer.
    """
    if len(compressions) != len(kept_per_layer):
        raise ValueError(f"{len(compressions)} compressions do not go with {len(kept_per_layer)} counts per layer")
    return min((c for c, kept in zip(compressions, kept_per_layer, strict=True) if 0 in kept), default=None)


def critical_over_seeds(by_seed: Sequence[float | None]) -> Critical:
    """Minimum and median over seeds; a seed in which it never happens stands above all others."""
    if not by_seed:
        raise ValueError("expected at least one seed")
    values = [np.inf if each is None else each for each in by_seed]
    ordered = sorted(values)
    middle = ordered[(len(values) - 1) // 2], ordered[len(values) // 2]
    median = (middle[0] + middle[1]) / 2
    return Critical(*(float(each) if np.isfinite(each) else None for each in (ordered[0], median)))


def _grid(curves: Sequence[Floats]) -> Floats:
    """The rungs' mean `x`, cut at the last point of the seed that covers least."""
    return np.unique(np.minimum(np.mean(curves, axis=0), min(each[-1] for each in curves)))


def _weights(x: Floats, grid: Floats) -> Floats:
    """The weights of a seed's points at every point of a grid that it covers. Shape (grid, points)."""
    found = [at(x, target) for target in grid]
    return np.array([weights for weights in found if weights is not None])


def _crossing(x: Floats, y: Floats, place: int, level: float) -> float:
    """Where the line from the point before a place to the one at it passes a level."""
    share = (y[place - 1] - level) / (y[place - 1] - y[place])
    return float(x[place - 1] + share * (x[place] - x[place - 1]))


def _compression(x: float | None) -> float | None:
    return float(2**x) if x is not None else None
