"""Sentence pairs in the hub's own layout, their canonical order and digest, and the pieces they are cut into."""

import hashlib
import json
import os
import re
import subprocess
import sys
import unicodedata
from dataclasses import replace
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import torch

from ticketbench.data.pairs import PAIR_SOURCES, load_pairs
from ticketbench.data.subwords import BOS, EOS, PAD, SPECIAL, UNK
from ticketbench.data.translation import load_translation
from ticketbench.errors import TicketbenchError
from ticketbench.task import Translation

PAIRS = {
    "train": [
        ("Ein Hund läuft.", "A dog runs."),
        ("Eine Katze schläft.", "A cat sleeps."),
        ("Ein Hund schläft.", "A dog sleeps."),
        ("Eine Katze läuft.", "A cat runs."),
        ("Der Hund und die Katze.", "The dog and the cat."),
    ],
    "validation": [("Ein Vogel singt.", "A bird sings."), ("Ein Hund singt.", "A dog sings.")],
    "test": [("Die Katze singt.", "The cat sings.")],
}

MULTI30K_README = """---
configs:
- config_name: default
  data_files:
  - split: train
    path: train.jsonl
  - split: validation
    path: val.jsonl
  - split: test
    path: test.jsonl
---
"""

WMT14_README = """---
configs:
- config_name: de-en
  data_files:
  - split: train
    path: de-en/train-*
  - split: validation
    path: de-en/validation-*
  - split: test
    path: de-en/test-*
---
"""


def write_multi30k(root, splits):
    folder = root / "bentrevett" / "multi30k"
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "README.md").write_text(MULTI30K_README)
    for split, file in (("train", "train"), ("validation", "val"), ("test", "test")):
        lines = [json.dumps({"en": english, "de": german}, ensure_ascii=False) for german, english in splits[split]]
        (folder / f"{file}.jsonl").write_text("".join(line + "\n" for line in lines), "utf-8")
    return folder


def write_wmt14(root, splits):
    folder = root / "wmt" / "wmt14"
    (folder / "de-en").mkdir(parents=True, exist_ok=True)
    (folder / "README.md").write_text(WMT14_README)
    features = {"translation": {"languages": ["de", "en"], "_type": "Translation"}}
    schema = pa.schema(
        [("translation", pa.struct([("de", pa.string()), ("en", pa.string())]))],
        metadata={"huggingface": json.dumps({"info": {"features": features}})},
    )
    for split, pairs in splits.items():
        shards = 3 if split == "train" else 1
        for shard in range(shards):
            rows = [{"de": german, "en": english} for german, english in pairs[shard::shards]]
            table = pa.table({"translation": rows}, schema=schema)
            pq.write_table(table, folder / "de-en" / f"{split}-{shard:05d}-of-{shards:05d}.parquet")
    return folder


WRITE = {"multi30k": write_multi30k, "wmt14": write_wmt14}


@pytest.fixture
def root(tmp_path, monkeypatch):
    """An empty mirror and an empty cache; nothing is pinned."""
    root = tmp_path / "mirror"
    root.mkdir()
    monkeypatch.setenv("TICKETBENCH_DATA", str(root))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    for name, source in PAIR_SOURCES.items():
        monkeypatch.setitem(PAIR_SOURCES, name, replace(source, digest=None))
    return root


def spec(name="multi30k", **said):
    said = {"source": "en", "target": "de", "vocabulary": 60, "longest": 20, "beam": 2} | said
    return Translation(kind="translation", name=name, **said)


def told(name="multi30k") -> str:
    """The digest that the error of a set that is not pinned says to write."""
    with pytest.raises(TicketbenchError, match=r'write under data: digest = "') as error:
        load_pairs(spec(name))
    assert "5 train, 2 validation, 1 test pairs" in str(error.value)
    return str(error.value).split('"')[1]


def by_hand(splits) -> str:
    """The content digest as the documentation defines it."""
    text = ""
    for split in ("train", "validation", "test"):
        lines = [json.dumps(list(pair), ensure_ascii=False) for pair in splits[split]]
        text += json.dumps([split, len(lines)]) + "\n"
        text += "".join(line + "\n" for line in sorted(lines, key=lambda s: hashlib.sha256(s.encode()).digest()))
    return hashlib.sha256(text.encode()).hexdigest()


@pytest.mark.parametrize("name", WRITE)
def test_pairs_in_the_hubs_layout_are_pinned_by_the_digest_that_the_error_tells(root, name):
    WRITE[name](root, PAIRS)
    digest = told(name)
    assert digest == by_hand(PAIRS)
    pairs = load_pairs(spec(name, digest=digest))
    assert pairs.digest == digest
    for split, expected in PAIRS.items():
        assert sorted(pairs.splits[split]) == sorted(expected)
        assert pairs.sentences(split, "en") == [english for _, english in pairs.splits[split]]
        lines = [json.dumps(list(pair), ensure_ascii=False).encode() for pair in pairs.splits[split]]
        assert lines == sorted(lines, key=lambda line: hashlib.sha256(line).digest())
    found = load_translation(spec(name, digest=digest))
    assert (found.examples, found.validation.references) == (5, pairs.sentences("validation", "de"))


def test_order_and_shards_and_spaces_and_composition_of_a_copy_change_nothing(root):
    write_wmt14(root, PAIRS)
    digest = told("wmt14")
    other = {split: list(reversed(pairs)) for split, pairs in PAIRS.items()}
    other["train"] = [(unicodedata.normalize("NFD", de) + "  ", f"\t{en}") for de, en in other["train"]]
    assert other["train"][0][0] != PAIRS["train"][-1][0]
    write_wmt14(root, other)
    assert told("wmt14") == digest
    write_multi30k(root, PAIRS)
    assert told("multi30k") == digest


def test_other_content_is_refused(root):
    write_multi30k(root, PAIRS)
    digest = told()
    write_multi30k(root, PAIRS | {"test": [("Die Katze sang.", "The cat sang.")]})
    (cached,) = root.parent.glob("cache/**/multi30k-*.txt")
    cached.unlink()
    with pytest.raises(TicketbenchError, match="is not this data set: 5 train, .* expected " + digest):
        load_pairs(spec(digest=digest))


def test_pairs_are_kept_and_a_damaged_copy_is_never_used(root):
    folder = write_multi30k(root, PAIRS)
    digest = told()
    first = load_pairs(spec(digest=digest))
    stored = (folder / "test.jsonl").read_text()
    (folder / "test.jsonl").unlink()
    assert load_pairs(spec(digest=digest)) == first
    (cached,) = root.parent.glob("cache/**/multi30k-*.txt")
    cached.write_bytes(cached.read_bytes().replace(b"singt", b"sang."))
    (folder / "test.jsonl").write_text(stored)
    assert load_pairs(spec(digest=digest)) == first


def test_a_folder_that_cannot_be_written_costs_only_time(root, caplog):
    write_multi30k(root, PAIRS)
    digest = told()
    cached = next(root.parent.glob("cache/**/multi30k-*.txt")).parent
    for file in cached.iterdir():
        file.unlink()
    cached.rmdir()
    cached.write_text("a file where the folder should be")
    assert len(load_translation(spec(digest=digest)).train) == 5
    assert "could not be kept" in caplog.text


@pytest.mark.parametrize(
    ("name", "damage", "complaint"),
    [
        ("multi30k", lambda f: (f / "val.jsonl").unlink(), "multi30k: .* cannot be read as bentrevett/multi30k"),
        (
            "multi30k",
            lambda f: (f / "README.md").write_text(MULTI30K_README.replace("split: validation", "split: dev")),
            "lacks the split validation; it has dev, test, train, expected train and validation and test",
        ),
        (
            "multi30k",
            lambda f: (f / "test.jsonl").write_text('{"en": "A", "fr": "Un"}\n'),
            "split test: (has the columns en, fr; expected de and en|cannot be read)",
        ),
        (
            "multi30k",
            lambda f: (f / "test.jsonl").write_text('{"en": "A", "de": null}\n'),
            "split test, example 0: expected two sentences, got .None, 'A'.",
        ),
        ("multi30k", lambda f: (f / "test.jsonl").write_text(""), "split test"),
        ("multi30k", lambda f: (f / "test.jsonl").write_text("no JSON"), "split test: cannot be read: "),
        (
            "wmt14",
            lambda f: [p.write_bytes(p.read_bytes()[:50]) for p in (f / "de-en").glob("test-*")],
            "wmt14: .*wmt14.* cannot be read",
        ),
        (
            "wmt14",
            lambda f: (f / "README.md").write_text(WMT14_README.replace("config_name: de-en", "config_name: fr-en")),
            "cannot be read as configuration de-en of wmt/wmt14",
        ),
        (
            "wmt14",
            lambda f: pq.write_table(
                pa.table({"pair": [{"de": "A", "en": "B"}]}), next((f / "de-en").glob("test-*"))
            ),
            "split test: (has the columns pair; expected translation|cannot be read)",
        ),
    ],
)
def test_what_is_wrong_with_a_mirror_is_one_message(root, capfd, name, damage, complaint):
    damage(WRITE[name](root, PAIRS))
    with pytest.raises(TicketbenchError, match=complaint) as error:
        load_pairs(spec(name))
    assert str(error.value).startswith(f"{name}: ")
    assert "Traceback" not in str(error.value)
    assert capfd.readouterr().err == ""


def test_names_and_languages_that_there_are_not(root):
    write_multi30k(root, PAIRS)
    digest = told()
    with pytest.raises(
        TicketbenchError, match=r"Unknown set of sentence pairs 'multi30'\. Did you mean 'multi30k'\?"
    ):
        load_translation(spec("multi30"))
    with pytest.raises(TicketbenchError, match=r"Unknown language in data.target of multi30k 'fr'.* Known: de, en"):
        load_translation(spec(target="fr", digest=digest))
    with pytest.raises(TicketbenchError, match=r"data\.source and data\.target are both de"):
        load_translation(spec(source="de", digest=digest))


def test_a_pinned_set_takes_no_digest_of_a_tasks_own(root, monkeypatch):
    monkeypatch.setitem(PAIR_SOURCES, "multi30k", replace(PAIR_SOURCES["multi30k"], digest="a" * 64))
    with pytest.raises(TicketbenchError, match="multi30k: its content is pinned; leave out"):
        load_pairs(spec(digest="b" * 64))


def corpus(root, **said):
    write_multi30k(root, PAIRS)
    return load_translation(spec(digest=by_hand(PAIRS), **said))


def test_every_sentence_is_spelt_by_its_pieces(root):
    found = corpus(root)
    assert [found.pieces.tokenizer.token_to_id(each) for each in SPECIAL] == [PAD, BOS, EOS, UNK] == [0, 1, 2, 3]
    for part in (found.train, found.validation, found.test):
        rows = part.target.padded(torch.arange(len(part)), 20)
        known = [all(piece != UNK for piece in row) for row in rows.tolist()]
        texts = found.pieces.decode(rows.tolist())
        assert [t for t, whole in zip(texts, known, strict=True) if whole] == [
            r for r, whole in zip(part.references, known, strict=True) if whole
        ]
    assert all(UNK not in row.tolist() for row in found.train.target.padded(torch.arange(5), 20))


def test_pieces_come_from_the_training_split_of_both_languages_alone(root):
    """`V` and `b` stand in validation sentences only."""
    pieces = set(corpus(root).pieces.tokenizer.get_vocab())
    assert {"▁Hund", "▁dog"} <= pieces
    assert not {"V", "b"} & set("".join(pieces - set(SPECIAL)))
    validation = load_translation(spec(digest=by_hand(PAIRS))).validation
    assert UNK in validation.source.flat.tolist()


def test_a_batch_by_hand(root):
    """Rows end with EOS and are padded to the longest of the batch; the target comes shifted behind BOS."""
    found = corpus(root)
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


def test_sentences_are_cut_with_their_end_and_counted_but_references_stay_whole(root):
    whole, cut = corpus(root), corpus(root, longest=7)
    every = torch.arange(5)
    lengths = [*whole.train.source.lengths(every).tolist(), *whole.train.target.lengths(every).tolist()]
    assert (whole.train.cut, cut.train.cut) == (0, sum(length > 7 for length in lengths))
    assert 0 < cut.train.cut < len(lengths)
    assert max(cut.train.source.lengths(every).max(), cut.train.target.lengths(every).max()) == 7
    ends = cut.train.target.begins[1:] - 1
    assert set(cut.train.target.flat[ends].tolist()) == {EOS}
    assert cut.train.references == whole.train.references


def test_the_digest_of_a_corpus_covers_direction_pieces_and_cut(root):
    digests = [
        corpus(root, **said).digest
        for said in ({}, {"source": "de", "target": "en"}, {"vocabulary": 50}, {"longest": 19}, {"beam": 3})
    ]
    assert len(set(digests)) == 4
    assert digests[4] == digests[0]  # how it is searched is the task's, and in its own digest


LEAVE_EARLY = """
import multiprocessing, os, sys
from ticketbench.data.pairs import load_pairs
from ticketbench.task import Translation
multiprocessing.set_start_method("spawn")
spec = dict(source="en", target="de", vocabulary=60, longest=20, beam=2, digest=sys.argv[1])
print(len(load_pairs(Translation(kind="translation", name="wmt14", **spec)).splits["train"]), flush=True)
os._exit(0)
"""


def test_nothing_of_the_system_s_is_held_after_reading_where_a_process_ends_early(root):
    """As one does that is told to stop. Python would say of a lock's semaphore that it leaked."""
    write_wmt14(root, PAIRS)
    done = subprocess.run([sys.executable, "-c", LEAVE_EARLY, by_hand(PAIRS)], capture_output=True, text=True)
    assert (done.stdout, done.stderr) == ("5\n", "")


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
def test_an_encoding_too_small_to_say_anything_is_refused(root, said, complaint):
    with pytest.raises(TicketbenchError, match=complaint) as error:
        corpus(root, **said)
    if "vocabulary" in said:
        least = int(re.search(complaint, str(error.value))[1])
        with pytest.raises(TicketbenchError):
            corpus(root, vocabulary=least - 1)
        assert corpus(root, vocabulary=least).pieces.size == least
    assert corpus(root, longest=2).train.target.lengths(torch.arange(5)).tolist() == [2] * 5


def test_without_tokenizers_one_message_says_what_to_install(root, monkeypatch):
    monkeypatch.setitem(sys.modules, "tokenizers", None)
    with pytest.raises(TicketbenchError) as error:
        corpus(root)
    assert str(error.value) == (
        'Tasks of translation need the package tokenizers, which is missing: pip install "ticketbench[language]"'
    )


def test_the_real_multi30k_is_what_is_pinned(tmp_path, monkeypatch):
    folder = Path(os.environ.get("TICKETBENCH_DATA", "")).expanduser() / "bentrevett" / "multi30k"
    if not folder.is_dir():
        pytest.skip("data set bentrevett/multi30k is not in TICKETBENCH_DATA")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    splits = {}
    for split, file in (("train", "train"), ("validation", "val"), ("test", "test")):
        rows = [json.loads(line) for line in (folder / f"{file}.jsonl").open(encoding="utf-8")]
        splits[split] = [
            tuple(unicodedata.normalize("NFC", row[language]).strip() for language in ("de", "en")) for row in rows
        ]
    assert [len(each) for each in splits.values()] == [29_000, 1_014, 1_000]
    assert splits["train"][0][1] == "Two young, White males are outside near many bushes."
    pairs = load_pairs(spec())
    assert pairs.digest == PAIR_SOURCES["multi30k"].digest == by_hand(splits)
    assert {split: sorted(each) for split, each in pairs.splits.items()} == {
        split: sorted(each) for split, each in splits.items()
    }
