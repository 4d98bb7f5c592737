"""What a task's page says of one board, ready for the template: table, figures, ledger and origin."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ticketbench.report.bibliography import Entry
from ticketbench.report.board import Board, Cell, Series
from ticketbench.report.figures import accuracy_figure, four_figures, learning_figure, series_name
from ticketbench.report.ledger import Difference, Held, ancestors, differences, ledger, lost_ancestor, recipe
from ticketbench.report.looks import Look
from ticketbench.report.origin import commands, facts, notices, parameters
from ticketbench.report.wording import (
    Shown,
    Unit,
    one_line,
    seeds_text,
    share,
    shown,
    times,
    unit_of,
)
from ticketbench.task import Task

if TYPE_CHECKING:
    from ticketbench.methods import Method


@dataclass(frozen=True)
class Line:
    """One row of the main table."""

    name: str
    title: str
    look: Look
    seeds: int
    cells: Sequence[Shown | None]


@dataclass(frozen=True)
class Trouble:
    """One line of the list of what is not done."""

    name: str
    where: str
    seeds: str
    status: str
    reason: str


@dataclass(frozen=True)
class Published:
    """One line of the ledger."""

    source: str
    key: str
    where: str
    method: str
    at: str
    published: str
    ours: str
    says: str
    note: str


def board_page(
    board: Board,
    tasks: Mapping[str, Task],
    methods: Mapping[str, "Method"],
    looks: Mapping[str, Look],
    sources: Mapping[str, Entry],
) -> dict[str, Any]:
    """What the template needs to show one board."""
    task = tasks.get(board.task)
    current = task if task and task.version == board.version else None
    unit = unit_of(board.metric)
    kind = _usual_kind(board)
    held = list(ledger(board, current, tasks)) if current else []
    return {
        "board": board,
        "unit": unit,
        "kind": kind,
        "notices": notices(board, task),
        "heads": [(times(c), share(1 / c)) for _, c in board.rungs],
        "dense": _dense(board, unit, kind),
        "dense_seeds": len(board.dense.seeds) if board.dense else 0,
        "lines": [_line(each, board, unit, kind, methods, looks) for each in board.series],
        "ordered_at": next((times(c) for rung, c in board.rungs if rung == board.ordered_by), ""),
        "covered": sum(_has_mean(each, board.ordered_by) for each in board.series),
        "troubles": list(_troubles(board)),
        "accuracy": accuracy_figure(board, board.series, looks),
        "learning": learning_figure(board, board.series, looks),
        "four": four_figures(board, looks),
        "published": [_published(each, unit, sources) for each in held],
        "recipes": recipe_differences(current, tasks) if current else [],
        "lost": lost_ancestor(current, tasks) if current else "",
        "commands": commands(board, methods),
        "recipe": list(recipe(current).items()) if current else [],
        "facts": facts(board.rows),
        "cites": cited(current, held, board, methods),
    }


def recipe_differences(task: Task, tasks: Mapping[str, Task]) -> list[tuple[Task, list[Difference]]]:
    """Each task whose references stand here though its recipe is another, and what differs."""
    found = [(other, differences(task, other)) for other in ancestors(task, tasks) if other.references]
    return [(other, differing) for other, differing in found if differing]


def cited(task: Task | None, held: Iterable[Held], board: Board, methods: Mapping[str, "Method"]) -> list[str]:
    """The citation keys of a page, in the order of task, references, methods."""
    keys = list(task.cites) if task else []
    keys += [each.reference.cite for each in held]
    keys += [key for each in board.series if each.method in methods for key in methods[each.method].cites]
    return list(dict.fromkeys(keys))


def _line(
    series: Series,
    board: Board,
    unit: Unit,
    kind: str,
    methods: Mapping[str, "Method"],
    looks: Mapping[str, Look],
) -> Line:
    seeds = Counter(len(cell.seeds) for cell in series.cells.values())
    usual = max(seeds, key=lambda n: (seeds[n], n))
    cells = [
        shown(series.cells[rung], unit, kind=kind, seeds=usual, column=compression) if rung in series.cells else None
        for rung, compression in board.rungs
    ]
    title = methods[series.method].title if series.method in methods else ""
    return Line(series_name(series), title, looks[series_name(series)], usual, cells)


def _dense(board: Board, unit: Unit, kind: str) -> Shown | None:
    if board.dense is None:
        return None
    return shown(board.dense, unit, kind=kind, seeds=len(board.dense.seeds), column=1.0)


def _usual_kind(board: Board) -> str:
    """The kind of interval that most cells have."""
    cells = [cell for each in board.series for cell in each.cells.values()] + ([board.dense] if board.dense else [])
    kinds = Counter(cell.score.kind for cell in cells if cell.score and cell.score.kind != "none")
    return max(kinds, key=lambda kind: (kinds[kind], kind)) if kinds else "none"


def _troubles(board: Board) -> Iterable[Trouble]:
    """What is not done, with equal reasons of one method over several rungs in one line."""
    heads = dict(board.rungs)
    named: list[tuple[str, Iterable[Cell]]] = [("dense", [board.dense])] if board.dense else []
    named += [(series_name(each), each.cells.values()) for each in board.series]
    for name, cells in named:
        places: dict[tuple[str, str, tuple[int, ...]], list[int]] = {}
        for cell in cells:
            for trouble in cell.troubles:
                places.setdefault((trouble.status, trouble.reason, trouble.seeds), []).append(cell.rung)
        for (status, reason, seeds), rungs in places.items():
            everywhere = len(rungs) == len(heads) > 1
            where = "every rung" if everywhere else ", ".join(times(heads[r]) if r in heads else "1×" for r in rungs)
            yield Trouble(name, where, seeds_text(seeds), status, reason or "no reason was recorded")


def _published(held: Held, unit: Unit, sources: Mapping[str, Entry]) -> Published:
    reference = held.reference
    entry = sources.get(reference.cite)
    at = times(1 / reference.density) if reference.density else ""
    if reference.claim is not None:
        published = reference.claim
    else:
        spread = f" ± {_as_said(reference.plus_minus, unit)}" if reference.plus_minus is not None else ""
        published = f"{_as_said(reference.value or 0.0, unit)}{spread}{unit.sign}"
    ours = ""
    if held.ours:
        beside = f" at {times(held.compression)}" if held.compression else ""
        ours = f"{one_line(held.ours, unit)}{unit.sign}{beside}"
    return Published(
        source=entry.short if entry else reference.cite,
        key=reference.cite,
        where=reference.where,
        method=reference.method + parameters(held.params),
        at=at,
        published=published,
        ours=ours,
        says=held.says,
        note=reference.note or "",
    )


def _as_said(value: float, unit: Unit) -> str:
    """A published number in the page's unit with the places that its source printed: one at least."""
    text = f"{round(value * unit.factor, 10):g}"
    return text if "." in text or unit.factor == 1 else f"{text}.0"


def _has_mean(series: Series, rung: int | None) -> bool:
    cell = series.cells.get(rung) if rung is not None else None
    return cell is not None and cell.score is not None
