"""Rows into boards: what one table says of one task, method by method and rung by rung."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from math import isfinite, log2
from typing import Any

import numpy as np

from ticketbench.errors import TicketbenchError
from ticketbench.report.statistics import (
    Floats,
    Interval,
    effective_value,
    joint_interval,
    seeds_interval,
    single_run,
    unpack_bits,
)
from ticketbench.results import STATUSES, Row
from ticketbench.task import Task

DENSE = "dense"
NOT_APPLICABLE = "not applicable"
_BOARD = ("task", "task_version", "found_on", "trained_on", "numerics")
_SERIES = ("method", "method_params", "label")


@dataclass(frozen=True)
class Trouble:
    """A status other than `done`, for which seeds, and why."""

    status: str
    reason: str
    seeds: tuple[int, ...]


@dataclass(frozen=True)
class Cell:
    """All rows that differ only in seed.

    Attributes:
        compression: prunable / kept as counted, its geometric mean over seeds; None where nothing was counted.
        score: the interval of the primary metric; None where there is no mean, and then `why` says why.
        learning: the t-interval over seeds of the early-stop step; None where a seed has none, or none trained.
        missing: the method's seeds that have no row here.
    """

    rung: int
    compression: float | None
    score: Interval | None
    why: str
    learning: Interval | None
    seeds: tuple[int, ...]
    missing: tuple[int, ...]
    troubles: tuple[Trouble, ...]

    def count(self, *statuses: str) -> int:
        """How many seeds have one of these statuses."""
        return sum(len(trouble.seeds) for trouble in self.troubles if trouble.status in statuses)


@dataclass(frozen=True)
class Series:
    """A method with its parameters (JSON) and the label of its tickets, over the rungs."""

    method: str
    params: str
    label: str
    seeds: tuple[int, ...]
    cells: Mapping[int, Cell]
    rows: Sequence[Row]


@dataclass(frozen=True)
class Board:
    """One table: rows of one task version, pair of settings and numerics track, which never meet another's.

    Attributes:
        rungs: index and compression of each column.
        dense: the dense network; None where it has no rows.
        series: in the order of the table.
        ordered_by: the rung whose means order the table; None where no method has a mean anywhere.
        unused: rows of other kinds (controls, probes), counted.
    """

    task: str
    version: int
    found_on: str
    trained_on: str
    numerics: str
    metric: str
    higher_is_better: bool
    column: str
    rungs: tuple[tuple[int, float], ...]
    dense: Cell | None
    series: tuple[Series, ...]
    ordered_by: int | None
    unused: Mapping[str, int]
    rows: Sequence[Row]


def boards(rows: Iterable[Row], tasks: Mapping[str, Task]) -> list[Board]:
    """The boards of these rows: by task, the newest version first, then settings and numerics.

    A task is used for its chance value and primary metric where its version is the rows' own.
    Raises `TicketbenchError` for a row whose values contradict its bits or its status.
    """
    ordered = sorted(rows, key=_order)
    grouped = [(key, list(group)) for key, group in groupby(ordered, lambda row: [row[name] for name in _BOARD])]
    return [_board(group, _same_version(tasks, key[0], key[1])) for key, group in grouped]


def score(rows: Sequence[Row], column: str, chance: float | None) -> tuple[Interval | None, str]:
    """The interval of a column over rows that differ only in seed, or None and the reason why there is none."""
    values: list[float] = []
    for row in rows:
        if row["status"] in ("done", "collapsed") and not _is_number(row[column]):
            raise TicketbenchError(f"row {row['row_id']} is damaged: {row['status']}, but its {column} is no number.")
        value = effective_value(row["status"], row[column], chance)
        if value is None:
            return None, _why_no_value(rows)
        values.append(value)
    bits = _bits(rows, values) if column == "test_final" else None
    if bits is None:
        return seeds_interval(values), ""
    if len(rows) == 1:
        return single_run(int(bits.sum()), bits.shape[1]), ""
    return joint_interval(bits), ""


def _board(rows: list[Row], task: Task | None) -> Board:
    chance = task.scoring.chance if task else None
    column = "test_best" if task and task.scoring.primary == "best" else "test_final"
    tickets = [row for row in rows if row["kind"] == "ticket"]
    dense = [row for row in rows if row["kind"] == "dense"]
    series = [_series(list(group), column, chance) for _, group in groupby(sorted(tickets, key=_order), _series_key)]
    first = rows[0]
    higher = first["higher_is_better"] is not False
    by = _ordering_rung(series)
    return Board(
        task=first["task"],
        version=first["task_version"],
        found_on=first["found_on"],
        trained_on=first["trained_on"],
        numerics=first["numerics"],
        metric=next((row["metric"] for row in rows if row["metric"]), "accuracy"),
        higher_is_better=higher,
        column=column,
        rungs=_rungs(tickets),
        dense=_cell(0, dense, (), column, chance) if dense else None,
        series=tuple(sorted(series, key=lambda each: _standing(each, by, higher))),
        ordered_by=by,
        unused=Counter(row["kind"] for row in rows if row["kind"] not in ("ticket", "dense")),
        rows=rows,
    )


def _series(rows: list[Row], column: str, chance: float | None) -> Series:
    seeds = tuple(sorted({row["seed"] for row in rows}))
    cells = {rung: _cell(rung, list(group), seeds, column, chance) for rung, group in groupby(rows, _rung)}
    first = rows[0]
    return Series(first["method"], first["method_params"], first["label"], seeds, cells, rows)


def _cell(rung: int, rows: list[Row], expected: Sequence[int], column: str, chance: float | None) -> Cell:
    applicable = [row for row in rows if row["status"] != NOT_APPLICABLE]
    interval, why = score(applicable, column, chance) if applicable else (None, NOT_APPLICABLE)
    x = [log2(row["prunable"] / row["kept"]) for row in rows if row["prunable"] and row["kept"]]
    steps = [row["best_step"] for row in applicable if row["best_step"] is not None and row["training_steps"]]
    seeds = tuple(row["seed"] for row in rows)
    return Cell(
        rung=rung,
        compression=2 ** (sum(x) / len(x)) if x else None,
        score=interval,
        why=why,
        learning=seeds_interval(steps) if steps and len(steps) == len(applicable) else None,
        seeds=seeds,
        missing=tuple(seed for seed in expected if seed not in seeds),
        troubles=_troubles(rows),
    )


def _troubles(rows: Iterable[Row]) -> tuple[Trouble, ...]:
    seeds: dict[tuple[str, str], list[int]] = {}
    for row in rows:
        if row["status"] != "done":
            seeds.setdefault((row["status"], row["reason"] or ""), []).append(row["seed"])
    ordered = sorted(seeds.items(), key=lambda item: (STATUSES.index(item[0][0]), item[0][1]))
    return tuple(Trouble(status, reason, tuple(which)) for (status, reason), which in ordered)


def _bits(rows: Sequence[Row], values: Sequence[float]) -> Floats | None:
    """Seeds by examples; a seed that diverged or failed is chance throughout. None where there are no bits."""
    scored = [row for row in rows if row["status"] in ("done", "collapsed")]
    sizes = {row["test_examples"] for row in scored if row["test_correct"] is not None}
    if not scored or any(row["test_correct"] is None for row in scored) or len(sizes) != 1:
        return None
    examples = sizes.pop()
    if examples is None or examples < 2:
        return None
    matrix = np.empty((len(rows), examples))
    for place, (row, value) in enumerate(zip(rows, values, strict=True)):
        matrix[place] = _checked_bits(row, examples) if row["status"] in ("done", "collapsed") else value
    return matrix


def _checked_bits(row: Row, examples: int) -> np.ndarray[tuple[int], np.dtype[np.uint8]]:
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


def _why_no_value(rows: Iterable[Row]) -> str:
    lost = Counter(row["status"] for row in rows if row["status"] in ("diverged", "failed"))
    counts = " and ".join(f"{count} {status}" for status, count in sorted(lost.items()))
    return f"no mean: {counts}, and the task declares no chance value"


def _rungs(tickets: Iterable[Row]) -> tuple[tuple[int, float], ...]:
    """Each rung's compression: of the count kept most often, or else of the density asked for."""
    found: list[tuple[int, float]] = []
    for rung, group in groupby(sorted(tickets, key=_rung), _rung):
        rows = list(group)
        counted = Counter(row["prunable"] / row["kept"] for row in rows if row["prunable"] and row["kept"])
        asked = [1 / row["density_asked"] for row in rows if row["density_asked"]]
        if counted:
            found.append((rung, min(counted, key=lambda c: (-counted[c], c))))
        elif asked:
            found.append((rung, asked[0]))
        else:
            found.append((rung, float("nan")))
    return tuple(found)


def _ordering_rung(series: Iterable[Series]) -> int | None:
    """The sparsest rung at which the most methods have a mean."""
    covered = Counter(rung for each in series for rung, cell in each.cells.items() if cell.score)
    return max(covered, key=lambda rung: (covered[rung], rung)) if covered else None


def _standing(series: Series, rung: int | None, higher_is_better: bool) -> tuple[Any, ...]:
    cell = series.cells.get(rung) if rung is not None else None
    name = (series.method, series.params, series.label)
    if cell is None or cell.score is None:
        return (1, 0.0, *name)
    return (0, -cell.score.mean if higher_is_better else cell.score.mean, *name)


def _same_version(tasks: Mapping[str, Task], name: str, version: int) -> Task | None:
    task = tasks.get(name)
    return task if task and task.version == version else None


def _is_number(value: Any) -> bool:
    return value is not None and isfinite(value)


def _series_key(row: Row) -> tuple[Any, ...]:
    return tuple(row[name] for name in _SERIES)


def _rung(row: Row) -> int:
    return int(row["rung"])


def _order(row: Row) -> tuple[Any, ...]:
    version = ("task", "found_on", "trained_on", "numerics")
    ends = tuple(row[name] for name in version)
    return (ends[0], -row["task_version"], *ends[1:], *_series_key(row), row["rung"], row["seed"])
