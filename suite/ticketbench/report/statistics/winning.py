"""Winning tickets, the luck they are held against, difficulty and quality (protocol, section 5)."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy import stats

from ticketbench.report.statistics.intervals import Floats

NEAR = 1.02  # a rung stands for a compression that it exceeds by at most 2 %

Bools = npt.NDArray[np.bool_]


@dataclass(frozen=True)
class Runs:
    """One run a seed, as winning tickets are judged by.

    Attributes:
        best: test metric at the step of lowest validation loss, oriented so that larger is better. Shape (seeds,).
        step: that step, of the schedule. Shape (seeds,).
    """

    best: Floats
    step: Floats

    def __post_init__(self) -> None:
        best, step = (np.asarray(each, dtype=np.float64) for each in (self.best, self.step))
        if best.ndim != 1 or best.shape != step.shape or not len(best):
            raise ValueError(f"expected one metric and one step a seed, got shapes {best.shape} and {step.shape}")
        if not (np.isfinite(best).all() and np.isfinite(step).all()):
            raise ValueError("expected finite metrics and steps: a run that is not done is no win, and is left out")
        object.__setattr__(self, "best", best)
        object.__setattr__(self, "step", step)


def wins(ticket: Runs, dense: Runs) -> Bools:
    """Which seeds' tickets win: as good as the same seed's dense network, no later (section 5.1).

    Frankle & Carbin: `best(ticket) >= best(dense) and step(ticket) <= step(dense)`. That fewer weights are kept than
    are prunable, and that the run is done, is the caller's to see to. Shape (seeds,).
    """
    if ticket.best.shape != dense.best.shape:
        raise ValueError(f"expected the same seeds, got {len(ticket.best)} tickets and {len(dense.best)} dense")
    return (ticket.best >= dense.best) & (ticket.step <= dense.step)


def null_rates(dense: Runs) -> Floats:
    """For each dense seed, the share of the other seeds' dense networks that "win" against it (section 5.2).

    Their mean is `q0`, the rate of luck at one rung. Shape (seeds,). Raises `ValueError` for fewer than two seeds.
    """
    if len(dense.best) < 2:
        raise ValueError("expected at least two dense networks: luck is measured between seeds")
    return np.asarray(_beats(dense).sum(axis=0) / (len(dense.best) - 1))


def any_of(rates: npt.ArrayLike, rungs: int) -> float:
    """The rate of luck at any of so many rungs, `mean of 1 - (1 - pi_i)^R`, by the `null_rates` (section 5.2)."""
    if rungs < 1:
        raise ValueError(f"expected at least one rung, got {rungs}")
    return float(np.mean(1 - (1 - np.asarray(rates, dtype=np.float64)) ** rungs))


def luck(won: int, seeds: int, rate: float) -> float:
    """The chance of at least so many wins of luck: `P(Binomial(n, q0) >= w)`, one-sided (section 5.2)."""
    if not 0 <= won <= seeds or seeds < 1 or not 0 <= rate <= 1:
        raise ValueError(f"expected wins among seeds and a rate, got {won} of {seeds} and {rate}")
    return float(stats.binom.sf(won - 1, seeds, rate))


def sparsest(compressions: Sequence[float | None], target: float) -> int | None:
    """The place of the sparsest rung whose mean compression is at most `1.02 C`; None where there is none.

    The rate of wins there is the ticket-search success at C, and one minus it the difficulty (section 5.3). It is
    to be asked only of methods that cover the target: a rung that ends far before it says nothing of it.
    """
    under = [i for i, c in enumerate(compressions) if c is not None and 1 < c <= NEAR * target]
    return max(under, key=lambda i: (compressions[i] or 0.0, i), default=None)


def difficulty(success: float) -> float:
    """One minus the ticket-search success at C (section 5.3)."""
    if not 0 <= success <= 1:
        raise ValueError(f"expected a rate of success, got {success}")
    return 1.0 - success


def quality(ticket: Runs, dense: Runs) -> float | None:
    """The mean gain of the winning seeds over their dense networks; None where none won (section 5.4)."""
    won = wins(ticket, dense)
    return float((ticket.best - dense.best)[won].mean()) if won.any() else None


def null_quality(dense: Runs) -> float | None:
    """The mean gain of the dense pairs that "win" by luck, which stands beside every quality (section 5.4)."""
    beats = _beats(dense)
    gains = dense.best[:, None] - dense.best[None, :]
    return float(gains[beats].mean()) if beats.any() else None


def _beats(dense: Runs) -> Bools:
    """Whether dense network j (row) wins against another, i (column)."""
    best, step = dense.best, dense.step
    beats = (best[:, None] >= best[None, :]) & (step[:, None] <= step[None, :])
    return np.asarray(beats & ~np.eye(len(best), dtype=bool))
