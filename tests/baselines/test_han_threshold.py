"""Han et al.'s threshold: what is removed, what of a layer's weights it is measured on, and where it ends."""

import sys
from contextlib import suppress
from itertools import pairwise

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from ticketbench import method
from ticketbench.harness.search import Job, run_search
from ticketbench.harness.store import Store
from ticketbench.harness.trainings import Trainings
from ticketbench.harness.workloads.vision import Vision
from ticketbench.methods import shipped_methods

METHOD = shipped_methods()["han-threshold"]


def at_least(s, checkpoint):
    return sys.modules[METHOD.module].at_least(s, checkpoint)


@pytest.fixture
def rows(tmp_path):
    def run(task, found=METHOD, **parameters):
        trainings = Trainings({"default": Vision(task, torch.device("cpu"))}, Store(tmp_path / "store"))
        return run_search(Job(task, found.with_parameters(**parameters), "default", 0), trainings)

    return run


@pytest.fixture
def layer(follow):
    """A function from numbers to a checkpoint whose output layer, of 10 x 12, has them and nothing else."""
    initial = follow("prune-only").search.initial

    def make(*numbers):
        mask = {name: torch.zeros_like(kept) for name, kept in initial.mask.items()}
        weights = {name: torch.zeros_like(weight) for name, weight in initial.weights.items()}
        mask["output.weight"][0, : len(numbers)] = True
        weights["output.weight"][0, : len(numbers)] = torch.tensor(numbers)
        return initial.replace(mask=mask, weights=weights)

    return make


def test_the_threshold_is_s_standard_deviations_of_the_weights_that_are_left(layer):
    """Of 10, -8 and 0.1: mean 0.7, variance (9.3^2 + 8.7^2 + 0.6^2) / 3 = 54.18, sigma 7.3607.

    Half of it, 3.68, removes 0.1; 1.1 of it, 8.097, removes -8 too. Divided by two and not three, sigma would be
    9.0150, and 0.9 of it, 8.11, would remove -8 where 0.9 * 7.3607 = 6.62 does not.
    """
    three = layer(10.0, -8.0, 0.1)
    for s, kept in ((0.5, [1, 1, 0]), (0.9, [1, 1, 0]), (1.1, [1, 0, 0]), (0.01, [1, 1, 1])):
        mask = at_least(s, three)
        assert mask["output.weight"][0, :3].tolist() == [bool(k) for k in kept], s
        assert int(mask["output.weight"].sum()) == sum(kept)


def test_pruned_weights_are_no_part_of_the_standard_deviation(layer):
    """Of 3, -3 and 1.4 sigma is 2.529, and s = 1/2 keeps all; with 117 zeros counted it would be 0.41."""
    mask = at_least(0.6, layer(3.0, -3.0, 1.4))  # 0.6 * 2.529 = 1.517
    assert mask["output.weight"][0, :4].tolist() == [True, True, False, False]
    assert at_least(0.5, layer(3.0, -3.0, 1.4))["output.weight"][0, :3].tolist() == [True, True, True]


def test_a_weight_at_the_threshold_stays_and_so_does_a_layers_last_one(layer):
    """Of 2 and -2 sigma is 2; of 3, -3, 1 and -1 the root of 5, half of which is above 1; of one weight 0."""
    assert at_least(1.0, layer(2.0, -2.0))["output.weight"][0, :2].tolist() == [True, True]
    assert at_least(0.5, layer(3.0, -3.0, 1.0, -1.0))["output.weight"][0, :4].tolist() == [True, True, False, False]
    alone = at_least(0.5, layer(0.001))
    assert int(alone["output.weight"].sum()) == 1 and not alone["hidden.0.weight"].any()


def test_reordering_hidden_units_reorders_what_is_left(follow):
    initial = follow("prune-only").search.initial

    @settings(max_examples=25, deadline=None)
    @given(st.permutations(range(12)), st.integers(0, 2**16), st.sampled_from([0.1, 0.5, 1.0, 2.0]))
    def check(order, seed, s):
        rng = torch.Generator().manual_seed(seed)
        shapes = {name: weight.shape for name, weight in initial.prunable.items()}
        mask = {name: torch.rand(shape, generator=rng) < 0.5 for name, shape in shapes.items()}
        weights = {name: torch.randn(shape, generator=rng) for name, shape in shapes.items()}

        def moved(tensors):
            return {
                "hidden.0.weight": tensors["hidden.0.weight"][order],
                "output.weight": tensors["output.weight"][:, order],
            }

        plain = at_least(s, initial.replace(mask=mask, weights=weights))
        other = at_least(s, initial.replace(mask=moved(mask), weights=moved(weights)))
        assert all(torch.equal(kept, other[name]) for name, kept in moved(plain).items())
        if s in (0.5, 1.0):  # where both are certain of 60 drawn weights, to one in a thousand million
            assert all((mask[name] & ~kept).any() and kept.any() for name, kept in plain.items())

    check()


@pytest.mark.parametrize("parent", ["mlp", "conv"])
def test_every_round_prunes_what_was_trained_before_and_its_density_is_an_outcome(rows, task, parent):
    requests, answers = [], []

    @method("spy", title="Spy", density="outcome")
    def spy(search):
        asked, answer = search.method("han-threshold"), None
        with suppress(StopIteration):
            while True:
                requests.append(asked.send(answer))
                answer = yield requests[-1]
                answers.append(answer)

    found = rows(task(parent=parent), spy)
    assert [(row["rung"], row["status"]) for row in found] == [(1, "done"), (2, "done"), (3, "done")]
    weights = answers[0].weights
    within = {name: torch.ones_like(kept) for name, kept in answers[0].mask.items()}
    for ticket, after, row in zip(requests[1:], answers[1:], found, strict=True):
        for name, kept in ticket.mask.items():
            left = weights[name][within[name]].double()
            sigma = (left - left.mean()).square().mean().sqrt()
            assert torch.equal(kept, within[name] & ~(weights[name].double().abs() < sigma / 2))
            start = ticket.checkpoint.replace(mask=ticket.mask).weights[name]
            assert torch.equal(start, torch.where(kept, weights[name], 0.0))
        assert row["kept"] == sum(int(kept.sum()) for kept in ticket.mask.values())
        assert (ticket.checkpoint.step, ticket.schedule, row["optimizer_state"]) == (10, "last", "fresh")
        weights, within = after.weights, ticket.mask
    assert all(one["density"] > other["density"] for one, other in pairwise(found))
    assert [row["density_asked"] for row in found] != [row["density"] for row in found]


def test_a_round_that_prunes_nothing_retrains_what_is_left(rows, task):
    found = rows(task(), s=1e-9)
    assert [(row["status"], row["density"]) for row in found] == [("done", 1.0)] * 3
    assert len({row["test_correct"] for row in found}) > 1


@pytest.mark.parametrize("s", [0, -0.5])
def test_a_threshold_that_is_not_above_0_is_one_clear_error(rows, task, s):
    found = rows(task(), s=s)
    assert all(f"expected a number of standard deviations above 0, got {s}" in row["reason"] for row in found)


def test_a_threshold_above_every_weight_is_one_clear_error_and_no_empty_ticket(rows, task):
    """Initial weights are within a few standard deviations of 0, and 30 steps move them little."""
    found = rows(task(), s=50)
    assert {row["status"] for row in found} == {"failed"}
    assert all("at 50 standard deviations rung 1 would keep no weight" in row["reason"] for row in found)
