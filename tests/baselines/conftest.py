"""To follow a baseline through a tiny task: what it asks for, what it is sent back, and its rows."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
import torch

from ticketbench import Search, Ticket, method
from ticketbench.harness.search import Job, run_search
from ticketbench.harness.store import Store
from ticketbench.harness.trainings import Trainings
from ticketbench.harness.workloads.vision import Vision
from ticketbench.methods import shipped_methods
from ticketbench.results import Row
from ticketbench.task import Task, load_task

TASK = """
id = "tiny/task"
version = 1
title = "A tiny task"
tier = "smoke"
extends = "digits/{parent}"
training.steps = 30
training.evaluate_every = 10
training.rewind_step = {rewind}
ladder.prune = 0.4
ladder.rounds = 3
{more}
"""


@dataclass
class Followed:
    """One search: its side of the bench, its tickets, what came of each, and its rows."""

    search: Search
    tickets: list[Ticket] = field(default_factory=list)
    trained: list[Any] = field(default_factory=list)
    rows: list[Row] = field(default_factory=list)

    @property
    def masks(self) -> list[dict[str, torch.Tensor]]:
        return [ticket.mask for ticket in self.tickets]

    @property
    def starts(self) -> list[dict[str, torch.Tensor]]:
        """The weights that each ticket's training starts from."""
        return [ticket.checkpoint.replace(mask=ticket.mask).weights for ticket in self.tickets]


@pytest.fixture(scope="session")
def store(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A store for all that is followed, so that no network is trained by two tests."""
    return tmp_path_factory.mktemp("store")


@pytest.fixture
def task(tmp_path: Path) -> Callable[..., Task]:
    """A function from lines of TOML to a task: digits/mlp, or with `parent="conv"` digits/conv, in 30 steps."""

    def make(*lines: str, parent: str = "mlp", rewind: int = 10) -> Task:
        small = {"mlp": "network.options.hidden = [12]", "conv": "network.options.width = 2"}[parent]
        path = tmp_path / "task.toml"
        path.write_text(TASK.format(parent=parent, rewind=rewind, more="\n".join((small, *lines))))
        return load_task(path)

    return make


@pytest.fixture
def follow(store: Path, task: Callable[..., Task]) -> Callable[..., Followed]:
    """A function that runs a shipped method by its name on a task (default: the tiny perceptron)."""

    def run(name: str, on: Task | None = None, seed: int = 0, **parameters: Any) -> Followed:
        on = on or task()
        found = shipped_methods()[name]
        seen: list[Followed] = []

        def passed_on(search: Search, asked: Any) -> Any:
            followed = Followed(search)
            seen.append(followed)
            request = next(asked, None)
            while request is not None:
                answer = yield request
                several = isinstance(request, Sequence)
                for each, trained in zip(*((request, answer) if several else ([request], [answer])), strict=True):
                    if isinstance(each, Ticket):
                        followed.tickets.append(each)
                        followed.trained.append(trained)
                try:
                    request = asked.send(answer)
                except StopIteration:
                    request = None

        @method("spy", title="Spy", density=found.density)
        def whole(search):
            yield from passed_on(search, search.method(name, **parameters))

        @method("spy", title="Spy", density=found.density)
        def apart(search, rung):
            yield from passed_on(search, search.method(name, rung, **parameters))

        trainings = Trainings({"default": Vision(on, torch.device("cpu"))}, Store(store))
        rungs = range(1, on.ladder.rounds + 1) if found.per_rung else (None,)
        jobs = [Job(on, apart if found.per_rung else whole, "default", seed, rung) for rung in rungs]
        rows = [run_search(job, trainings) for job in jobs]
        assert {row["status"] for each in rows for row in each} <= {"done", "collapsed"}, rows
        return Followed(
            seen[0].search,
            [ticket for each in seen for ticket in each.tickets],
            [trained for each in seen for trained in each.trained],
            [row for each in rows for row in each],
        )

    return run
