"""What the benchmarks train: a task on its data or on random examples, and a network half down its ladder."""

from collections.abc import Callable, Mapping
from typing import Any, TypeVar
from unittest import mock

import torch
from measuring import Seconds, now

from ticketbench import keep_largest
from ticketbench.data import Dataset, Examples, load, split
from ticketbench.data.sources import SOURCES, HubSource, Source
from ticketbench.errors import TicketbenchError
from ticketbench.harness.bench import ladder_of
from ticketbench.harness.training import Evaluation
from ticketbench.harness.workloads.vision import Vision
from ticketbench.methods.state import State, derive
from ticketbench.task import Task, find_tasks

T = TypeVar("T", bound="Timed")
_SIZES = {"train": 60_000, "test": 10_000}


class Timed(Vision):
    """A workload that knows what its evaluations took, so that they can be told apart from training."""

    evaluations = 0
    evaluating = Seconds(0.0, 0.0)

    def evaluate(self, network: torch.nn.Module) -> Evaluation:
        self.wait()
        began = now()
        scored = super().evaluate(network)
        self.wait()
        took = now() - began
        self.evaluations += 1
        self.evaluating = Seconds(self.evaluating.cpu + took.cpu, self.evaluating.wall + took.wall)
        return scored

    def wait(self) -> None:
        """Until the device has done what it was given."""
        if self.device.type == "cuda":
            torch.cuda.synchronize(self.device)

    def training_alone(self, work: Callable[[], object]) -> Seconds:
        """What this took, its evaluations taken off."""
        self.wait()
        before, began = self.evaluating, now()
        work()
        self.wait()
        return now() - began - (self.evaluating - before)


def find_data(task: Task, synthetic: bool) -> tuple[Dataset, str]:
    """The task's data set and what it is in words: where it is missing, random examples of its shape."""
    if not synthetic:
        try:
            return load(task.data.name), task.data.name
        except TicketbenchError as error:
            print(f"{error}\nRandom examples of its shape stand in: time depends on nothing else of them.\n")
    source = SOURCES[task.data.name]
    if not isinstance(source, HubSource):
        return load(task.data.name), task.data.name
    return random_data(task.data.name, source, _SIZES), f"random examples of the shape of {task.data.name}"


def random_data(name: str, source: Source, sizes: Mapping[str, int]) -> Dataset:
    """So many random training and test examples of a data set's shape."""
    drawn = torch.Generator().manual_seed(0)

    def examples(count: int) -> Examples:
        pixels = torch.randint(0, 256, (count, *source.shape), dtype=torch.uint8, generator=drawn)
        return Examples(pixels, torch.randint(0, source.classes, (count,), generator=drawn))

    parts = {part: examples(size) for part, size in sizes.items()}
    return Dataset(name, **parts, classes=source.classes, scale=source.scale, digest="0" * 64)


def workload(name: str, data: Dataset, device: str = "cpu", **training: Any) -> Timed:
    """The workload of a task on this data, with other values in its training part where given."""
    (task,) = find_tasks(name)
    changed = task.model_copy(update={"training": task.training.model_copy(update=training)})
    return workload_on(changed, data, device)


def workload_on(task: Task, data: Dataset, device: str = "cpu", kind: type[T] = Timed) -> T:
    """The workload of a task as it is, on this data."""
    with mock.patch.object(split, "load", lambda _: data):
        return kind(task, torch.device(device))


def pruned(work: Vision) -> State:
    """Initial weights of seed 0 under the mask of the middle rung: the largest weights of every layer."""
    initial = work.initial(0)
    ladder = ladder_of(work.task, work)
    scores = {name: initial.weights[name].abs() for name in work.prunable}
    return derive(initial, mask=keep_largest(scores, ladder[len(ladder) // 2]))
