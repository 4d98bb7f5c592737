"""Training, validation and test examples as a network sees them."""

import hashlib
import json
from dataclasses import dataclass

import PIL
import torch
from torch import Tensor

from ticketbench.data.examples import Dataset, Examples
from ticketbench.data.images import brought_to
from ticketbench.data.loading import load
from ticketbench.errors import TicketbenchError
from ticketbench.task import Images


@dataclass(frozen=True)
class Split:
    """Examples ready for a network.

    Shapes: inputs float32 (examples, channels, height, width), normalised; targets int64 (examples,).
    """

    inputs: Tensor
    targets: Tensor

    def __len__(self) -> int:
        return len(self.targets)


@dataclass(frozen=True)
class Splits:
    """What a task trains on, stops early by and is scored on.

    `classes` is the number of outputs that a network's head needs. `digest` pins the whole data set: its content, and
    where the task's `shape` changes its images, that shape and the version of Pillow, whose pixels they then are.
    """

    train: Split
    validation: Split
    test: Split
    classes: int
    digest: str

    @property
    def examples(self) -> int:
        """How many there are to train on."""
        return len(self.train)


def splits(spec: Images) -> Splits:
    """The splits of a task, or of one of its settings.

    Validation is the last `spec.validation` training examples in canonical order; then `labels` chooses among all
    three, and `part` takes one of n contiguous blocks of what is left to train on. Images are brought to
    `spec.shape`, pixels scaled to [0, 1], and (pixel - mean) / std is taken per channel. Raises `TicketbenchError`
    where the data set cannot be had, a split would be empty, or mean and std do not fit.
    """
    data = load(spec)
    kept = len(data.train) - spec.validation
    if kept < 1:
        raise TicketbenchError(
            f"{spec.title}: validation = {spec.validation:,} leaves nothing to train on; "
            f"expected less than the {len(data.train):,} training examples."
        )
    parts = {"training": data.train[:kept], "validation": data.train[kept:], "test": data.test}
    if spec.labels is not None:
        parts = _with_labels(spec, spec.labels, parts)
    parts["training"] = _block(spec, parts["training"])
    train, validation, test = (_ready(data, examples, spec) for examples in parts.values())
    classes = len(spec.labels) if spec.labels is not None and spec.relabel else data.classes
    return Splits(train, validation, test, classes, _digest(data, spec))


def _digest(data: Dataset, spec: Images) -> str:
    stored = {tuple(examples.inputs.shape[1:]) for examples in (data.train, data.test)}
    if spec.shape is None or stored == {spec.shape}:
        return data.digest
    return hashlib.sha256(json.dumps([data.digest, spec.shape, PIL.__version__]).encode()).hexdigest()


def _with_labels(spec: Images, labels: tuple[int, ...], parts: dict[str, Examples]) -> dict[str, Examples]:
    """The examples of these labels, in the order they were in; under `relabel` numbered as `labels` lists them."""
    there = sorted(set(torch.cat([each.targets for each in parts.values()]).tolist()))
    if lacking := [label for label in labels if label not in there]:
        raise TicketbenchError(
            f"{spec.title}: labels names {', '.join(map(str, lacking))}, which no example has; "
            f"there are examples of {_ranges(there)}."
        )
    wanted = torch.tensor(labels)
    found = {}
    for name, examples in parts.items():
        chosen = examples[torch.isin(examples.targets, wanted)]
        if not len(chosen):
            raise TicketbenchError(
                f"{spec.title}: labels = {list(labels)} leaves no {name} examples; "
                f"none of the {len(examples):,} has one of these labels."
            )
        if spec.relabel:
            chosen = Examples(chosen.inputs, (chosen.targets.unsqueeze(1) == wanted).int().argmax(1))
        found[name] = chosen
    return found


def _block(spec: Images, train: Examples) -> Examples:
    """The k-th of n blocks for `part = "k/n"`: block i of N examples ends before i N // n."""
    if spec.part is None:
        return train
    which, parts = map(int, spec.part.split("/"))
    block = train[(which - 1) * len(train) // parts : which * len(train) // parts]
    if not len(block):
        raise TicketbenchError(
            f'{spec.title}: part = "{spec.part}" leaves nothing to train on; '
            f"there are {len(train):,} training examples to divide."
        )
    return block


def _ranges(numbers: list[int]) -> str:
    """Ascending numbers in words: 0 to 4, 7."""
    runs: list[list[int]] = []
    for number in numbers:
        if runs and number == runs[-1][-1] + 1:
            runs[-1].append(number)
        else:
            runs.append([number])
    return ", ".join(f"{run[0]} to {run[-1]}" if len(run) > 1 else str(run[0]) for run in runs)


def _ready(data: Dataset, examples: Examples, spec: Images) -> Split:
    if spec.shape is not None:
        examples = brought_to(spec.shape, examples)
    channels = examples.inputs.shape[1]
    if len(spec.mean) != channels:
        raise TicketbenchError(
            f"{spec.title}: mean and std have length {len(spec.mean)}, "
            f"expected {channels}: a number for each channel."
        )
    mean, std = (torch.tensor(values).reshape(1, channels, 1, 1) for values in (spec.mean, spec.std))
    inputs = examples.inputs.to(torch.float32).div_(data.scale).sub_(mean).div_(std)
    return Split(inputs, examples.targets)
