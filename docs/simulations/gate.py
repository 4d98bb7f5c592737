"""How often `compare` cries wolf, and how often it finds a drop of one point.

A change is three methods on four rungs. A network's score has a standard deviation over seeds that grows evenly along
the ladder, to three times as much at the sparsest rung as at the densest; base and new draw theirs independently. No
dense network: its row would be a sixteenth statistic. Everything in percentage points.
"""

from collections.abc import Iterator, Sequence

import numpy as np
from model import Floats, Noise, points, rate, table

from ticketbench.report.statistics.gate import Outcome, Statistic, curve_and_rungs, outcomes

REPETITIONS = 500
METHODS, RUNGS = 3, 4
SEEDS, SPREADS = (3, 5, 10), (0.1, 0.2, 0.3, 0.5)
MARGIN = 0.43
GROWTH = np.linspace(1, 3, RUNGS)


def tables(repetitions: int, rng: np.random.Generator) -> Iterator[str]:
    """False alarms and power; then what the smallest drop that is promised to be found is worth."""
    rows = []
    for name, drop, noise, margin in _scenarios():
        shares = [
            [_alarms(rng, repetitions, seeds, spread, drop, noise, margin) for seeds in SEEDS] for spread in SPREADS
        ]
        rows.append([name, *(" / ".join(map(rate, of_spread)) for of_spread in shares)])
    seeds = " / ".join(map(str, SEEDS))
    yield table([f"alarms with {seeds} seeds; sd over seeds", *(f"{spread}" for spread in SPREADS)], rows)
    rows = [
        [f"{spread}", *(" / ".join(map(rate, kept)) for kept in _kept(rng, repetitions, spread))]
        for spread in (0.02, 0.1, 0.3)
    ]
    yield table(["sd over seeds, 5 seeds", "the formula alone: curve / sparsest rung", "and the margin"], rows)


def _scenarios() -> Iterator[tuple[str, Floats, Noise, float]]:
    """What is lost by whom, shape (methods, rungs), under which noise and margin."""
    nothing = np.zeros((METHODS, RUNGS))
    one, densest, sparsest = nothing.copy(), nothing.copy(), nothing.copy()
    one[0], densest[0, 0], sparsest[0, -1] = 1, 1, 1
    yield "nothing changed", nothing, "normal", MARGIN
    yield "nothing changed, heavy tails (t3)", nothing, "t3", MARGIN
    yield "nothing changed, no margin", nothing, "normal", 0.0
    yield "one point lost everywhere", nothing + 1, "normal", MARGIN
    yield "one point lost by one method", one, "normal", MARGIN
    yield "one point lost at one rung, the densest", densest, "normal", MARGIN
    yield "one point lost at one rung, the sparsest", sparsest, "normal", MARGIN


def _alarms(
    rng: np.random.Generator, repetitions: int, seeds: int, spread: float, drop: Floats, noise: Noise, margin: float
) -> float:
    """The share of comparisons that end with a regression, wherever it is found."""
    found = 0
    for _ in range(repetitions):
        tested = _comparison(rng, seeds, spread, drop, noise, margin)
        found += any(each is not None and each.regression for each in tested)
    return found / repetitions


def _kept(rng: np.random.Generator, repetitions: int, spread: float) -> Iterator[Sequence[float]]:
    """How often the smallest drop that a comparison names is found by the next: of a curve, of the sparsest rung."""
    for promise in ("smallest", "findable"):
        shares = []
        for place, where in ((0, slice(None)), (RUNGS, slice(-1, None))):
            found = 0
            for _ in range(repetitions):
                drop = np.zeros((METHODS, RUNGS))
                before = _comparison(rng, 5, spread, drop, "normal", MARGIN)[place]
                drop[0, where] = getattr(before, promise)
                after = _comparison(rng, 5, spread, drop, "normal", MARGIN)[place]
                found += after is not None and after.regression
            shares.append(found / repetitions)
        yield shares


def _comparison(
    rng: np.random.Generator, seeds: int, spread: float, drop: Floats, noise: Noise, margin: float
) -> list[Outcome | None]:
    """One comparison's outcomes: the first method's curve, its rungs from the densest on, and so on."""
    shape = (2, METHODS, RUNGS, seeds)
    base, new = points(rng, shape, spread, noise) * GROWTH[:, None]
    differences = new - base - drop[:, :, None]
    return outcomes(
        [
            Statistic(values, rung, margin)
            for method in differences
            for rung, values in enumerate(curve_and_rungs(method))
        ]
    )
