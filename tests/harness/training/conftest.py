"""What the engine's tests share: tiny trainings on digits, and how two states are compared bit by bit."""

from collections.abc import Callable
from functools import cache
from pathlib import Path

import pytest
import torch

from ticketbench.harness.training.order import Batches
from ticketbench.harness.workloads.vision import Vision
from ticketbench.task import load_task

_TASK = """
id = "engine/{network}"
version = 1
title = "A training of a second"
tier = "smoke"
extends = "digits/{parent}"
[network]
{said}
[training]
{training}
"""
_NETWORKS = {
    "mlp": ("mlp", "options.hidden = [12, 8]"),
    "conv": ("conv", "options.width = 4"),
}
# 1,200 examples make 7.06 batches of 170, so batches run on across epochs; 24 steps end off the grid of 5.
_TRAINING = {"steps": "24", "batch_size": "170", "evaluate_every": "5", "rewind_step": "2"}


@pytest.fixture(scope="session")
def task_file(tmp_path_factory) -> Callable[..., Path]:
    """`task_file(network="mlp", **training)`: the task file of a tiny training; values are TOML.

    `network` is `mlp`, `conv` (with batch norm), or the name of another network that needs no options.
    """
    folder = tmp_path_factory.mktemp("tasks")

    def write(network: str = "mlp", **training: str) -> Path:
        parent, said = _NETWORKS.get(network, ("mlp", f'name = "{network}"'))
        lines = [f"{key} = {value}" for key, value in (_TRAINING | training).items()]
        path = folder / f"{len(list(folder.iterdir()))}.toml"
        path.write_text(_TASK.format(network=network, parent=parent, said=said, training="\n".join(lines)))
        return path

    return write


@pytest.fixture(scope="session")
def workload(task_file) -> Callable[..., Vision]:
    """`workload(network="mlp", device="cpu", **training)`: the same object for the same words, as in a real run."""

    @cache
    def make(network: str = "mlp", device: str = "cpu", **training: str) -> Vision:
        return Vision(load_task(task_file(network, **training)), torch.device(device))

    return make


@pytest.fixture(scope="session")
def random_mask() -> Callable[..., dict]:
    """`random_mask(state, density, draw=0)`: about so many weights of every layer; a draw's masks are nested."""

    def make(state, density: float, draw: int = 0) -> dict:
        rng = torch.Generator().manual_seed(draw)
        return {name: torch.rand(kept.shape, generator=rng) < density for name, kept in state.mask.items()}

    return make


@pytest.fixture(scope="session")
def assert_same() -> Callable[..., None]:
    """`assert_same(one, other)`: two states agree in every bit of every part, named where they do not."""

    def same_tensors(part: str, one: dict, other: dict) -> None:
        assert list(one) == list(other), part
        for name in one:
            assert one[name].dtype == other[name].dtype, f"{part} {name}"
            assert one[name].shape == other[name].shape, f"{part} {name}"
            bits, others = (each.contiguous().flatten().view(torch.uint8) for each in (one[name], other[name]))
            assert torch.equal(bits, others), f"{part} {name}"

    def check(one, other) -> None:
        assert one.step == other.step
        # Texts: there a number that is none equals itself.
        assert repr(one.history.facts()) == repr(other.history.facts())
        for part in ("weights", "buffers", "mask", "extra"):
            same_tensors(part, getattr(one, part), getattr(other, part))
        same_tensors("origin", one.history.origin, other.history.origin)
        same_tensors("anchor", one.history.anchor, other.history.anchor)
        assert (one.optimizer is None) == (other.optimizer is None)
        assert one.optimizer_name == other.optimizer_name
        same_tensors("optimizer", one.optimizer or {}, other.optimizer or {})
        assert one.digest() == other.digest()

    return check


class Watched:
    """A workload that says when a step begins, its weights and optimizer being those after the step before."""

    def __init__(self, inner: Vision, begins: Callable[[torch.Tensor], None]):
        self._inner, self._begins = inner, begins

    def __getattr__(self, name: str):
        return getattr(self._inner, name)

    def order(self, seed: int, data_order: int) -> "WatchedOrder":
        return WatchedOrder(self._inner.order(seed, data_order), self._begins)


class WatchedOrder:
    """Its order."""

    def __init__(self, inner: Batches, begins: Callable[[torch.Tensor], None]):
        self._inner, self._begins = inner, begins

    def batch(self, step: int) -> tuple[torch.Tensor, torch.Tensor]:
        self._begins(self._inner.order.batch(step))
        return self._inner.batch(step)


@pytest.fixture(scope="session")
def watched() -> type[Watched]:
    """`watched(workload, begins)`: the workload, `begins(indices)` being called as every step begins."""
    return Watched
