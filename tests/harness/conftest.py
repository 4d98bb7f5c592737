"""A place to try methods in: tiny tasks, authors' files, searches and whole runs, all below one temporary folder."""

import json
import textwrap
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import torch

from ticketbench.harness.plan import make_plan
from ticketbench.harness.runner import run_plan
from ticketbench.harness.search import DENSE_METHOD, Job, run_search
from ticketbench.harness.shard import Asked, Place
from ticketbench.harness.store import DEFAULT_LIMIT, Store
from ticketbench.harness.trainings import Trainings
from ticketbench.harness.workloads import domain, workloads_of
from ticketbench.harness.workloads.vision import Vision
from ticketbench.methods import Checkpoint, Method, find_methods, shipped_methods
from ticketbench.results import COMPARED, Row, read_rows, result_files
from ticketbench.task import Task, load_task

HEADER = """
from dataclasses import dataclass

import torch

from ticketbench import Diverged, Probe, Recipe, Refused, Ticket, Train, keep_largest, method, scorer


def scores_of(checkpoint):
    return {name: weight.abs() for name, weight in checkpoint.prunable.items()}


def masks_of(search, checkpoint, **how):
    return [keep_largest(scores_of(checkpoint), rung, **how) for rung in search.ladder]


"""

TINY = {
    "id": "tiny/mlp",
    "version": 1,
    "title": "A tiny perceptron on digits",
    "tier": "smoke",
    "extends": "digits/mlp",
    "network.options.hidden": [8],
    "training.steps": 30,
    "training.evaluate_every": 10,
    "training.rewind_step": 10,
    "training.schedule": {"milestones": [20], "factor": 0.5},
    "ladder.prune": 0.5,
    "ladder.rounds": 3,
}
TINY_CONV = TINY | {"id": "tiny/conv", "extends": "digits/conv"}
del TINY_CONV["network.options.hidden"]
TINY_CONV |= {"network.options.width": 2}


def as_toml(value: Any) -> str:
    """A value as TOML writes it."""
    if isinstance(value, dict):
        return "{ " + ", ".join(f"{key} = {as_toml(each)}" for key, each in value.items()) + " }"
    if isinstance(value, list):
        return "[" + ", ".join(map(as_toml, value)) + "]"
    return json.dumps(value)


@dataclass
class Lab:
    """`asked` says of every training that any run of this lab was asked for whether it had to be run."""

    folder: Path
    asked: list[bool] = field(default_factory=list)

    def task(self, conv: bool = False, **changes: Any) -> Task:
        """A task file of a user's own, and what it says. Dots in keys are written `__`; None leaves a key out."""
        said = (TINY_CONV if conv else TINY) | {key.replace("__", "."): value for key, value in changes.items()}
        said = {key: value for key, value in said.items() if value is not None}
        path = self.folder / f"{said['id'].replace('/', '-')}.toml"
        path.write_text("".join(f"{key} = {as_toml(value)}\n" for key, value in said.items()))
        return load_task(path)

    def methods(self, source: str, file: str = "mine.py", parameters: str = "") -> list[Method]:
        """An author's file, as `--method` finds it."""
        path = self.folder / file
        path.write_text(HEADER + textwrap.dedent(source))
        return find_methods([f"{path}{parameters}"])

    def method(self, source: str, file: str = "mine.py", parameters: str = "") -> Method:
        """The one method of an author's file."""
        (found,) = self.methods(source, file, parameters)
        return found

    def trainings(self, task: Task, store: str = "store", limit: int = DEFAULT_LIMIT) -> Trainings:
        """Trainings of a task through a store of this lab."""
        return Trainings(
            workloads_of(task, torch.device("cpu")), Store(self.folder / store, limit), self.asked.append
        )

    def search(
        self, method: "Method | str", task: Task | None = None, seed: int = 0, store: str = "store",
        setting: str = "default", controls: tuple[str, ...] = (),
    ) -> list[Row]:  # fmt: skip
        """The rows of one method with one seed on one setting, in the order they were made.

        An assertion that fails inside the author's file fails the test: the search itself only notes it in a row.
        """
        task = task or self.task()
        found = self.method(method) if isinstance(method, str) else method
        rungs = range(1, task.ladder.rounds + 1) if found.per_rung else (None,)
        jobs = [Job(task, found, setting, seed, rung, controls) for rung in rungs]
        rows = [row for job in jobs for row in run_search(job, self.trainings(task, store))]
        assert not [row["reason"] for row in rows if "AssertionError" in row["reason"]]
        return rows

    def dense(self, task: Task | None = None, seed: int = 0, setting: str = "default") -> Row:
        """The row of the dense network."""
        (row,) = self.search(DENSE_METHOD, task, seed, setting=setting)
        return row

    def run(
        self, tasks: Sequence[Task], methods: Sequence[Method], seeds: int = 1, results: str = "results",
        store: str = "store", processes: int = 1, controls: tuple[str, ...] = (),
    ) -> list[Row]:  # fmt: skip
        """All rows in a results folder after `ticketbench run`."""

        def report(_: object, event: object) -> None:
            if isinstance(event, Asked):
                self.asked.append(event.ran)

        folder = self.folder / results
        place = Place(self.folder / store, DEFAULT_LIMIT, "cpu")
        run_plan(make_plan(tasks, methods, seeds, folder, controls), folder, place, processes, report)
        return [row for path in result_files(folder) for row in read_rows(path)]


@pytest.fixture
def lab(tmp_path: Path) -> Lab:
    """A place to try methods in."""
    return Lab(tmp_path)


@pytest.fixture(scope="session")
def new_lab() -> type[Lab]:
    """To make one that several tests share."""
    return Lab


@pytest.fixture(scope="session")
def imp() -> Method:
    """Iterative magnitude pruning, as shipped."""
    return shipped_methods()["imp"]


@pytest.fixture
def compared():
    """A function from rows to what two runs must agree in, by row."""

    def compare(rows: Iterable[Row]) -> dict[str, dict[str, str]]:
        return {row["row_id"]: {name: repr(row[name]) for name in COMPARED} for row in rows}

    return compare


ENGINE_TASK = """
id = "engine/mlp"
version = 1
title = "A training of a second"
tier = "smoke"
extends = "digits/mlp"
[network]
options.hidden = [12, 8]
[training]
steps = 24
batch_size = 170
evaluate_every = 5
rewind_step = 4
"""


@pytest.fixture(scope="session")
def engine_task() -> str:
    """The file of a task whose training takes a second."""
    return ENGINE_TASK


@pytest.fixture(scope="session")
def workload(tmp_path_factory):
    """`workload(key=value)`: the tiny task, words of its file replaced."""
    folder = tmp_path_factory.mktemp("tasks")

    @cache
    def make(old="", new=""):
        path = folder / f"{len(list(folder.iterdir()))}.toml"
        path.write_text(ENGINE_TASK.replace(old, new) if old else ENGINE_TASK)
        return Vision(load_task(path), torch.device("cpu"))

    return make


@pytest.fixture
def ran(monkeypatch):
    """From where to where the engine was asked to train, in order."""
    spans = []
    real = domain.advance

    def spying(members, until, workload):
        spans.extend((member.start.step, until) for member in members)
        return real(members, until, workload)

    monkeypatch.setattr(domain, "advance", spying)
    return spans


@pytest.fixture
def begin(workload, tmp_path):
    """`begin()`: the trainings of a search that begins, as if in a process of its own, and its initial network."""

    def make(work=None, limit=10**9, asked=lambda ran: None):
        work = work or workload()
        state = work.initial(0)
        return Trainings({"default": work}, Store(tmp_path / "store", limit), asked), Checkpoint(
            None, 0, lambda: state
        )

    return make
