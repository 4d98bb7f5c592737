"""What became of all rows together: bit-identical, within tolerance, or parted, and what could not have been seen."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from ticketbench.report.boards.board import chance_on
from ticketbench.report.statistics.intervals import effective_value
from ticketbench.report.statistics.recomputing import Outcome, Pair, spread, spread_of_others, together
from ticketbench.report.verify.holding import Held, Verdict
from ticketbench.results import Row
from ticketbench.task import Task

_CELL = ("kind", "task", "task_version", "method", "method_params", "found_on", "trained_on", "label", "numerics")


@dataclass(frozen=True)
class Verified:
    """The rows that were computed again, and how those made elsewhere stand together.

    `tested` counts the rows that entered the test; `outcome` is None where there were none.
    """

    held: tuple[Held, ...]
    outcome: Outcome | None
    tested: int

    @property
    def verdict(self) -> Verdict | None:
        """The worst of the rows, or of them together; None where there are no rows."""
        if not self.held:
            return None
        verdicts = {each.verdict for each in self.held}
        if "parted" in verdicts or (self.outcome is not None and self.outcome.parted):
            return "parted"
        return "within tolerance" if "within tolerance" in verdicts else "bit-identical"

    def count(self, verdict: Verdict) -> int:
        """How many rows are of a verdict."""
        return Counter(each.verdict for each in self.held)[verdict]


def judge(held: Sequence[Held], published: Iterable[Row], tasks: Mapping[str, Task]) -> Verified:
    """Hold the rows made elsewhere against the spread of their seeds, as all rows of the same files have it.

    Rows that nothing exact contradicts, bit-identical ones among them, are tested where any of them differs. A row
    that lies too far by itself is parted; see `report/statistics/recomputing.py`.
    """
    waiting = [each for each in held if each.elsewhere and each.verdict != "parted"]
    if all(each.verdict == "bit-identical" for each in waiting):
        return Verified(tuple(held), None, 0)
    cells = _cells(published, tasks)
    parted: dict[str, str] = {}
    entered: list[Held] = []
    pairs: list[Pair] = []
    for each in waiting:
        row = each.published
        one, other = _value(row, tasks), _value(each.again or row, tasks)
        if one is not None and other is not None:
            entered.append(each)
            pairs.append(_pair(row, one, other, cells))
        elif each.again is not None and row["status"] != each.again["status"]:
            said = f"status is {row['status']} published, {each.again['status']} here"
            parted[row["row_id"]] = f"{said}, and the task declares no chance value to tell how far apart these are"
    outcome = together(pairs) if pairs else None
    for each, apart, far in zip(entered, outcome.distances, outcome.far, strict=True) if outcome else ():
        if far:
            column = _column(tasks[each.published["task"]])
            p = min(apart.p, apart.p_others)
            said = f"{column} {apart.difference:+.4f} here, too far for the spread of its seeds (p = {p:.1g})"
            parted[each.published["row_id"]] = said
    return Verified(tuple(_with(each, parted) for each in held), outcome, len(entered))


def _with(held: Held, parted: Mapping[str, str]) -> Held:
    said = parted.get(held.published["row_id"])
    return replace(held, verdict="parted", why=(said, *held.why)) if said else held


def _pair(row: Row, value: float, again: float, cells: Mapping[tuple[object, ...], Mapping[int, float]]) -> Pair:
    key, rung, examples = tuple(row[name] for name in _CELL), row["rung"], row["test_examples"]
    beside = [list(cells.get((*key, at), {}).values()) for at in (rung - 1, rung + 1)]
    own = cells[*key, rung]
    others = [each for seed, each in own.items() if seed != row["seed"]]
    spreads = (
        spread(list(own.values()), beside, value, examples),
        spread_of_others(others, beside, value, examples),
    )
    return Pair(value, again, *spreads, seed=(row["task"], row["seed"]))


def _cells(rows: Iterable[Row], tasks: Mapping[str, Task]) -> dict[tuple[object, ...], dict[int, float]]:
    """The published values of every cell and rung, by seed."""
    found: dict[tuple[object, ...], dict[int, float]] = {}
    for row in rows:
        if row["task"] in tasks and (value := _value(row, tasks)) is not None:
            found.setdefault((*(row[name] for name in _CELL), row["rung"]), {})[row["seed"]] = value
    return found


def _value(row: Row, tasks: Mapping[str, Task]) -> float | None:
    """What a row counts for; None where it counts for nothing, or its status has no value that is declared."""
    task = tasks[row["task"]]
    return effective_value(row["status"], row[_column(task)], chance_on(task, row["trained_on"]))


def _column(task: Task) -> str:
    return "test_best" if task.scoring.primary == "best" else "test_final"
