"""Pairs of sentences that mean the same in two languages: read, brought to one order, pinned by their content."""

import hashlib
import json
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ticketbench.data import cache, hub
from ticketbench.data.sources import Layout
from ticketbench.errors import TicketbenchError
from ticketbench.paths import cache_folder
from ticketbench.task import Translation, TranslationName

SPLITS = ("train", "validation", "test")
Pair = tuple[str, str]
_BATCH = 1000  # pairs read at once


@dataclass(frozen=True, kw_only=True)
class PairSource(Layout):
    """A known set of pairs on the Hugging Face hub. `languages` are in alphabetical order.

    A language is a column of its own, or a key of the dictionaries in the column that `column` names. `digest` is the
    SHA-256 of its `canonical_text`; nothing where it was never at hand to be pinned.
    """

    languages: tuple[str, str]
    column: str | None = None
    digest: str | None = None


PAIR_SOURCES: dict[TranslationName, PairSource] = {
    "multi30k": PairSource(
        id="bentrevett/multi30k",
        languages=("de", "en"),
        digest="e63c2040cefe896cc74f19c26b0dfe67592d0066eede442ca9be9de8e1b8e094",
    ),
    "wmt14": PairSource(id="wmt/wmt14", config="de-en", languages=("de", "en"), column="translation"),
}


@dataclass(frozen=True)
class Pairs:
    """Every split's pairs in canonical order, each a sentence in the first and one in the second language."""

    languages: tuple[str, str]
    splits: dict[str, list[Pair]]
    digest: str

    def sentences(self, split: str, language: str) -> list[str]:
        """One language of a split."""
        side = self.languages.index(language)
        return [pair[side] for pair in self.splits[split]]


def load_pairs(spec: Translation) -> Pairs:
    """The pairs of this name, their content checked against its digest; from the cache where they are there.

    Raises `TicketbenchError` where the data set is missing, damaged or another one, or not pinned by anybody: that
    error tells the digest to write.
    """
    name = spec.name
    source = PAIR_SOURCES[name]
    if source.digest is not None and spec.digest is not None:
        raise TicketbenchError(f"{name}: its content is pinned; leave out data.digest.")
    expected = source.digest or spec.digest
    content = _cached(name, expected) if expected else None
    if content is None:
        content = _read(name, source, expected)
    return _parsed(content, source.languages)


def canonical_text(splits: dict[str, list[Pair]]) -> bytes:
    """A set of pairs as text in UTF-8, whose SHA-256 is the content digest.

    A split is a line with its name and its number of pairs, then a line a pair, both in JSON. Sentences are stripped
    and in Unicode's normal form C. Pairs are sorted by the SHA-256 of their lines, so however a copy was shuffled or
    cut into files, this is one text.
    """
    lines = []
    for split in SPLITS:
        pairs = [
            json.dumps([unicodedata.normalize("NFC", each).strip() for each in pair], ensure_ascii=False).encode()
            for pair in splits[split]
        ]
        lines.append(json.dumps([split, len(pairs)]).encode())
        lines += sorted(pairs, key=lambda line: hashlib.sha256(line).digest())
    return b"\n".join([*lines, b""])


def _parsed(content: bytes, languages: tuple[str, str]) -> Pairs:
    lines = iter(content.split(b"\n"))
    splits: dict[str, list[Pair]] = {}
    for _ in SPLITS:
        split, count = json.loads(next(lines))
        splits[split] = [(first, second) for first, second in (json.loads(next(lines)) for _ in range(count))]
    return Pairs(languages, splits, hashlib.sha256(content).hexdigest())


def _kept(name: str, digest: str) -> Path:
    return cache_folder() / "data" / f"{name}-{digest[:16]}.txt"


def _cached(name: str, digest: str) -> bytes | None:
    """The canonical text, or nothing where there is no whole and true copy."""
    try:
        content = _kept(name, digest).read_bytes()
    except OSError:
        return None
    return content if hashlib.sha256(content).hexdigest() == digest else None


def _read(name: str, source: PairSource, expected: str | None) -> bytes:
    """The canonical text of what the mirror or the hub has."""
    splits: dict[str, list[Pair]] = {}
    with hub.stored_splits(name, source, "validation") as (stored, where):
        for split in SPLITS:
            splits[split] = list(_pairs(stored[split], source, f"{name}: {where}, split {split}"))
    content = canonical_text(splits)
    digest = hashlib.sha256(content).hexdigest()
    counts = ", ".join(f"{len(splits[split]):,} {split}" for split in SPLITS)
    if expected is not None and digest != expected:
        raise TicketbenchError(
            f"{name}: what was read from {where} is not this data set: {counts} pairs, "
            f"with content digest {digest}, expected {expected}."
        )
    cache.keep(_kept(name, digest), content, f"{name}: the sentences", "reads it again")
    if expected is None:
        raise TicketbenchError(
            f"{name}: nobody has pinned these pairs yet, so you do, by their content. Read {counts} pairs from "
            f'{where}; if they are what you mean, write under data: digest = "{digest}"'
        )
    return content


def _pairs(stored: Any, source: PairSource, where: str) -> Iterator[Pair]:
    """The pairs of a split in stored order. `where` begins every error's message."""
    examples = 0
    for batch in hub.batches(stored, _BATCH, where):
        for pair in zip(*_columns(batch, source, where), strict=True):
            if not all(isinstance(sentence, str) for sentence in pair):
                raise TicketbenchError(f"{where}, example {examples}: expected two sentences, got {pair!r}.")
            examples += 1
            yield pair
    if not examples:
        raise TicketbenchError(f"{where}: holds no pairs.")


def _columns(batch: dict[str, list[Any]], source: PairSource, where: str) -> list[list[Any]]:
    """The sentences of either language."""
    wanted = source.languages if source.column is None else (source.column,)
    if not set(wanted) <= set(batch):
        raise TicketbenchError(
            f"{where}: has the columns {', '.join(sorted(batch))}; expected {' and '.join(wanted)}."
        )
    if source.column is None:
        return [batch[language] for language in source.languages]
    return [[(each or {}).get(language) for each in batch[source.column]] for language in source.languages]
