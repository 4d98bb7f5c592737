"""Over a fixed set of tasks: the mean of areas, its differences, and two second views (protocol, section 7)."""

from collections.abc import Sequence
from math import hypot

import numpy as np
import numpy.typing as npt

from ticketbench.report.statistics.differences import Tested, holm, p_of_parts
from ticketbench.report.statistics.intervals import Floats, Interval, Kind
from ticketbench.report.statistics.ranks import Rank

MOST_TAU = 0.05


def over_tasks(intervals: Sequence[Interval]) -> Interval:
    """The mean over tasks, weighted equally: `h = sqrt(sum of h_t^2) / T` (section 7.2).

    Tasks are a fixed set, not a sample: nothing is said beyond it. `seeds` is the least of any task, and there is no
    `sd`: seed 3 of one task has nothing to do with seed 3 of another. A p-value comes of `p_over_tasks` alone.

    Args:
        intervals: one a task, of a method's area or of a difference of two.
    """
    if not intervals:
        raise ValueError("expected at least one task")
    count, mean = len(intervals), float(np.mean([each.mean for each in intervals]))
    seeds = min(each.seeds for each in intervals)
    parts = [(e.h_seed, e.h_example, e.v_seed, e.v_example) for e in intervals]
    if any(value is None for part in parts for value in part):
        return Interval(mean, None, seeds, None, None, None, None, None, None, None, "none")
    found = np.array(parts, dtype=np.float64)
    h_seed, h_example = (float(each) for each in np.sqrt(np.square(found[:, :2]).sum(axis=0)) / count)
    v_seed, v_example = (float(each) for each in found[:, 2:].sum(axis=0) / count**2)
    kind: Kind = "joint" if any(each.kind == "joint" for each in intervals) else "seeds only"
    h = hypot(h_seed, h_example)
    return Interval(mean, None, seeds, v_seed, v_example, h_seed, h_example, h, mean - h, mean + h, kind)


def p_over_tasks(differences: Sequence[Interval]) -> float | None:
    """The p-value that inverts `over_tasks` of a difference; None where a task has too few seeds (section 7.2)."""
    if not differences:
        raise ValueError("expected at least one task")
    parts: list[tuple[float, float, int]] = []
    for each in differences:
        if each.h is None or each.v_seed is None or each.v_example is None:
            return None
        parts.append((each.v_seed, each.v_example, each.seeds))
    return p_of_parts(float(sum(each.mean for each in differences)), parts)


def corrected_over_tasks(family: Sequence[Sequence[Interval]]) -> list[Tested]:
    """The differences of one family of pairs, each over the same tasks, with Holm's correction (section 7.2)."""
    p_values = [p_over_tasks(each) for each in family]
    adjusted = iter(holm([p for p in p_values if p is not None]))
    return [
        Tested(over_tasks(each), p, next(adjusted) if p is not None else None)
        for each, p in zip(family, p_values, strict=True)
    ]


def mean_ranks(by_task: Sequence[Rank]) -> tuple[float, float]:
    """The mean of a method's rank intervals over tasks, `[mean lo, mean hi]` (section 7.3).

    It depends on who else is in the tables, so it is never the headline.
    """
    if not by_task:
        raise ValueError("expected at least one task")
    return float(np.mean([each.low for each in by_task])), float(np.mean([each.high for each in by_task]))


def performance_profile(scores: npt.ArrayLike, taus: npt.ArrayLike) -> Floats:
    """`rho(tau)`: the share of tasks on which a method is at most tau below the best of all (section 7.3).

    Args:
        scores: shape (methods, tasks): areas, larger is better.
        taus: shape (steps,), from 0 to 0.05.

    Returns shape (methods, steps). Raises `ValueError` for scores that are no numbers, or no task.
    """
    table, steps = np.asarray(scores, dtype=np.float64), np.asarray(taus, dtype=np.float64)
    if table.ndim != 2 or not table.size or not np.isfinite(table).all():
        raise ValueError(f"expected finite scores of methods by tasks, got shape {table.shape}")
    behind = table.max(axis=0) - table
    return np.asarray((behind[:, :, None] <= steps[None, None, :] + 1e-12).mean(axis=1))


def steps_of_tau(count: int = 51) -> Floats:
    """Evenly spaced tau from 0 to 0.05, for a performance profile."""
    return np.linspace(0.0, MOST_TAU, count)
