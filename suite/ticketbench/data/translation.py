"""Sentence pairs as a network sees them: cut into the pieces that both languages share, and padded in batches."""

import hashlib
import json
from array import array
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Self

import torch
from torch import Tensor

from ticketbench.data.pairs import SPLITS, Pairs, load_pairs
from ticketbench.data.subwords import BOS, EOS, PAD, Subwords, subwords
from ticketbench.errors import TicketbenchError, unknown
from ticketbench.task import Translation


@dataclass(frozen=True)
class Rows:
    """Rows of pieces of many lengths, one after another: `flat` int32, and where each begins, int64 (rows + 1)."""

    flat: Tensor
    begins: Tensor

    @classmethod
    def of(cls, rows: Iterable[Sequence[int]]) -> Self:
        """The same rows as tensors."""
        flat, begins = array("i"), array("q", [0])
        for row in rows:
            flat.extend(row)
            begins.append(len(flat))
        return cls(torch.frombuffer(flat, dtype=torch.int32), torch.frombuffer(begins, dtype=torch.int64))

    def lengths(self, which: Tensor) -> Tensor:
        """int64 (rows,)."""
        return self.begins[which + 1] - self.begins[which]

    def padded(self, which: Tensor, length: int) -> Tensor:
        """These rows, int64 (rows, length): padded with `PAD`. None of them may be longer."""
        places = torch.arange(length)
        inside = places < self.lengths(which).unsqueeze(1)
        found = self.flat[(self.begins[which].unsqueeze(1) + places).clamp(max=len(self.flat) - 1)]
        return torch.where(inside, found, PAD).long()


@dataclass(frozen=True)
class Sentences:
    """A split as a network sees it. Every row of either language ends with `EOS`.

    `references` are the target sentences, whole and as text.
    """

    source: Rows
    target: Rows
    references: list[str]

    def __len__(self) -> int:
        return len(self.references)

    def batch(self, which: Tensor) -> tuple[Tensor, Tensor]:
        """Inputs int64 (B, 2, L): source, and target shifted right behind `BOS`; targets int64 (B, L).

        L is the longest row among them: how far a batch is padded depends on nothing but the batch.
        """
        length = int(torch.maximum(self.source.lengths(which), self.target.lengths(which)).max())
        targets = self.target.padded(which, length)
        shifted = torch.cat([torch.full((len(which), 1), BOS), targets[:, :-1]], 1)
        return torch.stack([self.source.padded(which, length), shifted], 1), targets


@dataclass(frozen=True)
class Corpus:
    """What a task of translation learns from and is scored on. `digest` pins pairs, direction, pieces and cut."""

    train: Sentences
    validation: Sentences
    test: Sentences
    pieces: Subwords
    digest: str

    @property
    def examples(self) -> int:
        """How many pairs there are to train on."""
        return len(self.train)


def load_translation(spec: Translation) -> Corpus:
    """The pairs that a task names, cut into the pieces that both languages of its training split share.

    Raises `TicketbenchError` as `load_pairs` and `subwords` do, where a language is not the data set's, or where
    sentences are cut to nothing.
    """
    if spec.longest < 2:
        raise TicketbenchError(
            f"{spec.name}: data.longest is {spec.longest}, expected 2 or more: the last piece of every sentence "
            "is its end mark."
        )
    pairs = load_pairs(spec)
    for key, language in (("source", spec.source), ("target", spec.target)):
        if language not in pairs.languages:
            raise unknown(f"language in data.{key} of {spec.name}", language, pairs.languages)
    if spec.source == spec.target:
        raise TicketbenchError(f"{spec.name}: data.source and data.target are both {spec.source}; expected two.")
    text = (sentence for pair in pairs.splits["train"] for sentence in pair)
    pieces = subwords(text, spec.vocabulary, pairs.digest)
    parts = {name: _cut(pairs, name, spec, pieces) for name in SPLITS}
    said = [pairs.digest, spec.source, spec.target, spec.longest, pieces.digest]
    return Corpus(**parts, pieces=pieces, digest=hashlib.sha256(json.dumps(said).encode()).hexdigest())


def _cut(pairs: Pairs, split: str, spec: Translation, pieces: Subwords) -> Sentences:
    """A split in pieces, each sentence cut to `spec.longest` of them, its end mark included."""
    source, target = (
        Rows.of([*row[: spec.longest - 1], EOS] for row in pieces.encode(pairs.sentences(split, language)))
        for language in (spec.source, spec.target)
    )
    return Sentences(source, target, pairs.sentences(split, spec.target))
