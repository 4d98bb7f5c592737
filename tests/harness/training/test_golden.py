"""Trainings recorded bit by bit: a change that forgets to raise ENGINE_VERSION fails here.

The store and the rows tell old trainings from new ones by `ENGINE_VERSION`. Whoever changes a bit - in training,
data or network code - raises it in `ticketbench/harness/training/__init__.py` and then records anew:

    python tests/harness/training/test_golden.py

Run on another kind of machine without a change, the same command adds that machine's digests. Bits differ by
processor and version of torch; where this machine has no record, the first losses are compared instead.
"""

import json
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
import torch

from ticketbench.harness.training import ENGINE_VERSION, Member, advance
from ticketbench.harness.training.determinism import device_kind
from ticketbench.harness.workloads.vision import Vision
from ticketbench.methods.state import State, derive
from ticketbench.task import load_task

RECORD = Path(__file__).with_name("golden.json")
CPU = torch.device("cpu")
RENEW = "ENGINE_VERSION is {} and what is recorded is of {}: record anew with `python tests/harness/training/{}`."
FORGOTTEN = "{} is trained to other bits than version {} of the engine was: raise ENGINE_VERSION and record anew."
TASKS = {
    "mlp": """
id = "golden/mlp"
version = 1
title = "Adam, weight decay, warm-up and a milestone"
tier = "smoke"
extends = "digits/mlp"
[network]
options.hidden = [20, 10]
[training]
steps = 30
batch_size = 170
evaluate_every = 7
rewind_step = 5
optimizer = { name = "adam", lr = 0.01, weight_decay = 0.01 }
schedule = { warmup = 8, milestones = [15], factor = 0.3 }
""",
    "conv": """
id = "golden/conv"
version = 1
title = "Momentum, weight decay and batch norm"
tier = "smoke"
extends = "digits/conv"
[network]
options.width = 6
[training]
steps = 30
batch_size = 100
evaluate_every = 7
rewind_step = 5
optimizer = { name = "sgd", lr = 0.1, momentum = 0.9, weight_decay = 0.01 }
schedule = { milestones = [15], factor = 0.1 }
""",
}


def machine() -> str:
    """All that bits depend on beside the code: torch, its instruction set, and whose processor chooses kernels."""
    info = Path("/proc/cpuinfo")
    lines = [line.split(":", 1) for line in info.read_text().splitlines() if ":" in line] if info.exists() else []
    said = {key.strip(): value.strip() for key, value in reversed(lines)}
    family, model = said.get("cpu family", "unknown"), said.get("model", "unknown")
    return f"torch {torch.__version__}, {device_kind(CPU)}, family {family}, model {model}"


def trained() -> dict[str, State]:
    """Every recorded training: dense for 5 steps, then under a random mask with the optimizer state carried."""
    states = {}
    for name, said in TASKS.items():
        with TemporaryDirectory() as folder:
            path = Path(folder) / "task.toml"
            path.write_text(said)
            work = Vision(load_task(path), CPU)
        (early,) = advance([Member(work.initial(3), 3)], 5, work)
        rng = torch.Generator().manual_seed(0)
        mask = {name: torch.rand(kept.shape, generator=rng) < 0.4 for name, kept in early.mask.items()}
        (states[name],) = advance([Member(derive(early, mask=mask), 3)], 30, work)
    return states


def losses(state: State) -> list[float]:
    """The first 16 training losses and every validation loss."""
    return [*state.history.early_losses, *(point.validation_loss for point in state.history.points)]


def record() -> None:
    """Write what this machine computes. Digests of other machines stay while the engine is the same."""
    states = trained()
    known = json.loads(RECORD.read_text()) if RECORD.exists() else {}
    if known.get("engine_version") != ENGINE_VERSION:
        known = {"engine_version": ENGINE_VERSION, "digests": {}}
    known["losses"] = {name: losses(state) for name, state in states.items()}
    known["digests"][machine()] = {name: state.digest() for name, state in states.items()}
    RECORD.write_text(json.dumps(known, indent=1) + "\n")


@pytest.fixture(scope="module")
def states() -> dict[str, State]:
    return trained()


@pytest.mark.parametrize("name", TASKS)
def test_bits_change_only_with_the_engine_version(name, states):
    known = json.loads(RECORD.read_text())
    assert known["engine_version"] == ENGINE_VERSION, RENEW.format(
        ENGINE_VERSION, known["engine_version"], Path(__file__).name
    )
    forgotten = FORGOTTEN.format(name, ENGINE_VERSION)
    assert losses(states[name]) == pytest.approx(known["losses"][name], rel=1e-5), forgotten
    here = known["digests"].get(machine())
    assert here is None or states[name].digest() == here[name], forgotten


if __name__ == "__main__":
    record()
