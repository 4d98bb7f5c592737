"""The protocol's worked board as curves, and tables of bits drawn from a model with known truth."""

from operator import itemgetter
from typing import Any

import numpy as np
import pytest
from scipy import special

from ticketbench.report.statistics.intervals import unpack_bits


class Worked:
    """The protocol's worked examples: its `board`, what is `expected` of that, and its `units` by name."""

    methods = ("alpha", "beta", "gamma")

    def __init__(self, protocol: dict[str, Any]) -> None:
        self.board, self.units = protocol["board"], protocol["units"]
        self.expected = self.board["expected"]

    def bits(self, cell):
        """Seeds x examples of a cell of the board, such as "alpha|2", in the order of seeds."""
        method, rung = cell.split("|")
        rows = [row for row in self.board["rows"] if (row["method"], row["rung"]) == (method, int(rung))]
        return self._unpacked(sorted(rows, key=itemgetter("seed")))

    def curves(self, method):
        """A list, one a seed, of `(x, bits)`, the dense network first."""
        return [self._curve(method, seed) for seed in range(self.board["seeds"])]

    def _curve(self, method, seed):
        rows = [row for row in self.board["rows"] if row["seed"] == seed and row["method"] in ("dense", method)]
        rows.sort(key=itemgetter("rung"))
        x = np.log2([row["prunable"] / row["kept"] for row in rows])
        return x, self._unpacked(rows).astype(float)

    def _unpacked(self, rows):
        packed = [bytes.fromhex(row["test_correct"]) for row in rows]
        return np.stack([unpack_bits(each, self.board["test_examples"]) for each in packed])


@pytest.fixture(scope="session")
def worked(protocol):
    return Worked(protocol)


def drawn(rng, accuracies, seeds, examples, spread):
    """Bits of methods x seeds x examples: examples differ in difficulty, seeds by `spread` points."""
    wanted = special.ndtri(np.asarray(accuracies)) * np.sqrt(1 + 2.0**2)
    difficulty = 2.0 * rng.standard_normal(examples)
    slope = 0.01 * np.sqrt(5) / (np.exp(-(special.ndtri(accuracies[0]) ** 2) / 2) / np.sqrt(2 * np.pi))
    effects = spread * slope * rng.standard_normal((len(accuracies), seeds))
    chance = special.ndtr(wanted[:, None, None] + difficulty + effects[:, :, None])
    return (rng.random(chance.shape) < chance).astype(np.uint8)


@pytest.fixture(scope="session")
def draw():
    """`draw(rng, accuracies, seeds, examples, spread)`."""
    return drawn
