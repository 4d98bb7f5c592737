"""The conformance suite: every check on a method, one after another, or as tests for pytest.

pytest is imported only by a test that is skipped: the suite itself does without.
"""

import sys
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, ClassVar

from ticketbench.errors import TicketbenchError
from ticketbench.harness.training.determinism import torch_as_it_was
from ticketbench.methods import Method, find_methods, parse_selector
from ticketbench.task import Task, find_task
from ticketbench.testing.checks import CHECKS
from ticketbench.testing.finding import Finding
from ticketbench.testing.trial import Trial


class ConformanceWarning(UserWarning):
    """A check found what is allowed, but will be marked or looked at."""


def examine(method: Method, task: Task | None = None) -> Iterator[tuple[str, Finding]]:
    """What every check finds, by its name, as soon as it is found. `task`, shortened, instead of the built-in ones.

    Raises `TicketbenchError`, before anything is found, where the task cannot be run.
    """
    trial = Trial(method, task)
    _ = trial.first
    for name, check in CHECKS.items():
        yield name, check(trial)


class MethodConformance:
    """The checks as tests, for an author's own repository: derive from it, name the method, and let pytest find it.

    `class TestMine(MethodConformance): method = "my_method.py"`

    Attributes:
        method: what `ticketbench check` takes: `my_method.py`, `my_method.py:name`, with parameters or without, or
            the name of an installed method. A path is looked for beside the test's file, then in the current folder.
        task: a task's id or file, instead of the built-in ones.

    A failed check fails its test with the explanation; one that does not apply is skipped, and what is worth knowing
    is a `ConformanceWarning`.
    """

    method: ClassVar[str] = ""
    task: ClassVar[str] = ""
    _trials: ClassVar[list[Trial]]

    @classmethod
    def _on_trial(cls) -> list[Trial]:
        """One trial a method, shared by the tests of a class."""
        if "_trials" not in vars(cls):
            if not cls.method:
                raise TicketbenchError(f'{cls.__name__}: name the method to test, as in method = "my_method.py".')
            task = find_task(cls.task) if cls.task else None
            cls._trials = [Trial(method, task) for method in find_methods([_beside(cls, cls.method)])]
        return cls._trials


def _beside(cls: type, selector: str) -> str:
    file = getattr(sys.modules.get(cls.__module__), "__file__", None)
    return str(parse_selector(selector).beside(Path(file).parent)) if file else selector


def _test(name: str) -> Callable[[Any], None]:
    def test(self: MethodConformance) -> None:
        for trial in self._on_trial():
            with torch_as_it_was():
                finding = CHECKS[name](trial)
            said = f"{trial.method.name}: {finding.explanation}"
            if finding.status == "failed":
                raise AssertionError(said)
            if finding.status == "warning":
                warnings.warn(said, ConformanceWarning, stacklevel=2)
            if finding.status == "not applicable" and len(self._on_trial()) == 1:
                import pytest

                pytest.skip(finding.seen)

    test.__doc__ = CHECKS[name].__doc__
    test.__name__ = test.__qualname__ = f"test_{name}"
    return test


for _name in CHECKS:
    setattr(MethodConformance, f"test_{_name}", _test(_name))
