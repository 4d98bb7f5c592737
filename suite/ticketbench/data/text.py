"""Running text: read in its own order, checked against its content digest, and made into tokens."""

import hashlib
from dataclasses import dataclass
from typing import Any

from torch import Tensor

from ticketbench.data import hub
from ticketbench.data.sources import Layout
from ticketbench.data.vocabulary import Unit, numbered, tokens, vocabulary
from ticketbench.errors import TicketbenchError
from ticketbench.task import Text, TextName

SPLITS = ("train", "validation", "test")
_BATCH = 1000  # rows read at once


@dataclass(frozen=True, kw_only=True)
class TextSource(Layout):
    """A text that lies on the Hugging Face hub; `text` is its column.

    `digest` is the `text_digest` that it must have, nothing where it was never at hand to be pinned. `cut` says that
    its splits are one text which copies cut at other places: it is joined, and cut anew at 90 and 95 % of its
    characters.
    """

    text: str = "text"
    unit: Unit
    digest: str | None = None
    cut: bool = False


TEXTS: dict[TextName, TextSource] = {
    # The three splits joined are char-rnn's input.txt, byte for byte (SHA-256 86c4e6aa...dc565ed).
    "tiny-shakespeare": TextSource(
        id="karpathy/tiny_shakespeare",
        unit="characters",
        cut=True,
        digest="ca252c316c9f3bb73cd12675204ce2f9c809b747e968c3cacbaaef10b7616edf",
    ),
    # The tokenised one, whose rare words are <unk>: published word-level perplexities are of it.
    "wikitext-2": TextSource(id="Salesforce/wikitext", config="wikitext-2-v1", unit="words"),
}


@dataclass(frozen=True)
class RunningText:
    """A text as numbers of its vocabulary, which is the training split's.

    Shapes: train, validation and test int64 (tokens,), in reading order.
    """

    name: str
    train: Tensor
    validation: Tensor
    test: Tensor
    vocabulary: tuple[str, ...]
    digest: str


def running_text(spec: Text) -> RunningText:
    """The text that a task's `data` names, its content checked against its digest.

    Raises `TicketbenchError` where the text is missing, damaged or another one, or nobody has pinned it: that error
    tells the digest to write.
    """
    source = TEXTS[spec.name]
    if source.digest is not None and spec.digest is not None:
        raise TicketbenchError(f"{spec.name}: its content is pinned; leave out data.digest.")
    texts, where = _read(spec.name, source)
    pieces = {split: tokens(text, source.unit) for split, text in texts.items()}
    known = vocabulary(*pieces.values())
    digest, expected = text_digest(texts), source.digest or spec.digest
    if digest != expected:
        counts = ", ".join(f"{len(pieces[split]):,} {split}" for split in SPLITS)
        read = f"{counts} tokens ({source.unit}), {len(known):,} different ones"
        raise TicketbenchError(
            f"{spec.name}: what was read from {where} is not this text: {read}, "
            f"with content digest {digest}, expected {expected}."
            if expected is not None
            else f"{spec.name}: nobody has pinned this text yet, so you do, by its content. Read {read}; "
            f'if they are what you mean, write under data: digest = "{digest}"'
        )
    numbers = {split: numbered(pieces[split], known) for split in SPLITS}
    return RunningText(spec.name, **numbers, vocabulary=known, digest=digest)


def text_digest(texts: dict[str, str]) -> str:
    """SHA-256 over each split's name, length in bytes and text in UTF-8, as 64 hex digits."""
    digest = hashlib.sha256()
    for split in SPLITS:
        content = texts[split].encode()
        digest.update(f"{split} {len(content)}\n".encode())
        digest.update(content)
    return digest.hexdigest()


def _read(name: str, source: TextSource) -> tuple[dict[str, str], str]:
    """The text of each split, and where it was read from, in words."""
    with hub.stored_splits(name, source, "validation") as (stored, where):
        texts = {split: _joined(stored[split], source.text, f"{name}: {where}, split {split}") for split in SPLITS}
    if source.cut:
        whole = "".join(texts.values()) + "\n"
        first = int(0.9 * len(whole))  # both as the hub's own script has them
        second = first + int(0.5 * (len(whole) - first))
        return {"train": whole[:first], "validation": whole[first:second], "test": whole[second:]}, where
    return {split: text + "\n" for split, text in texts.items()}, where


def _joined(rows: Any, column: str, where: str) -> str:
    """The rows of a split as one text: joined with newlines, each without the one it may end with.

    So a text in rows of one line, of one line with its newline, and in one row whole comes to the same. Newlines of
    other systems become `\\n`; nothing else is changed: counts of published vocabularies are of words as they are.
    """
    lines: list[str] = []
    for batch in hub.batches(rows, _BATCH, where):
        if column not in batch:
            raise TicketbenchError(f"{where}: has the columns {', '.join(sorted(batch))}; expected {column}.")
        for row in batch[column]:
            if not isinstance(row, str):
                raise TicketbenchError(f"{where}, row {len(lines)}: its {column} is {row!r}, expected text.")
            lines.append(row.replace("\r\n", "\n").replace("\r", "\n").removesuffix("\n"))
    text = "\n".join(lines)
    if not text.strip():
        raise TicketbenchError(f"{where}: there is no text.")
    return text
