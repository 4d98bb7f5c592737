"""Pieces of words: one byte-pair encoding for both languages (Sennrich et al. 2016), trained by `tokenizers`.

It is a function of the sentences, of the settings below and of the version of `tokenizers`; a file in the user's
cache folder is named after the digest of all three.
"""

import hashlib
import importlib
import json
import os
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ticketbench.data import cache
from ticketbench.errors import TicketbenchError
from ticketbench.extras import install
from ticketbench.paths import cache_folder

PAD, BOS, EOS, UNK = range(4)
SPECIAL = ("<pad>", "<bos>", "<eos>", "<unk>")

_BATCH = 10_000  # sentences encoded at once
_MARK = "\u2581"  # what stands for the space before a word
_SETTINGS: dict[str, Any] = {
    "model": "BPE",
    "words": "Metaspace, then Punctuation isolated",
    "alphabet": 1000,  # characters that are pieces of their own; rarer ones are unknown
    "ties": "by code point",  # among characters that occur equally often
    "least": 2,  # how often a pair must occur to become a piece
    "special": SPECIAL,
}


@dataclass(frozen=True)
class Subwords:
    """A trained encoding: `size` pieces, the special ones among them, and the SHA-256 of its JSON."""

    tokenizer: Any
    size: int
    digest: str

    def encode(self, sentences: Sequence[str]) -> Iterator[list[int]]:
        """The pieces of one sentence after another, without begin and end."""
        for first in range(0, len(sentences), _BATCH):
            some = sentences[first : first + _BATCH]
            yield from (each.ids for each in self.tokenizer.encode_batch_fast(some, add_special_tokens=False))

    def decode(self, rows: Sequence[Sequence[int]]) -> list[str]:
        """The text that every row of pieces spells: detokenised, special pieces left out."""
        texts: list[str] = self.tokenizer.decode_batch([list(row) for row in rows], skip_special_tokens=True)
        return texts


def subwords(sentences: Iterable[str], vocabulary: int, content: str) -> Subwords:
    """The encoding of at most `vocabulary` pieces trained on these sentences, from the cache where it is there.

    `content` is the digest of what the sentences are. Few sentences may have fewer pieces than asked for. Raises
    `TicketbenchError` where `tokenizers` is not installed, or `vocabulary` is below what single characters take.
    """
    os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")  # a core a training; the pieces do not depend on it
    tokenizers = language_package("tokenizers")
    asked = {**_SETTINGS, "vocabulary": vocabulary, "content": content, "tokenizers": tokenizers.__version__}
    key = hashlib.sha256(json.dumps(asked, sort_keys=True).encode()).hexdigest()
    kept = cache_folder() / "data" / f"bpe-{key[:16]}.json"
    text = _read(kept)
    if text is None:
        text = _trained(tokenizers, sentences, vocabulary)
        cache.keep(kept, f"{_sha256(text)}\n{text}".encode(), "the byte-pair encoding", "makes it again")
    tokenizer = tokenizers.Tokenizer.from_str(text)
    return Subwords(tokenizer, tokenizer.get_vocab_size(), _sha256(text))


def language_package(name: str) -> Any:
    """A package of the extra `[language]`. Raises `TicketbenchError` where it is not installed."""
    try:
        return importlib.import_module(name)
    except ImportError as error:
        raise TicketbenchError(
            f"Tasks of translation need the package {name}, which is missing: {install('language')}"
        ) from error


def _trained(tokenizers: Any, sentences: Iterable[str], vocabulary: int) -> str:
    """A word begins with a mark that stands for the space before it, so that pieces spell a sentence exactly."""
    sentences = list(sentences)
    alphabet = _alphabet(sentences)
    least = len(SPECIAL) + len(alphabet)
    if vocabulary < least:
        raise TicketbenchError(
            f"data.vocabulary is {vocabulary:,}, expected {least:,} or more: there are {len(SPECIAL)} special "
            f"pieces, and {len(alphabet):,} characters are pieces of their own."
        )
    tokenizer = tokenizers.Tokenizer(tokenizers.models.BPE(unk_token=SPECIAL[UNK]))
    before = tokenizers.pre_tokenizers
    tokenizer.pre_tokenizer = before.Sequence([before.Metaspace(), before.Punctuation("isolated")])
    tokenizer.decoder = tokenizers.decoders.Metaspace()
    trainer = tokenizers.trainers.BpeTrainer(
        vocab_size=vocabulary,
        min_frequency=_SETTINGS["least"],
        limit_alphabet=len(alphabet),
        initial_alphabet=alphabet,
        special_tokens=list(SPECIAL),
        show_progress=False,
    )
    tokenizer.train_from_iterator(sentences, trainer)
    text: str = tokenizer.to_str()
    return text


def _alphabet(sentences: Iterable[str]) -> list[str]:
    """The characters that occur most often, of those that do so equally the first in Unicode.

    `tokenizers`, left to itself, decides among the latter at random, anew in every process.
    """
    times: Counter[str] = Counter()
    for sentence in sentences:
        times.update(f" {sentence}".replace(" ", _MARK))
    return sorted(times, key=lambda each: (-times[each], each))[: _SETTINGS["alphabet"]]


def _read(path: Path) -> str | None:
    """What is kept there, or nothing where there is no whole and true copy: its first line is the digest of the
    rest."""
    try:
        digest, text = path.read_text("utf-8").split("\n", 1)
    except (OSError, ValueError):
        return None
    return text if digest == _sha256(text) else None


def _sha256(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()
