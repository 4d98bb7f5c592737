"""Rows into arrays: what every seed counts for, in all and test item by test item."""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from ticketbench.errors import TicketbenchError
from ticketbench.report.measures import METRIC_COLUMNS, items, scaled
from ticketbench.report.statistics.intervals import (
    Floats,
    Interval,
    effective_value,
    joint_interval,
    seeds_interval,
    single_run,
)
from ticketbench.results import LOST, SCORED, Row


@dataclass(frozen=True)
class Scores:
    """Rows that differ only in seed, as numbers on the scale that differences are taken on (`measures.scaled`).

    Attributes:
        seeds: in the order of the rows.
        values: shape (seeds,).
        items: of every test item, shape (seeds, items): bits as bytes, or nats; a seed that diverged or failed is
            chance throughout. None where there are none, or every seed is such a one: see `items_of`.
        lost: whether every seed diverged or failed.
    """

    seeds: tuple[int, ...]
    values: Floats
    items: npt.NDArray[Any] | None
    lost: bool = False

    @property
    def examples(self) -> int | None:
        """How many test items there are of each seed; None where there are none."""
        return self.items.shape[1] if self.items is not None else None

    def items_of(self, examples: int | None) -> npt.NDArray[Any] | None:
        """The items of a test set of so many, which are chance throughout where every seed is lost.

        Shape (seeds, examples). None where these are scores of none, or of another number.
        """
        if self.lost and examples is not None:
            return np.broadcast_to(self.values[:, None], (len(self.values), examples))
        return self.items if self.examples == examples else None

    @property
    def interval(self) -> Interval:
        """The interval that these scores allow: joint, over seeds only, or Wilson's for one run."""
        if self.items is None:
            return seeds_interval(self.values)
        if len(self.seeds) == 1 and self.items.dtype == np.uint8:
            return single_run(int(self.items.sum()), self.items.shape[1])
        return joint_interval(self.items)


def scores(rows: Sequence[Row], column: str, chance: float | None) -> tuple[Scores | None, str]:
    """A column of rows that differ only in seed, or None and the reason why a seed counts for nothing.

    `chance` is on the scale. Raises `TicketbenchError` for a row whose values contradict its test items or its
    status.
    """
    values: list[float] = []
    for row in rows:
        own = scaled(row, column) if row["status"] in SCORED else None
        if row["status"] in SCORED and own is None:
            if column not in METRIC_COLUMNS:
                return None, f"no mean: a seed has no {column}"
            said = f"{row['status']}, but its {column} {_no(row, column)}"
            raise TicketbenchError(f"row {row['row_id']} is damaged: {said}.")
        value = effective_value(row["status"], own, chance)
        if value is None:
            return None, _why_no_value(rows, column)
        values.append(value)
    found = _items(rows, values) if column == "test_final" else None
    lost = not any(row["status"] in SCORED for row in rows)
    return Scores(tuple(row["seed"] for row in rows), np.array(values, dtype=np.float64), found, lost), ""


def score(rows: Sequence[Row], column: str, chance: float | None) -> tuple[Interval | None, str]:
    """The interval of a column over rows that differ only in seed, or None and the reason why there is none."""
    found, why = scores(rows, column, chance)
    return (found.interval if found else None), why


def difference(one: Scores, other: Scores, *, same_examples: bool = True) -> Interval | None:
    """The paired difference over the seeds that both have; None where they share none.

    It has an example part where both were scored on the same test examples: say where they were not. One that was
    lost in every seed is chance on those of the other.
    """
    common = sorted(set(one.seeds) & set(other.seeds))
    if not common:
        return None
    ours, theirs = ([each.seeds.index(seed) for seed in common] for each in (one, other))
    a, b = (each.items_of(one.examples or other.examples) for each in (one, other))
    if same_examples and a is not None and b is not None:
        return joint_interval(a[ours].astype(np.float64) - b[theirs])
    return seeds_interval(one.values[ours] - other.values[theirs])


def paired(one: Sequence[Row], other: Sequence[Row], column: str, chance: float | None) -> Interval | None:
    """The paired difference of two cells that were scored on the same test examples; None where one has no mean."""
    applicable = [[row for row in rows if row["status"] != "not applicable"] for rows in (one, other)]
    ours, theirs = (scores(rows, column, chance)[0] if rows else None for rows in applicable)
    return difference(ours, theirs) if ours and theirs else None


def _items(rows: Sequence[Row], values: Sequence[float]) -> npt.NDArray[Any] | None:
    scored = [row for row in rows if row["status"] in SCORED]
    if not scored or len({row["test_examples"] for row in scored}) != 1:
        return None
    found = {place: _checked(row) for place, row in enumerate(rows) if row["status"] in SCORED}
    known = [each for each in found.values() if each is not None]
    if len(known) < len(scored) or len({each.shape for each in known}) != 1:
        return None
    whole = len(scored) == len(rows)
    matrix = np.empty((len(rows), len(known[0])), dtype=known[0].dtype if whole else np.float64)
    for place, value in enumerate(values):
        own = found.get(place)
        matrix[place] = value if own is None else own
    return matrix


def _checked(row: Row) -> npt.NDArray[Any] | None:
    try:
        return items(row)
    except ValueError as error:
        raise TicketbenchError(f"row {row['row_id']} is damaged: {error}.") from None


def _no(row: Row, column: str) -> str:
    """What is wrong with a score that is none."""
    value = row[column]
    return "is no number" if value is None or value != value else f"is {value:g}, which is no {row['metric']}"


def _why_no_value(rows: Iterable[Row], column: str) -> str:
    lost = Counter(row["status"] for row in rows if row["status"] in LOST)
    counts = " and ".join(f"{count} {status}" for status, count in sorted(lost.items()))
    if column not in METRIC_COLUMNS:
        return f"no mean: {counts}, which have no {column}"
    return f"no mean: {counts}, and no chance value is known"
