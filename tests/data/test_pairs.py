"""Sentence pairs in the hub's own layout, their canonical order and digest, and every wrong mirror told."""

import hashlib
import json
import os
import subprocess
import sys
import unicodedata
from dataclasses import replace
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from ticketbench.data.pairs import PAIR_SOURCES, load_pairs
from ticketbench.data.translation import load_translation
from ticketbench.errors import TicketbenchError


@pytest.fixture
def told(spec):
    """`told(name)`: the digest that the error of a set that is not pinned says to write."""

    def tell(name="multi30k"):
        with pytest.raises(TicketbenchError, match=r'write under data: digest = "') as error:
            load_pairs(spec(name))
        assert "5 train, 2 validation, 1 test pairs" in str(error.value)
        return str(error.value).split('"')[1]

    return tell


def reworded(old, new):
    """A damage to a set's README."""

    def damage(folder):
        path = folder / "README.md"
        path.write_text(path.read_text().replace(old, new))

    return damage


@pytest.mark.parametrize("name", ["multi30k", "wmt14"])
def test_pairs_in_the_hubs_layout_are_pinned_by_the_digest_that_the_error_tells(mirror, told, spec, by_hand, name):
    mirror.write(name)
    digest = told(name)
    assert digest == by_hand(mirror.pairs)
    pairs = load_pairs(spec(name, digest=digest))
    assert pairs.digest == digest
    for split, expected in mirror.pairs.items():
        assert sorted(pairs.splits[split]) == sorted(expected)
        assert pairs.sentences(split, "en") == [english for _, english in pairs.splits[split]]
        lines = [json.dumps(list(pair), ensure_ascii=False).encode() for pair in pairs.splits[split]]
        assert lines == sorted(lines, key=lambda line: hashlib.sha256(line).digest())
    found = load_translation(spec(name, digest=digest))
    assert (found.examples, found.validation.references) == (5, pairs.sentences("validation", "de"))


def test_order_and_shards_and_spaces_and_composition_of_a_copy_change_nothing(mirror, told):
    mirror.write("wmt14")
    digest = told("wmt14")
    other = {split: list(reversed(pairs)) for split, pairs in mirror.pairs.items()}
    other["train"] = [(unicodedata.normalize("NFD", de) + "  ", f"\t{en}") for de, en in other["train"]]
    assert other["train"][0][0] != mirror.pairs["train"][-1][0]
    mirror.write("wmt14", **other)
    assert told("wmt14") == digest
    mirror.write()
    assert told("multi30k") == digest


def test_other_content_is_refused(mirror, told, spec):
    mirror.write()
    digest = told()
    mirror.write(test=[("Die Katze sang.", "The cat sang.")])
    (cached,) = mirror.root.parent.glob("cache/**/multi30k-*.txt")
    cached.unlink()
    with pytest.raises(TicketbenchError, match="is not this data set: 5 train, .* expected " + digest):
        load_pairs(spec(digest=digest))


def test_pairs_are_kept_and_a_damaged_copy_is_never_used(mirror, told, spec):
    folder = mirror.write()
    digest = told()
    first = load_pairs(spec(digest=digest))
    stored = (folder / "test.jsonl").read_text()
    (folder / "test.jsonl").unlink()
    assert load_pairs(spec(digest=digest)) == first
    (cached,) = mirror.root.parent.glob("cache/**/multi30k-*.txt")
    cached.write_bytes(cached.read_bytes().replace(b"singt", b"sang."))
    (folder / "test.jsonl").write_text(stored)
    assert load_pairs(spec(digest=digest)) == first


def test_a_folder_that_cannot_be_written_costs_only_time(mirror, told, spec, caplog):
    mirror.write()
    digest = told()
    cached = next(mirror.root.parent.glob("cache/**/multi30k-*.txt")).parent
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
            reworded("split: validation", "split: dev"),
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
            reworded("config_name: de-en", "config_name: fr-en"),
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
def test_what_is_wrong_with_a_mirror_is_one_message(mirror, spec, capfd, name, damage, complaint):
    damage(mirror.write(name))
    with pytest.raises(TicketbenchError, match=complaint) as error:
        load_pairs(spec(name))
    assert str(error.value).startswith(f"{name}: ")
    assert "Traceback" not in str(error.value)
    assert capfd.readouterr().err == ""


def test_languages_that_there_are_not(mirror, told, spec):
    mirror.write()
    digest = told()
    with pytest.raises(TicketbenchError, match=r"Unknown language in data.target of multi30k 'fr'.* Known: de, en"):
        load_translation(spec(target="fr", digest=digest))
    with pytest.raises(TicketbenchError, match=r"data\.source and data\.target are both de"):
        load_translation(spec(source="de", digest=digest))


def test_a_pinned_set_takes_no_digest_of_a_tasks_own(mirror, spec, monkeypatch):
    monkeypatch.setitem(PAIR_SOURCES, "multi30k", replace(PAIR_SOURCES["multi30k"], digest="a" * 64))
    with pytest.raises(TicketbenchError, match="multi30k: its content is pinned; leave out"):
        load_pairs(spec(digest="b" * 64))


LEAVE_EARLY = """
import multiprocessing, os, sys
from ticketbench.data.pairs import load_pairs
from ticketbench.task import Translation
multiprocessing.set_start_method("spawn")
spec = dict(source="en", target="de", vocabulary=60, longest=20, beam=2, digest=sys.argv[1])
print(len(load_pairs(Translation(kind="translation", name="wmt14", **spec)).splits["train"]), flush=True)
os._exit(0)
"""


def test_nothing_of_the_system_s_is_held_after_reading_where_a_process_ends_early(mirror, by_hand):
    """As one does that is told to stop. Python would say of a lock's semaphore that it leaked."""
    mirror.write("wmt14")
    done = subprocess.run([sys.executable, "-c", LEAVE_EARLY, by_hand(mirror.pairs)], capture_output=True, text=True)
    assert (done.stdout, done.stderr) == ("5\n", "")


def test_the_real_multi30k_is_what_is_pinned(spec, by_hand, tmp_path, monkeypatch):
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
