"""Movement pruning held against its definition: scores that sum up how weights move away from zero."""

import sys
from itertools import pairwise

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

movement = sys.modules[shipped_methods()["movement"].module]


def loss_of(weights, inputs):
    return (weights["w"] @ inputs).sum()


def test_the_gradient_of_scores_and_weights_by_hand():
    """W = [[1, -2], [3, 4]], x = (1, 10), loss = the sum of W' x, so dL/dW' = [[1, 10], [1, 10]].

    At the end of the schedule two weights stay: the scores 0.3 and 0.2 of the second row. The loss is 3 + 40 = 43;
    dL/dS = dL/dW' W = [[1, -20], [3, 40]] everywhere, dL/dW = dL/dW' only where the mask is 1.
    """
    score = torch.tensor([[0.1, -0.5], [0.3, 0.2]], requires_grad=True)
    weight = torch.tensor([[1.0, -2.0], [3.0, 4.0]], requires_grad=True)
    objective = movement.MovementPruning({"w": 2}, begin=0, end=10)
    value = objective(
        None, {"w": weight}, {movement.SCORE + "w": score}, torch.tensor([1.0, 10.0]), None, 10, None,
        lambda network, weights, inputs, targets: loss_of(weights, inputs),
    )  # fmt: skip
    value.backward()
    assert value.item() == 43
    assert score.grad.tolist() == [[1, -20], [3, 40]]
    assert weight.grad.tolist() == [[0, 0], [1, 10]]


def test_weights_that_move_away_from_zero_gain_score():
    """One step of gradient descent at rate 0.1 on the loss w1 - w2 at w = (2, 2): w1 falls, w2 grows.

    dL/dW' = (1, -1), so S goes from 0 to -0.1 (1 * 2, -1 * 2) = (-0.2, 0.2): the weight that grew stays.
    """
    score, weight = torch.zeros(2, requires_grad=True), torch.tensor([2.0, 2.0])
    objective = movement.MovementPruning({"w": 1}, begin=5, end=10)
    objective(
        None, {"w": weight}, {movement.SCORE + "w": score}, torch.tensor([1.0, -1.0]), None, 0, None,
        lambda network, weights, inputs, targets: weights["w"] @ inputs,
    ).backward()  # fmt: skip
    moved = score.detach() - 0.1 * score.grad
    assert moved.tolist() == pytest.approx([-0.2, 0.2])
    assert movement.top(moved, 1).tolist() == [0, 1]


def test_the_schedule_keeps_all_through_warm_up_and_falls_as_a_cubic():
    """From 1000 to 100 between steps 10 and 50: 1000, then 480, 212 and 114 a quarter, a half, three quarters in."""
    seen = []
    objective = movement.MovementPruning({"w": 100}, begin=10, end=50)
    for step in (0, 10, 20, 30, 40, 50, 59):
        objective(
            None, {"w": torch.ones(1000)}, {movement.SCORE + "w": torch.zeros(1000)}, None, None, step, None,
            lambda network, weights, inputs, targets: seen.append(int(weights["w"].sum())),
        )  # fmt: skip
    assert seen == [1000, 1000, 480, 212, 114, 100, 100]


@given(st.lists(st.integers(-2, 2), min_size=1, max_size=30), st.data())
def test_the_top_is_that_of_a_stable_sort(scores, data):
    count = data.draw(st.integers(0, len(scores)))
    first = sorted(range(len(scores)), key=lambda place: -scores[place])[:count]  # sorted() is stable
    top = movement.top(torch.tensor(scores, dtype=torch.float32), count)
    assert top.tolist() == [float(place in first) for place in range(len(scores))]


@given(st.integers(1, 10**6), st.data())
def test_counts_only_fall(size, data):
    kept = data.draw(st.integers(0, size))
    counts = [movement.count_at(size, kept, k / 20) for k in range(21)]
    assert (counts[0], counts[-1]) == (size, kept)
    assert all(one >= other for one, other in pairwise(counts))


@pytest.mark.parametrize("parent", ["mlp", "conv"])
def test_the_ticket_goes_on_from_the_tuned_weights_for_the_cool_down(follow, task, parent):
    found = follow("movement", task(parent=parent))
    for rung, ticket, start, row in zip(found.search.ladder, found.tickets, found.starts, found.rows, strict=True):
        assert count_per_layer(ticket.mask) == dict(rung.kept_per_layer)
        assert row["search_steps"] == 30 + 24  # the dense training, and the tuning up to the cool-down
        assert (row["start_step"], row["training_steps"], row["optimizer_state"]) == (24, 6, "carried")
        assert not row["edited"] and not ticket.checkpoint.extra
        assert all(not start[name][~kept].any() for name, kept in ticket.mask.items())
    assert not any(torch.equal(a, b) for a, b in pairwise([s["output.weight"] for s in found.starts]))


@pytest.fixture
def trainings(task, tmp_path):
    def make(parent="mlp"):
        on = task(parent=parent)
        return on, Trainings({"default": Vision(on, torch.device("cpu"))}, Store(tmp_path / "store"))

    return make


@pytest.mark.parametrize("parent", ["mlp", "conv"])
def test_the_ticket_is_the_largest_learned_scores_of_each_layer(trainings, parent):
    """T = 30: the dense network at 30, then from step 0 afresh to 24, v falling between 3 and 24."""
    seen = []

    @method("spy", title="Spy")
    def spy(search, rung):
        generator = search.method("movement", rung)
        dense = next(generator)
        pretrained = yield dense
        tune = generator.send(pretrained)
        tuned = yield tune
        ticket = generator.send(tuned)
        seen.append((rung, dense, pretrained, tune, tuned, ticket))
        yield ticket

    on, through = trainings(parent)
    (row,) = run_search(Job(on, spy, "default", 0, 3), through)
    assert row["status"] in ("done", "collapsed"), row["reason"]
    ((rung, dense, pretrained, tune, tuned, ticket),) = seen
    assert (dense.until, dense.objective) == (30, None)
    assert tune.objective == movement.MovementPruning(dict(rung.kept_per_layer), begin=3, end=24)
    assert (tune.checkpoint.step, tune.until) == (0, 24)
    assert pretrained.state().optimizer is not None and tune.checkpoint.state().optimizer is None
    assert all(torch.equal(w, tune.checkpoint.weights[name]) for name, w in pretrained.weights.items())
    assert not any(score.any() for score in tune.checkpoint.extra.values())
    for name, kept in ticket.mask.items():
        scores = tuned.extra[movement.SCORE + name].flatten().tolist()
        first = set(sorted(range(len(scores)), key=lambda place: -scores[place])[: rung.kept_per_layer[name]])
        assert kept.flatten().tolist() == [place in first for place in range(len(scores))], name
        assert min(scores) < 0 < max(scores)  # so that the score, its size and its opposite differ


HIDDEN = {"hidden.0.weight": 0, "hidden.0.bias": 0, "output.weight": 1}  # the axis of the hidden units


def shuffled(tensors, order, prefix=""):
    moved = {prefix + name: axis for name, axis in HIDDEN.items()}
    return {n: t.index_select(moved[n], order) if n in moved else t for n, t in tensors.items()}


def test_it_does_not_know_one_hidden_unit_from_another(trainings):
    on, through = trainings()
    moving = shipped_methods()["movement"]
    bench = Bench(on, moving, "default", 0, None, through)
    ((inputs, targets),) = bench.batches(1, 40)
    weights, rung = bench.initial.weights, bench.ladder[-1]
    names = {name: movement.SCORE + name for name in rung.kept_per_layer}
    scores = {names[n]: torch.randn(w.shape, generator=bench.rng) for n, w in bench.initial.prunable.items()}
    order = torch.randperm(12, generator=bench.rng)

    def loss(network, weights, inputs, targets):
        return nn.functional.cross_entropy(torch.func.functional_call(network, weights, inputs), targets)

    def gradients(weights, scores):
        """Of scores and weights, halfway through the schedule."""
        trained = {name: tensor.clone().requires_grad_() for name, tensor in (weights | scores).items()}
        given = {name: trained[name] for name in weights}, {name: trained[name] for name in scores}
        objective = movement.MovementPruning(dict(rung.kept_per_layer), 3, 24)
        value = objective(bench.network(bench.initial), *given, inputs, targets, 13, None, loss)
        return dict(zip(trained, torch.autograd.grad(value, list(trained.values())), strict=True))

    def submitted(scores):
        generator = moving.start(bench, rung)
        next(generator)
        tune = generator.send(bench.initial)
        return generator.send(tune.checkpoint.replace(extra=scores)).mask

    moved = shuffled(scores, order, movement.SCORE)
    straight = shuffled(shuffled(gradients(weights, scores), order), order, movement.SCORE)
    for name, gradient in gradients(shuffled(weights, order), moved).items():
        torch.testing.assert_close(gradient, straight[name], rtol=1e-4, atol=1e-6)
    masks = shuffled(submitted(scores), order)
    assert all(torch.equal(kept, masks[name]) for name, kept in submitted(moved).items())


@pytest.mark.parametrize(
    ("shares", "said"),
    [
        ({"cooldown": 0.99}, "end at step 3 and the second begin at step 0"),
        ({"warmup": 0.99, "cooldown": 0.0}, "end at step 30 and the second begin at step 30"),
        ({"warmup": 0.5, "cooldown": 0.5}, "at least one of T = 30 steps"),
        ({"warmup": -0.1}, "from 0 to 1; got -0.1 and 0.2"),
    ],
)
def test_a_schedule_without_a_step_to_prune_in_is_refused(trainings, shares, said):
    on, through = trainings()
    wrong = shipped_methods()["movement"].with_parameters(**shares)
    (row,) = run_search(Job(on, wrong, "default", 0, 1), through)
    assert row["status"] == "failed" and said in row["reason"]


def test_it_begins_at_the_trained_dense_network(follow):
    """With no warm-up to speak of and a rung nearly dense, weights stay near where the dense training left them."""
    dense = follow("prune-only").tickets[0].checkpoint.weights["hidden.0.weight"]
    found = follow("movement")
    start, initial = found.starts[0]["hidden.0.weight"], found.search.initial.weights["hidden.0.weight"]
    kept = found.masks[0]["hidden.0.weight"]
    assert (start - dense)[kept].norm() < (start - initial)[kept].norm()


def test_the_masks_are_not_those_of_magnitude_and_repeat(follow):
    found, again, other = follow("movement"), follow("movement"), follow("movement", seed=1)
    for mask, same, differs, ticket in zip(found.masks, again.masks, other.masks, found.tickets, strict=True):
        assert all(torch.equal(mask[n], same[n]) for n in mask)
        assert any(not torch.equal(mask[n], differs[n]) for n in mask)
        size = ticket.checkpoint.weights["hidden.0.weight"].abs()
        kept = mask["hidden.0.weight"]
        assert size[~kept].max() > size[kept].min()
