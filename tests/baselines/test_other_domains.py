"""Every method on a language task and on a control task: its tickets, or the reason why there are none."""

import pytest
import torch

from ticketbench.harness.search import DENSE_METHOD, Job, run_search
from ticketbench.harness.store import Store
from ticketbench.harness.trainings import Trainings
from ticketbench.harness.workloads import workloads_of
from ticketbench.methods import find_methods, shipped_methods
from ticketbench.task import load_task

TEXT = """
id = "tiny/text"
version = 1
title = "A tiny language model"
tier = "smoke"
[data]
kind = "text"
name = "wikitext-2"
digest = "{digest}"
sequence = 2
streams = 2
[network]
name = "lstm"
options = {{ embedding = 6, hidden = 10, layers = 2, dropout = 0.1 }}
[training]
steps = 20
batch_size = 8
optimizer = {{ name = "adam", lr = 0.02, eps = 0.001 }}
evaluate_every = 10
rewind_step = 4
[ladder]
prune = 0.5
rounds = 2
scope = "global"
cover = "parameters"
"""
GAMES = """
id = "tiny/games"
version = 1
title = "A tiny agent"
tier = "smoke"
[data]
kind = "environment"
name = "CartPole-v1"
max_steps = 20
games = 5
evaluation_games = 2
[network]
name = "policy-mlp"
options = { width = 6 }
[training]
steps = 10
batch_size = 40
optimizer = { name = "rmsprop", lr = 0.01 }
clip = 0.5
agent = { environments = 2, rollout = 20, discount = 0.99, entropy = 0.01, value = 0.5 }
evaluate_every = 5
rewind_step = 5
[ladder]
prune = 0.5
rounds = 2
scope = "global"
cover = "parameters"
"""
CPU = torch.device("cpu")
NO_CLASSES = "batches: per_class=10, but the examples of {} have no classes"
NO_OBJECTIVE = "an objective: an agent learns from games that it plays as its network stands"
# Where a method has no tickets: the status of its rows, and how their reason begins.
WITHOUT = {
    "text": {
        "early-bird": ("not applicable", "the network has no batch norm"),
        "grasp": ("not applicable", NO_CLASSES.format("tiny/text")),
        "obd": ("failed", "ended at rung 1: ValueError: layers.0.weight_ih_l0, layers.0.weight_hh_l0, "),
    },
    "games": {
        "early-bird": ("not applicable", "the network has no batch norm"),
        "grasp": ("not applicable", NO_CLASSES.format("tiny/games")),
        "movement": ("not applicable", NO_OBJECTIVE),
        "edge-popup": ("not applicable", NO_OBJECTIVE),
    },
}


@pytest.fixture(scope="module")
def searched(text_mirror, tmp_path_factory):
    """`searched(kind, method)`: the method's rows on the tiny task of that kind. One store for all, as in a run."""
    store = Store(tmp_path_factory.mktemp("store"))
    files = tmp_path_factory.mktemp("tasks")
    made = {}
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("TICKETBENCH_DATA", str(text_mirror.root))
        for kind, said in {"text": TEXT.format(digest=text_mirror.digest), "games": GAMES}.items():
            (files / f"{kind}.toml").write_text(said)
            task = load_task(files / f"{kind}.toml")
            made[kind] = (task, workloads_of(task, CPU))

    def search(kind, name):
        task, workloads = made[kind]
        method = DENSE_METHOD if name == "dense" else find_methods([name])[0]
        rungs = range(1, task.ladder.rounds + 1) if method.per_rung and name != "dense" else (None,)
        return [
            row
            for rung in rungs
            for row in run_search(Job(task, method, "default", 0, rung), Trainings(workloads, store))
        ]

    return search


@pytest.mark.parametrize("kind", ["text", "games"])
@pytest.mark.parametrize("name", sorted(shipped_methods()))
def test_every_method_has_its_tickets_or_says_why_not(kind, name, searched):
    rows = [row for row in searched(kind, name) if row["kind"] == "ticket"]
    assert {row["rung"] for row in rows} == {1, 2}
    if name in WITHOUT[kind]:
        status, reason = WITHOUT[kind][name]
        assert {row["status"] for row in rows} == {status}
        assert all(row["reason"].startswith(reason) for row in rows)
        assert all(row["test_final"] is None for row in rows)
        return
    assert {row["status"] for row in rows} <= {"done", "collapsed"}, [row["reason"] for row in rows]
    (method,) = find_methods([name])
    for row in rows:
        half = round(row["prunable"] * row["density_asked"])
        assert row["kept"] == half or method.density != "exact"
        assert row["metric"] == {"text": "perplexity", "games": "return"}[kind]
        assert row["test_correct"] is None
        assert len(row["test_scores"]) == row["test_examples"]


def test_biases_and_recurrent_weights_are_pruned_with_the_rest(searched):
    (dense,) = searched("text", "dense")
    assert dense["prunable"] == dense["parameters"]
    *_, last = searched("text", "magnitude-global")
    covered = {each["layer"]: each["kept"] for each in last["kept_per_layer"]}
    assert {"embedding.weight", "layers.0.weight_hh_l0", "layers.1.bias_ih_l0", "output.bias"} <= set(covered)
    assert sum(covered.values()) == last["kept"] < last["prunable"] / 3
