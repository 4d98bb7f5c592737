"""What a network carries from one batch to the next: the hidden state of a network that reads a text in pieces.

It is no buffer: it belongs to the place in the text that a training has come to, not to the network.
"""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from itertools import chain
from typing import Any

import torch
from torch import Tensor, nn

Tensors = dict[str, Tensor]


class NotRead(Exception):
    """A step had no pass that the next one could go on from."""


class Remembering(nn.Module):
    """A part of a network that begins a batch where it ended the one before.

    Its `forward` starts from `memory` (empty: from nothing) and leaves how it ended in `ended`, detached; both are
    dicts of tensors by names without a slash. It keeps nothing of what it has read anywhere else. It does not go on
    by itself: all passes over one batch, of which some losses need several, start alike.
    """

    def __init__(self) -> None:
        super().__init__()
        self.memory: Tensors = {}
        self.ended: Tensors = {}


@contextmanager
def one_step(network: nn.Module, shape: tuple[int, ...]) -> Iterator[None]:
    """All passes of a training's step over a batch of this shape; the next step goes on from one of them.

    From the first with gradients over inputs of that shape: the one that learns. What passes without gradients leave,
    as those of a teacher with other weights, is forgotten. Raises `NotRead` at the end where there was none, as where
    a loss reads a part of the batch.
    """
    parts = [part for _, part in _parts(network)]
    first: list[Tensors] = []

    def note(module: nn.Module, inputs: tuple[Any, ...], _: Any) -> None:
        whole = bool(inputs) and isinstance(inputs[0], Tensor) and tuple(inputs[0].shape) == shape
        if module is network and whole and torch.is_grad_enabled() and not first:
            first.extend(dict(part.ended) for part in parts)

    if not parts:
        yield
        return
    hook = network.register_forward_hook(note)
    try:
        yield
    finally:
        hook.remove()
    if not first:
        raise NotRead(
            f"no pass with gradients over the whole batch, inputs of shape {shape}, which the network "
            "is to read on from"
        )
    for part, ended in zip(parts, first, strict=True):
        part.memory = ended


def remembers(network: nn.Module) -> bool:
    """Whether any part of it carries something from batch to batch."""
    return any(True for _ in _parts(network))


def go_on(network: nn.Module) -> None:
    """Let the next batch begin where the latest pass ended."""
    for _, part in _parts(network):
        part.memory = dict(part.ended)


def memory_of(network: nn.Module) -> Tensors:
    """What the next batch would begin with, as `"<part>/<slot>"`."""
    return {f"{path}/{slot}": tensor for path, part in _parts(network) for slot, tensor in part.memory.items()}


def remember(network: nn.Module, memory: Mapping[str, Tensor]) -> None:
    """The inverse of `memory_of`; an empty `memory` is of a network that has read nothing."""
    for path, part in _parts(network):
        mine = {name: tensor for name, tensor in memory.items() if name.rpartition("/")[0] == path}
        lies = next(chain(part.parameters(), part.buffers(), network.parameters(), network.buffers()), None)
        device = None if lies is None else lies.device
        part.memory = {name.rpartition("/")[2]: tensor.to(device, copy=True) for name, tensor in mine.items()}
        part.ended = {}


@contextmanager
def apart(network: nn.Module) -> Iterator[None]:
    """Read something else, from nothing, and go on afterwards where the network was."""
    before = [(part, part.memory, part.ended) for _, part in _parts(network)]
    remember(network, {})
    try:
        yield
    finally:
        for part, memory, ended in before:
            part.memory, part.ended = memory, ended


def _parts(network: nn.Module) -> Iterator[tuple[str, Remembering]]:
    for path, module in network.named_modules():
        if isinstance(module, Remembering):
            yield path, module
