import resource
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ticketbench.data import cache
from ticketbench.data.examples import Content, Examples, content_digest

TRAIN = Examples(torch.arange(24, dtype=torch.uint8).reshape(6, 1, 2, 2), torch.arange(6))
TEST = Examples(torch.arange(8, dtype=torch.uint8).reshape(2, 1, 2, 2), torch.arange(2))
CONTENT = Content(TRAIN, TEST, classes=7)


@pytest.fixture(autouse=True)
def own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))


class Kept:
    """The tiny data set above in the cache: a known one, or a person's own, whose digest covers its classes."""

    def __init__(self, own: bool):
        self.own = own
        self.classes = None if own else CONTENT.classes
        self.digest = content_digest(TRAIN, TEST, CONTENT.classes if own else None)
        self.path = cache.path("tiny", self.digest)

    def write(self) -> None:
        cache.write("tiny", self.digest, CONTENT, self.own)

    def read(self) -> Content | None:
        return cache.read("tiny", self.digest, self.classes)


@pytest.fixture(params=[False, True], ids=["known", "own"])
def kept(request) -> Kept:
    return Kept(request.param)


def is_whole(found) -> bool:
    pairs = ((found.train, TRAIN), (found.test, TEST))
    same = all(torch.equal(a.inputs, b.inputs) and torch.equal(a.targets, b.targets) for a, b in pairs)
    return same and found.classes == CONTENT.classes


def test_what_was_written_is_read_and_nothing_else_is_left(kept):
    assert kept.read() is None
    kept.write()
    assert is_whole(kept.read())
    assert list(kept.path.parent.iterdir()) == [kept.path]


def test_a_file_of_other_content_does_not_answer(kept):
    kept.write()
    other = content_digest(TEST, TRAIN)
    kept.path.rename(cache.path("tiny", other))
    assert cache.read("tiny", other, kept.classes) is None


@settings(deadline=None, max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.data())
def test_no_damage_is_ever_read_as_data(kept, data):
    kept.write()
    whole = bytearray(kept.path.read_bytes())
    if data.draw(st.booleans(), label="truncate"):
        del whole[data.draw(st.integers(0, len(whole) - 1)) :]
    else:
        whole[data.draw(st.integers(0, len(whole) - 1))] ^= data.draw(st.integers(1, 255))
    kept.path.write_bytes(whole)
    found = kept.read()
    assert found is None or is_whole(found)


def test_a_full_disk_costs_only_the_copy(kept, caplog):
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (100, hard))
    try:
        kept.write()
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert list(kept.path.parent.iterdir()) == []
    assert "tiny" in caplog.text
    assert str(kept.path.parent) in caplog.text


def test_a_full_disk_leaves_the_older_copy(kept):
    kept.write()
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (100, hard))
    try:
        kept.write()
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert is_whole(kept.read())


def test_many_writers_at_once_never_show_half_a_file(kept):
    kept.write()

    def write_often() -> None:
        for _ in range(50):
            kept.write()

    with ThreadPoolExecutor(3) as pool:
        writers = [pool.submit(write_often) for _ in range(3)]
        while not all(writer.done() for writer in writers):
            assert is_whole(kept.read())
        for writer in writers:
            writer.result()
    assert list(kept.path.parent.iterdir()) == [kept.path]
