"""How often equal methods are separated, and how often those that differ are: by this rule, and by t alone."""

from collections.abc import Iterator
from itertools import product

import numpy as np
import numpy.typing as npt
from model import Bits, Noise, draw, rate, table

from ticketbench.report.statistics.differences import corrected
from ticketbench.report.statistics.pairs import pairwise

REPETITIONS = 300
SEEDS, SIZES = (3, 5, 10), (1_000, 10_000)
ACCURACY, OWN, SHARED = 0.95, 0.2, 0.15
EQUAL = (ACCURACY,) * 6
LOWER = (ACCURACY,) * 3 + (ACCURACY - 0.006,) * 3  # nine of fifteen pairs differ, by 0.6 points
NOISES: tuple[Noise, ...] = ("normal", "t3", "skewed")


def tables(repetitions: int, rng: np.random.Generator) -> Iterator[str]:
    """Any false separation in a table of six equal methods; the share of 0.6-point differences found; other noise."""
    equal = {size: _rates(rng, repetitions, EQUAL, size, "normal") for size in SIZES}
    lower = {size: _rates(rng, repetitions, LOWER, size, "normal") for size in SIZES}
    rows = [
        ["any false separation, all equal: this rule", *_cells(equal, "this rule, any")],
        ["the same, t over seeds alone with Holm", *_cells(equal, "t alone, any")],
        ["share of true 0.6-point differences found: this rule", *_cells(lower, "this rule, found")],
        ["the same, t over seeds alone with Holm", *_cells(lower, "t alone, found")],
        ["any separation the wrong way round: this rule", *_cells(lower, "this rule, wrong")],
    ]
    yield table(["6 methods, 15 pairs; 1,000 / 10,000 examples", *(f"n = {n}" for n in SEEDS)], rows)
    others = {noise: _rates(rng, repetitions, EQUAL, SIZES[-1], noise) for noise in NOISES[1:]}
    rows = [[noise, *(rate(found["this rule, any", n]) for n in SEEDS)] for noise, found in others.items()]
    yield table(["any false separation, 10,000 examples, noise of seeds", *(f"n = {n}" for n in SEEDS)], rows)


def _cells(found: dict[int, dict[tuple[str, int], float]], name: str) -> list[str]:
    return [" / ".join(rate(found[size][name, n]) for size in SIZES) for n in SEEDS]


def _rates(
    rng: np.random.Generator, repetitions: int, accuracies: tuple[float, ...], size: int, noise: Noise
) -> dict[tuple[str, int], float]:
    sums: dict[tuple[str, int], float] = {}
    differ = [accuracies[i] != accuracies[j] for i in range(6) for j in range(i + 1, 6)]
    for _ in range(repetitions):
        drawn = draw(rng, accuracies, max(SEEDS), size, own=OWN, shared=SHARED, noise=noise)
        for (rule, joint), n in product((("this rule", True), ("t alone", False)), SEEDS):
            said = _separations(drawn.bits[:, :n], joint)
            true = said[differ]
            for name, value in (
                ("any", said[~np.array(differ)].any()),
                ("found", (true > 0).mean() if len(true) else 0.0),
                ("wrong", (true < 0).any()),
            ):
                sums[f"{rule}, {name}", n] = sums.get((f"{rule}, {name}", n), 0.0) + float(value)
    return {key: value / repetitions for key, value in sums.items()}


def _separations(bits: Bits, joint: bool) -> npt.NDArray[np.int_]:
    """1, 0 or -1 for every pair: which way it separates, if it does."""
    tested = corrected(list(pairwise(bits if joint else bits.mean(axis=2)).values()))
    return np.array([each.separates if each else 0 for each in tested])
