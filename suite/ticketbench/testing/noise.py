"""Noise in the place of held-out examples."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from functools import wraps
from typing import Any
from unittest.mock import patch

import torch
from torch import Tensor

from ticketbench import data
from ticketbench.data import Split, Splits, loading


def without_held_out(found: Splits) -> Splits:
    """The splits with noise for validation and test examples: pixels of the images mixed, labels dealt anew."""
    mixing = torch.Generator().manual_seed(0)
    validation, test = (Split(*_mixed(each.inputs, each.targets, mixing)) for each in (found.validation, found.test))
    return Splits(found.train, validation, test, found.classes, found.digest)


@contextmanager
def noise_for_all() -> Iterator[None]:
    """Whoever loads a data set in this process meanwhile finds noise for its test examples, and in splits of it.

    What was loaded before stays as it was.
    """

    def with_noise(function: Any) -> Any:
        @wraps(function)
        def noisy(*arguments: Any, **named: Any) -> Any:
            content = function(*arguments, **named)
            if content is None:
                return None
            test = content.test
            mixed = _mixed(test.inputs, test.targets, torch.Generator().manual_seed(0))
            return replace(content, test=type(test)(*mixed))

        return noisy

    real = data.splits

    @wraps(real)
    def noisy_splits(*arguments: Any, **named: Any) -> Splits:
        return without_held_out(real(*arguments, **named))

    with (
        patch.object(loading, "_cached", with_noise(loading._cached)),
        patch.object(loading, "_read", with_noise(loading._read)),
        patch.object(data, "splits", noisy_splits),
    ):
        yield


def _mixed(inputs: Tensor, targets: Tensor, mixing: torch.Generator) -> tuple[Tensor, Tensor]:
    flat = inputs.flatten(1)
    pixels = torch.randperm(flat.shape[1], generator=mixing)
    dealt = torch.randperm(len(targets), generator=mixing)
    return flat[:, pixels].view_as(inputs).contiguous(), targets[dealt]
