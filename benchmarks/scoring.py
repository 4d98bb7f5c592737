"""What a method's own work costs, against training: LeNet-5, and torchvision's ResNet-18.

A method's own seconds are those it spends between its requests, as every row has them in `search_seconds`: scores,
masks, gradients of its own. They are held against one epoch: the steps of the whole training split, at the time of
the step that was measured in the same round. What a method has trained is charged apart; where it trains with a loss
of its own, a step of that is held against a step of the task's.

Trainings are a few steps here and examples random, since these costs depend on shapes alone. A method that changes
its mask while it trains does so at every step here, and is told for all the updates of a whole training. Methods that
are run once a rung are run on one rung, the others on a ladder of one.
"""

import argparse
import tempfile
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median

import torch
from measuring import machine, spread, table
from subject import Timed, random_data, workload_on
from torch import nn
from torchvision import models

from ticketbench.data.sources import SOURCES
from ticketbench.harness.search import Job, run_search
from ticketbench.harness.store import DEFAULT_LIMIT, Store
from ticketbench.harness.training import Member, advance
from ticketbench.harness.trainings import Trainings
from ticketbench.methods import Method, find_methods
from ticketbench.methods.state import State
from ticketbench.task import Task, load_task

STEPS = 8  # of every training, and of a measured stretch


@dataclass(frozen=True)
class Updated:
    """A method that changes its mask while it trains.

    Attributes:
        parameters: with which it does so at every one of a few steps.
        updates: how often it does at its own interval, in a training of 2,000 steps or more.
    """

    parameters: Mapping[str, int]
    updates: int


UPDATED = {
    "gradual": Updated({}, 20),  # its interval is a share of the training, and a step here already
    "rigl": Updated({"interval": 1}, 74),
    "set": Updated({"interval": 1}, 99),
}


class Watched(Timed):
    """A workload that knows how many trainings it was asked for, and what a step under another loss took in each."""

    def __init__(self, task: Task, device: torch.device):
        super().__init__(task, device)
        self.trainings = 0
        self.own_steps: list[float] = []

    def advance(self, members: Sequence[Member], until: int) -> list[State]:
        """As ever."""
        began = time.perf_counter()
        states = super().advance(members, until)
        self.trainings += 1
        if members[0].objective is not None:
            self.own_steps.append((time.perf_counter() - began) / (until - members[0].start.step))
        return states


@dataclass(frozen=True)
class Cost:
    """What one rung of a method took: its own seconds, those of a step under its own loss, and what became of it."""

    seconds: float
    own_step: float | None
    became: str


@dataclass(frozen=True)
class Subject:
    """A network, the examples of its training split, and the batch size that it is trained and scored with."""

    name: str
    data: str
    network: str
    examples: int
    batch_size: int

    @property
    def steps(self) -> float:
        """Of an epoch."""
        return self.examples / self.batch_size


SUBJECTS = (
    Subject("LeNet-5", "mnist", 'name = "lenet-5"', 55_000, 60),
    Subject("ResNet-18", "cifar-10", 'factory = "scoring:resnet18"', 45_000, 8),
)


def resnet18(shape: Sequence[int], classes: int) -> nn.Module:
    """torchvision's, on images as small as CIFAR-10's."""
    return models.resnet18(num_classes=classes)


def task_of(subject: Subject, channels: int, folder: Path) -> Task:
    """A task of one rung, a tenth of the weights, and of a few steps."""
    half = [0.5] * channels
    path = folder / f"{subject.name.lower()}.toml"
    path.write_text(
        f"""id = "scoring/{subject.name.lower()}"
version = 1
title = "{subject.name}"
tier = "smoke"
data = {{ name = "{subject.data}", validation = 100, mean = {half}, std = {half} }}
network = {{ {subject.network} }}
ladder = {{ prune = 0.9, rounds = 1, scope = "global" }}
scoring = {{ chance = 0.1 }}
replicates = {{ seeds = 1 }}
[training]
steps = {STEPS}
batch_size = {subject.batch_size}
optimizer = {{ name = "sgd", lr = 0.01, momentum = 0.9 }}
evaluate_every = {STEPS}
rewind_step = {STEPS - 1}
""",
        "utf-8",
    )
    return load_task(path)


def step_seconds(work: Timed) -> float:
    """Seconds of a step with the task's loss: the median of three short trainings."""
    start = work.initial(0)
    took = [work.training_alone(lambda: advance([Member(start, seed=0)], STEPS, work)).wall for _ in range(3)]
    return median(took) / STEPS


def cost(method: Method, task: Task, work: Watched) -> Cost:
    """One rung of a method, from an empty store; of one that updates its mask, all updates of a whole training."""
    work.trainings, work.own_steps = 0, []
    updated = UPDATED.get(method.name)
    method = method.with_parameters(**updated.parameters) if updated else method
    with tempfile.TemporaryDirectory() as store:
        trainings = Trainings({"default": work}, Store(Path(store), DEFAULT_LIMIT))
        (row,) = run_search(Job(task, method, "default", 0, 1 if method.per_rung else None), trainings)
    seconds, became = row["search_seconds"] or 0.0, f"{row['status']}: {row['reason']}"
    if updated:
        made = work.trainings - 1  # a training before every update, and one after the last
        seconds, became = seconds / made * updated.updates, f"{became}; {made} updates"
    return Cost(seconds, median(work.own_steps) if work.own_steps else None, became)


def measure(methods: Sequence[Method], subjects: Sequence[Subject], rounds: int) -> str:
    """Every method on every subject, against a step measured in the same round."""
    torch.set_num_threads(1)
    steps: dict[str, list[float]] = {}
    costs: dict[tuple[str, str], list[Cost]] = {}
    with tempfile.TemporaryDirectory() as folder:
        for subject in subjects:
            source = SOURCES[subject.data]
            task = task_of(subject, source.shape[0], Path(folder))
            data = random_data(subject.data, source, {"train": 1100, "test": 100})
            work = workload_on(task, data, kind=Watched)
            for _ in range(rounds):
                steps.setdefault(subject.name, []).append(step_seconds(work))
                for method in methods:
                    found = cost(method, task, work)
                    costs.setdefault((method.name, subject.name), []).append(found)
                    print(f"{subject.name}: {method.name} {found.seconds:.2f} s ({found.became})", flush=True)
    return told(methods, subjects, steps, costs)


def told(
    methods: Sequence[Method],
    subjects: Sequence[Subject],
    steps: Mapping[str, Sequence[float]],
    costs: Mapping[tuple[str, str], Sequence[Cost]],
) -> str:
    """The tables: a method's own work in epochs, and a step under its own loss in steps of the task's."""

    def own(method: str, subject: Subject) -> str:
        of = costs[method, subject.name]
        status = of[0].became.partition(":")[0]
        epochs = [each.seconds / step / subject.steps for each, step in zip(of, steps[subject.name], strict=True)]
        return spread(epochs, 3) if status in ("done", "collapsed") else status

    def loss(method: str, subject: Subject) -> str:
        pairs = zip(costs[method, subject.name], steps[subject.name], strict=True)
        found = [each.own_step / step for each, step in pairs if each.own_step is not None]
        return spread(found) if found else "not applicable"

    names = [each.name for each in subjects]
    said = "; ".join(
        f"{each.name} at batches of {each.batch_size}: an epoch of {each.examples:,} examples takes "
        f"{spread([step * each.steps for step in steps[each.name]], 1)} s"
        for each in subjects
    )
    parts = [f"{machine()}\n{said}; one thread"]
    rows = [(each.name, *(own(each.name, subject) for subject in subjects)) for each in methods]
    parts.append(table(("own work for one rung, in epochs", *names), rows))
    lossy = [each for each in methods if any(of.own_step for name in names for of in costs[each.name, name])]
    if lossy:
        rows = [(each.name, *(loss(each.name, subject) for subject in subjects)) for each in lossy]
        parts.append(table(("a step under its own loss, in the task's steps", *names), rows))
    return "\n\n".join(parts)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--method", action="append", help="a name or a pattern; may be repeated (default: all)")
    parser.add_argument("--subject", action="append", choices=[each.name for each in SUBJECTS], help="default: both")
    parser.add_argument("--rounds", type=int, default=1, help="default: %(default)s")
    given = parser.parse_args()
    asked = [each for each in SUBJECTS if not given.subject or each.name in given.subject]
    print(measure(find_methods(given.method or ["*"]), asked, given.rounds))
