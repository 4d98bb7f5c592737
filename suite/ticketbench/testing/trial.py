"""One method on trial: the runs that its checks look at, each made once, when a check first asks for it."""

import random
import sys
import time
from collections.abc import Generator
from functools import cached_property
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import torch

from ticketbench.data import splits
from ticketbench.errors import TicketbenchError
from ticketbench.harness.search import Job, run_search
from ticketbench.harness.store import Store
from ticketbench.harness.training import Member, advance
from ticketbench.harness.trainings import Trainings
from ticketbench.harness.workloads import workloads_of
from ticketbench.harness.workloads.vision import Vision
from ticketbench.masks import keep_largest
from ticketbench.methods import Method, Search, Ticket, load_methods
from ticketbench.networks import meets
from ticketbench.task import Images, Task
from ticketbench.testing.following import Run, follow
from ticketbench.testing.noise import noise_for_all, without_held_out
from ticketbench.testing.tasks import convolutions, halves, perceptron, shortened

_CPU = torch.device("cpu")


class Trial:
    """A method and its runs. Stores are temporary; nothing is left behind.

    `task` takes the place of the shortened digits tasks as the one that most checks run on; it is shortened too.
    """

    def __init__(self, method: Method, task: Task | None = None):
        self.method = method
        self._asked_for = task

    @cached_property
    def home(self) -> Task:
        """The task that most checks run on: the one asked for, or the first built-in one with what is needed."""
        asked = self._asked_for
        if asked is not None and not isinstance(asked.data, Images):
            raise TicketbenchError(
                f"{asked.id}: methods are checked on tasks of images; this is of {asked.data.kind}."
            )
        if asked is not None:
            return shortened(asked)
        return self._built_in

    @cached_property
    def elsewhere(self) -> dict[str, Task]:
        """The other tasks that a method is expected to work on, by what is particular of each."""
        tasks = {
            "linear layers, pruned layer by layer": perceptron(),
            "convolutions and batch normalization, pruned globally": convolutions(),
            "two settings": halves(self._built_in),
        }
        return {what: task for what, task in tasks.items() if task.digest != self.home.digest}

    @cached_property
    def first(self) -> Run:
        """Seed 0, from an empty store."""
        return self.run_on(self.home)

    @cached_property
    def again(self) -> Run:
        """The same once more, from another empty store."""
        return self.run_on(self.home)

    @cached_property
    def in_company(self) -> Run:
        """The same after another method's search, in the store that it filled and the state that it left torch in."""
        with TemporaryDirectory(prefix="ticketbench-") as store:
            workloads = workloads_of(self.home, _CPU)
            job = Job(self.home, _COMPANY, "default", 0)
            run_search(job, Trainings(workloads, Store(Path(store))))
            _disturb(1)
            return follow(self.method, self.home, workloads_of(self.home, _CPU), Path(store))

    @cached_property
    def backwards(self) -> Run:
        """The same with the rungs of a method that is run once a rung in reverse order, its file loaded anew."""
        with TemporaryDirectory(prefix="ticketbench-") as store:
            return follow(anew(self.method), self.home, workloads_of(self.home, _CPU), Path(store), backwards=True)

    @cached_property
    def other_seed(self) -> Run:
        """Seed 1."""
        return self.run_on(self.home, seed=1)

    @cached_property
    def on_noise(self) -> Run:
        """Seed 0 where validation and test examples are noise, to whoever loads the data set as well."""
        data = self.home.data
        assert isinstance(data, Images)
        workload = Vision(self.home, _CPU, without_held_out(splits(data)))
        with TemporaryDirectory(prefix="ticketbench-") as store, noise_for_all():
            return follow(anew(self.method), self.home, {"default": workload}, Path(store))

    @cached_property
    def runs_elsewhere(self) -> dict[str, Run]:
        """Seed 0 on the other tasks."""
        return {what: self.run_on(task) for what, task in self.elsewhere.items()}

    @cached_property
    def epoch_seconds(self) -> float:
        """Seconds that an epoch of the home task's training takes here, evaluations included: the least of 3."""
        (workload,) = workloads_of(self.home, _CPU).values()
        steps = max(1, round(workload.examples / self.home.training.batch_size))
        start = workload.initial(0)
        taken = []
        for _ in range(3):
            started = time.perf_counter()
            advance([Member(start, seed=0)], min(steps, workload.steps), workload)
            taken.append((time.perf_counter() - started) * max(1.0, steps / workload.steps))
        return min(taken)

    def run_on(self, task: Task, seed: int = 0, device: torch.device = _CPU) -> Run:
        """The method on a task, from an empty store."""
        with TemporaryDirectory(prefix="ticketbench-") as store:
            return follow(self.method, task, workloads_of(task, device), Path(store), seed)

    @cached_property
    def _built_in(self) -> Task:
        task = perceptron()
        (workload,) = workloads_of(task, _CPU).values()
        return task if all(meets(workload.module(), need) for need in self.method.needs) else convolutions()


def anew(method: Method) -> Method:
    """The method from its file, run once more: nothing that an earlier search left in its module is there."""
    if method.source is None:
        return method
    before = sys.modules.pop(method.module, None)
    try:
        found = {each.name: each for each in load_methods(method.source)}
    finally:
        if before is not None:
            sys.modules[method.module] = before
    return found[method.name].with_parameters(**method.parameters)


def _company(search: Search) -> Generator[Any, Any, None]:
    """A method that draws from every global generator and leaves torch in another state at each of its yields."""
    yield search.dense
    for rung in search.ladder:
        _disturb(rung.index)
        scores = {name: torch.rand(kept.shape) for name, kept in search.initial.mask.items()}
        torch.set_default_dtype(torch.float64)
        yield Ticket(keep_largest(scores, rung), search.initial, rung)


_COMPANY = Method(name="company", title="Another method, to be in the company of", function=_company)


def _disturb(amount: int) -> None:
    """Leave every global generator of random numbers elsewhere than before."""
    torch.manual_seed(amount)
    random.seed(amount)
    np.random.seed(amount)
