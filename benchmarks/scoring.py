"""What a method's own scoring costs, against one epoch of training: LeNet-5, and torchvision's ResNet-18.

A method's own seconds are those it spends between its requests, as every row has them in `search_seconds`: scores,
masks, gradients of its own. What it has trained is charged apart. Trainings are a few steps here and examples random,
since scoring depends on shapes alone; an epoch is the steps of the whole training split, at the time of the step that
was measured in the same round. Methods that are run once a rung are run on one rung, the others on a ladder of one.
"""

import argparse
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median

import torch
from measuring import machine, spread, table
from subject import Timed, random_data, workload_on
from torch import nn
from torchvision import models

from ticketbench.data.sources import SOURCES, HubSource
from ticketbench.harness.search import Job, run_search
from ticketbench.harness.store import DEFAULT_LIMIT, Store
from ticketbench.harness.training import Member, advance
from ticketbench.harness.trainings import Trainings
from ticketbench.methods import Method, find_methods
from ticketbench.task import Task, load_task

STEPS = 8  # of every training, and of a measured stretch


@dataclass(frozen=True)
class Subject:
    """A network, the examples of its training split, and the batch size that it is trained and scored with."""

    name: str
    data: str
    network: str
    examples: int
    batch_size: int


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
rewind_step = 1
""",
        "utf-8",
    )
    return load_task(path)


def epoch(work: Timed, subject: Subject) -> float:
    """Seconds of one epoch: the median step of a short training, times the steps of the whole training split."""
    start = work.initial(0)
    took = [work.training_alone(lambda: advance([Member(start, seed=0)], STEPS, work)).wall for _ in range(3)]
    return median(took) / STEPS * subject.examples / subject.batch_size


def score(method: Method, task: Task, work: Timed) -> tuple[float, str]:
    """A method's own seconds for one rung, and what became of it."""
    with tempfile.TemporaryDirectory() as store:
        trainings = Trainings({"default": work}, Store(Path(store), DEFAULT_LIMIT))
        job = Job(task, method, "default", 0, 1 if method.per_rung else None)
        (row,) = run_search(job, trainings)
    return row["search_seconds"] or 0.0, f"{row['status']}: {row['reason']}"


def measure(methods: Sequence[Method], subjects: Sequence[Subject], rounds: int) -> str:
    """Every method on every subject, against an epoch measured in the same round."""
    torch.set_num_threads(1)
    shares: dict[tuple[str, str], list[float]] = {}
    epochs: dict[str, list[float]] = {}
    became: dict[tuple[str, str], str] = {}
    with tempfile.TemporaryDirectory() as folder:
        for subject in subjects:
            source = SOURCES[subject.data]
            assert isinstance(source, HubSource)
            task = task_of(subject, source.shape[0], Path(folder))
            work = workload_on(task, random_data(subject.data, source, {"train": 1100, "test": 100}))
            for _ in range(rounds):
                whole = epoch(work, subject)
                epochs.setdefault(subject.name, []).append(whole)
                for method in methods:
                    took, status = score(method, task, work)
                    shares.setdefault((method.name, subject.name), []).append(took / whole)
                    became[method.name, subject.name] = status
                    print(f"{subject.name}: {method.name} {took:.2f} s ({status})", flush=True)
    return told(methods, subjects, shares, epochs, became)


def told(
    methods: Sequence[Method],
    subjects: Sequence[Subject],
    shares: dict[tuple[str, str], list[float]],
    epochs: dict[str, list[float]],
    became: dict[tuple[str, str], str],
) -> str:
    """The table: epochs of training that a method's own work takes."""

    def cell(method: str, subject: str) -> str:
        status = became[method, subject].partition(":")[0]
        return spread(shares[method, subject], 3) if status in ("done", "collapsed") else status

    rows = [(each.name, *(cell(each.name, subject.name) for subject in subjects)) for each in methods]
    said = "; ".join(
        f"{each.name} at batches of {each.batch_size}: an epoch of {each.examples:,} examples takes "
        f"{spread(epochs[each.name], 1)} s"
        for each in subjects
    )
    heading = ("own time of one rung, in epochs", *(subject.name for subject in subjects))
    return f"{machine()}\n{said}; one thread\n\n{table(heading, rows)}"


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--method", action="append", help="a name or a pattern; may be repeated (default: all)")
    parser.add_argument("--subject", action="append", choices=[each.name for each in SUBJECTS], help="default: both")
    parser.add_argument("--rounds", type=int, default=1, help="default: %(default)s")
    given = parser.parse_args()
    asked = [each for each in SUBJECTS if not given.subject or each.name in given.subject]
    print(measure(find_methods(given.method or ["*"]), asked, given.rounds))
