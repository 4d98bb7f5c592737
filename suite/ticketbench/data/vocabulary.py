"""Text as numbers: what its tokens are, and which number each has."""

from collections.abc import Iterable, Sequence
from typing import Literal

import torch
from torch import Tensor

Unit = Literal["characters", "words"]
UNKNOWN = "<unk>"
END_OF_LINE = "<eos>"


def tokens(text: str, unit: Unit) -> list[str]:
    """A text in pieces: its characters, newlines among them, or its words.

    Words are what white space separates; every line, an empty one too, ends with `END_OF_LINE`, as where word-level
    perplexities of WikiText are published.
    """
    if unit == "characters":
        return list(text)
    return [word for line in text.removesuffix("\n").split("\n") for word in (*line.split(), END_OF_LINE)]


def vocabulary(train: Iterable[str], *others: Iterable[str]) -> tuple[str, ...]:
    """Every token of the training split once, by code points.

    `UNKNOWN` follows as the last, never trained, where other splits have a token that the training split lacks; a
    training split that has it itself, as WikiText does, needs no second one.
    """
    seen = set(train)
    unseen = any(not seen.issuperset(other) for other in others)
    return (*sorted(seen), *([UNKNOWN] if unseen and UNKNOWN not in seen else []))


def numbered(pieces: Sequence[str], known: Sequence[str]) -> Tensor:
    """The place of every token in the vocabulary, that of `UNKNOWN` for those it lacks: int64 (tokens,)."""
    number = {token: place for place, token in enumerate(known)}
    other = number.get(UNKNOWN, -1)
    return torch.tensor([number.get(piece, other) for piece in pieces], dtype=torch.int64)
