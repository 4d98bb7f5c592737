"""Trainings recorded bit by bit: a change that forgets to raise ENGINE_VERSION fails here.

The store and the rows tell old trainings from new ones by `ENGINE_VERSION`. Whoever changes a bit - in training,
data or network code - raises it in `ticketbench/harness/training/__init__.py` and then records anew:

    python tests/harness/training/test_golden.py

Run on another kind of machine without a change, the same command adds that machine's digests. Bits differ by
processor and version of torch; where this machine has no record, the first losses are compared instead.
"""

import hashlib
import json
from importlib.util import find_spec
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
import torch

from ticketbench.data.pairs import canonical_text
from ticketbench.data.text import text_digest
from ticketbench.harness.training import ENGINE_VERSION, Member
from ticketbench.harness.training.determinism import device_kind
from ticketbench.harness.workloads import workloads_of
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
    "lstm": """
id = "golden/lstm"
version = 1
title = "A text read on from step to step, and dropout"
tier = "smoke"
[data]
kind = "text"
name = "wikitext-2"
digest = "{text}"
sequence = 5
streams = 2
[network]
name = "lstm"
options = { embedding = 8, hidden = 12, dropout = 0.2 }
[training]
steps = 30
batch_size = 4
evaluate_every = 7
rewind_step = 5
clip = 0.25
optimizer = { name = "sgd", lr = 1.0 }
[ladder]
prune = 0.5
rounds = 2
scope = "global"
cover = "parameters"
""",
    "transformer": """
id = "golden/transformer"
version = 1
title = "Pairs of sentences, label smoothing, and beam search"
tier = "smoke"
[data]
kind = "translation"
name = "wmt14"
digest = "{pairs}"
source = "en"
target = "de"
vocabulary = 40
longest = 10
beam = 2
[network]
name = "transformer"
options = { width = 16, heads = 2, layers = 1, feedforward = 32, dropout = 0.1 }
[training]
steps = 30
batch_size = 8
evaluate_every = 15
rewind_step = 5
label_smoothing = 0.1
optimizer = { name = "adam", lr = 0.01, betas = [0.9, 0.98] }
schedule = { warmup = 10, decay = "inverse-sqrt" }
[ladder]
prune = 0.5
rounds = 2
scope = "global"
cover = "parameters"
""",
    "cartpole": """
id = "golden/cartpole"
version = 1
title = "An agent's updates by RMSprop"
tier = "smoke"
[data]
kind = "environment"
name = "CartPole-v1"
reward_scale = 0.02
games = 12
evaluation_games = 2
[network]
name = "policy-mlp"
options = { width = 16 }
[training]
steps = 30
batch_size = 32
evaluate_every = 10
rewind_step = 5
clip = 0.5
optimizer = { name = "rmsprop", lr = 0.002 }
agent = { environments = 4, rollout = 8, discount = 0.99, entropy = 0.01, value = 0.5 }
[ladder]
prune = 0.5
rounds = 2
scope = "global"
cover = "parameters"
""",
}
NEEDS = {"transformer": ("tokenizers", "sacrebleu"), "cartpole": ("gymnasium", "stable_baselines3")}
WORDS = ("tickets", "masks", "networks", "weights", "win", "hide", "learn", "move")
README = """---
configs:
- config_name: {}
  data_files:
  - split: train
    path: train.jsonl
  - split: validation
    path: validation.jsonl
  - split: test
    path: test.jsonl
---
"""


def machine() -> str:
    """All that bits depend on beside the code: torch, its instruction set, and whose processor chooses kernels."""
    info = Path("/proc/cpuinfo")
    lines = [line.split(":", 1) for line in info.read_text().splitlines() if ":" in line] if info.exists() else []
    said = {key.strip(): value.strip() for key, value in reversed(lines)}
    family, model = said.get("cpu family", "unknown"), said.get("model", "unknown")
    return f"torch {torch.__version__}, {device_kind(CPU)}, family {family}, model {model}"


def sentences(count: int, draw: int) -> list[str]:
    """Lines of four words."""
    drawn = torch.randint(len(WORDS), (count, 4), generator=torch.Generator().manual_seed(draw))
    return [" ".join(WORDS[each] for each in line) for line in drawn.tolist()]


def written(root: Path) -> dict[str, str]:
    """A text in WikiText's place, and pairs in that of WMT'14 whose German is the English turned round: their
    digests, for which `TASKS` leave room."""
    lines = {"train": sentences(100, 0), "validation": sentences(12, 1), "test": sentences(15, 2)}
    pairs = {split: [(" ".join(each.split()[::-1]), each) for each in said] for split, said in lines.items()}
    for name, config in (("Salesforce/wikitext", "wikitext-2-v1"), ("wmt/wmt14", "de-en")):
        (root / name).mkdir(parents=True)
        (root / name / "README.md").write_text(README.format(config))
    for split in lines:
        rows = [json.dumps({"text": each}) for each in lines[split]]
        (root / "Salesforce/wikitext" / f"{split}.jsonl").write_text("\n".join(rows))
        rows = [json.dumps({"translation": {"de": german, "en": english}}) for german, english in pairs[split]]
        (root / "wmt/wmt14" / f"{split}.jsonl").write_text("\n".join(rows))
    return {
        "text": text_digest({split: "\n".join(each) + "\n" for split, each in lines.items()}),
        "pairs": hashlib.sha256(canonical_text(pairs)).hexdigest(),
    }


def trained() -> dict[str, State]:
    """Every recorded training that can be run here: dense for 5 steps, then under a random mask with the optimizer
    state carried."""
    states = {}
    for name, said in TASKS.items():
        if not all(find_spec(package) for package in NEEDS.get(name, ())):
            continue
        with TemporaryDirectory() as folder, pytest.MonkeyPatch.context() as patch:
            path = Path(folder) / "task.toml"
            for data, pinned in written(Path(folder) / "mirror").items():
                said = said.replace(f"{{{data}}}", pinned)
            patch.setenv("TICKETBENCH_DATA", f"{folder}/mirror")
            patch.setenv("XDG_CACHE_HOME", f"{folder}/cache")
            path.write_text(said)
            (work,) = workloads_of(load_task(path), CPU).values()
        (early,) = work.advance([Member(work.initial(3), 3)], 5)
        rng = torch.Generator().manual_seed(0)
        mask = {name: torch.rand(kept.shape, generator=rng) < 0.4 for name, kept in early.mask.items()}
        (states[name],) = work.advance([Member(derive(early, mask=mask), 3)], 30)
    return states


def losses(name: str, state: State) -> list[float]:
    """The first 16 training losses and every validation loss; of games, whose course one rounding can turn, the
    first two updates' alone."""
    if name == "cartpole":
        return list(state.history.early_losses[:2])
    return [*state.history.early_losses, *(point.validation_loss for point in state.history.points)]


def digest(name: str, state: State) -> str:
    """Of the whole state; of an agent's, of what it has learned: weights and optimizer state."""
    if name == "cartpole":
        state = State(state.step, state.weights, {}, state.mask, state.optimizer, state.optimizer_name)
    return state.digest()


def record() -> None:
    """Write what this machine computes. Digests of other machines stay while the engine is the same."""
    states = trained()
    known = json.loads(RECORD.read_text()) if RECORD.exists() else {}
    if known.get("engine_version") != ENGINE_VERSION:
        known = {"engine_version": ENGINE_VERSION, "digests": {}}
    known.setdefault("losses", {}).update({name: losses(name, state) for name, state in states.items()})
    known["digests"].setdefault(machine(), {}).update({name: digest(name, state) for name, state in states.items()})
    RECORD.write_text(json.dumps(known, indent=1) + "\n")


@pytest.fixture(scope="module")
def states() -> dict[str, State]:
    return trained()


@pytest.mark.parametrize("name", TASKS)
def test_bits_change_only_with_the_engine_version(name, states):
    for package in NEEDS.get(name, ()):
        pytest.importorskip(package)
    known = json.loads(RECORD.read_text())
    assert known["engine_version"] == ENGINE_VERSION, RENEW.format(
        ENGINE_VERSION, known["engine_version"], Path(__file__).name
    )
    forgotten = FORGOTTEN.format(name, ENGINE_VERSION)
    assert losses(name, states[name]) == pytest.approx(known["losses"][name], rel=1e-5), forgotten
    here = known["digests"].get(machine(), {}).get(name)
    assert here is None or digest(name, states[name]) == here, forgotten


if __name__ == "__main__":
    record()
