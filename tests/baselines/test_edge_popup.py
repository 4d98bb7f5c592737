"""Edge-popup held against its definition: the top scores of a layer, and gradients straight through."""

import math
import sys

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import nn

from ticketbench import method
from ticketbench.harness.bench import Bench
from ticketbench.harness.search import Job, run_search
from ticketbench.harness.store import Store
from ticketbench.harness.trainings import Trainings
from ticketbench.harness.workloads.vision import Vision
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


@given(st.lists(st.integers(-2, 2), min_size=1, max_size=30), st.data())
def test_the_top_is_that_of_a_stable_sort(scores, data):
    count = data.draw(st.integers(0, len(scores)))
    first = sorted(range(len(scores)), key=lambda place: -scores[place])[:count]  # sorted() is stable
    top = popup.top(torch.tensor(scores, dtype=torch.float32), count)
    assert top.tolist() == [float(place in first) for place in range(len(scores))]


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


@pytest.fixture
def learned(task, tmp_path):
    """A function from a network to what the method submits on rung 3, as what the scores became."""

    def run(parent):
        seen = {}

        @method("spy", title="Spy")
        def spy(search, rung):
            generator = search.method("edge-popup", rung, init="task")
            begun = next(generator)
            found = yield begun
            ticket = generator.send(found)
            seen.update(search=search, rung=rung, begun=begun.checkpoint.extra, found=found.extra, mask=ticket.mask)
            seen["losses"] = [loss_under(search, mask) for mask in (best(begun.checkpoint.extra, rung), ticket.mask)]
            yield ticket

        on = task(parent=parent)
        trainings = Trainings({"default": Vision(on, torch.device("cpu"))}, Store(tmp_path / "store"))
        (row,) = run_search(Job(on, spy, "default", 0, 3), trainings)
        assert row["status"] in ("done", "collapsed"), row["reason"]
        return seen

    return run


def best(extra, rung):
    """The largest |score| of each layer, by a sort."""
    mask = {}
    for name, kept in rung.kept_per_layer.items():
        score = extra[popup.SCORE + name]
        sizes = [abs(each) for each in score.flatten().tolist()]
        first = set(sorted(range(len(sizes)), key=lambda place: -sizes[place])[:kept])
        mask[name] = torch.tensor([place in first for place in range(len(sizes))]).view_as(score)
    return mask


def loss_under(search, mask):
    network = search.network(search.initial.replace(mask=mask)).train()
    ((inputs, targets),) = search.batches(1, 500)
    with torch.no_grad():
        return search.loss(network, inputs, targets).item()


@pytest.mark.parametrize("parent", ["mlp", "conv"])
def test_the_ticket_is_the_largest_learned_scores_of_each_layer(learned, parent):
    seen = learned(parent)
    expected = best(seen["found"], seen["rung"])
    assert all(torch.equal(kept, expected[name]) for name, kept in seen["mask"].items())
    assert all((score < 0).any() for score in seen["found"].values())  # so that the size and the score differ
    before, after = seen["losses"]
    assert after < before  # on training examples, with the same initial weights under both masks


HIDDEN = {"hidden.0.weight": 0, "hidden.0.bias": 0, "output.weight": 1}  # the axis of the hidden units


def shuffled(tensors, order, prefix=""):
    moved = {prefix + name: axis for name, axis in HIDDEN.items()}
    return {n: t.index_select(moved[n], order) if n in moved else t for n, t in tensors.items()}


def test_it_does_not_know_one_hidden_unit_from_another(task, tmp_path):
    on, popping = task(), shipped_methods()["edge-popup"]
    bench = Bench(
        on, popping, "default", 0, None,
        Trainings({"default": Vision(on, torch.device("cpu"))}, Store(tmp_path / "store")),
    )  # fmt: skip
    ((inputs, targets),) = bench.batches(1, 40)
    weights, rung = bench.initial.weights, bench.ladder[-1]
    scores = {
        popup.SCORE + name: torch.randn(w.shape, generator=bench.rng) for name, w in bench.initial.prunable.items()
    }
    order = torch.randperm(12, generator=bench.rng)

    def loss(network, weights, inputs, targets):
        return nn.functional.cross_entropy(torch.func.functional_call(network, weights, inputs), targets)

    def gradients(weights, scores):
        trained = {name: score.clone().requires_grad_() for name, score in scores.items()}
        objective = popup.EdgePopup(dict(rung.kept_per_layer))
        value = objective(bench.network(bench.initial), weights, trained, inputs, targets, 0, None, loss)
        return dict(zip(trained, torch.autograd.grad(value, list(trained.values())), strict=True))

    def submitted(scores):
        generator = popping.start(bench, rung)
        return generator.send(next(generator).checkpoint.replace(extra=scores)).mask

    moved = shuffled(scores, order, popup.SCORE)
    straight = shuffled(gradients(weights, scores), order, popup.SCORE)
    for name, gradient in gradients(shuffled(weights, order), moved).items():
        torch.testing.assert_close(gradient, straight[name], rtol=1e-4, atol=1e-6)
    masks = shuffled(submitted(scores), order)
    assert all(torch.equal(kept, masks[name]) for name, kept in submitted(moved).items())


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
