"""How often one of two equal methods can be shown to be no worse than the other, or equal to it, up to the margin."""

from collections.abc import Iterator

import numpy as np
from model import coins, draw, rate, table

from ticketbench.report.statistics.pairs import pairwise

REPETITIONS = 500
SEEDS, SPREADS = (3, 5, 10), (0.2, 0.4)
ACCURACY, SIZE, MARGIN = 0.98, 10_000, 0.0043


def tables(repetitions: int, rng: np.random.Generator) -> Iterator[str]:
    """Shares of tables in which the interval of the difference ends above -0.43 points, and lies within +-0.43."""
    rows = []
    for spread in SPREADS:
        shown = np.zeros((2, len(SEEDS)))
        # Of a difference's spread over seeds, the coins of both networks are a part, and effects the rest.
        own = np.sqrt(spread**2 / 2 - coins(ACCURACY, SIZE) ** 2)
        for _ in range(repetitions):
            bits = draw(rng, (ACCURACY, ACCURACY), max(SEEDS), SIZE, own=own).bits
            for place, n in enumerate(SEEDS):
                found = pairwise(bits[:, :n])[0, 1]
                low, high = found.low or 0.0, found.high or 0.0
                shown[:, place] += low >= -MARGIN, low >= -MARGIN and high <= MARGIN
        for what, counts in zip(("no worse", "equal"), shown, strict=True):
            rows.append([f"{what}, sd {spread}", *(rate(count / repetitions) for count in counts)])
    yield table(["shown, sd over seeds of the difference in points", *(f"n = {n}" for n in SEEDS)], rows)
