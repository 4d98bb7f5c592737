"""The command line as a person meets it: what is typed, the exit code, and what is said where."""

import sys
import textwrap
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from ticketbench.cli import main

TASK = """
id = "tiny/mlp"
version = 1
title = "A tiny perceptron"
tier = "smoke"
extends = "digits/mlp"

[network]
options.hidden = [8]

[training]
steps = 30
evaluate_every = 10
rewind_step = 10
schedule = { milestones = [20] }

[ladder]
prune = 0.5
rounds = 3

[replicates]
seeds = 1
"""

METHOD = """
from ticketbench import Refused, Ticket, Train, keep_largest, method, scorer


def masks_of(search):
    scores = {name: weight.abs() for name, weight in search.initial.prunable.items()}
    return [keep_largest(scores, rung) for rung in search.ladder]


"""

GOOD = """
    @method("mine", title="Mine")
    def mine(search):
        yield [Ticket(mask, search.initial) for mask in masks_of(search)]
"""


@dataclass
class Said:
    """What came of a command."""

    code: int
    out: str
    err: str

    @property
    def message(self) -> str:
        """The one message of a person's mistake: nothing else was said, and no traceback."""
        assert self.code == 2 and self.out == ""
        assert self.err.startswith("ticketbench: ") and "Traceback" not in self.err
        return self.err.removeprefix("ticketbench: ").rstrip("\n")


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty folder, which commands are typed in; caches and store lie beside it."""
    folder = tmp_path / "here"
    folder.mkdir()
    monkeypatch.chdir(folder)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setenv("TICKETBENCH_STORE", str(tmp_path / "store"))
    return folder


@pytest.fixture(scope="module")
def ran(tmp_path_factory: pytest.TempPathFactory) -> Callable[..., Path]:
    """A function that runs the tiny task for a module's tests to copy: the folder of results, store and cache."""

    def run(*arguments: object) -> Path:
        folder = tmp_path_factory.mktemp("ran")
        (folder / "tiny.toml").write_text(TASK)
        with pytest.MonkeyPatch.context() as patch, pytest.raises(SystemExit) as ended:
            patch.chdir(folder)
            patch.setenv("XDG_CACHE_HOME", str(folder / "cache"))
            patch.setenv("TICKETBENCH_STORE", str(folder / "store"))
            patch.setattr(sys, "argv", ["ticketbench", "run", "tiny.toml", *map(str, arguments)])
            main()
        assert not ended.value.code
        return folder

    return run


@pytest.fixture
def task(here: Path) -> Path:
    """A task file of a user's own, `tiny.toml`."""
    path = here / "tiny.toml"
    path.write_text(TASK)
    return path


@pytest.fixture
def author(here: Path) -> Callable[..., Path]:
    """A function from source, of a method that works unless said, to its file, `mine.py`."""

    def write(source: str = GOOD, name: str = "mine.py") -> Path:
        path = here / name
        path.write_text(METHOD + textwrap.dedent(source))
        return path

    return write


@pytest.fixture
def ticketbench(
    here: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> Callable[..., Said]:
    """A function that does what a typed `ticketbench ...` does, in this process."""

    def typed(*arguments: object) -> Said:
        monkeypatch.setattr(sys, "argv", ["ticketbench", *map(str, arguments)])
        capfd.readouterr()
        with pytest.raises(SystemExit) as ended:
            main()
        return Said(int(ended.value.code or 0), *capfd.readouterr())

    return typed
