"""What is written down along a training, against the same computed from its checkpoints one by one."""

from dataclasses import dataclass
from itertools import pairwise
from math import sqrt

import numpy as np
import pytest
import torch
from torch import nn

from ticketbench.harness.training import Member, advance
from ticketbench.methods.state import derive


@dataclass(frozen=True)
class Plainly:
    """The plain loss, under another name."""

    def __call__(self, network, weights, extra, inputs, targets, step, rng, loss):
        return loss(network, weights, inputs, targets)


def distance(one, other):
    return sqrt(sum(float((one.weights[n].double() - w.double()).square().sum()) for n, w in other.weights.items()))


def logits_of(work, state, inputs):
    network = work.fresh_module()
    network.load_state_dict({**state.weights, **state.buffers})
    network.eval()
    with torch.no_grad():
        return network(inputs)


@pytest.mark.parametrize(
    ("start", "grid"), [(0, [0, 5, 10, 15, 20, 24]), (7, [7, 10, 15, 20, 24]), (10, [10, 15, 20, 24])]
)
def test_evaluations_fall_on_the_grid_the_start_and_the_end(start, grid, workload, random_mask):
    work = workload()
    (early,) = advance([Member(work.initial(0), 0)], start, work)
    (state,) = advance([Member(derive(early, mask=random_mask(early, 0.5)), 0)], 24, work)
    assert [point.step for point in state.history.points] == grid
    assert state.history.start == start
    assert len(state.history.early_losses) == min(16, 24 - start)  # counted from there too


@pytest.mark.parametrize("network", ["mlp", "conv"])
def test_scores_are_those_of_the_network_on_all_examples_at_once(network, workload):
    work = workload(network)
    (state,) = advance([Member(work.initial(0), 0)], 24, work)
    point = state.history.points[-1]
    for split, loss, score in (
        (work._validation, point.validation_loss, point.validation),
        (work._test, point.test_loss, point.test),
    ):
        logits = logits_of(work, state, split.inputs)
        assert loss == pytest.approx(nn.functional.cross_entropy(logits.double(), split.targets).item(), rel=1e-5)
        right = logits.argmax(1) == split.targets
        assert score == pytest.approx(right.double().mean().item(), abs=1e-12)
    unpacked = np.unpackbits(np.frombuffer(state.history.test_correct, np.uint8), count=360).astype(bool)
    assert unpacked.tolist() == right.tolist()
    assert unpacked.mean() == pytest.approx(point.test)


def test_evaluating_in_chunks_is_evaluating(workload, monkeypatch):
    work = workload("conv")
    (state,) = advance([Member(work.initial(0), 0)], 5, work)
    monkeypatch.setattr("ticketbench.harness.workloads.vision._CHUNK", 7)
    (chunked,) = advance([Member(work.initial(0), 0)], 5, work)
    for one, other in zip(state.history.points, chunked.history.points, strict=True):
        assert one.test == other.test
        assert one.test_loss == pytest.approx(other.test_loss, rel=1e-5)


def test_evaluation_is_in_eval_mode_and_leaves_no_trace(workload):
    work = workload("conv")
    rare = workload("conv", evaluate_every="24")
    (often,) = advance([Member(work.initial(0), 0)], 24, work)
    (seldom,) = advance([Member(rare.initial(0), 0)], 24, rare)
    assert all(torch.equal(often.weights[n], seldom.weights[n]) for n in often.weights)
    assert all(torch.equal(often.buffers[n], seldom.buffers[n]) for n in often.buffers)
    assert often.buffers["stem_norm.num_batches_tracked"] == 24


def test_distances_are_between_evaluations_and_from_the_start(workload):
    work = workload()
    grid = [advance([Member(work.initial(0), 0)], step, work)[0] for step in (0, 5, 10, 15, 20, 24)]
    path = sum(distance(one, other) for one, other in pairwise(grid))
    assert grid[-1].history.path_length == pytest.approx(path, rel=1e-12)
    assert grid[-1].history.distance_moved == pytest.approx(distance(grid[0], grid[-1]), rel=1e-12)
    assert grid[-1].history.distance_moved < path
    assert grid[0].history.path_length == 0


def test_training_losses_are_written_down_and_averaged_between_evaluations(workload):
    work = workload(evaluate_every="4", steps="20")
    losses = [advance([Member(work.initial(0), 0)], step, work)[0].history.early_losses for step in range(1, 21)]
    (state,) = advance([Member(work.initial(0), 0)], 20, work)
    assert len(state.history.early_losses) == 16
    assert all(known == state.history.early_losses[:step] for step, known in enumerate(losses, start=1))
    first, *after = state.history.points
    assert first.training_loss is None
    for point in after[:4]:
        of_interval = state.history.early_losses[point.step - 4 : point.step]
        assert point.training_loss == pytest.approx(sum(of_interval) / 4, rel=1e-12)


def test_the_first_loss_is_the_plain_loss_of_the_first_batch(workload, watched):
    work = workload()
    seen = []
    (state,) = advance([Member(work.initial(0), 0)], 1, watched(work, seen.append))
    inputs, targets = work._train.inputs[seen[0]], work._train.targets[seen[0]]
    expected = nn.functional.cross_entropy(logits_of(work, work.initial(0), inputs), targets).item()
    assert state.history.early_losses == (expected,)


def test_one_answer_for_all_is_told_apart(workload):
    work = workload()
    dead = derive(work.initial(0), weights={n: torch.zeros_like(w) for n, w in work.initial(0).weights.items()})
    assert advance([Member(dead, 0)], 0, work)[0].history.one_answer
    assert not advance([Member(work.initial(0), 0)], 24, work)[0].history.one_answer


def test_a_training_with_an_objective_is_not_evaluated(workload):
    work = workload()
    (state,) = advance([Member(work.initial(0), 0, objective=Plainly())], 12, work)
    assert state.history.points == ()
    assert state.history.early_losses == ()
    assert state.history.origin == {}
    (plain,) = advance([Member(work.initial(0), 0)], 12, work)
    assert all(torch.equal(state.weights[n], plain.weights[n]) for n in plain.weights)


def test_an_objective_ends_the_history_and_the_plain_loss_begins_another(workload):
    work = workload()
    (early,) = advance([Member(work.initial(0), 0)], 7, work)
    (between,) = advance([Member(early, 0, objective=Plainly())], 12, work)
    (end,) = advance([Member(between, 0)], 24, work)
    assert between.history.points == ()
    assert end.history.start == 12
    assert [point.step for point in end.history.points] == [12, 15, 20, 24]
    assert end.history.points[0].training_loss is None
    # The way from step 12 on and not, as if nothing had been between, from the last evaluation before.
    grid = [advance([Member(between, 0)], step, work)[0] for step in (12, 15, 20, 24)]
    path = sum(distance(one, other) for one, other in pairwise(grid))
    assert end.history.path_length == pytest.approx(path, rel=1e-12)
    assert end.history.distance_moved == pytest.approx(distance(between, end), rel=1e-12)


def test_at_the_end_nothing_is_kept_to_compare_with(workload):
    work = workload()
    (state,) = advance([Member(work.initial(0), 0)], 24, work)
    assert state.history.origin == {}
    assert state.history.anchor == {}
    (again,) = advance([Member(state, 0)], 24, work)
    assert again.history.points == state.history.points
