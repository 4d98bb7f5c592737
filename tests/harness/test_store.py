"""The store gives back what was put, or nothing: shared, bounded, and whole whatever happens."""

import os
import time
from contextlib import contextmanager

import pytest
import torch
from safetensors.torch import save

from ticketbench.errors import TicketbenchError
from ticketbench.harness.store import Measured, Store, Stored
from ticketbench.methods.state import History, Point, State

LINE, OTHER = "0123abcd" * 8, "89abcdef" * 8


def stored(step=3, fill=0.5, size=64, **parts):
    """A checkpoint with something in every part."""
    weights = {"hidden.0.weight": torch.full((8, size), fill), "hidden.0.bias": torch.arange(8.0)}
    mask = {"hidden.0.weight": torch.rand(8, size, generator=torch.Generator().manual_seed(step)) < 0.5}
    said = {
        "weights": weights,
        "buffers": {"norm.running_mean": torch.randn(4), "norm.num_batches_tracked": torch.tensor(7)},
        "mask": mask,
        "optimizer": {
            "step/hidden.0.weight": torch.tensor(3.0),
            "exp_avg/hidden.0.weight": torch.randn(8, size),
            "step/hidden.0.bias": torch.tensor(3.0),
        },
        "optimizer_name": "adam",
        "extra": {"gate": torch.randn(2, dtype=torch.float64), "nothing": torch.empty(0)},
        "history": History(
            start=1,
            points=(Point(1, None, 2.3, 0.1, 2.4, 0.2), Point(3, 1 / 3, 2.2, 0.3, 2.1, 0.4)),
            early_losses=(0.1, 1e-45, 2.5),
            path_length=0.1 + 0.2,
            distance_moved=1e-300,
            loss_sum=float("nan"),
            loss_count=2,
            diverged=True,
            test_correct=bytes(range(256)),
            one_answer=True,
            origin={"hidden.0.weight": torch.randn(8, size)},
            anchor={"hidden.0.bias": torch.tensor([float("nan"), float("inf"), -0.0])},
        ),
    }
    return Stored(State(step, **(said | parts)), Measured(1.5, 0.25, 2**40))


def files(store):
    return sorted(path for path in store.root.rglob("*") if path.suffix == ".safetensors")


def only_file(store):
    (path,) = files(store)
    return path


def bits(tensors):
    return [(name, t.dtype, t.shape, t.flatten().view(torch.uint8).tolist()) for name, t in tensors.items()]


@pytest.mark.parametrize(
    "parts",
    [
        {},
        {"optimizer": None, "optimizer_name": ""},
        {"optimizer": {}},
        {"extra": {}, "history": History(0)},
        {"buffers": {}, "mask": {}},
    ],
    ids=["everything", "no optimizer", "an empty optimizer", "the least", "nothing to prune"],
)
def test_every_part_comes_back_bit_by_bit_and_in_order(parts, tmp_path):
    put = stored(**parts)
    Store(tmp_path).put(LINE, 3, put, keep=True)
    got = Store(tmp_path).get(LINE, 3)
    assert got.measured == put.measured
    for part in ("weights", "buffers", "mask", "extra"):
        assert bits(getattr(got.state, part)) == bits(getattr(put.state, part))
    assert (got.state.optimizer is None) == (put.state.optimizer is None)
    assert bits(got.state.optimizer or {}) == bits(put.state.optimizer or {})
    assert got.state.optimizer_name == put.state.optimizer_name
    history, expected = got.state.history, put.state.history
    assert repr(history.facts()) == repr(expected.facts())
    assert bits(history.origin) == bits(expected.origin)
    assert bits(history.anchor) == bits(expected.anchor)
    assert got.state.digest() == put.state.digest()


def test_what_was_never_put_is_not_there(tmp_path):
    store = Store(tmp_path)
    store.put(LINE, 3, stored(), keep=True)
    assert store.get(LINE, 4) is None
    assert store.get(OTHER, 3) is None
    assert store.steps(OTHER) == []


def test_the_steps_of_a_line_are_in_order_and_from_both_tiers(tmp_path):
    store = Store(tmp_path)
    for step, keep in ((100, True), (20, False), (3, True)):
        store.put(LINE, step, stored(step), keep=keep)
    store.put(OTHER, 7, stored(7), keep=True)
    assert store.steps(LINE) == [3, 20, 100]


def damaged(content, how):
    middle = len(content) // 2
    foreign = save({"weights": torch.ones(3)}, metadata={"made": "elsewhere"})
    return {
        "empty": b"",
        "seven bytes": content[:7],
        "cut in the header": content[:200],
        "cut in the middle": content[:middle],
        "cut by one byte": content[:-1],
        "too long": content + b"\0",
        "zeros": bytes(len(content)),
        "noise": bytes(range(256)) * 40,
        "no checkpoint": foreign,
        "one bit of a tensor": content[:-500] + bytes([content[-500] ^ 1]) + content[-499:],
        "a block of zeros": content[:-1000] + bytes(900) + content[-100:],
        "another step": content.replace(b'\\"step\\": 3', b'\\"step\\": 4', 1),
    }[how]


HOW = ["empty", "seven bytes", "cut in the header", "cut in the middle", "cut by one byte", "too long", "zeros"]
HOW += ["noise", "no checkpoint", "one bit of a tensor", "a block of zeros", "another step"]


@pytest.mark.parametrize("how", HOW)
@pytest.mark.parametrize("keep", [True, False])
def test_a_damaged_file_is_absent_and_makes_room_for_a_whole_one(how, keep, tmp_path):
    Store(tmp_path).put(LINE, 3, stored(), keep=keep)
    path = only_file(Store(tmp_path))
    before = path.read_bytes()
    path.write_bytes(damaged(before, how))
    assert path.read_bytes() != before
    store = Store(tmp_path)
    assert store.get(LINE, 3) is None
    assert store.steps(LINE) == []
    store.put(LINE, 3, stored(), keep=keep)
    assert Store(tmp_path).get(LINE, 3) is not None


def test_what_one_holds_in_memory_is_still_the_same_when_asked_again(tmp_path):
    store = Store(tmp_path)
    store.put(LINE, 3, stored(), keep=True)
    assert store.get(LINE, 3) is store.get(LINE, 3)


def aged(store, line, step, seconds):
    """Make a file look as if it was last used so long ago."""
    (path,) = [p for p in files(store) if p.parent.name == line and p.stem == str(step)]
    then = time.time() - seconds
    os.utime(path, (then, then))


def size_of_one(root):
    store = Store(root)
    store.put(LINE, 1, stored(1), keep=False)
    return only_file(store).stat().st_size


def test_the_cache_is_held_to_its_limit_and_the_least_recently_used_goes_first(tmp_path):
    size = size_of_one(tmp_path / "measure")
    store = Store(tmp_path / "store", limit=int(3.5 * size))
    for step in (1, 2, 3):
        store.put(LINE, step, stored(step), keep=False)
        aged(store, LINE, step, seconds=100 - step)
    reader = Store(tmp_path / "store")
    assert reader.get(LINE, 1) is not None  # used just now
    store.put(LINE, 4, stored(4), keep=False)
    assert store.steps(LINE) == [1, 3, 4]
    store.put(LINE, 5, stored(5), keep=False)
    assert store.steps(LINE) == [1, 4, 5]


def test_the_limit_holds_however_much_is_written(tmp_path):
    size = size_of_one(tmp_path / "measure")
    store = Store(tmp_path / "store", limit=20 * size)
    for step in range(60):
        store.put(LINE, step, stored(step), keep=False)
        total = sum(path.stat().st_size for path in files(store))
        assert total <= 22 * size
    assert len(store.steps(LINE)) >= 18
    assert 59 in store.steps(LINE)


def test_what_is_kept_survives_any_cache(tmp_path):
    store = Store(tmp_path, limit=0)
    store.put(LINE, 1, stored(1), keep=True)
    for step in range(2, 8):
        store.put(LINE, step, stored(step), keep=False)
    assert store.steps(LINE) == [1]
    assert Store(tmp_path).get(LINE, 1) is not None


def test_keeping_moves_a_checkpoint_out_of_the_caches_reach(tmp_path):
    store = Store(tmp_path)
    store.put(LINE, 1, stored(1), keep=False)
    store.put(LINE, 2, stored(2), keep=False)
    store.keep(LINE, 2)
    store.keep(LINE, 2)
    store.keep(LINE, 9)  # is nowhere
    Store(tmp_path, limit=0).put(OTHER, 1, stored(1), keep=False)
    assert Store(tmp_path).steps(LINE) == [2]
    assert Store(tmp_path).get(LINE, 2) is not None


def test_what_the_cache_lost_meanwhile_is_kept_all_the_same(tmp_path):
    """Another process made room between this one's reading and its wish to keep."""
    store = Store(tmp_path)
    store.put(LINE, 1, stored(1), keep=False)
    only_file(store).unlink()
    store.keep(LINE, 1)
    assert Store(tmp_path).get(LINE, 1) is not None
    assert only_file(store).is_relative_to(tmp_path / "kept")


def test_keeping_what_another_process_has_just_kept_is_no_error(tmp_path):
    one, other = Store(tmp_path), Store(tmp_path)
    one.put(LINE, 1, stored(1), keep=False)
    assert other.get(LINE, 1) is not None
    one.keep(LINE, 1)
    before = only_file(one).stat().st_mtime_ns
    other.keep(LINE, 1)
    assert only_file(one).stat().st_mtime_ns == before


def test_what_a_killed_process_left_half_written_is_cleared_away(tmp_path):
    store = Store(tmp_path)
    store.put(LINE, 1, stored(1), keep=True)
    store.put(LINE, 1, stored(1), keep=False)
    leftovers = [path.with_name(f".{path.name}.1.tmp") for path in files(store)]
    fresh = next((tmp_path / "cache").rglob("*.safetensors")).with_name(".5.safetensors.2.tmp")
    for path in (*leftovers, fresh):
        path.write_bytes(b"half")
    long_ago = time.time() - 7200
    for path in leftovers:
        os.utime(path, (long_ago, long_ago))
    Store(tmp_path).put(LINE, 2, stored(2), keep=False)
    assert not any(path.exists() for path in leftovers)
    assert fresh.exists()  # may still be being written
    assert store.steps(LINE) == [1, 2]


def test_a_store_that_can_only_be_read_answers(tmp_path, monkeypatch):
    Store(tmp_path).put(LINE, 3, stored(), keep=True)

    def refuse(*_, **__):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(os, "utime", refuse)
    assert Store(tmp_path).get(LINE, 3) is not None


@contextmanager
def one_message(*words):
    with pytest.raises(TicketbenchError) as caught:
        yield
    said = str(caught.value)
    assert "\n" not in said
    for word in words:
        assert word in said
    assert caught.value.__cause__ is None


def test_a_root_that_cannot_be_made_is_one_message(tmp_path):
    (tmp_path / "file").write_text("")
    with one_message(f"The store {tmp_path / 'file' / 'store'} cannot be made: Not a directory."):
        Store(tmp_path / "file" / "store")
    with one_message(f"The store {tmp_path / 'file'} cannot be made"):
        Store(tmp_path / "file")


def test_a_place_that_cannot_be_written_is_one_message(tmp_path):
    store = Store(tmp_path)
    store.put(OTHER, 3, stored(), keep=False)
    (tmp_path / "kept").write_text("no folder")
    with one_message(f"The store {tmp_path} cannot be written", "Nothing in it was lost", "--store"):
        store.put(LINE, 3, stored(), keep=True)
    with one_message(f"The store {tmp_path} cannot be written"):
        store.keep(OTHER, 3)
    assert Store(tmp_path).get(OTHER, 3) is not None


def test_locks_that_cannot_be_made_are_one_message(tmp_path):
    store = Store(tmp_path)
    (tmp_path / "locks").rmdir()
    with one_message(f"The store {tmp_path} cannot be written"), store.lock(LINE):
        pytest.fail("there was nothing to hold")


def test_a_full_disk_is_one_message_and_loses_nothing(tmp_path, no_file_above):
    store = Store(tmp_path)
    store.put(LINE, 1, stored(), keep=True)
    with no_file_above(50_000):
        with one_message(
            f"The store {tmp_path} cannot be written: File too large. Nothing in it was lost;", "--store"
        ):
            store.put(LINE, 2, stored(size=10_000), keep=True)
        store.put(LINE, 3, stored(), keep=True)
    store = Store(tmp_path)
    assert store.steps(LINE) == [1, 3]
    assert store.get(LINE, 1) is not None
    assert store.get(LINE, 2) is None
    assert {path.suffix for path in (tmp_path / "kept").rglob("*") if path.is_file()} == {".safetensors"}
