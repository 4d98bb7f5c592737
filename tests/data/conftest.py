"""A mirror of sentence pairs of our own, in the layouts that the hub has them in."""

import hashlib
import json
from dataclasses import dataclass, replace
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from ticketbench.data.pairs import PAIR_SOURCES
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


@dataclass(frozen=True)
class PairMirror:
    """What TICKETBENCH_DATA names. `pairs` is what `write` writes of every split unless said."""

    root: Path
    pairs: dict

    def write(self, name="multi30k", **splits):
        """Write a set of sentence pairs, (German, English) by split, and return its folder."""
        return WRITE[name](self.root, self.pairs | splits)


@pytest.fixture
def mirror(tmp_path, monkeypatch):
    """An empty mirror and an empty cache; nothing is pinned."""
    root = tmp_path / "mirror"
    root.mkdir()
    monkeypatch.setenv("TICKETBENCH_DATA", str(root))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    for name, source in PAIR_SOURCES.items():
        monkeypatch.setitem(PAIR_SOURCES, name, replace(source, digest=None))
    return PairMirror(root, PAIRS)


def make_spec(name="multi30k", **said):
    said = {"source": "en", "target": "de", "vocabulary": 60, "longest": 20, "beam": 2} | said
    return Translation(kind="translation", name=name, **said)


@pytest.fixture(scope="session")
def spec():
    """`spec(name, **said)`: what a task says of its sentence pairs."""
    return make_spec


def content_digest(splits) -> str:
    """The content digest as the documentation defines it."""
    text = ""
    for split in ("train", "validation", "test"):
        lines = [json.dumps(list(pair), ensure_ascii=False) for pair in splits[split]]
        text += json.dumps([split, len(lines)]) + "\n"
        text += "".join(line + "\n" for line in sorted(lines, key=lambda s: hashlib.sha256(s.encode()).digest()))
    return hashlib.sha256(text.encode()).hexdigest()


@pytest.fixture(scope="session")
def by_hand():
    """`by_hand(splits)`: their content digest from its definition."""
    return content_digest
