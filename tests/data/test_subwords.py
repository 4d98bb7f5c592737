"""The byte-pair encoding: one and the same in every process, and kept by what it is made of."""

import hashlib
import os
import subprocess
import sys

from ticketbench.data.subwords import UNK, subwords

GERMAN = ["Ein Hund läuft.", "Eine Katze schläft.", "Ein Hund schläft.", "Eine Katze läuft."]
ENGLISH = ["A dog runs.", "A cat sleeps.", "A dog sleeps.", "A cat runs."]

TRAIN_PIECES = """
import sys
from ticketbench.data.subwords import subwords
sentences = open(sys.argv[1], encoding="utf-8").read().splitlines()
print(subwords(sentences, 150, "these sentences").digest)
"""


def test_two_trainings_in_two_processes_give_the_same_pieces(tmp_path, monkeypatch):
    """One with one thread and one with as many as there are cores. Many pairs occur equally often."""
    letters = "abcdefghij"
    sentences = [f"{a}{b}{c} {c}{a} {b}{b}{a}." for a in letters for b in letters for c in letters[:3]]
    file = tmp_path / "sentences.txt"
    file.write_text("\n".join(sentences))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "here"))
    monkeypatch.setenv("TOKENIZERS_PARALLELISM", "false")
    here = subwords(sentences, 150, "these sentences")
    assert here.size == 150
    changed = {"XDG_CACHE_HOME": str(tmp_path / "there"), "TOKENIZERS_PARALLELISM": "true", "PYTHONHASHSEED": "7"}
    done = subprocess.run(
        [sys.executable, "-c", TRAIN_PIECES, str(file)], env=os.environ | changed, capture_output=True, text=True
    )
    assert done.stdout == f"{here.digest}\n", done.stderr


TRAIN_RARE = """
import sys
from ticketbench.data.subwords import subwords
sentences = open(sys.argv[1], encoding="utf-8").read().splitlines()
print(subwords(sentences, 1100, "rare characters").digest)
"""


def test_of_characters_as_rare_as_one_another_the_same_are_unknown_in_every_process(tmp_path, monkeypatch):
    """1,500 that occur once, and as many pieces of their own as the settings have; the others are told apart."""
    rare = [chr(0x4E00 + n) for n in range(1500)]
    sentences = [f"a {each} b" for each in reversed(rare)]
    file = tmp_path / "sentences.txt"
    file.write_text("\n".join(sentences), "utf-8")
    there = os.environ | {"XDG_CACHE_HOME": str(tmp_path / "there")}
    done = subprocess.run([sys.executable, "-c", TRAIN_RARE, str(file)], env=there, capture_output=True, text=True)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "here"))
    here = subwords(sentences, 1100, "rare characters")
    assert done.stdout == f"{here.digest}\n", done.stderr
    known = [each for each in rare if UNK not in here.tokenizer.encode(each).ids]
    assert known == rare[:997]  # beside a, b and the mark of a space


def test_pieces_are_kept_by_what_they_are_made_of_and_a_damaged_copy_is_never_used(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    first = subwords(GERMAN, 50, "one")
    assert subwords(["nothing of this is read"], 50, "one").digest == first.digest
    (kept,) = tmp_path.glob("**/bpe-*.json")
    assert hashlib.sha256(kept.read_text("utf-8").split("\n", 1)[1].encode()).hexdigest() == first.digest
    kept.write_text(kept.read_text("utf-8").replace("Hund", "Hand"))
    assert subwords(GERMAN, 50, "one").digest == first.digest
    assert "Hund" in kept.read_text("utf-8")
    assert subwords(GERMAN, 40, "one").digest != first.digest
    assert subwords(ENGLISH, 50, "two").digest != first.digest
    assert len(list(tmp_path.glob("**/bpe-*.json"))) == 3
