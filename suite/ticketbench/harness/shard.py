"""One process at work on one shard: from its searches to rows, through the store that all share."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import torch

from ticketbench.errors import TicketbenchError
from ticketbench.harness.bench import undisturbed
from ticketbench.harness.plan import Shard
from ticketbench.harness.search import run_search
from ticketbench.harness.store import Store
from ticketbench.harness.trainings import Trainings
from ticketbench.harness.workloads import Domain, workloads_of
from ticketbench.results import Row
from ticketbench.task import Task


@dataclass(frozen=True)
class Place:
    """Where and with what a process works, and whether it measures every network's latency."""

    store: Path
    limit: int
    device: str
    latency: bool = False


@dataclass(frozen=True)
class Asked:
    """A method asked for a training, and it was run, or the store had it."""

    ran: bool


@dataclass(frozen=True)
class Scored:
    """A ticket got its row."""


@dataclass(frozen=True)
class Finished:
    """A search ended: its rows, and those that they replace."""

    rows: list[Row]
    replaced: frozenset[str]


Event = Asked | Scored | Finished


class Worker:
    """Runs shards one after another, keeping a task's data and network between them."""

    def __init__(self, place: Place):
        self.store = Store(place.store, place.limit)
        self.device = torch.device(place.device)
        self.timed = place.latency
        self._task = ""
        self._workloads: dict[str, Domain] = {}

    def run(self, shard: Shard, report: Callable[[Event], None]) -> None:
        """Run a shard, reporting as it goes on."""
        workloads = self._loaded(shard.task)
        for job in shard.jobs:
            # Each with trainings of its own: they hold on to every network that a search starts from.
            trainings = Trainings(workloads, self.store, lambda ran: report(Asked(ran)), timed=self.timed)
            rows = run_search(job, trainings, scored=lambda: report(Scored()))
            report(Finished(rows, job.replaces))

    def _loaded(self, task: Task) -> dict[str, Domain]:
        if self._task != task.digest:
            with undisturbed():  # by what a method's file did when it was loaded
                self._workloads = workloads_of(task, self.device)
            self._task = task.digest
        return self._workloads


def pick_device(asked: str) -> str:
    """The device to run on: what was asked for, or under `auto` an accelerator where there is one.

    Raises `TicketbenchError` where there is no such device.
    """
    if asked == "auto":
        return "cuda" if torch.cuda.is_available() else "cpu"
    if asked.partition(":")[0] not in ("cpu", "cuda"):
        raise TicketbenchError(
            f"--device {asked}: there is no such device; it is cpu, cuda, cuda:1 and so on, or auto."
        )
    try:
        torch.zeros(1, device=asked)
    except (RuntimeError, AssertionError) as error:
        first = str(error).splitlines()[0]
        raise TicketbenchError(f"--device {asked}: there is no such device here ({first}).") from None
    return asked
