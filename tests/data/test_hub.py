"""What can be wrong with a mirror or the hub, on tiny mirrors. Each is one message that names the data set."""

import shutil
import socket
import time
from dataclasses import replace

import datasets
import huggingface_hub
import numpy as np
import pyarrow as pa
import pytest

from ticketbench.data import hub, images, load
from ticketbench.data.sources import SOURCES
from ticketbench.errors import TicketbenchError


@pytest.fixture
def mirror(mnist_mirror):
    return mnist_mirror(train=20, test=10)


@pytest.fixture
def no_hub(tmp_path, monkeypatch):
    """A hub that refuses connections, and nothing of it in the library's own cache."""
    monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_OFFLINE", False)
    monkeypatch.setattr(huggingface_hub.constants, "ENDPOINT", "http://127.0.0.1:9")
    monkeypatch.setattr(datasets.config, "HF_DATASETS_CACHE", tmp_path / "hub-cache")


def refusal() -> str:
    """The message with which mnist is refused."""
    with pytest.raises(TicketbenchError) as error:
        load("mnist")
    message = str(error.value)
    assert message.startswith("mnist: ")
    assert "Traceback" not in message
    return message


def test_neither_mirror_nor_hub_says_what_to_set(mirror, no_hub):
    shutil.rmtree(mirror.folder)
    started = time.monotonic()
    message = refusal()
    assert time.monotonic() - started < 5
    for said in (f"neither in TICKETBENCH_DATA ({mirror.root})", "ylecun/mnist", "no answer from http://127.0.0.1:9"):
        assert said in message
    assert "Set TICKETBENCH_DATA to a folder that holds ylecun/mnist" in message
    assert "connect to the network once" in message


@pytest.mark.parametrize("value", [None, ""])
def test_without_a_mirror_the_hub_is_asked(mirror, no_hub, monkeypatch, value):
    monkeypatch.delenv("TICKETBENCH_DATA")
    if value is not None:
        monkeypatch.setenv("TICKETBENCH_DATA", value)
    message = refusal()
    assert "ylecun/mnist is not to be had from the Hugging Face hub" in message
    assert "Set TICKETBENCH_DATA to a folder" in message


def test_a_hub_that_keeps_silent_is_given_up_after_seconds(mirror, no_hub, monkeypatch):
    monkeypatch.delenv("TICKETBENCH_DATA")
    monkeypatch.setattr(hub, "_SECONDS_TO_ANSWER", 0.3)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        endpoint = f"http://127.0.0.1:{silent.getsockname()[1]}"
        monkeypatch.setattr(huggingface_hub.constants, "ENDPOINT", endpoint)
        started = time.monotonic()
        assert f"no answer from {endpoint}" in refusal()
        assert 0.3 <= time.monotonic() - started < 5
    assert not datasets.config.HF_HUB_OFFLINE


def test_the_users_wish_to_stay_offline_is_respected(mirror, no_hub, monkeypatch):
    monkeypatch.delenv("TICKETBENCH_DATA")
    monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_OFFLINE", True)
    monkeypatch.setattr(huggingface_hub, "get_session", lambda: pytest.fail("the hub was asked"))
    assert "HF_HUB_OFFLINE is set" in refusal()


@pytest.mark.parametrize("make", [lambda path: None, lambda path: path.write_text("")], ids=["missing", "file"])
def test_a_mirror_that_is_no_folder(mirror, tmp_path, monkeypatch, make):
    place = tmp_path / "elsewhere"
    make(place)
    monkeypatch.setenv("TICKETBENCH_DATA", str(place))
    assert f"TICKETBENCH_DATA is {place}, which is not a folder" in refusal()


@pytest.mark.parametrize(
    "damage",
    [lambda b: b[: len(b) // 2], lambda b: b"version https://git-lfs.github.com/spec/v1\n", lambda b: b""],
    ids=["truncated", "git-lfs pointer", "empty"],
)
@pytest.mark.parametrize("split", ["train", "test"])
def test_a_damaged_parquet_file(mirror, damage, split):
    file = next((mirror.folder / "mnist").glob(f"{split}-*"))
    file.write_bytes(damage(file.read_bytes()))
    message = refusal()
    assert str(mirror.folder) in message
    assert "cannot be read" in message


def test_bytes_damaged_inside_a_parquet_file_are_never_data(mirror):
    file = next((mirror.folder / "mnist").glob("train-*"))
    whole = bytearray(file.read_bytes())
    whole[len(whole) // 3 : len(whole) // 3 + 40] = bytes(40)
    file.write_bytes(whole)
    assert str(mirror.folder) in refusal()


def test_a_split_whose_files_are_missing(mirror):
    next((mirror.folder / "mnist").glob("test-*")).unlink()
    message = refusal()
    assert str(mirror.folder) in message
    assert "Expected its README.md and the files of the splits train and test" in message


def test_a_split_without_examples(mirror):
    mirror.write("test", [], [])
    assert f"{mirror.folder}, split test" in refusal()


def test_a_split_that_is_not_declared(mirror):
    readme = mirror.folder / "README.md"
    readme.write_text(readme.read_text().replace("split: test", "split: validation"))
    assert "lacks the split test; it has train, validation, expected train and test" in refusal()


def test_a_configuration_that_is_not_declared(mirror):
    readme = mirror.folder / "README.md"
    readme.write_text(readme.read_text().replace("config_name: mnist", "config_name: other"))
    message = refusal()
    assert f"{mirror.folder} cannot be read as configuration mnist of ylecun/mnist" in message
    assert "other" in message


def test_columns_of_another_name(mirror, make_png):
    for split, (pixels, labels) in (("train", mirror.train), ("test", mirror.test)):
        mirror.write(split, [make_png(image) for image in pixels], labels, columns=("img", "label"))
    assert f"{mirror.folder}, split train: has the columns img, label; expected image and label" in refusal()


def test_columns_of_another_name_in_one_split(mirror, make_png, capfd):
    pixels, labels = mirror.test
    mirror.write("test", [make_png(image) for image in pixels], labels, columns=("img", "label"))
    assert f"{mirror.folder}, split test: cannot be read: " in refusal()
    assert capfd.readouterr().err == ""


@pytest.mark.parametrize(
    ("image", "complaint"),
    [
        (lambda png: png(np.zeros((32, 32), np.uint8)), "is L of 32 x 32 pixels, expected L of 28 x 28"),
        (lambda png: png(np.zeros((28, 28, 3), np.uint8)), "is RGB of 28 x 28 pixels, expected L of 28 x 28"),
        (lambda png: png(np.eye(28, dtype=np.uint8))[:50], "cannot be decoded"),
        (lambda png: b"no image", "cannot be decoded"),
        (lambda png: None, "cannot be decoded"),
    ],
    ids=["size", "colour", "truncated", "text", "null"],
)
def test_an_image_that_does_not_fit(mirror, make_png, image, complaint):
    pixels, labels = mirror.train
    images = [make_png(each) for each in pixels]
    images[7] = image(make_png)
    mirror.write("train", images, labels)
    assert f"{mirror.folder}, split train, example 7: its image {complaint}" in refusal()


@pytest.mark.parametrize("label", [-1, 10, None])
def test_a_label_that_is_no_class(mirror, make_png, label):
    pixels, labels = mirror.test
    mirror.write("test", [make_png(image) for image in pixels], [label, *labels[1:]])
    assert f"{mirror.folder}, split test, example 0: its label is {label}, expected 0 to 9" in refusal()


def test_labels_that_are_text(mirror, make_png):
    for split, (pixels, labels) in (("train", mirror.train), ("test", mirror.test)):
        text = [f"the {label}" for label in labels]
        mirror.write(split, [make_png(image) for image in pixels], text, label_type=pa.string())
    assert f"split train, example 0: its label is 'the {mirror.train[1][0]}', expected 0 to 9" in refusal()


def test_colour_images_are_read_channel_by_channel(mirror, make_png):
    pixels = np.random.default_rng(0).integers(0, 256, (6, 5, 4, 3), dtype=np.uint8)
    for split in ("train", "test"):
        mirror.write(split, [make_png(image) for image in pixels], [0, 1, 2, 3, 4, 5], shards=2)
    content, where = images.read("mnist", replace(SOURCES["mnist"], shape=(3, 5, 4)))
    for examples in (content.train, content.test):
        np.testing.assert_array_equal(examples.inputs.numpy(), pixels.transpose(0, 3, 1, 2))
        assert examples.targets.tolist() == [0, 1, 2, 3, 4, 5]
    assert where == str(mirror.folder)


def test_files_without_the_hubs_own_metadata_are_read_all_the_same(mirror):
    import pyarrow.parquet as pq

    for file in (mirror.folder / "mnist").glob("*.parquet"):
        pq.write_table(pq.read_table(file).replace_schema_metadata(None), file)
    assert load("mnist").digest == mirror.digest
