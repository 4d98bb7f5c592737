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


BENCH = "type(search).initial.fget.__closure__[0].cell_contents"  # what is behind a search, for whoever wants it
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
            f"yield search.dense\nran = {BENCH}.charges.known.__self__._ran\n"
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


def test_global_generators_may_be_drawn_from(finding):
    """The harness seeds them before every resume."""
    body = "scores = {n: torch.rand(m.shape) for n, m in search.initial.mask.items()}"
    assert finding(mine(body), "determinism").status == "ok"


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
        f"labels = {BENCH}._workload._test.targets\nrng = torch.Generator().manual_seed(int(labels[:15].sum()))\n"
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
        "line 2 imports json (beside torch and what computes)",
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


@pytest.mark.parametrize(
    ("source", "said"),
    [
        ("from torch import load\nload('x')", ["imports torch.load (files)", "calls torch.load (files)"]),
        ("import torch as t\nl = t.load\nl('x')", ["uses torch.load (files)", "calls torch.load (files)"]),
        ("import torch\ntorch.os.system('x')", ["uses torch.os (files or processes)"]),
        ("import torch\ntorch.hub.load('x', 'y')", ["uses torch.hub (the network)"]),
        ("from dataclasses import sys", ["imports dataclasses.sys (other code)"]),
        ("import numpy as np\nnp.fromfile('x')", ["imports numpy (beside", "calls numpy.fromfile (files)"]),
        ("import ticketbench as b\nb.data.splits(d)", ["uses ticketbench.data (not public)"]),
        (
            "from ticketbench import method\n@method('m', title='M')\ndef m(s):\n    s.charges\n    s.initial",
            ["uses search.charges (not public)"],
        ),
        ("from ticketbench import Search\ndef m(s: Search):\n    s.drawn", ["uses search.drawn (not public)"]),
        ("getattr(search, name)\ngetattr(layer, 'weight')", ["calls getattr (what is hidden)"]),
        ("vars(x)\nf.__globals__\ne.tb_frame.f_back", ["calls vars", "uses f.__globals__", "uses e.tb_frame", "uses e.tb_frame.f_back"]),  # noqa: E501
        ("type(net).forward(net, x)", ["calls ....forward (examples are counted"]),
        (b"\xef\xbb\xbfimport os", ["imports os (files or processes)"]),
        (b"# coding: latin-1\nx = '\xe9'\nimport os", ["imports os (files or processes)"]),
        ("def f(:", ["is not Python that can be parsed"]),
        ("import math, torch\nfrom torch.func import vmap\nvmap(torch.nn.functional.relu)(math.pi)", []),
    ],
)  # fmt: skip
def test_what_is_reached_for_under_another_name_is_listed_too(source, said):
    from ticketbench.testing.source import reaches

    found = sorted(each.partition(" ")[2].partition(" ")[2] for each in reaches(source))
    assert len(found) == len(said) and all(
        each.startswith(start) for each, start in zip(found, sorted(said), strict=True)
    )


def test_a_large_file_of_nested_calls_is_read_in_seconds():
    import time

    from ticketbench.testing.source import reaches

    nested = "f(" * 80 + "x" + ")" * 80
    started = time.process_time()
    assert reaches("\n".join([nested] * 700)) == []
    assert time.process_time() - started < 30


def test_a_rung_that_lives_on_what_another_has_paid_for_fails_determinism_alone(only):
    source = '''
    kept = {}

    @method("mine", title="Mine")
    def find(search, rung):
        """The first rung trains, the others take it from a global."""
        key = search.initial.key
        if rung.index == 1 or key not in kept:
            kept[key] = sizes((yield search.dense))
        yield Ticket(keep_largest(kept[key], rung), search.initial)
    '''
    finding = only(source, "determinism")
    assert "run with its last rung first" in finding.seen and "is a training from step 0 to 30" in finding.seen


@pytest.mark.parametrize(
    ("before", "test"),
    [
        ("import ticketbench", "ticketbench.data.splits(search.task.data).test"),
        ("from ticketbench.data import splits", "splits(search.task.data).test"),
        ("from ticketbench.data import load", "load(search.task.data).test"),
    ],
)
def test_held_out_examples_loaded_past_the_search_are_noise_too(only, before, test):
    body = f"targets = {test}.targets\nrng = torch.Generator().manual_seed(int(targets[:15].sum()))\n{DRAWN}"
    assert "its mask changed" in only(mine(body, before), "held_out_data", beside=("reading", "seeds")).seen
