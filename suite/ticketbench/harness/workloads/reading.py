"""How a text is read: training as a ring that has no end, validation and test in blocks side by side."""

from collections.abc import Iterator
from dataclasses import dataclass

import torch
from torch import Tensor

from ticketbench.data.text import RunningText
from ticketbench.harness.training.determinism import generator


@dataclass(frozen=True)
class Reading:
    """A text that is read `sequence` tokens at a time, validation and test in `streams` side by side."""

    text: RunningText
    sequence: int
    streams: int

    @property
    def digest(self) -> str:
        return self.text.digest

    @property
    def examples(self) -> int:
        """Sequences of the training text that do not overlap."""
        return len(self.text.train) // self.sequence


class Ring:
    """The training text as a ring that B columns read, each on its own part, from a place drawn for the data order.

    Of N tokens and sequences of T, column j reads at step k the T tokens from (o + j (N // B) + k T) mod N on, and is
    to say the one after each. So every batch goes on where the one before ended, through all epochs.
    """

    def __init__(self, text: Tensor, sequence: int, batch_size: int, seed: int, data_order: int):
        self._text, self._sequence = text, sequence
        self.begin = int(torch.randint(len(text), (), generator=generator("order", seed, data_order)))
        columns = torch.arange(batch_size) * (len(text) // batch_size)
        self._places = (columns[:, None] + torch.arange(sequence + 1)).to(text.device)

    def batch(self, step: int) -> tuple[Tensor, Tensor]:
        """Inputs and targets, int64 (B, T) both."""
        begin = (self.begin + step * self._sequence) % len(self._text)
        read = self._text[(self._places + begin) % len(self._text)]
        return read[:, :-1], read[:, 1:]


@dataclass(frozen=True)
class Blocks:
    """A text cut into S equal streams, each into blocks of T tokens; the k-th blocks of all streams are read at once.

    Shapes: inputs and targets int64 (blocks of a stream, S, T).
    """

    inputs: Tensor
    targets: Tensor

    def __iter__(self) -> Iterator[tuple[Tensor, Tensor]]:
        return zip(self.inputs, self.targets, strict=True)

    def __len__(self) -> int:
        """Blocks of all streams."""
        return len(self.inputs) * self.inputs.shape[1]


def blocks_of(text: Tensor, streams: int, sequence: int) -> Blocks | None:
    """As many whole blocks as every stream has, with the token that follows; nothing where that is none.

    A stream is (tokens - 1) // S long. What is left of it, and of the text, belongs to no block.
    """
    length = (len(text) - 1) // streams
    whole = length // sequence
    if not whole:
        return None
    begins = length * torch.arange(streams, device=text.device)
    places = begins[:, None] + torch.arange(whole * sequence, device=text.device)
    inputs, targets = (text[at].view(streams, whole, sequence).transpose(0, 1) for at in (places, places + 1))
    return Blocks(inputs.contiguous(), targets.contiguous())


def in_reading_order(by_time: Tensor) -> Tensor:
    """Values (blocks of a stream, S) as the blocks follow one another in the text: (all blocks,)."""
    return by_time.transpose(0, 1).flatten()


def sampled(text: Tensor, sequence: int, size: int, *purpose: str | int) -> tuple[Tensor, Tensor]:
    """`size` sequences of the ring, cut from its beginning, and what follows each token: int64 (size, T) both.

    None overlap: a function of the purpose.
    """
    drawn = torch.randperm(len(text) // sequence, generator=generator(*purpose))[:size]
    places = drawn[:, None] * sequence + torch.arange(sequence + 1)
    read = text[(places % len(text)).to(text.device)]
    return read[:, :-1], read[:, 1:]
