"""GraSP held against explicit Hessians, and against what it means to remove a weight."""

import re
import sys
from itertools import pairwise

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch.func import functional_call, hessian
from torch.nn.functional import cross_entropy

from ticketbench import Rung
from ticketbench.masks import count_per_layer
from ticketbench.methods import shipped_methods


@pytest.fixture(scope="module")
def flow():
    return sys.modules[shipped_methods()["grasp"].module].gradient_flow


def same(one, other):
    return one.keys() == other.keys() and all(torch.equal(one[name], other[name]) for name in one)


def test_two_weights_worked_by_hand(flow):
    """y = a b with loss (y - 5)^2 / 2 at a = 2, b = 3, where y = 6 and the error is 1.

    g = (b, a) = (3, 2); H = [[b^2, a b + 1], [a b + 1, a^2]] = [[9, 7], [7, 4]]; Hg = (41, 29); w Hg = (82, 87).
    The same batch twice doubles both g and H.
    """
    weights = {"a": torch.tensor(2.0, requires_grad=True), "b": torch.tensor(3.0, requires_grad=True)}

    def loss(inputs, targets):
        return (weights["a"] * weights["b"] * inputs - targets) ** 2 / 2

    batch = (torch.tensor(1.0), torch.tensor(5.0))
    assert {name: float(score) for name, score in flow(loss, [batch], weights).items()} == {"a": 82, "b": 87}
    assert {name: float(score) for name, score in flow(loss, [batch] * 2, weights).items()} == {"a": 328, "b": 348}


def perceptron(rng, widths, examples=6):
    weights = [torch.randn(b, a, generator=rng, dtype=torch.float64) for a, b in pairwise(widths)]
    inputs = torch.randn(examples, widths[0], generator=rng, dtype=torch.float64)
    return weights, inputs, torch.randint(widths[-1], (examples,), generator=rng)


def mean_loss(layers, inputs, targets):
    signal = inputs
    for layer in layers[:-1]:
        signal = torch.tanh(signal @ layer.T)
    return cross_entropy(signal @ layers[-1].T, targets)


def test_the_hessian_written_out_gives_the_same(flow):
    weights, inputs, targets = perceptron(torch.Generator().manual_seed(1), (3, 4, 2))
    named = {str(i): layer.requires_grad_() for i, layer in enumerate(weights)}
    halves = [(inputs[0::2], targets[0::2]), (inputs[1::2], targets[1::2])]
    scores = flow(lambda *half: mean_loss(list(named.values()), *half), halves, named)

    def whole(flat):
        layers = [flat[:12].view(4, 3), flat[12:].view(2, 4)]
        return sum(mean_loss(layers, *half) for half in halves)

    flat = torch.cat([layer.detach().flatten() for layer in weights])
    gradient = torch.autograd.grad(whole(flat.requires_grad_()), flat)[0]
    expected = flat.detach() * (hessian(whole)(flat.detach()) @ gradient)
    torch.testing.assert_close(torch.cat([score.flatten() for score in scores.values()]), expected)


@settings(deadline=None, max_examples=25)
@given(seed=st.integers(0, 2**32))
def test_shrinking_a_weight_changes_the_squared_gradient_by_twice_its_score(flow, seed):
    """The meaning of the score: d|g|^2 / d(log w) = 2 w (Hg), by central differences."""
    weights, inputs, targets = perceptron(torch.Generator().manual_seed(seed), (2, 3, 2))

    def squared_gradient(layers):
        layers = [layer.clone().requires_grad_() for layer in layers]
        return sum((g**2).sum() for g in torch.autograd.grad(mean_loss(layers, inputs, targets), layers))

    named = {str(i): layer.clone().requires_grad_() for i, layer in enumerate(weights)}
    scores = flow(lambda *batch: mean_loss(list(named.values()), *batch), [(inputs, targets)], named)
    for i, layer in enumerate(weights):
        for place in range(layer.numel()):
            values = []
            for factor in (1 + 1e-5, 1 - 1e-5):
                moved = [each.clone() for each in weights]
                moved[i].view(-1)[place] *= factor
                values.append(float(squared_gradient(moved)))
            slope = (values[0] - values[1]) / 2e-5
            assert slope == pytest.approx(2 * float(scores[str(i)].view(-1)[place]), rel=1e-4, abs=1e-7)


@settings(deadline=None, max_examples=25)
@given(seed=st.integers(0, 2**32), widths=st.lists(st.integers(1, 5), min_size=3, max_size=4), data=st.data())
def test_scores_follow_hidden_units_that_change_places(flow, seed, widths, data):
    order = torch.tensor(data.draw(st.permutations(range(widths[1]))))
    weights, inputs, targets = perceptron(torch.Generator().manual_seed(seed), widths)

    def scores(*layers):
        named = {str(i): layer.clone().requires_grad_() for i, layer in enumerate(layers)}
        return list(flow(lambda *b: mean_loss(list(named.values()), *b), [(inputs, targets)], named).values())

    plain, moved = scores(*weights), scores(weights[0][order], weights[1][:, order], *weights[2:])
    for one, other in zip([plain[0][order], plain[1][:, order], *plain[2:]], moved, strict=True):
        torch.testing.assert_close(one, other)


def scores_by_differences(search, per_class, temperature):
    """w * Hg from differences of gradients along g, in double, with batch norm in training mode."""
    network = search.network(search.initial).double().train()
    [(inputs, targets)] = search.batches(1, per_class=per_class)
    halves = [(inputs[i::2].double(), targets[i::2]) for i in (0, 1)]
    start = {name: weight.double() for name, weight in search.initial.prunable.items()}

    def gradient(weights):
        weights = {name: weight.clone().requires_grad_() for name, weight in weights.items()}
        losses = (cross_entropy(functional_call(network, weights, (x,)) / temperature, y) for x, y in halves)
        return dict(zip(weights, torch.autograd.grad(sum(losses), list(weights.values())), strict=True))

    g = gradient(start)
    step = 1e-6 / max(float(each.abs().max()) for each in g.values())
    ahead, behind = ({n: start[n] + sign * step * g[n] for n in start} for sign in (1, -1))
    ahead, behind = gradient(ahead), gradient(behind)
    return {name: start[name] * (ahead[name] - behind[name]) / (2 * step) for name in start}


@pytest.mark.parametrize("parent", ["mlp", "conv"])
def test_the_mask_removes_the_largest_of_minus_w_times_hg(follow, task, parent):
    found = follow("grasp", task(parent=parent))
    scores = scores_by_differences(found.search, per_class=10, temperature=200)
    size = max(float(each.abs().max()) for each in scores.values())
    assert len(found.masks) == 3
    for mask, rung in zip(found.masks, found.search.ladder, strict=True):
        kept = torch.cat([scores[name][mask[name]] for name in mask])
        gone = torch.cat([scores[name][~mask[name]] for name in mask])
        assert len(kept) == rung.kept and len(gone) == rung.prunable - rung.kept
        assert kept.min() >= gone.max() - 1e-4 * size
    assert min(float(each.min()) for each in scores.values()) < -1e-2 * size  # so its sign decides


def test_masks_are_nested_and_tickets_start_from_initialization(follow):
    grasp = follow("grasp")
    for larger, smaller in pairwise(grasp.masks):
        assert all(not (smaller[name] & ~larger[name]).any() for name in larger)
    assert all(same(ticket.checkpoint.weights, grasp.search.initial.weights) for ticket in grasp.tickets)
    assert {(row["start_step"], row["carried"], row["search_steps"]) for row in grasp.rows} == {(0, False, 0)}
    assert all(same(one, other) for one, other in zip(grasp.masks, follow("grasp").masks, strict=True))
    assert not same(grasp.masks[0], follow("grasp", seed=1).masks[0])


def test_the_examples_are_so_many_of_every_class_each_seen_twice(follow):
    assert {row["search_examples"] for row in follow("grasp").rows} == {2 * 10 * 10}
    fewer = follow("grasp", per_class=4)
    assert {row["search_examples"] for row in fewer.rows} == {2 * 4 * 10}
    [(_, targets)] = fewer.search.batches(1, per_class=4)
    assert [targets[half::2].bincount().tolist() for half in (0, 1)] == [[2] * 10] * 2


def test_temperature_changes_the_ranking(follow):
    assert not same(follow("grasp").masks[2], follow("grasp", temperature=1.0).masks[2])


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"temperature": 0}, "temperature: expected a number above 0, got 0"),
        ({"temperature": -200.0}, "temperature: expected a number above 0, got -200.0"),
        ({"temperature": float("inf")}, "temperature: expected a number above 0, got inf"),
        ({"temperature": "200"}, "temperature: expected a number above 0, got '200'"),
        ({"per_class": 5}, "per_class: expected an even number of examples, 2 or more; got 5"),
        ({"per_class": 0}, "per_class: expected an even number of examples, 2 or more; got 0"),
        ({"per_class": 2.0}, "per_class: expected an even number of examples, 2 or more; got 2.0"),
    ],
)
def test_a_parameter_that_cannot_be_is_one_clear_error(follow, wrong, said):
    search = follow("magnitude-init").search
    with pytest.raises(ValueError, match=f"^{re.escape(said)}$"):
        next(search.method("grasp", search.ladder[0], **wrong))


@pytest.mark.parametrize("parent", ["mlp", "conv"])
def test_counts_are_exact_whatever_is_asked(follow, task, parent):
    search = follow("magnitude-init", task(parent=parent)).search
    sizes = {name: kept.numel() for name, kept in search.initial.mask.items()}

    @settings(deadline=None, max_examples=10)
    @given(st.integers(1, sum(sizes.values())), st.sampled_from([2, 4]))
    def check(kept, per_class):
        rung = Rung(1, kept, sum(sizes.values()), sizes, "layer")
        mask = next(search.method("grasp", rung, per_class=per_class)).mask
        assert sum(count_per_layer(mask).values()) == kept

    check()
