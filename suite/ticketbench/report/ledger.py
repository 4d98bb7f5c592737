"""The ledger of references: published numbers and orderings beside ours."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from ticketbench.errors import TicketbenchError
from ticketbench.report.board import DENSE, Board, Series, score
from ticketbench.report.statistics import Interval
from ticketbench.results import Row
from ticketbench.task import Reference, Task, load_task, shipped_tasks

NEAR = 0.02  # a rung stands for a published density that it is within 2 % of

_RECIPE = ("data", "network", "training", "ladder")


@dataclass(frozen=True)
class Held:
    """One reference and what we have beside it.

    Attributes:
        task: id of the task that lists it.
        params: parameters (JSON) of our method, where several variants stand beside one reference.
        ours: our interval of the column that the reference names, at `compression`; None where there is none.
        says: what may be concluded, in words; empty where both stand side by side under one recipe.
    """

    task: str
    reference: Reference
    params: str
    compression: float | None
    ours: Interval | None
    says: str


@dataclass(frozen=True)
class Difference:
    """A key of the recipe in which two tasks differ."""

    key: str
    here: str
    there: str


def ledger(board: Board, task: Task, tasks: Mapping[str, Task]) -> Iterator[Held]:
    """The task's own references, then those of the tasks that it extends, nearest first."""
    for listing in (task, *ancestors(task, tasks)):
        recipe = "not comparable: another recipe" if differences(task, listing) else ""
        for reference in listing.references:
            if (reference.found_on, reference.trained_on) == (board.found_on, board.trained_on):
                yield from _held(board, task, listing.id, reference, recipe)


def ancestors(task: Task, tasks: Mapping[str, Task]) -> Iterator[Task]:
    """The tasks that this one extends, nearest first; one that is not at hand ends the line."""
    shipped = shipped_tasks()
    while task.extends is not None:
        if task.extends in tasks:
            task = tasks[task.extends]
        elif task.extends in shipped:
            task = load_task(shipped[task.extends])
        else:
            return
        yield task


def lost_ancestor(task: Task, tasks: Mapping[str, Task]) -> str:
    """What the line of tasks that this one extends ends with, if that is not at hand; else nothing."""
    *_, last = (task, *ancestors(task, tasks))
    return last.extends or ""


def differences(here: Task, there: Task) -> list[Difference]:
    """The keys of data, network, training and ladder in which two tasks differ, flattened: `training.steps`."""
    ours, theirs = recipe(here), recipe(there)
    keys = sorted({*ours, *theirs}, key=lambda key: (_RECIPE.index(key.partition(".")[0]), key))
    return [
        Difference(key, ours.get(key, "not said"), theirs.get(key, "not said"))
        for key in keys
        if ours.get(key) != theirs.get(key)
    ]


def recipe(task: Task) -> dict[str, str]:
    """What changes a training, key by key, as text; what is not said is left out."""
    said: dict[str, str] = {}
    for part in _RECIPE:
        _flatten(part, getattr(task, part).model_dump(mode="json"), said)
    return said


def _held(board: Board, task: Task, listing: str, reference: Reference, recipe: str) -> Iterator[Held]:
    if reference.claim is not None:
        yield Held(listing, reference, "", None, None, recipe or "a claim: shown, not tested here")
        return
    if reference.method == DENSE:
        rows = [row for row in board.rows if row["kind"] == DENSE]
        yield _beside(listing, reference, "", rows, task, recipe)
        return
    variants = [series for series in board.series if series.method == reference.method]
    if not variants:
        yield Held(listing, reference, "", None, None, _joined(recipe, "no results"))
    for series in variants:
        params = series.params if len(variants) > 1 else ""
        rows = _at_density(series, reference.density or 1.0)
        if rows:
            yield _beside(listing, reference, params, rows, task, recipe)
        else:
            yield Held(listing, reference, params, None, None, _joined(recipe, "no rung there"))


def _beside(listing: str, reference: Reference, params: str, rows: list[Row], task: Task, recipe: str) -> Held:
    column = reference.column or "test_final"
    if rows and column not in rows[0]:
        raise TicketbenchError(f"{listing}: a reference names the column {column!r}, which results do not have.")
    if not rows:
        return Held(listing, reference, params, None, None, _joined(recipe, "no results"))
    ours, why = score(rows, column, task.scoring.chance)
    kept = [row["prunable"] / row["kept"] for row in rows if row["prunable"] and row["kept"]]
    return Held(listing, reference, params, kept[0] if kept else None, ours, _joined(recipe, why))


def _at_density(series: Series, density: float) -> list[Row]:
    """The rows of the rung whose achieved density is nearest to this one, if it is near enough."""
    off = {rung: abs(1 / (cell.compression * density) - 1) for rung, cell in series.cells.items() if cell.compression}
    nearest = min(off, key=lambda rung: (off[rung], rung), default=None)
    if nearest is None or off[nearest] > NEAR:
        return []
    return [row for row in series.rows if row["rung"] == nearest]


def _joined(*parts: str) -> str:
    return "; ".join(part for part in parts if part)


def _flatten(key: str, value: Any, said: dict[str, str]) -> None:
    if isinstance(value, dict):
        for name, inner in value.items():
            _flatten(f"{key}.{name}", inner, said)
    elif isinstance(value, list):
        said[key] = ", ".join(str(each) for each in value) or "none"
    elif value is not None:
        said[key] = str(value)
