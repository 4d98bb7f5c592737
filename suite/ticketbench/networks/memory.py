"""What a network carries from one batch to the next: the hidden state of a network that reads a text in pieces.

It is no buffer: it belongs to the place in the text that a training has come to, not to the network.
"""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager

from torch import Tensor, nn

Tensors = dict[str, Tensor]


class Remembering(nn.Module):
    """A part of a network that begins a batch where it ended the one before.

    Its `forward` starts from `memory` (empty: from nothing) and leaves how it ended in `ended`, detached. It does not
    go on by itself: two passes over one batch, as some losses need, start alike.
    """

    def __init__(self) -> None:
        super().__init__()
        self.memory: Tensors = {}
        self.ended: Tensors = {}


def go_on(network: nn.Module) -> None:
    """Let the next batch begin where the latest pass ended."""
    for _, part in _parts(network):
        part.memory = part.ended


def memory_of(network: nn.Module) -> Tensors:
    """What the next batch would begin with, as `"<part>/<slot>"`."""
    return {f"{path}/{slot}": tensor for path, part in _parts(network) for slot, tensor in part.memory.items()}


def remember(network: nn.Module, memory: Mapping[str, Tensor]) -> None:
    """The inverse of `memory_of`; an empty `memory` is of a network that has read nothing."""
    for path, part in _parts(network):
        mine = {name: tensor for name, tensor in memory.items() if name.rpartition("/")[0] == path}
        device = next(part.parameters()).device
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
