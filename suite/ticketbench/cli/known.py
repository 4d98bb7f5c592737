"""The tasks and methods that a command knows: those that have a name here, and those of a user's files."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from ticketbench.errors import TicketbenchError
from ticketbench.task import Task, find_tasks, load_task, shipped_tasks

if TYPE_CHECKING:
    from ticketbench.methods import Method


def known_tasks(files: Sequence[str] = ()) -> Mapping[str, Task]:
    """The tasks that come with ticketbench, by id, and those of these files, which go before."""
    found = {name: load_task(path) for name, path in shipped_tasks().items()}
    return found | {task.id: task for file in files for task in find_tasks(file)}


def known_methods(selectors: Sequence[str] = ()) -> "Mapping[str, Method]":
    """The methods that have a name here, and those of these files, which go before.

    Raises `TicketbenchError` for parameters: those of the rows are what a command that reads rows is about.
    """
    from ticketbench.methods import find_methods, installed_methods, parse_selector

    for selector in selectors:
        if parse_selector(selector).parameters:
            raise TicketbenchError(f"--method {selector}: expected a file; parameters are those of the rows.")
    return installed_methods() | {method.name: method for method in find_methods(selectors)}
