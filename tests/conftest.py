"""What the tests share: one torch thread each, and a tiny MNIST in the exact layout of the hub."""

import io
import json
import os
import resource
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import PIL.Image
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import torch

torch.set_num_threads(1)

_README = """---
configs:
- config_name: mnist
  data_files:
  - split: train
    path: mnist/train-*
  - split: test
    path: mnist/test-*
---
"""

_TEXT_README = """---
configs:
- config_name: wikitext-2-v1
  data_files:
  - split: train
    path: wikitext-2-v1/train-*
  - split: validation
    path: wikitext-2-v1/validation-*
  - split: test
    path: wikitext-2-v1/test-*
---
"""

_COMMAND = """from dataclasses import replace

from ticketbench.data.sources import SOURCES

SOURCES["mnist"] = replace(SOURCES["mnist"], digest={digest!r})

if __name__ == "__main__":
    from ticketbench.cli import main

    main()
"""


@pytest.fixture(autouse=True, scope="session")
def _no_cache_of_the_user(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """One cache for the whole run, which its processes share: data sets are decoded once."""
    root = tmp_path_factory.getbasetemp()
    shared = root.parent if "PYTEST_XDIST_WORKER" in os.environ else root
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_CACHE_HOME", str(shared / "cache"))
        yield


@pytest.fixture(autouse=True)
def denormals() -> None:
    """Denormal numbers as IEEE 754 has them, which a training before this test may have turned off."""
    torch.set_flush_denormal(False)


@pytest.fixture
def no_file_above() -> Callable[[int], AbstractContextManager[None]]:
    """`no_file_above(size)`: as on a full disk, writing more bytes than that to a file fails in the middle of it."""

    @contextmanager
    def limited(size: int) -> Iterator[None]:
        before = resource.getrlimit(resource.RLIMIT_FSIZE)
        resource.setrlimit(resource.RLIMIT_FSIZE, (size, before[1]))
        try:
            yield
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, before)

    return limited


@dataclass(frozen=True)
class Mirror:
    """A data set in the hub's layout. `root` is what TICKETBENCH_DATA names; `train` and `test` are what it holds.

    Shapes: pixels uint8 (n, 28, 28), labels int64 (n,), in stored order.

    `command` is a Python file that does what `ticketbench` does, with this data set for MNIST: run it as
    `[sys.executable, mirror.command, "run", ...]`. The pin is changed in the open, in that file; processes
    that the command spawns execute it too, so it holds there as well.
    """

    root: Path
    train: tuple[np.ndarray, np.ndarray]
    test: tuple[np.ndarray, np.ndarray]
    digest: str

    @property
    def folder(self) -> Path:
        return self.root / "ylecun" / "mnist"

    @property
    def command(self) -> Path:
        return self.root / "ticketbench_on_this_mirror.py"

    def write(
        self,
        split: str,
        images: Sequence[bytes],
        labels: Sequence[object],
        shards: int = 1,
        columns: tuple[str, str] = ("image", "label"),
        label_type: pa.DataType | None = None,
    ) -> None:
        """Replace a split's Parquet files; `images` are whole image files."""
        image, label = columns
        names = {"names": [str(i) for i in range(10)], "_type": "ClassLabel"}
        plain = {"dtype": str(label_type), "_type": "Value"}
        features = {image: {"_type": "Image"}, label: plain if label_type else names}
        schema = pa.schema(
            [(image, pa.struct([("bytes", pa.binary()), ("path", pa.string())])), (label, label_type or pa.int64())],
            metadata={"huggingface": json.dumps({"info": {"features": features}})},
        )
        folder = self.folder / "mnist"
        folder.mkdir(parents=True, exist_ok=True)
        for stale in folder.glob(f"{split}-*.parquet"):
            stale.unlink()
        for shard, which in enumerate(np.array_split(np.arange(len(labels)), shards)):
            stored = [{"bytes": images[i], "path": None} for i in which]
            table = pa.table({image: stored, label: [labels[i] for i in which]}, schema=schema)
            pq.write_table(table, folder / f"{split}-{shard:05d}-of-{shards:05d}.parquet")


def png(pixels: np.ndarray) -> bytes:
    """A PNG file of one image. Shapes: (h, w), or (h, w, 3) in colour."""
    file = io.BytesIO()
    PIL.Image.fromarray(pixels).save(file, "PNG")
    return file.getvalue()


def tiny_mnist(examples: int, draw: int) -> tuple[np.ndarray, np.ndarray]:
    """Noisy images of ten coarse patterns, which a small network learns. Shapes: uint8 (n, 28, 28), int64 (n,)."""
    patterns = np.random.default_rng(0).integers(0, 2, (10, 7, 7)).repeat(4, axis=1).repeat(4, axis=2)
    rng = np.random.default_rng([1, draw])
    labels = rng.permutation(np.arange(examples) % 10)
    pixels = 170 * patterns[labels] + rng.normal(30, 40, (examples, 28, 28))
    return pixels.clip(0, 255).astype(np.uint8), labels


@pytest.fixture
def mnist_mirror(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Mirror]:
    """A function `(train=300, test=100)` that writes a tiny MNIST and makes it what `mnist` means in this test.

    It sets TICKETBENCH_DATA and an empty cache folder, for child processes too, and puts the tiny data set's digest
    in the place of MNIST's. No variable does the latter: a child that is not `Mirror.command` refuses the data.
    """

    def make(train: int = 300, test: int = 100) -> Mirror:
        from ticketbench.data.examples import Examples, canonical, content_digest
        from ticketbench.data.sources import SOURCES

        content = {"train": tiny_mnist(train, 0), "test": tiny_mnist(test, 1)}
        both = [Examples(torch.from_numpy(x).unsqueeze(1), torch.from_numpy(y)) for x, y in content.values()]
        mirror = Mirror(tmp_path / "mirror", **content, digest=content_digest(*map(canonical, both)))
        for split, (pixels, labels) in content.items():
            mirror.write(split, [png(image) for image in pixels], labels)
        (mirror.folder / "README.md").write_text(_README)
        mirror.command.write_text(_COMMAND.format(digest=mirror.digest))
        monkeypatch.setenv("TICKETBENCH_DATA", str(mirror.root))
        monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
        monkeypatch.setitem(SOURCES, "mnist", replace(SOURCES["mnist"], digest=mirror.digest))
        return mirror

    return make


@dataclass(frozen=True)
class TextMirror:
    """A small text of four-word sentences in WikiText's place and the hub's layout, and its content digest.

    `root` is what TICKETBENCH_DATA names; a task pins the text by saying `data.digest`.
    """

    root: Path
    digest: str


def sentences(count: int, draw: int) -> list[str]:
    """Lines as WikiText's rows: the subject decides the verb, the object is drawn."""
    rng = np.random.default_rng(draw)
    verbs = {"tickets": "win", "masks": "hide", "networks": "learn", "weights": "move"}
    objects = ["little", "much", "again", "slowly"]
    return [f" {each} {verbs[each]} {rng.choice(objects)} . \n" for each in rng.choice(list(verbs), count)]


@pytest.fixture(scope="session")
def text_mirror(tmp_path_factory: pytest.TempPathFactory) -> TextMirror:
    """150 sentences to train on, 20 for validation and 30 for test."""
    from ticketbench.data.text import running_text
    from ticketbench.errors import TicketbenchError
    from ticketbench.task import Text

    root = tmp_path_factory.mktemp("text")
    folder = root / "Salesforce" / "wikitext"
    (folder / "wikitext-2-v1").mkdir(parents=True)
    (folder / "README.md").write_text(_TEXT_README)
    for split, count in {"train": 150, "validation": 20, "test": 30}.items():
        rows = pa.table({"text": sentences(count, count)})
        pq.write_table(rows, folder / "wikitext-2-v1" / f"{split}-00000-of-00001.parquet")
    with pytest.MonkeyPatch.context() as patch, pytest.raises(TicketbenchError) as refusal:
        patch.setenv("TICKETBENCH_DATA", str(root))
        running_text(Text(kind="text", name="wikitext-2", sequence=1, streams=1))
    return TextMirror(root, str(refusal.value).split('"')[1])  # which the refusal of an unpinned text tells


@pytest.fixture
def make_png() -> Callable[[np.ndarray], bytes]:
    """`png`, for tests that write images of their own."""
    return png


@pytest.fixture
def write(tmp_path: Path) -> Callable[[str, str], Path]:
    """A function that writes a text below this test's folder, and returns where."""

    def write(name: str, text: str) -> Path:
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, "utf-8")
        return path

    return write
