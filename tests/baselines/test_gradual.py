"""Gradual pruning held against its schedule: equation 1 of Zhu & Gupta 2018."""

import sys
from itertools import pairwise

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from ticketbench import Ticket, Train, method
from ticketbench.harness.bench import Bench
from ticketbench.harness.search import Job, run_search
from ticketbench.harness.store import Store
from ticketbench.harness.trainings import Trainings
from ticketbench.harness.workloads.vision import Vision
from ticketbench.masks import count, count_per_layer
from ticketbench.methods import shipped_methods

gradual = sys.modules[shipped_methods()["gradual"].module]


def test_the_cubic_schedule_worked_by_hand():
    """From 1000 weights to 100 (s_f = 0.9) in four prunings.

    s_t = 0.9 - 0.9 (1 - k/4)^3 is 0, 0.5203125, 0.7875, 0.8859375 and 0.9.
    """
    assert [gradual.count_at(1000, 100, k / 4) for k in range(5)] == [1000, 480, 212, 114, 100]


def test_prunings_come_evenly_after_the_beginning_up_to_the_end():
    assert gradual.moments(40, 200, 40) == [80, 120, 160, 200]
    assert gradual.moments(3, 15, 1) == list(range(4, 16))
    assert gradual.moments(3, 15, 100) == [15]  # the interval is longer than the span: once, at its end


@given(st.integers(0, 500), st.integers(0, 500), st.integers(1, 200))
def test_no_two_prunings_fall_on_one_step(first, span, interval):
    steps = gradual.moments(first, first + span, interval)
    assert steps[-1] == first + span
    assert all(one < other for one, other in pairwise([first, *steps])) or span == 0


@given(st.integers(1, 10**7), st.data())
def test_counts_only_fall_and_end_at_the_rung(size, data):
    kept, prunings = data.draw(st.integers(0, size)), data.draw(st.integers(1, 60))
    counts = [gradual.count_at(size, kept, k / prunings) for k in range(prunings + 1)]
    assert counts[0] == size and counts[-1] == kept
    assert all(one >= other for one, other in pairwise(counts))


@pytest.fixture
def requests(task, tmp_path):
    """A function that gives all that the method asks for on a rung of a task, what it is sent back, and its row."""

    def run(on, rung, **parameters):
        asked, sent = [], []

        @method("spy", title="Spy")
        def spy(search, rung):
            generator = search.method("gradual", rung, **parameters)
            request, answer = next(generator, None), None
            while request is not None:
                asked.append(request)
                answer = yield request
                sent.append(answer)
                try:
                    request = generator.send(answer)
                except StopIteration:
                    request = None

        trainings = Trainings({"default": Vision(on, torch.device("cpu"))}, Store(tmp_path / "store"))
        (row,) = run_search(Job(on, spy, "default", 0, rung), trainings)
        assert row["status"] in ("done", "collapsed"), row["reason"]
        return asked, sent, row

    return run


@pytest.mark.parametrize("parent", ["mlp", "conv"])
def test_every_pruning_keeps_its_count_and_only_what_was_left(task, requests, parent):
    asked, _, row = requests(task(parent=parent), 3, begin=0.2, end=0.6, interval=0.1)
    trains, ticket = asked[:-1], asked[-1]
    assert all(isinstance(each, Train) and each.objective is None for each in trains)
    assert [each.until for each in trains] == [9, 12, 15, 18]  # T = 30: from step 6 to 18, every third
    masks = [each.checkpoint.mask for each in trains] + [ticket.mask]
    for larger, smaller in pairwise(masks):
        assert all(not (smaller[name] & ~larger[name]).any() for name in larger)
    if parent == "mlp":  # 768 weights to 166 and 120 to 26: kept + pruned (1, 27/64, 8/64, 1/64, 0)
        hidden, output = zip(*[count_per_layer(mask).values() for mask in masks], strict=True)
        assert hidden == (768, 420, 241, 175, 166) and output == (120, 66, 38, 27, 26)
    else:  # 202 to 44, over all layers at once
        assert [count(mask) for mask in masks] == [202, 111, 64, 46, 44]
    assert (row["start_step"], row["search_steps"], row["training_steps"]) == (18, 18, 12)
    assert row["optimizer_state"] == "carried" and not row["edited"]


def test_the_smallest_weights_of_the_moment_go(task, requests):
    asked, sent, _ = requests(task(parent="conv"), 1, begin=0.2, end=0.6, interval=0.2)
    mask, trained, within = asked[-1].mask, sent[-2], asked[-2].checkpoint.mask
    weights = trained.prunable
    stay = torch.cat([weights[name][mask[name]].abs() for name in mask])
    go = torch.cat([weights[name][within[name] & ~mask[name]].abs() for name in mask])
    assert (len(stay), len(go)) == (121, 10)  # 202 to 121 in two prunings, the first to 121 + 81 / 8 = 131.125
    assert go.max() <= stay.min()


@pytest.mark.parametrize("seed", range(3))
def test_masks_are_nested_and_do_not_know_one_hidden_unit_from_another(task, tmp_path, seed):
    """Normal weights in place of training; then the same with the twelve hidden units in another order."""
    on, found = task(), shipped_methods()["gradual"]
    trainings = Trainings({"default": Vision(on, torch.device("cpu"))}, Store(tmp_path / "store"))
    bench = Bench(on, found, "default", 0, None, trainings)
    order = torch.randperm(12, generator=torch.Generator().manual_seed(seed))

    def shuffled(tensors):
        return {
            "hidden.0.weight": tensors["hidden.0.weight"][order],
            "output.weight": tensors["output.weight"][:, order],
        }

    def masks(arranged):
        rng = torch.Generator().manual_seed(seed)
        generator, seen = found.start(bench, bench.ladder[-1]), []
        request = next(generator)
        while not isinstance(request, Ticket):
            drawn = {name: torch.randn(kept.shape, generator=rng) for name, kept in request.checkpoint.mask.items()}
            request = generator.send(request.checkpoint.replace(weights=arranged(drawn)))
            seen.append(request.mask if isinstance(request, Ticket) else request.checkpoint.mask)
        return seen

    straight, moved = masks(lambda drawn: drawn), masks(shuffled)
    assert len(straight) == len(moved) == 12
    for one, other in zip(straight, moved, strict=True):
        assert all(torch.equal(kept, other[name]) for name, kept in shuffled(one).items())
    for larger, smaller in pairwise(straight):
        assert all(not (smaller[name] & ~larger[name]).any() for name in larger)


def test_one_search_and_its_ticket_cost_one_training_and_repeat_bit_by_bit(follow):
    one, again, other = follow("gradual"), follow("gradual"), follow("gradual", seed=1)
    assert {row["search_steps"] + row["training_steps"] for row in one.rows} == {30}
    for mask, same, differs in zip(one.masks, again.masks, other.masks, strict=True):
        assert all(torch.equal(mask[name], same[name]) for name in mask)
        assert any(not torch.equal(mask[name], differs[name]) for name in mask)


def test_a_schedule_that_cannot_be_is_said(task, tmp_path):
    on = task()
    trainings = Trainings({"default": Vision(on, torch.device("cpu"))}, Store(tmp_path / "store"))
    wrong = shipped_methods()["gradual"].with_parameters(begin=0.5, end=0.5)
    (row,) = run_search(Job(on, wrong, "default", 0, 1), trainings)
    assert row["status"] == "failed" and "0 <= begin < end <= 1" in row["reason"]
