"""What a task's page says, ready for the template: its boards by version and numerics, with what they share."""

from collections.abc import Iterable, Mapping, Sequence
from itertools import groupby
from typing import TYPE_CHECKING, Any

from ticketbench.bibliography import Entry
from ticketbench.report.boards.board import Board, chance_on
from ticketbench.report.boards.curves import reaches
from ticketbench.report.boards.ledger import Held, ledger
from ticketbench.report.boards.recipes import Difference, ancestors, differences, lost_ancestor, recipes
from ticketbench.report.origin import changes, commands, facts, names_of, notices
from ticketbench.report.site.ledger_page import published
from ticketbench.report.site.looks import Look
from ticketbench.report.site.matrix_page import matrix_page
from ticketbench.report.site.page import board_page
from ticketbench.report.site.ranking_page import ranking_page
from ticketbench.report.site.winning_page import winning_page
from ticketbench.report.statistics.curves import TARGETS
from ticketbench.report.units import Unit, unit_of
from ticketbench.task import Task
from ticketbench.task.references import DEFAULT_SETTING

if TYPE_CHECKING:
    from ticketbench.methods import Method


def parts_of(
    boards: Sequence[Board],
    tasks: Mapping[str, Task],
    methods: Mapping[str, "Method"],
    looks: Mapping[str, Look],
    sources: Mapping[str, Entry],
    own_recipes: Mapping[str, bool] | None = None,
) -> list[dict[str, Any]]:
    """The parts of a task's page, one for each version and numerics, from all boards of the task.

    `own_recipes`: by method, whether its file trains with an objective or a recipe of its own.
    """
    ordered = sorted(boards, key=_part)
    recipes_read = own_recipes or {}
    return [_page(list(own), tasks, methods, looks, sources, recipes_read) for _, own in groupby(ordered, _part)]


def setting_order(boards: Iterable[Board], task: Task | None) -> list[str]:
    """The settings that boards name, in the order of the task's file; those that it lacks last."""
    named = {name for board in boards for name in (board.found_on, board.trained_on)}
    known = [name for name in (task.setting_names if task else ()) if name in named]
    return known + sorted(named - set(known))


def recipe_differences(task: Task, tasks: Mapping[str, Task]) -> list[tuple[Task, list[Difference]]]:
    """Each task whose references stand here though its recipe is another, and what differs."""
    found = [(other, differences(task, other)) for other in ancestors(task, tasks) if other.references]
    return [(other, differing) for other, differing in found if differing]


def cited(
    task: Task | None, held: Iterable[Held], boards: Iterable[Board], methods: Mapping[str, "Method"]
) -> list[str]:
    """The citation keys of a page, in the order of task, references, methods."""
    keys = list(task.cites) if task else []
    keys += [each.reference.cite for each in held]
    used = [series.method for board in boards for series in board.series]
    keys += [key for method in used if method in methods for key in methods[method].cites]
    return list(dict.fromkeys(keys))


def _page(
    boards: list[Board],
    tasks: Mapping[str, Task],
    methods: Mapping[str, "Method"],
    looks: Mapping[str, Look],
    sources: Mapping[str, Entry],
    own_recipes: Mapping[str, bool],
) -> dict[str, Any]:
    first = boards[0]
    task = tasks.get(first.task)
    current = task if task and task.version == first.version else None
    settings = setting_order(boards, current)
    boards.sort(key=lambda board: (settings.index(board.found_on), settings.index(board.trained_on)))
    cells = {(board.found_on, board.trained_on): board for board in boards}
    several = settings != [DEFAULT_SETTING]
    held = list(ledger(cells, current, tasks)) if current else []
    pages = [
        board_page(board, methods, looks) | ranked(board, current, methods, looks, own_recipes) for board in boards
    ]
    known = [name for name in settings if current and name in current.setting_names]
    shared, own = recipes(current, known) if current and known else ({}, {})
    changed = changes(boards, task, methods)
    return {
        "version": first.version,
        "numerics": first.numerics,
        "unit": unit_of(first.metric),
        "several": several,
        "settings": _described(settings, own, current, unit_of(first.metric)),
        "matrix": matrix_page(cells, settings, methods) if several else None,
        "diagonal": [page for page in pages if page["board"].diagonal],
        "others": [page for page in pages if not page["board"].diagonal],
        "notices": notices(boards, changed),
        "changed": bool(changed),
        "published": [_published(each, first, sources, current) for each in held if current],
        "recipes": recipe_differences(current, tasks) if current else [],
        "lost": lost_ancestor(current, tasks) if current else "",
        "commands": commands(boards, names_of(methods)),
        "recipe": list(shared.items()),
        "facts": facts([row for board in boards for row in board.rows]),
        "cites": cited(current, held, boards, methods),
    }


def ranked(
    board: Board,
    task: Task | None,
    methods: Mapping[str, "Method"],
    looks: Mapping[str, Look],
    own_recipes: Mapping[str, bool],
) -> dict[str, Any]:
    """What is said of a board's methods against each other, and of winning tickets on a diagonal one."""
    ranks, headline = ranking_page(board, task, methods, looks, own_recipes)
    compressions = reaches(board, TARGETS)
    wins = winning_page(board, compressions, looks) if board.diagonal else None
    return {"ranks": ranks, "headline": headline, "winning": wins}


def _published(held: Held, board: Board, sources: Mapping[str, Entry], task: Task) -> Any:
    chance = chance_on(task, held.reference.trained_on)
    return published(held, unit_of(board.metric), sources, settings=bool(task.settings), chance=chance)


def _described(
    settings: Iterable[str], own: Mapping[str, Mapping[str, str]], task: Task | None, unit: Unit
) -> list[tuple[str, list[tuple[str, str]], str]]:
    """Each setting with what its recipe has of its own, and its chance value as printed, empty where it has none."""
    levels = {name: chance_on(task, name) for name in settings}
    said = {name: "" if level is None else f"{unit.chance} {unit.alone(level)}" for name, level in levels.items()}
    return [(name, list(own.get(name, {}).items()), said[name]) for name in settings]


def _part(board: Board) -> tuple[int, str]:
    return (-board.version, board.numerics)
