import resource
import shutil
from dataclasses import replace

import datasets
import huggingface_hub
import numpy as np
import pytest
import sklearn.datasets
import torch

from ticketbench.data import cache, load
from ticketbench.data.sources import SOURCES
from ticketbench.errors import TicketbenchError
from ticketbench.paths import cache_folder


def as_set(pixels, labels) -> set[tuple[bytes, int]]:
    return {(np.asarray(x, np.uint8).tobytes(), int(y)) for x, y in zip(pixels, labels, strict=True)}


def same(one, other) -> bool:
    pairs = [(one.train, other.train), (one.test, other.test)]
    return all(torch.equal(a.inputs, b.inputs) and torch.equal(a.targets, b.targets) for a, b in pairs)


def test_every_stored_example_is_loaded_with_its_exact_pixels_and_label(mnist_mirror):
    mirror = mnist_mirror(train=60, test=30)
    data = load("mnist")
    assert (data.name, data.classes, data.scale, data.digest) == ("mnist", 10, 255, mirror.digest)
    assert data.train.inputs.shape == (60, 1, 28, 28)
    assert data.train.inputs.dtype == torch.uint8
    assert data.train.targets.dtype == torch.int64
    assert as_set(data.train.inputs, data.train.targets) == as_set(*mirror.train)
    assert as_set(data.test.inputs, data.test.targets) == as_set(*mirror.test)


def test_a_shuffled_mirror_cut_into_other_files_gives_the_same_digest_and_order(mnist_mirror, tmp_path):
    mirror = mnist_mirror(train=60, test=30)
    before = load("mnist")
    shutil.rmtree(cache_folder())
    for split in ("train", "test"):
        stored = datasets.load_dataset(str(mirror.folder), "mnist", split=split, cache_dir=str(tmp_path / "arrow"))
        stored = stored.cast_column("image", datasets.Image(decode=False)).shuffle(seed=5)
        mirror.write(split, [image["bytes"] for image in stored["image"]], stored["label"], shards=3)
    assert len(list((mirror.folder / "mnist").glob("train-*"))) == 3
    after = load("mnist")
    assert after.digest == before.digest
    assert same(before, after)


def test_a_second_load_needs_the_mirror_no_more(mnist_mirror):
    mirror = mnist_mirror(train=60, test=30)
    first = load("mnist")
    shutil.rmtree(mirror.root)
    assert same(first, load("mnist"))


def test_other_content_than_the_pinned_is_refused_with_both_digests_and_the_place(mnist_mirror, monkeypatch):
    mirror = mnist_mirror(train=60, test=30)
    load("mnist")
    pinned = "0" * 64
    monkeypatch.setitem(SOURCES, "mnist", replace(SOURCES["mnist"], digest=pinned))
    with pytest.raises(TicketbenchError) as error:
        load("mnist")
    for said in ("mnist", str(mirror.folder), mirror.digest, pinned, "60", "30"):
        assert said in str(error.value)
    assert not cache.path("mnist", pinned).exists()


def test_a_damaged_cache_file_is_made_anew_without_a_word(mnist_mirror, caplog):
    mnist_mirror(train=60, test=30)
    first = load("mnist")
    kept = cache.path("mnist", first.digest)
    whole = kept.read_bytes()
    kept.write_bytes(whole[: len(whole) // 2])
    assert same(first, load("mnist"))
    assert kept.read_bytes() == whole
    assert caplog.records == []


def test_a_cache_folder_that_cannot_be_made_does_not_stop_the_run(mnist_mirror, caplog):
    mnist_mirror(train=60, test=30)
    cache_folder().parent.mkdir(parents=True, exist_ok=True)
    cache_folder().write_text("a file where the folder should be")
    assert len(load("mnist").train) == 60
    assert len(load("mnist").train) == 60
    assert str(cache_folder()) in caplog.text


def test_a_full_disk_does_not_stop_the_run(mnist_mirror, caplog):
    mnist_mirror(train=60, test=30)
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (100, hard))
    try:
        data = load("mnist")
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert len(data.train) == 60
    assert str(cache_folder()) in caplog.text


def test_the_settings_of_the_datasets_library_are_left_as_they_were(mnist_mirror, monkeypatch):
    mnist_mirror(train=60, test=30)
    before = datasets.utils.logging.get_verbosity()
    load("mnist")
    assert datasets.utils.logging.get_verbosity() == before
    assert not datasets.utils.are_progress_bars_disabled()
    assert not huggingface_hub.utils.are_progress_bars_disabled()


def test_an_unknown_data_set_is_answered_with_the_closest_name():
    with pytest.raises(TicketbenchError, match=r"Unknown data set 'mnits'\. Did you mean 'mnist'\?"):
        load("mnits")


def test_every_known_name_has_a_pin():
    assert {"digits", "mnist", "fashion-mnist"} <= set(SOURCES)
    assert all(len(source.digest) == 64 for source in SOURCES.values())


def test_digits_are_scikit_learns_in_canonical_order(monkeypatch, tmp_path):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    raw = sklearn.datasets.load_digits()
    data = load("digits")
    assert data.train.inputs.shape == (1437, 1, 8, 8)
    assert data.test.inputs.shape == (360, 1, 8, 8)
    assert (SOURCES["digits"].test_examples, SOURCES["digits"].shape) == (360, (1, 8, 8))
    assert data.scale == data.train.inputs.max() == 16
    both = as_set(data.train.inputs, data.train.targets) | as_set(data.test.inputs, data.test.targets)
    assert both == as_set(raw.images, raw.target)
    assert data.digest == SOURCES["digits"].digest
    assert same(data, load("digits"))


def test_digits_need_neither_mirror_nor_hub(monkeypatch, tmp_path):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    monkeypatch.setenv("TICKETBENCH_DATA", str(tmp_path / "nowhere"))
    monkeypatch.setattr(datasets, "load_dataset", lambda *_, **__: pytest.fail("the hub was asked"))
    assert len(load("digits").test) == 360
