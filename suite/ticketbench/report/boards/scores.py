"""Rows into arrays: what every seed counts for, and which test examples it had right."""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from math import isfinite
from typing import Any

import numpy as np
import numpy.typing as npt

from ticketbench.errors import TicketbenchError
from ticketbench.report.statistics.intervals import (
    Floats,
    Interval,
    effective_value,
    joint_interval,
    seeds_interval,
    single_run,
    unpack_bits,
)
from ticketbench.results import SCORED, Row

METRIC_COLUMNS = ("test_final", "test_best", "validation_final", "validation_best")


@dataclass(frozen=True)
class Scores:
    """Rows that differ only in seed, as numbers.

    Attributes:
        seeds: in the order of the rows.
        values: shape (seeds,).
        bits: shape (seeds, examples); a seed that diverged or failed is chance throughout. None where there are none.
    """

    seeds: tuple[int, ...]
    values: Floats
    bits: npt.NDArray[Any] | None

    @property
    def interval(self) -> Interval:
        """The interval that these scores allow: joint, over seeds only, or Wilson's for one run."""
        if self.bits is None:
            return seeds_interval(self.values)
        if len(self.seeds) == 1 and self.bits.dtype == np.uint8:
            return single_run(int(self.bits.sum()), self.bits.shape[1])
        return joint_interval(self.bits)


def scores(rows: Sequence[Row], column: str, chance: float | None) -> tuple[Scores | None, str]:
    """A column of rows that differ only in seed, or None and the reason why a seed counts for nothing.

    Raises `TicketbenchError` for a row whose values contradict its bits or its status.
    """
    values: list[float] = []
    for row in rows:
        if row["status"] in SCORED and not _is_number(row[column]):
            if column not in METRIC_COLUMNS:
                return None, f"no mean: a seed has no {column}"
            raise TicketbenchError(f"row {row['row_id']} is damaged: {row['status']}, but its {column} is no number.")
        value = effective_value(row["status"], row[column], chance)
        if value is None:
            return None, _why_no_value(rows, column)
        values.append(value)
    bits = _bits(rows, values) if column == "test_final" else None
    return Scores(tuple(row["seed"] for row in rows), np.array(values, dtype=np.float64), bits), ""


def score(rows: Sequence[Row], column: str, chance: float | None) -> tuple[Interval | None, str]:
    """The interval of a column over rows that differ only in seed, or None and the reason why there is none."""
    found, why = scores(rows, column, chance)
    return (found.interval if found else None), why


def difference(one: Scores, other: Scores, *, same_examples: bool = True) -> Interval | None:
    """The paired difference over the seeds that both have; None where they share none.

    It has an example part where both were scored on the same test examples: say where they were not.
    """
    common = sorted(set(one.seeds) & set(other.seeds))
    if not common:
        return None
    ours, theirs = ([each.seeds.index(seed) for seed in common] for each in (one, other))
    paired = same_examples and one.bits is not None and other.bits is not None
    if paired and one.bits is not None and other.bits is not None and one.bits.shape[1] == other.bits.shape[1]:
        return joint_interval(one.bits[ours].astype(np.float64) - other.bits[theirs])
    return seeds_interval(one.values[ours] - other.values[theirs])


def paired(one: Sequence[Row], other: Sequence[Row], column: str, chance: float | None) -> Interval | None:
    """The paired difference of two cells that were scored on the same test examples; None where one has no mean."""
    applicable = [[row for row in rows if row["status"] != "not applicable"] for rows in (one, other)]
    ours, theirs = (scores(rows, column, chance)[0] if rows else None for rows in applicable)
    return difference(ours, theirs) if ours and theirs else None


def _bits(rows: Sequence[Row], values: Sequence[float]) -> npt.NDArray[Any] | None:
    scored = [row for row in rows if row["status"] in SCORED]
    sizes = {row["test_examples"] for row in scored if row["test_correct"] is not None}
    if not scored or any(row["test_correct"] is None for row in scored) or len(sizes) != 1:
        return None
    examples = sizes.pop()
    if examples is None or examples < 2:
        return None
    matrix = np.empty((len(rows), examples), dtype=np.uint8 if len(scored) == len(rows) else np.float64)
    for place, (row, value) in enumerate(zip(rows, values, strict=True)):
        matrix[place] = _checked_bits(row, examples) if row["status"] in SCORED else value
    return matrix


def _checked_bits(row: Row, examples: int) -> npt.NDArray[np.uint8]:
    try:
        bits = unpack_bits(row["test_correct"], examples)
    except ValueError as error:
        raise TicketbenchError(f"row {row['row_id']} is damaged: test_correct: {error}.") from None
    right = int(bits.sum())
    if abs(right / examples - row["test_final"]) > 0.5 / examples:
        raise TicketbenchError(
            f"row {row['row_id']} is damaged: its bits say that {right} of {examples} test examples were right, "
            f"its test_final is {row['test_final']:.6g}."
        )
    return bits


def _why_no_value(rows: Iterable[Row], column: str) -> str:
    lost = Counter(row["status"] for row in rows if row["status"] in ("diverged", "failed"))
    counts = " and ".join(f"{count} {status}" for status, count in sorted(lost.items()))
    if column not in METRIC_COLUMNS:
        return f"no mean: {counts}, which have no {column}"
    return f"no mean: {counts}, and the task declares no chance value"


def _is_number(value: Any) -> bool:
    return value is not None and isfinite(value)
