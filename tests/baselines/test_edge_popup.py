"""Edge-popup held against its definition: the top scores of a layer, and gradients straight through."""

import math
import sys

import pytest
import torch

from ticketbench.harness.search import Job, run_search
from ticketbench.harness.store import Store
from ticketbench.harness.trainings import Trainings
from ticketbench.harness.workloads import Vision
from ticketbench.masks import count_per_layer
from ticketbench.methods import shipped_methods

STILL = 'training.optimizer = { name = "adam", lr = 1e-12 }'  # scores stay as drawn

popup = sys.modules[shipped_methods()["edge-popup"].module]


def test_the_top_of_a_layer_and_the_straight_through_gradient_by_hand():
    """W = [[1, 2], [3, 4]], s = [[0.5, -0.9], [0.1, -0.2]], x = (1, 10), loss = the sum of W' x.

    |s| keeps 0.5 and 0.9: W' = [[1, 2], [0, 0]], so the loss is 21. dL/dW' = [[1, 10], [1, 10]], and a score's
    gradient is dL/dW' W sign(s), for those left out too: [[1, -20], [3, -40]].
    """
    score = torch.tensor([[0.5, -0.9], [0.1, -0.2]], requires_grad=True)
    weight = torch.tensor([[1.0, 2.0], [3.0, 4.0]])
    inputs = torch.tensor([1.0, 10.0])

    def loss(network, weights, inputs, targets):
        return (weights["w"] @ inputs).sum()

    objective = popup.EdgePopup({"w": 2})
    value = objective(None, {"w": weight}, {popup.SCORE + "w": score}, inputs, None, 0, None, loss)
    value.backward()
    assert value.item() == 21
    assert score.grad.tolist() == [[1, -20], [3, -40]]


def test_equal_scores_keep_the_earlier_place():
    assert popup.top(torch.tensor([[1.0, 2.0], [1.0, 1.0]]), 3).tolist() == [[1, 1], [1, 0]]
    assert popup.top(torch.ones(4), 0).tolist() == [0, 0, 0, 0]


def test_scores_start_within_one_over_the_root_of_the_fan_in():
    scores = popup.kaiming_uniform(torch.zeros(50, 4, 3, 3), torch.Generator().manual_seed(0))
    assert scores.shape == (50, 4, 3, 3)
    assert 0.99 / 6 < scores.abs().max() <= 1 / 6  # fan-in 36
    assert abs(scores.std() - 1 / (6 * math.sqrt(3))) < 0.005


@pytest.mark.parametrize("parent", ["mlp", "conv"])
def test_the_subnetwork_is_of_initial_weights_and_scored_untrained(follow, task, parent):
    found = follow("edge-popup", task(parent=parent), init="task")
    initial = found.search.initial
    for rung, ticket, start, row in zip(found.search.ladder, found.tickets, found.starts, found.rows, strict=True):
        assert count_per_layer(ticket.mask) == dict(rung.kept_per_layer)
        for name, weight in initial.weights.items():
            kept = torch.where(ticket.mask[name], weight, 0.0) if name in ticket.mask else weight
            assert torch.equal(start[name], kept), name  # biases and batch-norm parameters too
        assert (row["start_step"], row["training_steps"], row["search_steps"]) == (30, 0, 30)
        assert not row["edited"]
    if parent == "conv":
        assert found.tickets[0].checkpoint.buffers["stem_norm.num_batches_tracked"] == 30


def test_training_the_scores_finds_other_masks_than_they_start_with(follow, task):
    found, begun = follow("edge-popup"), follow("edge-popup", task(STILL))
    assert any(not torch.equal(found.masks[0][n], begun.masks[0][n]) for n in found.masks[0])
    again, other = follow("edge-popup"), follow("edge-popup", seed=1)
    assert all(torch.equal(found.masks[0][n], again.masks[0][n]) for n in found.masks[0])
    assert any(not torch.equal(found.masks[0][n], other.masks[0][n]) for n in found.masks[0])


def test_signed_constants_have_the_initial_signs_and_the_kaiming_deviation(follow):
    found = follow("edge-popup")
    initial = found.search.initial.prunable
    for name, fan_in in (("hidden.0.weight", 64), ("output.weight", 12)):
        start, kept = found.starts[0][name], found.masks[0][name]
        assert torch.equal(start[kept], torch.sign(initial[name])[kept] * math.sqrt(2 / fan_in))
    assert all(row["carried"] for row in found.rows)  # these are no draw of the task's initial weights


def test_kaiming_normal_weights_are_drawn_anew(follow):
    start = follow("edge-popup", init="kaiming-normal").starts[0]
    kept = start["hidden.0.weight"][start["hidden.0.weight"] != 0]
    assert abs(kept.std() / math.sqrt(2 / 64) - 1) < 0.15


def test_an_unknown_init_is_refused(task, tmp_path):
    on = task()
    trainings = Trainings({"default": Vision(on, torch.device("cpu"))}, Store(tmp_path / "store"))
    wrong = shipped_methods()["edge-popup"].with_parameters(init="ones")
    (row,) = run_search(Job(on, wrong, "default", 0, 1), trainings)
    assert row["status"] == "failed" and 'init is "task", "signed-constant" or "kaiming-normal"' in row["reason"]
