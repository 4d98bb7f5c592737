"""Data sets of a person's own: from the hub or its mirror, or from a folder of images, pinned by their content."""

import re
import shutil
from pathlib import Path

import numpy as np
import PIL.Image
import pytest
import torch

from ticketbench.data import load, splits
from ticketbench.data.examples import Examples, canonical, content_digest
from ticketbench.errors import TicketbenchError
from ticketbench.paths import cache_folder
from ticketbench.task import Images

HUB = "me/digits"


@pytest.fixture(autouse=True)
def own_cache(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))


@pytest.fixture
def mirror(mnist_mirror):
    """A tiny MNIST under a name of one's own."""
    mirror = mnist_mirror(train=60, test=30)
    shutil.move(mirror.folder, mirror.root / HUB)
    return mirror


@pytest.fixture
def photos(tmp_path) -> Path:
    """A folder with images of 5 x 4 pixels: five of each of three classes to train on, two of two to test on."""
    folder = tmp_path / "photos"
    for split, classes, count in (("train", "abc", 5), ("test", "bc", 2)):
        for index, name in enumerate(classes):
            for each in range(count):
                seed = [split == "test", index, each]
                pixels = np.random.default_rng(seed).integers(0, 256, (5, 4, 3), dtype=np.uint8)
                keep(PIL.Image.fromarray(pixels), folder / split / name / f"{each}.png")
    return folder


def keep(image: PIL.Image.Image, path: Path, **options) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    image.save(path, **options)


def refusal(**said) -> str:
    with pytest.raises(TicketbenchError) as error:
        load(Images(validation=1, **said))
    return str(error.value)


def pin(**said) -> str:
    """The digest that the refusal of an unpinned data set tells to write."""
    message = refusal(**said)
    found = re.search(r'write under data: digest = "([0-9a-f]{64})"$', message)
    assert found, message
    return found[1]


def same(one, other) -> bool:
    pairs = [(one.train, other.train), (one.test, other.test)]
    return all(torch.equal(a.inputs, b.inputs) and torch.equal(a.targets, b.targets) for a, b in pairs)


def test_one_of_the_hub_holds_the_examples_of_its_mirror(mirror):
    data = load(Images(hub=HUB, config="mnist", validation=1, digest=pin(hub=HUB, config="mnist")))
    train, test = (
        Examples(torch.from_numpy(x).unsqueeze(1), torch.from_numpy(y)) for x, y in (mirror.train, mirror.test)
    )
    for found, stored in ((data.train, canonical(train)), (data.test, canonical(test))):
        assert torch.equal(found.inputs, stored.inputs)
        assert torch.equal(found.targets, stored.targets)
    assert (data.classes, data.scale) == (10, 255)
    assert data.digest == content_digest(data.train, data.test, 10) == pin(hub=HUB)


def test_columns_and_the_test_split_may_have_other_names(mirror, make_png):
    mirror.folder.parent.mkdir(exist_ok=True)
    shutil.move(mirror.root / HUB, mirror.folder)  # where the mirror writes
    for split, (pixels, labels) in (("train", mirror.train), ("test", mirror.test)):
        mirror.write(split, [make_png(image) for image in pixels], labels, columns=("img", "fine"))
    readme = mirror.folder / "README.md"
    readme.write_text(readme.read_text().replace("split: test", "split: validation"))
    said = {"hub": "ylecun/mnist", "image": "img", "label": "fine", "test": "validation"}
    assert len(load(Images(validation=1, digest=pin(**said), **said)).test) == 30
    assert "has the columns fine, img; expected image and fine" in refusal(**said | {"image": "image"})
    message = refusal(**said | {"test": "test"})
    assert "lacks the split test" in message
    assert "The key data.test names the test split." in message


def test_without_named_classes_they_are_counted_by_the_largest_label(mirror, make_png):
    import pyarrow as pa

    shutil.move(mirror.root / HUB, mirror.folder)
    for split, (pixels, labels) in (("train", mirror.train), ("test", mirror.test)):
        mirror.write(split, [make_png(image) for image in pixels], labels % 4, label_type=pa.int64())
    said = {"hub": "ylecun/mnist"}
    assert load(Images(validation=1, digest=pin(**said), **said)).classes == 4
    pixels, labels = mirror.test
    mirror.write("test", [make_png(image) for image in pixels], [6, *labels[1:] % 4], label_type=pa.int64())
    assert load(Images(validation=1, digest=pin(**said), **said)).classes == 7
    mirror.write("test", [make_png(image) for image in pixels], [-1, *labels[1:] % 4], label_type=pa.int64())
    assert "split test, example 0: its label is -1, expected a whole number from 0" in refusal(**said)


def test_named_classes_count_also_where_no_example_has_the_last(mirror, make_png):
    """A network's head is as wide as the data set says, not as what was drawn of it happens to need."""
    shutil.move(mirror.root / HUB, mirror.folder)
    for split, (pixels, labels) in (("train", mirror.train), ("test", mirror.test)):
        mirror.write(split, [make_png(image) for image in pixels], labels % 3)
    said = {"hub": "ylecun/mnist"}
    pinned = Images(validation=1, digest=pin(**said), **said)
    assert load(pinned).classes == 10
    shutil.rmtree(mirror.root)
    assert load(pinned).classes == 10  # as the cache has it


def test_a_folder_s_classes_are_its_folders_in_alphabetical_order_in_every_split(photos):
    data = load(Images(folder=str(photos), validation=1, digest=pin(folder=str(photos))))
    assert data.train.inputs.shape == (15, 3, 5, 4)
    assert data.train.targets.bincount().tolist() == [5, 5, 5]
    assert data.test.targets.bincount(minlength=3).tolist() == [0, 2, 2]  # the test split has no folder a
    assert data.classes == 3
    stored = {
        (np.asarray(PIL.Image.open(path)).transpose(2, 0, 1).tobytes(), "abc".index(path.parent.name))
        for path in photos.glob("train/*/*")
    }
    pairs = zip(data.train.inputs, data.train.targets, strict=True)
    assert {(image.numpy().tobytes(), int(label)) for image, label in pairs} == stored


def test_a_moved_folder_with_other_file_names_is_the_same_data_set(photos, tmp_path):
    digest = pin(folder=str(photos))
    first = load(Images(folder=str(photos), validation=1, digest=digest))
    moved = photos.rename(tmp_path / "elsewhere")
    for path in list(moved.glob("train/*/*")):
        path.rename(path.with_name(f"image-{9 - int(path.stem)}.png"))
    assert same(first, load(Images(folder=str(moved), validation=1, digest=digest)))


def test_an_unpinned_data_set_is_refused_with_what_was_read_and_the_digest_to_write(photos):
    message = refusal(folder=str(photos))
    assert "15 training and 4 test examples of shape 3 x 5 x 4 in 3 classes" in message
    assert (
        len(
            splits(
                Images(folder=str(photos), validation=5, digest=pin(folder=str(photos)), mean=(0,) * 3, std=(1,) * 3)
            ).train
        )
        == 10
    )


def test_another_content_is_refused_with_both_digests(photos):
    digest = pin(folder=str(photos))
    shutil.rmtree(cache_folder())
    next(photos.glob("train/a/*")).unlink()
    message = refusal(folder=str(photos), digest=digest)
    assert "14 training and 4 test examples" in message
    assert f"expected {digest}" in message
    assert pin(folder=str(photos)) in message
    assert pin(folder=str(photos)) != digest


def test_a_pinned_data_set_is_decoded_once(photos):
    pinned = Images(folder=str(photos), validation=1, digest=pin(folder=str(photos)))
    first = load(pinned)
    shutil.rmtree(photos)
    assert same(first, load(pinned))


@pytest.mark.parametrize("change", [{"shape": (3, 2, 2)}, {"test": "train"}], ids=str)
def test_a_digest_left_behind_by_a_change_of_another_key_is_refused_and_not_answered_from_the_cache(photos, change):
    said = {"folder": str(photos), "digest": pin(folder=str(photos))}
    load(Images(validation=1, **said))
    assert "is not this data set" in refusal(**said | change)


def test_images_of_several_shapes_are_refused_with_the_file_and_what_to_set(photos):
    odd = photos / "train" / "b" / "3.png"
    keep(PIL.Image.new("L", (7, 6)), odd)
    message = refusal(folder=str(photos))
    assert f"({odd}): its image is L of 7 x 6 pixels, expected RGB of 4 x 5" in message
    assert "Set data.shape, as in shape = [3, 5, 4]" in message
    said = {"folder": str(photos), "shape": (3, 5, 4)}
    assert load(Images(validation=1, digest=pin(**said), **said)).train.inputs.shape == (15, 3, 5, 4)


def test_a_test_image_of_another_shape_is_refused_too(photos):
    keep(PIL.Image.new("RGB", (4, 6)), photos / "test" / "b" / "0.png")
    assert "split test, example 0" in refusal(folder=str(photos))


def test_images_that_have_the_said_shape_are_left_as_they_are(photos):
    plain, said = {"folder": str(photos)}, {"folder": str(photos), "shape": (3, 5, 4)}
    assert pin(**plain) == pin(**said)


PIXELS = np.random.default_rng(0).integers(0, 256, (5, 4, 3), dtype=np.uint8)


def quantized() -> PIL.Image.Image:
    return PIL.Image.fromarray(PIXELS).quantize(4)


@pytest.mark.parametrize(
    ("image", "expected"),
    [
        (PIL.Image.fromarray(np.dstack([PIXELS, PIXELS[..., 0]])), PIXELS),
        (quantized(), np.asarray(quantized().convert("RGB"))),
        (PIL.Image.fromarray(PIXELS[..., 0]), PIXELS[..., :1]),
        (PIL.Image.fromarray(PIXELS[..., :2], "LA"), PIXELS[..., :1]),
        (PIL.Image.fromarray(PIXELS[..., 0] > 99), 255 * (PIXELS[..., :1] > 99)),
    ],
    ids=["RGBA", "palette", "grey", "grey with alpha", "1"],
)
def test_every_mode_of_8_bits_is_read_as_grey_or_colour(photos, image, expected):
    for path in photos.glob("*/*/*"):
        keep(image, path)
    data = load(Images(folder=str(photos), validation=1, digest=pin(folder=str(photos))))
    for found in data.train.inputs:
        np.testing.assert_array_equal(found.numpy().transpose(1, 2, 0), expected)


def test_a_photo_is_read_as_a_viewer_turns_it(photos):
    turned = PIL.Image.Exif()
    turned[0x0112] = 6  # the camera was held upright: rotate by 90 degrees to the right
    upright = np.rot90(PIXELS, -1)
    for path in photos.glob("*/*/*"):
        keep(PIL.Image.fromarray(PIXELS), path, exif=turned)
    data = load(Images(folder=str(photos), validation=1, digest=pin(folder=str(photos))))
    np.testing.assert_array_equal(data.train.inputs[0].numpy().transpose(1, 2, 0), upright)


def test_16_bit_images_are_refused_and_not_clipped(photos):
    deep = photos / "train" / "a" / "0.png"
    keep(PIL.Image.fromarray(np.full((5, 4), 3000, np.uint16)), deep)
    message = refusal(folder=str(photos))
    assert str(deep) in message
    assert "mode I;16, expected 8 bits a channel" in message


def test_a_damaged_image_is_told_by_its_file(photos):
    damaged = photos / "train" / "c" / "2.png"
    damaged.write_bytes(damaged.read_bytes()[:60])
    message = refusal(folder=str(photos))
    assert f"({damaged}): its image cannot be decoded" in message


@pytest.mark.parametrize(
    ("make", "said"),
    [
        (lambda folder: None, "is not a folder; expected one that holds images as train/CLASS/* and test/CLASS/*"),
        (lambda folder: folder.mkdir(), "cannot be read as images"),
        (lambda folder: keep(PIL.Image.new("L", (3, 3)), folder / "train" / "a" / "0.png"), "lacks the split test"),
    ],
    ids=["missing", "empty", "no test split"],
)
def test_a_folder_that_is_no_data_set(tmp_path, make, said):
    folder = tmp_path / "nothing"
    make(folder)
    message = refusal(folder=str(folder))
    assert message.startswith("data.folder: ")
    assert str(folder) in message
    assert said in message


def test_a_folder_whose_name_reads_as_a_pattern_is_refused_with_why(photos):
    message = refusal(folder=str(photos.rename(photos.with_name("photos [new]"))))
    assert "photos [new] cannot be read as images" in message
    assert "without any of *?[]{} in its path" in message


def test_one_class_alone_is_nothing_to_learn(tmp_path):
    for split in ("train", "test"):
        for each in range(3):
            keep(PIL.Image.new("L", (3, 3), each), tmp_path / "one" / split / "a" / f"{each}.png")
    assert "has the columns image; expected image and label" in refusal(folder=str(tmp_path / "one"))


def test_a_mirror_in_the_layout_of_a_folder_is_read_as_one(photos, tmp_path, monkeypatch):
    monkeypatch.setenv("TICKETBENCH_DATA", str(tmp_path))
    assert pin(hub="photos") == pin(folder=str(photos))


def test_other_lossless_formats_hold_the_same_data_set(photos):
    before = pin(folder=str(photos))
    for path in list(photos.glob("train/a/*")):
        with PIL.Image.open(path) as image:
            keep(image, path.with_suffix(".bmp"))
        path.unlink()
    assert pin(folder=str(photos)) == before
