"""Checks on repetition, seeds, and what a method must not have seen."""

import pytest

METHOD = '''
{before}

@method("mine", title="Mine")
def find(search):
    """Say what it does."""
    {body}
    yield from tickets(search, scores, search.initial)
'''


def mine(body, before=""):
    return METHOD.format(body=body.strip().replace("\n", "\n    "), before=before)


DRAWN = "scores = {n: torch.rand(m.shape, generator=rng) for n, m in search.initial.mask.items()}"


@pytest.mark.parametrize(
    ("before", "body", "seen"),
    [
        ("rng = torch.Generator().manual_seed(1)", DRAWN, "run once more, with the same seed, request 1, a ticket"),
        (
            "import random",
            f"rng = torch.Generator().manual_seed(random.SystemRandom().getrandbits(60))\n{DRAWN}",
            "run",
        ),
        (
            "calls = []",
            "calls.append(1)\nscores = sizes(search.initial)\nif len(calls) > 1:\n    yield search.at(7)",
            "is a training from step 0 to 7",
        ),
        (
            "",
            "yield search.dense\nran = search.charges.known.__self__._ran\n"
            "scores = {n: w * (1 if ran else -1) for n, w in sizes(search.initial).items()}",
            "run after another method",
        ),
    ],
    ids=["a generator of the module", "the system's randomness", "a global list", "what the store had"],
)
def test_another_outcome_of_the_same_seed_fails_determinism_alone(only, before, body, seen):
    beside = ("reading",) if "_ran" in body else ()
    finding = only(mine(body, before), "determinism", beside=beside)
    assert seen in finding.seen and "search.rng" in finding.change


def test_global_generators_may_be_drawn_from(findings):
    """The harness seeds them before every resume."""
    body = "scores = {n: torch.rand(m.shape) for n, m in search.initial.mask.items()}"
    assert findings(mine(body))["determinism"].status == "ok"


def test_the_same_tickets_for_every_seed_fail_seeds_alone(only):
    body = """
    one = search.initial.replace(weights={n: torch.ones_like(w) for n, w in search.initial.weights.items()})
    for rung in search.ladder:
        yield Ticket(keep_largest(sizes(one), rung), one)
    return
    """
    source = mine("scores = {}" + body.replace("\n    ", "\n"))
    finding = only(source, "seeds", beside=("cost",))
    assert "the same tickets, mask for mask and weight for weight" in finding.seen


def test_the_same_masks_for_every_seed_are_worth_knowing(only):
    finding = only(mine(f"rng = torch.Generator().manual_seed(1)\n{DRAWN}"), "seeds", "warning")
    assert "only the starting weights differ" in finding.seen


@pytest.mark.parametrize(
    "body",
    [
        "labels = search._workload._test.targets\nrng = torch.Generator().manual_seed(int(labels[:15].sum()))\n"
        f"yield search.at(1)\n{DRAWN}",
        "trained = yield search.dense\nbest = trained.state().history.points[-1].test_loss\n"
        f"rng = torch.Generator().manual_seed(int(best * 1e6))\n{DRAWN}",
    ],
    ids=["test labels", "the dense network's test loss"],
)
def test_tickets_that_change_with_held_out_examples_fail_that_check_alone(only, body):
    finding = only(mine(body), "held_out_data", beside=("reading",) if "state()" in body else ("reading", "seeds"))
    assert "its mask changed when validation and test examples were replaced by noise" in finding.seen
    assert "search.batches" in finding.change


def test_what_a_file_reaches_for_is_listed_with_its_lines():
    from ticketbench.testing.source import reaches

    source = """
import os, json, torchvision.datasets as d
from urllib.request import urlopen
from ticketbench import Search, harness
from ticketbench.data import load
from torch import hub, nn
from sklearn import datasets
open("x")
torch.load("y")
search._workload._test
checkpoint.state()
network.forward(x)
optimizer.state[p]
self._kept
torch._foreach_mul_(a, b)
super().__init__()
"""
    assert reaches(source) == [
        "line 2 imports os (files or processes)",
        "line 2 imports torchvision.datasets (data)",
        "line 3 imports urllib.request (the network)",
        "line 4 imports ticketbench.harness (not public)",
        "line 5 imports ticketbench.data (not public)",
        "line 6 imports torch.hub (the network)",
        "line 7 imports sklearn (data)",
        "line 8 calls open (files)",
        "line 9 calls torch.load (files)",
        "line 10 uses search._workload (what is hidden)",
        "line 10 uses search._workload._test (what is hidden)",
        "line 11 calls checkpoint.state() (what is for the harness: it holds evaluations)",
        "line 12 calls network.forward (examples are counted where a module is called itself)",
    ]


def test_a_file_that_loads_data_by_itself_is_worth_knowing(only):
    source = mine('load("digits")\nscores = sizes(search.initial)', "from ticketbench.data import load")
    finding = only(source, "reading", "warning")
    assert "imports ticketbench.data (not public)" in finding.seen and finding.seen.startswith("mine.py: line ")


def test_noise_keeps_training_examples_and_how_many_of_each_class_there_are():
    import torch

    from ticketbench.data import splits
    from ticketbench.testing.tasks import perceptron
    from ticketbench.testing.trial import without_held_out

    true = splits(perceptron().data)
    noisy = without_held_out(true)
    assert noisy.train is true.train and noisy.digest == true.digest
    for one, other in ((true.validation, noisy.validation), (true.test, noisy.test)):
        assert torch.equal(one.targets.bincount(), other.targets.bincount())
        assert not torch.equal(one.targets, other.targets) and not torch.equal(one.inputs, other.inputs)
        assert torch.equal(one.inputs.flatten(1).sort().values, other.inputs.flatten(1).sort().values)
