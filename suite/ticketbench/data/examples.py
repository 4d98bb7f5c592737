"""Examples as tensors, in an order that depends on nothing but their content."""

import hashlib
from dataclasses import dataclass
from typing import Self

import numpy as np
import torch
from torch import Tensor


@dataclass(frozen=True)
class Examples:
    """One split.

    Shapes: inputs uint8 (examples, channels, height, width), as decoded; targets int64 (examples,).
    """

    inputs: Tensor
    targets: Tensor

    def __len__(self) -> int:
        return len(self.targets)

    def __getitem__(self, which: slice | Tensor) -> Self:
        return type(self)(self.inputs[which], self.targets[which])


@dataclass(frozen=True)
class Content:
    """A data set's examples, and of how many classes they are."""

    train: Examples
    test: Examples
    classes: int


@dataclass(frozen=True)
class Dataset:
    """A data set, each split in canonical order.

    `scale` is the pixel value that stands for 1. `digest` is `content_digest(train, test)`, and for a data set of a
    person's own, whose number of classes is pinned by nothing else, `content_digest(train, test, classes)`.
    """

    name: str
    train: Examples
    test: Examples
    classes: int
    scale: int
    digest: str


def canonical(examples: Examples) -> Examples:
    """The same examples sorted by the SHA-256 of each one's shape, pixels and target.

    However a copy of the data set was shuffled or cut into files, this is one order; and since a digest has
    nothing to do with what an image shows, the last n examples are a fair draw.
    """
    shape = "x".join(map(str, examples.inputs.shape[1:])).encode()
    pixels = examples.inputs.contiguous().numpy()
    targets = _little_endian(examples.targets)
    keys = [
        hashlib.sha256(b"%b %b %b" % (shape, x.data, y.data)).digest() for x, y in zip(pixels, targets, strict=True)
    ]
    return examples[torch.tensor(sorted(range(len(keys)), key=keys.__getitem__), dtype=torch.int64)]


def content_digest(train: Examples, test: Examples, classes: int | None = None) -> str:
    """SHA-256 over types, shapes and values of both splits in the order they are in, as 64 hex digits.

    The number of classes is part of it where it is given.
    """
    digest = hashlib.sha256()
    if classes is not None:
        digest.update(f"classes {classes}\n".encode())
    for split, examples in (("train", train), ("test", test)):
        for part, tensor in (("inputs", examples.inputs), ("targets", examples.targets)):
            array = _little_endian(tensor)
            digest.update(f"{split} {part} {array.dtype.str} {array.shape}\n".encode())
            digest.update(array.data)
    return digest.hexdigest()


def _little_endian(tensor: Tensor) -> np.ndarray:
    array = tensor.contiguous().numpy()
    return array.astype(array.dtype.newbyteorder("<"), copy=False)
