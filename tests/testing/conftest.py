"""To put a method of a few lines on trial."""

import textwrap
from collections.abc import Callable
from pathlib import Path

import pytest

from ticketbench.methods import Method, find_methods
from ticketbench.testing import CHECKS, Finding, examine
from ticketbench.testing.trial import Trial

HEADER = """
from dataclasses import dataclass

import torch

from ticketbench import Recipe, Ticket, Train, keep_largest, method, scorer


def sizes(checkpoint):
    return {name: weight.abs() for name, weight in checkpoint.prunable.items()}


def tickets(search, scores, start):
    for rung in search.ladder:
        yield Ticket(keep_largest(scores, rung), start, rung)


"""


@pytest.fixture
def declared(tmp_path: Path) -> Callable[[str], Method]:
    """A function from the source of a method, without its imports, to the method as its author's file gives it."""

    def load(source: str) -> Method:
        path = tmp_path / "mine.py"
        path.write_text(HEADER + textwrap.dedent(source))
        (found,) = find_methods([str(path)])
        return found

    return load


@pytest.fixture
def findings(declared: Callable[[str], Method]) -> Callable[[str], dict[str, Finding]]:
    """A function from the source of a method to what every check finds."""
    return lambda source: dict(examine(declared(source)))


@pytest.fixture
def finding(declared: Callable[[str], Method]) -> Callable[[str, str], Finding]:
    """A function from the source of a method to what one check finds: only the searches that it looks at are run."""
    return lambda source, check: CHECKS[check](Trial(declared(source)))


@pytest.fixture
def only(findings: Callable[[str], dict[str, Finding]]) -> Callable[..., Finding]:
    """A function from the source of a method to the one check that fails (or warns), which the others leave alone."""

    def one(source: str, check: str, status: str = "failed", beside: tuple[str, ...] = ()) -> Finding:
        found = findings(source)
        there = {name: finding.status for name, finding in found.items() if finding.status in ("failed", "warning")}
        assert there == {check: status} | dict.fromkeys(beside, "warning"), {n: found[n] for n in there}
        return found[check]

    return one
