"""How often intervals that promise 95 % hold the truth: the one shown, and those that it was chosen over."""

from collections.abc import Iterator, Mapping
from itertools import product

import numpy as np
from model import Bits, Floats, draw, rate, resampled, table

from ticketbench.report.statistics.intervals import joint_interval, seeds_interval, single_run

REPETITIONS = 300
SEEDS = (3, 5, 10)
ACCURACIES, SIZES, SPREADS = (0.98, 0.92), (1_000, 10_000), (0.1, 0.2, 0.5)
RESAMPLES = 400
LAST = 1_000  # examples up to which the two-way bootstrap is drawn: it takes a thousand times as long

NAMES = (
    "t over seeds, held against: this test set",
    "t over seeds, held against: new examples too",
    "percentile bootstrap over seeds, this test set",
    "Wilson on one run, new seeds and examples",
    "two-way bootstrap, new seeds and examples (1,000 examples only)",
    "**joint interval (shown), new seeds and examples**",
)


def tables(repetitions: int, rng: np.random.Generator) -> Iterator[str]:
    """The least and the greatest coverage over all settings, by interval and number of seeds."""
    found: dict[tuple[str, int], list[float]] = {}
    for accuracy, size, spread in product(ACCURACIES, SIZES, SPREADS):
        held = np.full((repetitions, len(NAMES), len(SEEDS)), np.nan)
        again = {n: resampled(rng, n, RESAMPLES) for n in (*SEEDS, size)}
        for repetition in range(repetitions):
            drawn = draw(rng, (accuracy,), max(SEEDS), size, own=spread)
            for place, n in enumerate(SEEDS):
                held[repetition, :, place] = _held(again, drawn.bits[0, :n], float(drawn.here[0]), accuracy)
        for (row, name), (place, n) in product(enumerate(NAMES), enumerate(SEEDS)):
            share = held[:, row, place].mean()
            if np.isfinite(share):
                found.setdefault((name, n), []).append(float(share))
    rows = [[name, *(f"{rate(min(found[name, n]))}–{rate(max(found[name, n]))}" for n in SEEDS)] for name in NAMES]
    yield table(["interval, nominal 95 %", *(f"n = {n}" for n in SEEDS)], rows)


def _held(again: Mapping[int, Floats], bits: Bits, here: float, everywhere: float) -> list[float]:
    n, size = bits.shape
    by_seed = bits.mean(axis=1)
    over_seeds, joint = seeds_interval(by_seed), joint_interval(bits)
    one = single_run(int(bits[0].sum()), size)
    both = _within(((again[n] @ bits) * again[size]).sum(axis=1) / bits.size, everywhere) if size <= LAST else np.nan
    return [
        abs(by_seed.mean() - here) <= (over_seeds.h or 0.0),
        abs(by_seed.mean() - everywhere) <= (over_seeds.h or 0.0),
        _within(again[n] @ by_seed / n, here),
        (one.low or 0.0) <= everywhere <= (one.high or 0.0),
        both,
        abs(by_seed.mean() - everywhere) <= (joint.h or 0.0),
    ]


def _within(means: Floats, truth: float) -> bool:
    low, high = np.percentile(means, (2.5, 97.5))
    return bool(low <= truth <= high)
