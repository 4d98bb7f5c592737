"""The real data sets, where TICKETBENCH_DATA holds them."""

import hashlib
import os
import struct
from pathlib import Path

import numpy as np
import PIL.Image
import pytest
import torch

from ticketbench.data import images, load, splits
from ticketbench.data.examples import Examples, canonical, content_digest
from ticketbench.data.sources import SOURCES
from ticketbench.errors import TicketbenchError
from ticketbench.task import Images

# MD5 of the original files, decompressed, as published by many: images and labels of train and test.
ORIGINAL_IDX = {
    "mnist": (
        "6bbc9ace898e44ae57da46a324031adb",
        "a25bea736e30d166cdddb491f175f624",
        "2646ac647ad5339dbf082846283269ea",
        "27ae3e4e09519cfbb04c329615203637",
    ),
    "fashion-mnist": (
        "f4a8712d7a061bf5bd6d2ca38dc4d50a",
        "9018921c3c673c538a1fc5bad174d6f9",
        "8181f5470baa50b63fa0f6fddb340f0a",
        "15d484375f8d13e6eb1aabb0c3f46965",
    ),
}

CIFAR_10_MEAN = (0.49139968, 0.48215841, 0.44653091)
CIFAR_10_STD = (0.24703223, 0.24348513, 0.26158784)


def stored(name: str) -> tuple[Examples, Examples]:
    source = SOURCES[name]
    if not Path(os.environ.get("TICKETBENCH_DATA", "")).expanduser().joinpath(source.id).is_dir():
        pytest.skip(f"data set {source.id} is not in TICKETBENCH_DATA")
    content, _ = images.read(name, source)
    train, test = content.train, content.test
    assert content_digest(canonical(train), canonical(test)) == source.digest
    assert len(test) == source.test_examples
    return train, test


def idx_digests(examples: Examples) -> tuple[str, str]:
    """MD5 of the IDX files that these examples, in this order, make."""
    count, _, height, width = examples.inputs.shape
    images = struct.pack(">IIII", 2051, count, height, width) + examples.inputs.numpy().tobytes()
    labels = struct.pack(">II", 2049, count) + examples.targets.to(torch.uint8).numpy().tobytes()
    return hashlib.md5(images).hexdigest(), hashlib.md5(labels).hexdigest()


@pytest.mark.parametrize("name", ORIGINAL_IDX)
def test_a_pinned_data_set_is_bit_for_bit_the_original_files(name):
    train, test = stored(name)
    assert idx_digests(train) + idx_digests(test) == ORIGINAL_IDX[name]


def test_pinned_cifar_10_has_the_published_mean_and_standard_deviation():
    train, test = stored("cifar-10")
    assert (len(train), len(test)) == (50_000, 10_000)
    values = np.arange(256) / 255
    for channel, (mean, std) in enumerate(zip(CIFAR_10_MEAN, CIFAR_10_STD, strict=True)):
        share = np.bincount(train.inputs[:, channel].flatten().numpy(), minlength=256) / (50_000 * 32 * 32)
        assert share @ values == pytest.approx(mean, abs=1e-8)
        assert np.sqrt(share @ values**2 - (share @ values) ** 2) == pytest.approx(std, abs=1e-8)


def test_photos_of_a_folder_14_of_them_grey_are_read_in_colour(tmp_path, monkeypatch):
    """600 and 200 photos of ten classes, JPEG of 224 x 224, in train/CLASS/* and val/CLASS/*."""
    folder = Path(os.environ.get("TICKETBENCH_DATA", "")).expanduser() / "imagenette-224-subset"
    if not folder.is_dir():
        pytest.skip("data set imagenette-224-subset is not in TICKETBENCH_DATA")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    said = {"folder": str(folder), "test": "validation", "validation": 100, "mean": (0.5,) * 3, "std": (0.25,) * 3}
    with pytest.raises(TicketbenchError, match=r"\.JPEG\): its image is L of 224 x 224 .* shape = \[3, 224, 224\]"):
        load(Images(**said))
    with pytest.raises(TicketbenchError, match=r"600 training and 200 test .* in 10 classes") as unpinned:
        load(Images(shape=(3, 224, 224), **said))
    data = Images(shape=(3, 224, 224), digest=str(unpinned.value).split('"')[1], **said)
    read = load(data)
    grey = 0
    for part, examples, each in (("train", read.train, 60), ("val", read.test, 20)):
        assert examples.targets.bincount().tolist() == [each] * 10
        files = {}
        for label, name in enumerate(sorted(path.name for path in (folder / part).iterdir())):
            for path in (folder / part / name).iterdir():
                with PIL.Image.open(path) as image:
                    grey += image.mode == "L"
                    pixels = np.asarray(image.convert("RGB")).transpose(2, 0, 1)
                files[hashlib.sha256(pixels.tobytes()).digest()] = label
        pairs = zip(examples.inputs.numpy(), examples.targets.tolist(), strict=True)
        assert {hashlib.sha256(image.tobytes()).digest(): label for image, label in pairs} == files
    assert grey == 14
    found = splits(data)
    assert [len(part) for part in (found.train, found.validation, found.test)] == [500, 100, 200]
    assert found.train.inputs.shape[1:] == (3, 224, 224)
    assert (found.train.inputs.min(), found.train.inputs.max()) == (-2, 2)
