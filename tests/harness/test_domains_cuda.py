"""Language and control on CUDA: the same bits split or not, pruned weights zero, and about what the CPU computes."""

import pytest
import torch

from ticketbench.harness.training import Member
from ticketbench.harness.workloads import workloads_of
from ticketbench.methods.state import derive
from ticketbench.task import Task

pytestmark = pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA")

LADDER = {"prune": 0.5, "rounds": 2, "scope": "global", "cover": "parameters"}
HEAD = {"id": "tiny/task", "version": 1, "title": "A tiny task", "tier": "smoke", "ladder": LADDER}
GAMES = {
    "data": {"kind": "environment", "name": "CartPole-v1", "games": 5, "evaluation_games": 2},
    "network": {"name": "policy-mlp", "options": {"width": 8}},
    "training": {
        "steps": 20, "batch_size": 8, "evaluate_every": 10, "rewind_step": 10, "clip": 0.5,
        "optimizer": {"name": "rmsprop", "lr": 0.002},
        "agent": {"environments": 2, "rollout": 4, "discount": 0.99, "entropy": 0.01, "value": 0.5},
    },
}  # fmt: skip
TEXT = {
    "network": {"name": "lstm", "options": {"embedding": 6, "hidden": 10, "dropout": 0.2}},
    "training": {
        "steps": 20, "batch_size": 4, "evaluate_every": 10, "rewind_step": 10,
        "optimizer": {"name": "adam", "lr": 0.02},
    },
}  # fmt: skip


@pytest.fixture(params=["text", "games"])
def made(request, text_mirror, monkeypatch):
    """`made(device)`: the tiny task's workload there."""
    if request.param == "games":
        pytest.importorskip("stable_baselines3")
    monkeypatch.setenv("TICKETBENCH_DATA", str(text_mirror.root))
    words = {"kind": "text", "name": "wikitext-2", "digest": text_mirror.digest, "sequence": 5, "streams": 3}
    task = Task.model_validate(HEAD | (GAMES if request.param == "games" else TEXT | {"data": words}))
    return lambda device: workloads_of(task, torch.device(device))["default"]


def trained(workload, start, until):
    (state,) = workload.advance([Member(start, 0)], until)
    return state


def halved(state):
    rng = torch.Generator().manual_seed(0)
    return derive(
        state, mask={name: torch.rand(kept.shape, generator=rng) < 0.5 for name, kept in state.mask.items()}
    )


def test_a_split_training_has_the_bits_of_a_whole_one_and_pruned_weights_are_zero(made):
    workload = made("cuda")
    start = halved(workload.initial(0))
    whole = trained(workload, start, 20)
    assert trained(workload, trained(workload, start, 10), 20).digest() == whole.digest()
    for name, kept in whole.mask.items():
        assert not whole.weights[name][~kept].any()
        slots = [slot for key, slot in (whole.optimizer or {}).items() if key.split("/", 1)[1] == name]
        assert all(not slot[~kept].any() for slot in slots if slot.shape == kept.shape)


def test_the_first_losses_are_about_those_of_the_cpu(made):
    """Later ones of games are not: another action in one state leads elsewhere."""
    there, here = (made(device) for device in ("cuda", "cpu"))
    start = here.initial(0)
    one, other = (trained(each, start, 1).history.early_losses for each in (there, here))
    assert one == pytest.approx(other, rel=0.05, abs=0.05)
