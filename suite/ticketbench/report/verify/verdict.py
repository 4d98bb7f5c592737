"""What became of all rows together: bit-identical, within tolerance, or parted, and what could not have been seen."""

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from fractions import Fraction
from functools import partial
from math import lcm

from ticketbench.report.boards.board import chance_on
from ticketbench.report.measures import METRIC_COLUMNS, effective, told_items
from ticketbench.report.statistics.intervals import LEAST_SEEDS
from ticketbench.report.statistics.recomputing import (
    LEVEL,
    Drawn,
    Outcome,
    Pair,
    of_items,
    spread,
    spread_of_others,
    together,
)
from ticketbench.report.units import unit_of
from ticketbench.report.verify.agreeing import unlike
from ticketbench.report.verify.holding import Held, Verdict
from ticketbench.results import Row
from ticketbench.task import Images, Task

_CELL = ("kind", "task", "task_version", "method", "method_params", "found_on", "trained_on", "label", "numerics")
Cells = Mapping[tuple[object, ...], Mapping[int, Row]]  # published rows by cell and rung, then by seed


@dataclass(frozen=True)
class Verified:
    """The rows that were computed again, and how those made elsewhere stand together.

    Attributes:
        outcome: of the column that ranks; None where no row entered the test.
        tested: how many rows entered it.
        alone: how many rows could not: fewer than three seeds of their cell are published, and no test items tell
            how far their score may lie.
        measured: the metrics of all rows made elsewhere that nothing exact contradicts, whether they entered or not.
        beside: the same of the columns that do not rank, by name.
    """

    held: tuple[Held, ...]
    outcome: Outcome | None
    tested: int
    beside: Mapping[str, Outcome] = field(default_factory=dict)
    alone: int = 0
    measured: tuple[str, ...] = ()

    @property
    def verdict(self) -> Verdict | None:
        """The worst of the rows, or of them together; None where there are no rows."""
        if not self.held:
            return None
        verdicts = {each.verdict for each in self.held}
        outcomes = (*([self.outcome] if self.outcome else []), *self.beside.values())
        if "parted" in verdicts or any(each.parted for each in outcomes):
            return "parted"
        return "within tolerance" if "within tolerance" in verdicts else "bit-identical"

    def count(self, verdict: Verdict) -> int:
        """How many rows are of a verdict."""
        return Counter(each.verdict for each in self.held)[verdict]


def judge(held: Sequence[Held], published: Iterable[Row], tasks: Mapping[str, Task]) -> Verified:
    """Hold the rows made elsewhere against the spread of their seeds, as all rows of the same files have it.

    Rows that nothing exact contradicts, bit-identical ones among them, are tested where any of them differs: first
    in the column that ranks, then in the other scores, which share the level among them. A row that lies too far by
    itself, or is less like the recomputed one than seeds are, is parted; see `report/statistics/recomputing.py` and
    `agreeing.py` here.
    """
    waiting = [each for each in held if each.elsewhere and each.verdict != "parted"]
    if all(each.verdict == "bit-identical" for each in waiting):
        return Verified(tuple(held), None, 0)
    cells = _cells(published, tasks)
    ranking = _test(waiting, cells, tasks, lambda task: task.scoring.column, LEVEL)
    level = LEVEL / (len(METRIC_COLUMNS) - 1)
    others = {
        column: _test(waiting, cells, tasks, partial(_beside, column=column), level) for column in METRIC_COLUMNS
    }
    parted = {each.published["row_id"]: why for each in waiting if (why := _unlike(each, cells))}
    for tested in reversed((ranking, *others.values())):  # of several reasons the first is told
        parted |= tested.parted
    return Verified(
        held=tuple(_with(each, parted) for each in held),
        outcome=ranking.outcome,
        tested=ranking.entered,
        beside={column: each.outcome for column, each in others.items() if each.outcome is not None},
        alone=sum(_alone(each, cells, tasks) for each in waiting),
        measured=tuple(sorted({str(each.published["metric"]) for each in waiting})),
    )


def _unlike(held: Held, cells: Cells) -> str | None:
    """Why the recomputed row is less like the published one than other seeds' are; None where it is not."""
    row = held.published
    others = [other for seed, other in _cell(row, row["rung"], cells).items() if seed != row["seed"]]
    return unlike(row, held.again, others) if held.again is not None else None


@dataclass(frozen=True)
class _Tested:
    """One column of all rows: how many entered, what came of them together, and by id why some lie too far alone."""

    entered: int
    outcome: Outcome | None
    parted: Mapping[str, str]


def _test(
    waiting: Sequence[Held],
    cells: Cells,
    tasks: Mapping[str, Task],
    named: Callable[[Task], str | None],
    level: float,
) -> _Tested:
    """One column of all rows, each named by its task, or of no task."""
    parted: dict[str, str] = {}
    entered: list[tuple[Held, str]] = []
    pairs: list[Pair] = []
    for each in waiting:
        row, task = each.published, tasks[each.published["task"]]
        if (column := named(task)) is None:
            continue
        one, other = _value(row, task, column), _value(each.again or row, task, column)
        if one is not None and other is not None:
            if pair := _pair(row, each.again or row, (one, other), cells, task, column):
                entered.append((each, column))
                pairs.append(pair)
        elif each.again is not None and row["status"] != each.again["status"]:
            said = f"status is {row['status']} published, {each.again['status']} here"
            parted[row["row_id"]] = f"{said}, and the task declares no chance value to tell how far apart these are"
    if not pairs:
        return _Tested(0, None, parted)
    outcome = together(pairs, level)
    for (each, column), apart, far in zip(entered, outcome.distances, outcome.far, strict=True):
        if far:
            p = min(apart.p, apart.p_others)
            unit = _unit(each.published)
            said = f"{column} {apart.difference:+.4f}{unit} here, too far for the spread of its seeds (p = {p:.1g})"
            parted.setdefault(each.published["row_id"], said)
    return _Tested(len(entered), outcome, parted)


def _with(held: Held, parted: Mapping[str, str]) -> Held:
    said = parted.get(held.published["row_id"])
    return replace(held, verdict="parted", why=(said, *held.why)) if said else held


def _pair(row: Row, again: Row, values: tuple[float, float], cells: Cells, task: Task, column: str) -> Pair | None:
    """A published value and the recomputed one beside those of their seeds; None where nothing tells the spread."""
    by_seed = [
        {
            seed: found
            for seed, each in _cell(row, at, cells).items()
            if (found := _value(each, task, column)) is not None
        }
        for at in (row["rung"], row["rung"] - 1, row["rung"] + 1)
    ]
    own, *beside = by_seed
    drawn = _drawn(row, again, task, column)
    if len(own) < LEAST_SEEDS and isinstance(drawn, Drawn) and drawn.variance is None:
        return None
    neighbours = [list(each.values()) for each in beside]
    others = [each for seed, each in own.items() if seed != row["seed"]]
    spreads = (
        spread(list(own.values()), neighbours, values[0], drawn),
        spread_of_others(others, neighbours, values[0], drawn),
    )
    return Pair(*values, *spreads, seed=(row["task"], row["seed"]))


def _drawn(row: Row, again: Row, task: Task, column: str) -> int | Drawn:
    """Of how many examples an accuracy is a share; of any other metric, what the recomputed row's test items say.

    The published ones are whatever their author wrote. Of metrics that are no shares, a validation score is taken to
    lie as far as the test score.
    """
    data = task.in_setting(row["trained_on"]).data
    if row["metric"] != "accuracy" or not isinstance(data, Images):
        return of_items(told_items(again))
    return _validation_examples(again, data) if column.startswith("validation") else int(row["test_examples"])


def _validation_examples(again: Row, data: Images) -> int:
    """Of how many examples a validation accuracy is a share: under `labels`, the fewest that the curve allows."""
    if data.labels is None:
        return data.validation
    shares = [point["validation"] for point in again["curve"] or () if point["validation"] is not None]
    return lcm(*(Fraction(each).limit_denominator(data.validation).denominator for each in shares))


def _alone(held: Held, cells: Cells, tasks: Mapping[str, Task]) -> bool:
    """Whether a score that came out otherwise is held against nothing."""
    row, task = held.published, tasks[held.published["task"]]
    column = task.scoring.column
    values = [_value(each, task, column) for each in (row, held.again or row)]
    one, other = values
    if one is None or other is None or one == other:
        return False
    return _pair(row, held.again or row, (one, other), cells, task, column) is None


def _unit(row: Row) -> str:
    """In what a difference is, where that is no share."""
    return "" if row["metric"] == "accuracy" else unit_of(row["metric"]).difference("")


def _cells(rows: Iterable[Row], tasks: Mapping[str, Task]) -> Cells:
    """The published rows of every cell and rung, by seed."""
    found: dict[tuple[object, ...], dict[int, Row]] = {}
    for row in rows:
        if row["task"] in tasks:
            found.setdefault((*(row[name] for name in _CELL), row["rung"]), {})[row["seed"]] = row
    return found


def _cell(row: Row, rung: int, cells: Cells) -> Mapping[int, Row]:
    return cells.get((*(row[name] for name in _CELL), rung), {})


def _value(row: Row, task: Task, column: str) -> float | None:
    """What a row counts for on the scale; None where it counts for nothing, or its status has no declared value."""
    return effective(row, column, chance_on(task, row["trained_on"]))


def _beside(task: Task, column: str) -> str | None:
    """A score that does not rank on this task."""
    return None if column == task.scoring.column else column
