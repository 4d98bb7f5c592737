"""Matching compression: the bias of ways to estimate it, and what its interval covers."""

from collections.abc import Iterator
from itertools import product

import numpy as np
import numpy.typing as npt
from model import Floats, draw_with, points, rate, table

from ticketbench.report.statistics.matching import first_below, last_above, matching

Signs = npt.NDArray[np.int8]

REPETITIONS = 100
SEEDS = (3, 5, 10)
RUNGS = np.log2(1.25) * np.arange(17)  # dense, and 16 rungs that prune 20 % each
MARGIN, TRUTH = 0.43, 3.0  # points, and log2 of the compression at which the mean curve is that far below dense
ACCURACY, SIZE, SPREAD = 0.98, 10_000, 0.2
RESAMPLES = 200
POWERS = {"steep": 8, "middling": 3, "flat": 1}  # the drop grows with this power of log2 compression
BIASED = ("per seed, first failure, median", "per seed, last success, median", "mean curve, first crossing (used)")

COVERED = (
    "[proven, upper] holds the truth",
    "a percentile bootstrap over seeds holds it",
    "proven is beyond the truth",
)


def tables(repetitions: int, rng: np.random.Generator) -> Iterator[str]:
    """Bias in log2 of the compression, then coverage, by the shape of the curve and the number of seeds."""
    biases: dict[tuple[str, str, int], float] = {}
    covered: dict[tuple[str, str, int], float] = {}
    for curve, power in POWERS.items():
        found: dict[int, list[Floats]] = {n: [] for n in SEEDS}
        for _ in range(repetitions):
            d = _differences(rng, power)
            for n in SEEDS:
                found[n].append(_one(rng, d[:n]))
        for n in SEEDS:
            means = np.mean(found[n], axis=0)
            biases |= {(name, curve, n): value for name, value in zip(BIASED, means[:3], strict=True)}
            covered |= {(name, curve, n): value for name, value in zip(COVERED, means[3:], strict=True)}
    columns = list(product(POWERS, SEEDS))
    heads = [f"{curve}, n = {n}" for curve, n in columns]
    yield table(
        ["bias in log2 C", *heads], [[name, *(f"{biases[name, c, n]:+.2f}" for c, n in columns)] for name in BIASED]
    )
    yield table(
        ["share of tables", *heads], [[name, *(rate(covered[name, c, n]) for c, n in columns)] for name in COVERED]
    )


def _differences(rng: np.random.Generator, power: int) -> Signs:
    """One table: each seed's network at every rung minus its dense one, shape (seeds, rungs, examples)."""
    accuracies = ACCURACY - MARGIN / 100 * (RUNGS / TRUTH) ** power
    growth = np.linspace(1, 2, len(RUNGS))  # sparse networks vary more from seed to seed
    effects = points(rng, (len(RUNGS), max(SEEDS)), SPREAD) * growth[:, None]
    # Each rung has its own spread, so that its expected accuracy is the curve's.
    bits = draw_with(rng, accuracies.tolist(), effects, SIZE, SPREAD * growth).bits.astype(np.int8)
    return (bits - bits[:1]).transpose(1, 0, 2)


def _one(rng: np.random.Generator, d: Signs) -> Floats:
    by_seed = 100 * d.mean(axis=2)
    failures = [_or_end(first_below(RUNGS, each, -MARGIN)) for each in by_seed]
    successes = [_or_end(last_above(RUNGS, each, -MARGIN)) for each in by_seed]
    found = matching([RUNGS] * len(d), list(d), MARGIN / 100)
    proven, upper = (_or_end(np.log2(end) if end is not None else None) for end in (found.proven, found.upper))
    again = by_seed[rng.integers(0, len(d), (RESAMPLES, len(d)))].mean(axis=1)
    low, high = np.percentile([_or_end(first_below(RUNGS, each, -MARGIN)) for each in again], (2.5, 97.5))
    estimate = np.log2(found.estimate) if found.estimate is not None else RUNGS[-1]
    return np.array(
        [
            np.median(failures) - TRUTH,
            np.median(successes) - TRUTH,
            estimate - TRUTH,
            proven <= TRUTH <= upper,
            low <= TRUTH <= high,
            proven > TRUTH,
        ]
    )


def _or_end(x: float | None) -> float:
    return float(RUNGS[-1]) if x is None else float(x)
