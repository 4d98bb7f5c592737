"""How often `verify` rejects honest rows that were made elsewhere, and how often it catches changed ones.

A file of eight rungs. A network's score has a standard deviation over seeds that grows evenly along the ladder, to
three times as much at the sparsest rung as at the densest. Rounding otherwise gives every recomputed row another
draw: as if it were another seed. Changed rows are changed in the file, so their cells are too. Percentage points.
"""

from collections.abc import Iterator

import numpy as np
from model import Floats, rate, table

from ticketbench.report.statistics.recomputing import LEVEL, Outcome, Pair, spread, spread_of_others, together

REPETITIONS = 400
SEEDS, SPREADS = (3, 5, 10), (0.1, 0.2, 0.3)
RUNGS, EXAMPLES = 8, 10_000
MEAN = 0.95
GROWTH = np.linspace(1, 3, RUNGS)


def tables(repetitions: int, rng: np.random.Generator) -> Iterator[str]:
    """False rejects and catches; then how often the shift is caught that a report says would have been."""
    heads = [f"sd {each}" for each in SPREADS]
    rows = []
    for name, sampled, raised, points in (
        ("rejected, 6 honest rows", 6, 0, 0.0),
        ("rejected, 20 honest rows", 20, 0, 0.0),
        ("caught, 6 rows all raised by 1 point", 6, 6, 1.0),
        ("caught, 6 rows all raised by 3 points", 6, 6, 3.0),
        ("caught, 1 of 6 rows raised by 1 point", 6, 1, 1.0),
        ("caught, 1 of 6 rows raised by 3 points", 6, 1, 3.0),
    ):
        shares = [[_rejected(rng, repetitions, n, sd, sampled, raised, points) for n in SEEDS] for sd in SPREADS]
        rows.append([name, *(" / ".join(_rate(new) for new, _ in of_sd) for of_sd in shares)])
        if raised == 1:
            rows.append(
                [f"{name}, by its own cell's spread alone", *(" / ".join(_rate(o) for _, o in s) for s in shares)]
            )
    yield table([f"published seeds: {' / '.join(map(str, SEEDS))}", *heads], rows)
    promised = [[_promised(rng, repetitions, n, sd) for n in SEEDS] for sd in SPREADS]
    yield table(
        ["all 6 rows raised by", *heads],
        [["what is said to be caught with probability .8", *(" / ".join(map(_rate, each)) for each in promised)]],
    )


def _rejected(
    rng: np.random.Generator, repetitions: int, seeds: int, spread_: float, sampled: int, raised: int, points: float
) -> tuple[float, float]:
    """The share of files that are parted; and by section 10.4 as it stands, a row's own value among its spread."""
    new = old = 0
    for _ in range(repetitions):
        cells, places = _file(rng, seeds, spread_, sampled)
        if raised == sampled:
            cells = cells + points / 100  # the whole file
        elif raised:
            cells[places[0]] += points / 100
        outcome = _outcome(rng, cells, places, spread_)
        new += outcome.parted
        old += min(outcome.p_shift, outcome.p_row) <= LEVEL
    return new / repetitions, old / repetitions


def _promised(rng: np.random.Generator, repetitions: int, seeds: int, spread_: float) -> float:
    """The share of files that are parted when all of it is raised by what another look at it called visible."""
    caught = 0
    for _ in range(repetitions):
        cells, places = _file(rng, seeds, spread_, 6)
        unseen = _outcome(rng, cells, places, spread_).unseen
        caught += unseen is not None and _outcome(rng, cells + unseen, places, spread_).parted
    return caught / repetitions


def _file(rng: np.random.Generator, seeds: int, spread_: float, sampled: int) -> tuple[Floats, list[tuple[int, int]]]:
    """Published values, shape (rungs, seeds), and the places of the rows that are sampled."""
    cells = MEAN + rng.standard_normal((RUNGS, seeds)) * (GROWTH * spread_ / 100)[:, None]
    places = rng.choice(cells.size, sampled, replace=False)
    return cells, [(int(each) // seeds, int(each) % seeds) for each in places]


def _outcome(rng: np.random.Generator, cells: Floats, places: list[tuple[int, int]], spread_: float) -> Outcome:
    pairs = []
    for rung, seed in places:
        beside = [cells[r] for r in (rung - 1, rung + 1) if 0 <= r < RUNGS]
        value, again = cells[rung, seed], MEAN + rng.standard_normal() * GROWTH[rung] * spread_ / 100
        spreads = (
            spread(cells[rung], beside, value, EXAMPLES),
            spread_of_others(np.delete(cells[rung], seed), beside, value, EXAMPLES),
        )
        pairs.append(Pair(value, again, *spreads, seed=seed))
    return together(pairs)


def _rate(share: float) -> str:
    """A rate as printed: small ones, which are what matters of them, to three places."""
    return f"{share:.3f}".removeprefix("0") if share < 0.05 else rate(share)
