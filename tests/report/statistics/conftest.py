"""The protocol's worked board as curves, and tables of bits drawn from a model with known truth."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scipy import special

from ticketbench.report.statistics.intervals import unpack_bits

EXAMPLES = json.loads((Path(__file__).parents[1] / "protocol-examples.json").read_text("utf-8"))


class Worked:
    """The worked board: `curves(method)` is a list, one a seed, of `(x, bits)`, the dense network first."""

    board: dict[str, Any] = EXAMPLES["board"]
    expected: dict[str, Any] = EXAMPLES["board"]["expected"]
    units: dict[str, Any] = EXAMPLES["units"]
    methods = ("alpha", "beta", "gamma")

    def curves(self, method):
        return [self._curve(method, seed) for seed in range(self.board["seeds"])]

    def _curve(self, method, seed):
        rows = [row for row in self.board["rows"] if row["seed"] == seed and row["method"] in ("dense", method)]
        rows.sort(key=lambda row: row["rung"])
        x = np.log2([row["prunable"] / row["kept"] for row in rows])
        packed = [bytes.fromhex(row["test_correct"]) for row in rows]
        return x, np.stack([unpack_bits(each, self.board["test_examples"]) for each in packed]).astype(float)


@pytest.fixture(scope="session")
def worked():
    return Worked()


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
