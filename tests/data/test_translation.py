"""Pairs as a network reads them: the pieces that sentences are cut into, batches of them, and what is cut off."""

import re
import sys

import pytest
import torch

from ticketbench.data.subwords import BOS, EOS, PAD, SPECIAL, UNK
from ticketbench.data.translation import load_translation
from ticketbench.errors import TicketbenchError


@pytest.fixture
def corpus(mirror, spec, by_hand):
    """`corpus(**said)`: the mirror's pairs, cut into pieces."""
    mirror.write()
    return lambda **said: load_translation(spec(digest=by_hand(mirror.pairs), **said))


def test_every_sentence_is_spelt_by_its_pieces(corpus):
    found = corpus()
    assert [found.pieces.tokenizer.token_to_id(each) for each in SPECIAL] == [PAD, BOS, EOS, UNK] == [0, 1, 2, 3]
    for part in (found.train, found.validation, found.test):
        rows = part.target.padded(torch.arange(len(part)), 20)
        known = [all(piece != UNK for piece in row) for row in rows.tolist()]
        texts = found.pieces.decode(rows.tolist())
        assert [t for t, whole in zip(texts, known, strict=True) if whole] == [
            r for r, whole in zip(part.references, known, strict=True) if whole
        ]
    assert all(UNK not in row.tolist() for row in found.train.target.padded(torch.arange(5), 20))


def test_pieces_come_from_the_training_split_of_both_languages_alone(corpus):
    """`V` and `b` stand in validation sentences only."""
    pieces = set(corpus().pieces.tokenizer.get_vocab())
    assert {"▁Hund", "▁dog"} <= pieces
    assert not {"V", "b"} & set("".join(pieces - set(SPECIAL)))
    validation = corpus().validation
    assert UNK in validation.source.flat.tolist()


def test_a_batch_by_hand(corpus):
    """Rows end with EOS and are padded to the longest of the batch; the target comes shifted behind BOS."""
    found = corpus()
    texts = {"Ein Hund läuft.": "A dog runs.", "Der Hund und die Katze.": "The dog and the cat."}
    which = torch.tensor([found.train.references.index(each) for each in texts])
    inputs, targets = found.train.batch(which)
    source = [[*found.pieces.tokenizer.encode(each).ids, EOS] for each in texts.values()]
    target = [[*found.pieces.tokenizer.encode(each).ids, EOS] for each in texts]
    length = max(map(len, source + target))
    assert length < 20  # so none is cut
    assert targets.tolist() == [row + [PAD] * (length - len(row)) for row in target]
    assert inputs[:, 0].tolist() == [row + [PAD] * (length - len(row)) for row in source]
    for row, wanted in zip(inputs[:, 1].tolist(), target, strict=True):
        assert row[: len(wanted)] == [BOS, *wanted[:-1]]
    assert (inputs.dtype, targets.dtype) == (torch.int64, torch.int64)


def test_sentences_are_cut_but_keep_their_end_mark_and_references_stay_whole(corpus):
    whole, cut = corpus(), corpus(longest=7)
    every = torch.arange(5)
    for language in ("source", "target"):
        before, after = (getattr(each.train, language).lengths(every) for each in (whole, cut))
        assert after.tolist() == before.clamp(max=7).tolist() and int(before.max()) > 7
    ends = cut.train.target.begins[1:] - 1
    assert set(cut.train.target.flat[ends].tolist()) == {EOS}
    assert cut.train.references == whole.train.references


def test_the_digest_of_a_corpus_covers_direction_pieces_and_cut(corpus):
    digests = [
        corpus(**said).digest
        for said in ({}, {"source": "de", "target": "en"}, {"vocabulary": 50}, {"longest": 19}, {"beam": 3})
    ]
    assert len(set(digests)) == 4
    assert digests[4] == digests[0]  # how it is searched is the task's, and in its own digest


@pytest.mark.parametrize(
    ("said", "complaint"),
    [
        (
            {"vocabulary": 3},
            r"data\.vocabulary is 3, expected (\d+) or more: there are 4 special pieces, and \d+ char",
        ),
        ({"longest": 1}, r"multi30k: data\.longest is 1, expected 2 or more"),
    ],
)
def test_an_encoding_too_small_to_say_anything_is_refused(corpus, said, complaint):
    with pytest.raises(TicketbenchError, match=complaint) as error:
        corpus(**said)
    if "vocabulary" in said:
        least = int(re.search(complaint, str(error.value))[1])
        with pytest.raises(TicketbenchError):
            corpus(vocabulary=least - 1)
        assert corpus(vocabulary=least).pieces.size == least
    assert corpus(longest=2).train.target.lengths(torch.arange(5)).tolist() == [2] * 5


def test_without_tokenizers_one_message_says_what_to_install(corpus, monkeypatch):
    monkeypatch.setitem(sys.modules, "tokenizers", None)
    with pytest.raises(TicketbenchError) as error:
        corpus()
    assert str(error.value) == (
        'Tasks of translation need the package tokenizers, which is missing: pip install "ticketbench[language]"'
    )
