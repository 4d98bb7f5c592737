"""Two sets of results to hold against each other: a base with noise, and a new one changed as a test says."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from ticketbench.report.compare.comparison import EVERYTHING, compare

METHODS, RUNGS, SEEDS = ("imp", "one-shot", "random-layer"), (1, 2, 3, 4), 5


class Sides:
    """`base` and `new`, lists of rows; `base` and `new` start equal, and `found()` compares what they have become."""

    def __init__(self, folder: Path, rows_of, declared, seeds: int, changes):
        self.folder, self.rows_of = folder, rows_of
        rng = np.random.default_rng(7)

        def made(method, rung, seed):
            score = 0.95 - 0.01 * rung + 0.001 * rng.standard_normal()
            row = rows_of.make_row(declared, method, rung, seed, test_final=score, test_best=score, mask_digest="m")
            return row | changes

        self.base = [made("dense", 0, seed) for seed in range(seeds)]
        self.base += [made(method, rung, seed) for method in METHODS for rung in RUNGS for seed in range(seeds)]
        self.new = [dict(row) for row in self.base]

    def change(self, change: Callable[[dict], dict | None], side: str = "new", **where) -> None:
        """Each row of a side that has these values becomes what `change` gives; None takes it away."""
        rows = getattr(self, side)
        kept = [change(dict(row)) if all(row[k] == v for k, v in where.items()) else row for row in rows]
        setattr(self, side, [row for row in kept if row is not None])

    def drop(self, by: float, **where) -> None:
        """The new scores fall by so much."""
        self.change(lambda row: row | {"test_final": row["test_final"] - by}, **where)

    def noise(self, sd: float = 0.001, seed: int = 1) -> None:
        """The new scores are drawn anew around the base's."""
        rng = np.random.default_rng(seed)
        self.change(
            lambda row: row | {"test_final": row["test_final"] and row["test_final"] + sd * rng.standard_normal()}
        )

    def write(self) -> tuple[Path, Path]:
        """Both sides as folders of results."""
        return tuple(
            self.rows_of.write_results(self.folder / name, map(rekeyed, rows))
            for name, rows in (("base", self.base), ("new", self.new))
        )

    def found(self, narrowing=EVERYTHING, files=()):
        """What comes of holding one against the other."""
        return compare(*self.write(), files, narrowing)


def rekeyed(row: dict) -> dict:
    from ticketbench.results import row_id

    return row | {"row_id": row_id(row)}


@pytest.fixture
def sides(tmp_path, rows_of):
    """A function to two equal sides of digits/mlp; keywords go into every row."""

    def make(**said):
        return Sides(tmp_path, rows_of, said.pop("of", rows_of.make_task()), said.pop("seeds", SEEDS), said)

    return make
