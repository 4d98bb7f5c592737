"""Running text: read in the hub's layout, pinned whole, made into tokens of a vocabulary that training decides."""

import hashlib
import os
from dataclasses import replace
from pathlib import Path

import huggingface_hub
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from torch import Tensor

from ticketbench.data.text import TEXTS, RunningText, running_text, text_digest
from ticketbench.data.vocabulary import END_OF_LINE, UNKNOWN, numbered, tokens, vocabulary
from ticketbench.errors import TicketbenchError
from ticketbench.task import Text

WIKITEXT_README = """---
configs:
- config_name: wikitext-2-v1
  data_files:
  - split: test
    path: wikitext-2-v1/test-*
  - split: train
    path: wikitext-2-v1/train-*
  - split: validation
    path: wikitext-2-v1/validation-*
---
"""
SHAKESPEARE_README = """---
configs:
- config_name: default
  data_files:
  - split: train
    path: train.txt
  - split: validation
    path: validation.txt
  - split: test
    path: test.txt
---
"""
# As the hub stores them: a line a row, with its newline, and nothing for a line without words.
ROWS = {
    "train": ["", " = A lobster = \n", "", " The <unk> lobster is blue . \n", " It is 3 @.@ 5 kg . \n"],
    "validation": ["", " = B = \n", " It is red . \n"],
    "test": [" The lobster is <unk> , It is not . \n", ""],
}


def wanted(name: str, **said: object) -> Text:
    return Text(kind="text", name=name, sequence=2, streams=1, **said)


def refusal(spec: Text) -> str:
    with pytest.raises(TicketbenchError) as error:
        running_text(spec)
    message = str(error.value)
    assert message.startswith(f"{spec.name}: ")
    assert "\n" not in message
    return message


def unpinned(name: str) -> str:
    """The digest that the refusal of a text which nobody has pinned tells to write."""
    return refusal(wanted(name)).split('digest = "')[1].removesuffix('"')


@pytest.fixture
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """What TICKETBENCH_DATA names."""
    monkeypatch.setenv("TICKETBENCH_DATA", str(tmp_path))
    return tmp_path


def write_wikitext(root: Path, rows: dict[str, list[str | None]], column: str = "text") -> Path:
    """A mirror of it in the hub's own layout."""
    folder = root / "Salesforce" / "wikitext"
    (folder / "wikitext-2-v1").mkdir(parents=True, exist_ok=True)
    (folder / "README.md").write_text(WIKITEXT_README)
    for split, lines in rows.items():
        table = pa.table({column: pa.array(lines, pa.string())})
        pq.write_table(table, folder / "wikitext-2-v1" / f"{split}-00000-of-00001.parquet")
    return folder


def write_shakespeare(root: Path, whole: bytes, first: int, second: int) -> Path:
    """A mirror of it that cuts the text at these two places."""
    folder = root / "karpathy" / "tiny_shakespeare"
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "README.md").write_text(SHAKESPEARE_README)
    parts = {"train": whole[:first], "validation": whole[first:second], "test": whole[second:]}
    for split, part in parts.items():
        (folder / f"{split}.txt").write_bytes(part)
    return folder


def unpin(monkeypatch: pytest.MonkeyPatch, name: str, digest: str | None = None) -> None:
    monkeypatch.setitem(TEXTS, name, replace(TEXTS[name], digest=digest))


def spoken(numbers: Tensor, read: RunningText, between: str = " ") -> str:
    """Token numbers as text."""
    return between.join(read.vocabulary[number] for number in numbers.tolist())


# Tokens


def test_words_are_what_white_space_separates_and_every_line_ends():
    text = " = A = \n\n The  <unk>\tis . \n"
    assert tokens(text, "words") == ["=", "A", "=", END_OF_LINE, END_OF_LINE, "The", "<unk>", "is", ".", END_OF_LINE]


def test_characters_keep_everything():
    assert tokens("a \n\nb\n", "characters") == ["a", " ", "\n", "\n", "b", "\n"]


def test_the_vocabulary_is_the_training_split_s():
    assert vocabulary("banana", "nab") == ("a", "b", "n")
    assert vocabulary("banana", "nab", "can") == ("a", "b", "n", UNKNOWN)
    assert vocabulary(["b", UNKNOWN, "a"], ["c"]) == (UNKNOWN, "a", "b")


def test_a_token_that_training_lacks_has_the_number_of_unknown():
    known = vocabulary("banana", "can")
    assert numbered("can", known).tolist() == [3, 0, 2]
    assert numbered(["c", "a"], (UNKNOWN, "a", "b")).tolist() == [0, 1]


# WikiText in the hub's layout


def test_a_text_that_nobody_has_pinned_is_pinned_by_the_task(root):
    write_wikitext(root, ROWS)
    message = refusal(wanted("wikitext-2"))
    assert "Read 22 train, 10 validation, 11 test tokens (words), 14 different ones" in message
    read = running_text(wanted("wikitext-2", digest=unpinned("wikitext-2")))
    assert spoken(read.train, read) == (
        "<eos> = A lobster = <eos> <eos> The <unk> lobster is blue . <eos> It is 3 @.@ 5 kg . <eos>"
    )
    assert spoken(read.test, read) == "The lobster is <unk> <unk> It is <unk> . <eos> <eos>"
    assert read.digest == unpinned("wikitext-2")


def test_another_text_than_the_pinned_one_is_refused(root):
    write_wikitext(root, ROWS)
    pinned = unpinned("wikitext-2")
    for split in ROWS:
        changed = ROWS | {split: [*ROWS[split][:-1], " A whale . \n"]}
        write_wikitext(root, changed)
        message = refusal(wanted("wikitext-2", digest=pinned))
        assert "is not this text" in message
        assert f"expected {pinned}" in message
        assert str(root / "Salesforce" / "wikitext") in message


def test_the_order_of_lines_is_part_of_a_text(root):
    write_wikitext(root, ROWS)
    pinned = unpinned("wikitext-2")
    write_wikitext(root, ROWS | {"train": ROWS["train"][::-1]})
    assert unpinned("wikitext-2") != pinned


def test_rows_with_and_without_their_newline_and_newlines_of_other_systems_are_one_text(root):
    write_wikitext(root, ROWS)
    pinned = unpinned("wikitext-2")
    for end in ("", "\r\n", "\r"):
        write_wikitext(root, {split: [row.removesuffix("\n") + end for row in ROWS[split]] for split in ROWS})
        assert unpinned("wikitext-2") == pinned


def test_the_digest_is_of_the_whole_text_and_of_where_splits_end():
    one = text_digest({"train": "ab\n", "validation": "c\n", "test": "d\n"})
    assert one != text_digest({"train": "a\n", "validation": "bc\n", "test": "d\n"})
    assert one == hashlib.sha256(b"train 3\nab\nvalidation 2\nc\ntest 2\nd\n").hexdigest()


# Tiny Shakespeare, which copies cut at other places

VERSE = "To be, or not to be:\n\nthat is the question;\nWhether 'tis nobler in the mind to be or not\n"


def test_one_text_is_cut_anew_wherever_a_copy_cuts_it(root, monkeypatch):
    unpin(monkeypatch, "tiny-shakespeare")
    first = int(0.9 * len(VERSE))
    second = first + int(0.5 * (len(VERSE) - first))
    digests = set()
    for cuts in ((first, second), (first - 3, second + 1), (30, 31)):
        write_shakespeare(root, VERSE.encode(), *cuts)
        digests.add(unpinned("tiny-shakespeare"))
    (digest,) = digests
    unpin(monkeypatch, "tiny-shakespeare", digest)
    read = running_text(wanted("tiny-shakespeare"))
    for numbers, text in (
        (read.train, VERSE[:first]),
        (read.validation, VERSE[first:second]),
        (read.test, VERSE[second:]),
    ):
        assert spoken(numbers, read, "") == text


def test_one_row_with_the_whole_text_is_the_same_text(root, monkeypatch):
    """The hub's own script stores each split in one row."""
    unpin(monkeypatch, "tiny-shakespeare")
    first, second = 40, 60
    folder = write_shakespeare(root, VERSE.encode(), first, second)
    by_line = unpinned("tiny-shakespeare")
    for split, part in (("train", VERSE[:first]), ("validation", VERSE[first:second]), ("test", VERSE[second:])):
        (folder / f"{split}.txt").unlink()
        pq.write_table(pa.table({"text": [part]}), folder / f"{split}.parquet")
    (folder / "README.md").write_text(SHAKESPEARE_README.replace(".txt", ".parquet"))
    assert unpinned("tiny-shakespeare") == by_line


# What can be wrong


def test_a_pinned_text_takes_no_other_digest():
    assert "its content is pinned; leave out data.digest" in refusal(wanted("tiny-shakespeare", digest="0" * 64))


def test_neither_mirror_nor_hub_says_what_to_set(root, monkeypatch):
    monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_OFFLINE", True)
    monkeypatch.setenv("HF_DATASETS_CACHE", str(root / "none"))
    message = refusal(wanted("wikitext-2"))
    assert f"Salesforce/wikitext is neither in TICKETBENCH_DATA ({root}) nor to be had" in message
    assert "HF_HUB_OFFLINE is set" in message


def test_a_missing_split_column_or_line_is_told(root):
    folder = write_wikitext(root, ROWS)
    readme = folder / "README.md"
    readme.write_text(readme.read_text().replace("split: validation", "split: other"))
    assert f"{folder} lacks the split validation; it has other, test, train" in refusal(wanted("wikitext-2"))
    write_wikitext(root, ROWS, column="line")
    assert f"{folder}, split train: has the columns line; expected text." in refusal(wanted("wikitext-2"))
    write_wikitext(root, ROWS | {"test": [" a \n", None]})
    assert f"{folder}, split test, row 1: its text is None, expected text." in refusal(wanted("wikitext-2"))
    write_wikitext(root, ROWS | {"validation": ["", " \n"]})
    assert f"{folder}, split validation: there is no text." in refusal(wanted("wikitext-2"))


def test_a_damaged_file_is_told(root):
    folder = write_wikitext(root, ROWS)
    file = folder / "wikitext-2-v1" / "train-00000-of-00001.parquet"
    file.write_bytes(file.read_bytes()[:100])
    message = refusal(wanted("wikitext-2"))
    assert str(folder) in message
    assert "cannot be read" in message


# The real one


def test_pinned_tiny_shakespeare_is_char_rnn_s_file_byte_for_byte():
    """SHA-256 of input.txt of github.com/karpathy/char-rnn, its three splits joined."""
    source = TEXTS["tiny-shakespeare"]
    if not (Path(os.environ.get("TICKETBENCH_DATA", "")).expanduser() / source.id).is_dir():
        pytest.skip(f"data set {source.id} is not in TICKETBENCH_DATA")
    read = running_text(wanted("tiny-shakespeare"))
    assert read.digest == source.digest
    assert (len(read.train), len(read.validation), len(read.test)) == (1_003_854, 55_770, 55_770)
    assert len(read.vocabulary) == 65
    whole = "".join(spoken(part, read, "") for part in (read.train, read.validation, read.test))
    original = "86c4e6aa9db7c042ec79f339dcb96d42b0075e16b8fc2e86bf0ca57e2dc565ed"
    assert hashlib.sha256(whole.encode()).hexdigest() == original
