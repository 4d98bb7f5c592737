import resource
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ticketbench.data import cache
from ticketbench.data.examples import Examples, content_digest

TRAIN = Examples(torch.arange(24, dtype=torch.uint8).reshape(6, 1, 2, 2), torch.arange(6))
TEST = Examples(torch.arange(8, dtype=torch.uint8).reshape(2, 1, 2, 2), torch.arange(2))
DIGEST = content_digest(TRAIN, TEST)


@pytest.fixture(autouse=True)
def kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where this test's cache file lies."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    return cache.path("tiny", DIGEST)


def is_whole(found) -> bool:
    pairs = zip(found, (TRAIN, TEST), strict=True)
    return all(torch.equal(a.inputs, b.inputs) and torch.equal(a.targets, b.targets) for a, b in pairs)


def test_what_was_written_is_read_and_nothing_else_is_left(kept):
    assert cache.read("tiny", DIGEST) is None
    cache.write("tiny", DIGEST, TRAIN, TEST)
    assert is_whole(cache.read("tiny", DIGEST))
    assert list(kept.parent.iterdir()) == [kept]


def test_a_file_of_other_content_does_not_answer(kept):
    cache.write("tiny", DIGEST, TRAIN, TEST)
    other = content_digest(TEST, TRAIN)
    kept.rename(cache.path("tiny", other))
    assert cache.read("tiny", other) is None


@settings(deadline=None, max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.data())
def test_no_damage_is_ever_read_as_data(kept, data):
    cache.write("tiny", DIGEST, TRAIN, TEST)
    whole = bytearray(kept.read_bytes())
    if data.draw(st.booleans(), label="truncate"):
        del whole[data.draw(st.integers(0, len(whole) - 1)) :]
    else:
        whole[data.draw(st.integers(0, len(whole) - 1))] ^= data.draw(st.integers(1, 255))
    kept.write_bytes(whole)
    found = cache.read("tiny", DIGEST)
    assert found is None or is_whole(found)


def test_a_full_disk_costs_only_the_copy(kept, caplog):
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (100, hard))
    try:
        cache.write("tiny", DIGEST, TRAIN, TEST)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert list(kept.parent.iterdir()) == []
    assert "tiny" in caplog.text
    assert str(kept.parent) in caplog.text


def test_a_full_disk_leaves_the_older_copy(kept):
    cache.write("tiny", DIGEST, TRAIN, TEST)
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (100, hard))
    try:
        cache.write("tiny", DIGEST, TRAIN, TEST)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert is_whole(cache.read("tiny", DIGEST))


def test_many_writers_at_once_never_show_half_a_file(kept):
    cache.write("tiny", DIGEST, TRAIN, TEST)

    def write_often() -> None:
        for _ in range(50):
            cache.write("tiny", DIGEST, TRAIN, TEST)

    with ThreadPoolExecutor(3) as pool:
        writers = [pool.submit(write_often) for _ in range(3)]
        while not all(writer.done() for writer in writers):
            assert is_whole(cache.read("tiny", DIGEST))
        for writer in writers:
            writer.result()
    assert list(kept.parent.iterdir()) == [kept]
