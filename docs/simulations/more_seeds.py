"""After running as many more seeds as the table says, how often does a difference separate?"""

from collections.abc import Iterator
from itertools import product

import numpy as np
from model import draw, rate, table

from ticketbench.report.statistics.differences import ALPHA, MOST_SEEDS, p_of, seeds_needed
from ticketbench.report.statistics.pairs import pairwise

REPETITIONS = 100
PAIRS = 15
SEEDS, SIZES, DIFFERENCES = (5, 10), (1_000, 10_000), (0.2, 0.3, 0.5)
OWN = 0.25 / np.sqrt(2)  # a difference of two methods has a standard deviation of 0.25 points


def tables(repetitions: int, rng: np.random.Generator) -> Iterator[str]:
    """Shares that separate at `0.05 / 15` with the seeds that were asked for, of those that did not before."""
    rows = []
    for difference, size in product(DIFFERENCES, SIZES):
        asked: dict[int, list[int]] = {n: [] for n in SEEDS}
        separated: dict[int, list[bool]] = {n: [] for n in SEEDS}
        undecided = dict.fromkeys(SEEDS, 0)
        for _ in range(repetitions):
            bits = draw(rng, (0.95, 0.95 - difference / 100), MOST_SEEDS, size, own=OWN).bits
            for n in SEEDS:
                first = pairwise(bits[:, :n])[0, 1]
                if (p_of(first) or 0.0) <= ALPHA / PAIRS:
                    continue
                undecided[n] += 1
                if more := seeds_needed(first, PAIRS).more:
                    asked[n].append(more)
                    p = p_of(pairwise(bits[:, : n + more])[0, 1])
                    separated[n].append(p is not None and p <= ALPHA / PAIRS)
        cells = []
        for n in SEEDS:
            many = len(asked[n])
            cells.append(f"{many} of {undecided[n]}")
            cells.append(f"{np.median(asked[n]):.0f}" if many else "–")
            cells.append(rate(float(np.mean(separated[n]))) if many >= 20 else "–")
        rows.append([f"{difference}", f"{size:,}", *cells])
    heads = [f"n = {n}: {what}" for n in SEEDS for what in ("given a number", "median", "then separated")]
    yield table(["difference, points", "examples", *heads], rows)
