"""Training, validation and test examples as a network sees them."""

from dataclasses import dataclass

import torch
from torch import Tensor

from ticketbench.data.examples import Dataset, Examples
from ticketbench.data.loading import load
from ticketbench.errors import TicketbenchError
from ticketbench.task import Data


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
    """What a task trains on, stops early by and is scored on. `digest` pins the whole data set they come from."""

    train: Split
    validation: Split
    test: Split
    classes: int
    digest: str


def splits(spec: Data) -> Splits:
    """The splits of a task: validation is the last `spec.validation` training examples in canonical order.

    Pixels are scaled to [0, 1], then (pixel - mean) / std is taken per channel. Raises `TicketbenchError` where
    the data set cannot be had, validation would leave nothing to train on, or mean and std do not fit.
    """
    data = load(spec.name)
    kept = len(data.train) - spec.validation
    if kept < 1:
        raise TicketbenchError(
            f"{spec.name}: validation = {spec.validation:,} leaves nothing to train on; "
            f"expected less than the {len(data.train):,} training examples."
        )
    return Splits(
        train=_normalised(data, data.train[:kept], spec),
        validation=_normalised(data, data.train[kept:], spec),
        test=_normalised(data, data.test, spec),
        classes=data.classes,
        digest=data.digest,
    )


def _normalised(data: Dataset, examples: Examples, spec: Data) -> Split:
    channels = examples.inputs.shape[1]
    if len(spec.mean) != channels:
        raise TicketbenchError(
            f"{spec.name}: mean and std have length {len(spec.mean)}, expected {channels}: a number for each channel."
        )
    mean, std = (torch.tensor(values).reshape(1, channels, 1, 1) for values in (spec.mean, spec.std))
    inputs = examples.inputs.to(torch.float32).div_(data.scale).sub_(mean).div_(std)
    return Split(inputs, examples.targets)
