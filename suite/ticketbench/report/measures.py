"""What rows measure: which way is better, what values there are, and the one scale that all of them are put on.

Perplexity enters everything as its logarithm, nats a token, and all else as it is (the project's protocol, section
1.5). Whatever takes a row's score for a number takes it from `scaled`, so that means, intervals, curves, ranks,
margins, gates and tolerances are all of one scale; a task's own numbers (chance, published values) go by `on_scale`.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from math import isclose, isfinite, log
from typing import Any

import numpy as np
import numpy.typing as npt

from ticketbench.report.statistics.intervals import effective_value, unpack_bits
from ticketbench.report.statistics.normalising import on_scale
from ticketbench.results import Row

METRIC_COLUMNS = ("test_final", "test_best", "validation_final", "validation_best")
_ROUNDING = 1e-6  # relative, of a mean over test items that is added in another order
_LAST_BITS = 1e-12  # relative: sacrebleu's score of a perfect sentence is 100.00000000000004
_LEAST_ITEMS = 2  # that make a test set
_LARGEST = 709.0  # nats: a perplexity of more is no double, and is written as e to this


@dataclass(frozen=True)
class Measure:
    """What is known of a metric.

    Attributes:
        least, most: what it can be, as a row has it; None where there is no such bound.
        worst: what nothing scores worse than; None where there is no such value.
        items: the column that holds it test item by test item, entry i of the same item in every row, and whose mean
            it is on the scale; empty where no column does.
    """

    higher_is_better: bool
    least: float | None
    most: float | None
    worst: float | None
    items: str

    def possible(self, value: Any) -> bool:
        """Whether a row's value is one that the metric can have."""
        return (
            value is not None
            and isfinite(value)
            and (self.least is None or value >= self.least)
            and (self.most is None or value <= self.most * (1 + _LAST_BITS))
        )

    @property
    def bounds(self) -> str:
        """What it can be, in words."""
        if self.least is None:
            return "finite"
        return f"between {self.least:g} and {self.most:g}" if self.most is not None else f"{self.least:g} or more"


# Sentences are no items of BLEU, which is no mean of theirs; and no two networks play the same games.
MEASURES = {
    "accuracy": Measure(True, 0.0, 1.0, 0.0, "test_correct"),
    "perplexity": Measure(False, 1.0, None, None, "test_scores"),
    "BLEU": Measure(True, 0.0, 100.0, 0.0, ""),
    "return": Measure(True, None, None, None, ""),
}
_ITEMS = {name: each.items for name, each in MEASURES.items()}


def scaled(row: Row, column: str) -> float | None:
    """A number of a row, on the scale where it is its metric's; None where it is none, or none of that metric."""
    value = row[column]
    if value is None or not isfinite(value):
        return None
    if column not in METRIC_COLUMNS:
        return float(value)
    try:
        return on_scale(float(value), row["metric"])
    except ValueError:
        return None


def effective(row: Row, column: str, chance: float | None) -> float | None:
    """What a row counts for (`effective_value`), on the scale, as `chance` is."""
    return effective_value(row["status"], scaled(row, column), chance)


def told_items(row: Row) -> Sequence[float]:
    """What a row tells of single sentences, games or blocks of text, whatever that is to its metric; may be empty."""
    return row["test_scores"] or ()


def items(row: Row) -> npt.NDArray[Any] | None:
    """The score of a row at the last step, test item by test item: bits of accuracy (bytes), nats of perplexity.

    Shape (items,). None where the metric is no mean over items that all rows share, or the row has not told them.
    Raises `ValueError`, in words, where their mean is not the row's score.
    """
    column = _ITEMS.get(row["metric"], _ITEMS["accuracy"])
    told = row[column] if column else None
    if told is None:
        return None
    if column == "test_scores":
        return _nats(row, np.asarray(told, dtype=np.float64))
    examples = row["test_examples"]
    if examples is None or examples < _LEAST_ITEMS:
        return None
    try:
        bits = unpack_bits(told, examples)
    except ValueError as error:
        raise ValueError(f"test_correct: {error}") from None
    right = int(bits.sum())
    if abs(right / examples - row["test_final"]) > 0.5 / examples:
        raise ValueError(
            f"its bits say that {right} of {examples} test examples were right, its test_final is "
            f"{row['test_final']:.6g}"
        )
    return bits


def _nats(row: Row, nats: npt.NDArray[np.float64]) -> npt.NDArray[np.float64] | None:
    """`exp(mean)` is the perplexity to within rounding, or the row is damaged."""
    if len(nats) < _LEAST_ITEMS:
        return None
    mean = min(float(nats.mean()), _LARGEST)
    if not np.isfinite(nats).all() or not isclose(mean, log(row["test_final"]), rel_tol=_ROUNDING, abs_tol=_ROUNDING):
        raise ValueError(
            f"the mean of its test_scores is {mean:.6g} nats, its test_final is {row['test_final']:.6g}, whose "
            f"logarithm is {log(row['test_final']):.6g}"
        )
    return nats
