"""SynFlow held against its closed form, its conservation laws, and an implementation by matrix products."""

import sys
from itertools import pairwise

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from ticketbench import Rung
from ticketbench.masks import count_per_layer
from ticketbench.methods import shipped_methods
from ticketbench.task import load_task

DEEP = """
id = "tiny/deep"
version = 1
title = "A deep perceptron"
tier = "smoke"
extends = "digits/mlp"
network.options.hidden = {hidden}
network.init = "{init}"
training.steps = 2
training.evaluate_every = 1
training.rewind_step = 1
ladder.prune = {prune}
ladder.rounds = {rounds}
ladder.scope = "global"
"""


@pytest.fixture(scope="module")
def code():
    return sys.modules[shipped_methods()["synflow"].module]


@pytest.fixture
def deep(tmp_path):
    def make(hidden, init, prune, rounds):
        path = tmp_path / "deep.toml"
        path.write_text(DEEP.format(hidden=hidden, init=init, prune=prune, rounds=rounds))
        return load_task(path)

    return make


def same(one, other):
    return one.keys() == other.keys() and all(torch.equal(one[name], other[name]) for name in one)


def flows(code, layers, biases=None):
    """R and the scores of a chain of linear layers (their weights, in double) for an input of ones."""
    named = {str(i): layer.clone().requires_grad_() for i, layer in enumerate(layers)}
    signal = torch.ones(layers[0].shape[1], dtype=torch.float64)
    for i, layer in enumerate(named.values()):
        signal = layer @ signal + (biases[i] if biases else 0)
    return float(signal.detach().sum()), list(code.synaptic_flow(signal.sum(), named).values())


def test_two_layers_worked_by_hand(code):
    """|W1| = [[1, 2], [3, 1/2]] and |W2| = [1, 4] let 1 (1 + 2) + 4 (3 + 1/2) = 17 through, every layer all of it."""
    network = torch.nn.Sequential(torch.nn.Linear(2, 2, bias=False), torch.nn.ReLU(), torch.nn.Linear(2, 1)).double()
    with torch.no_grad():
        network[0].weight.copy_(torch.tensor([[1, -2], [3, 0.5]]))
        network[2].weight.copy_(torch.tensor([[-1, 4]]))
        network[2].bias.fill_(-5)
    code.positive(network)
    assert [p.flatten().tolist() for p in network.parameters()] == [[1, 2, 3, 0.5], [1, 4], [5]]
    total = network(torch.ones(1, 2, dtype=torch.float64)).sum()
    assert total.item() == 17 + 5
    first, second = code.synaptic_flow(total, {"1": network[0].weight, "2": network[2].weight}).values()
    assert first.tolist() == [[1, 2], [12, 2]] and second.tolist() == [[3, 14]]


def test_batch_norm_is_made_positive_with_its_buffers(code):
    norm = torch.nn.BatchNorm1d(2).eval()
    with torch.no_grad():
        norm.weight.copy_(torch.tensor([-1.0, 2]))
        norm.running_mean.copy_(torch.tensor([-3.0, 4]))
    code.positive(norm)
    assert norm.weight.tolist() == [1, 2] and norm.running_mean.tolist() == [3, 4]


@settings(deadline=None, max_examples=50)
@given(seed=st.integers(0, 2**32), widths=st.lists(st.integers(1, 6), min_size=3, max_size=6))
def test_flow_is_conserved_through_every_layer_and_every_unit(code, seed, widths):
    """Tanaka et al. 2020, theorems 1 and 2: what enters a hidden unit leaves it, and every layer carries R."""
    rng = torch.Generator().manual_seed(seed)
    layers = [torch.rand(b, a, generator=rng, dtype=torch.float64) for a, b in pairwise(widths)]
    total, scores = flows(code, layers)
    assert all(float(score.sum()) == pytest.approx(total) for score in scores)
    for before, after in pairwise(scores):
        torch.testing.assert_close(before.sum(1), after.sum(0))


@settings(deadline=None, max_examples=50)
@given(seed=st.integers(0, 2**32), widths=st.lists(st.integers(1, 6), min_size=3, max_size=5), data=st.data())
def test_scores_follow_hidden_units_that_change_places(code, seed, widths, data):
    order = torch.tensor(data.draw(st.permutations(range(widths[1]))))
    rng = torch.Generator().manual_seed(seed)
    layers = [torch.rand(b, a, generator=rng, dtype=torch.float64) for a, b in pairwise(widths)]
    biases = [torch.rand(b, generator=rng, dtype=torch.float64) for b in widths[1:]]
    _, plain = flows(code, layers, biases)
    permuted = [layers[0][order], layers[1][:, order], *layers[2:]]
    _, moved = flows(code, permuted, [biases[0][order], *biases[1:]])
    for one, other in zip([plain[0][order], plain[1][:, order], *plain[2:]], moved, strict=True):
        torch.testing.assert_close(one, other)


@given(prunable=st.integers(1, 10**9), rounds=st.integers(1, 200), data=st.data())
def test_rounds_keep_exponentially_fewer_and_the_last_the_rungs_own_count(code, prunable, rounds, data):
    kept = data.draw(st.integers(1, prunable))
    counts = code.schedule(prunable, kept, rounds)
    assert len(counts) == rounds and counts[-1] == kept
    assert all(prunable >= more >= fewer >= kept for more, fewer in pairwise([prunable, *counts]))


def test_a_hundredth_in_a_hundred_rounds(code):
    """1000 rho^(k / 100) for rho = 1/100: 954.99, 912.01, ..., 100 at the fiftieth, 10 at the last."""
    counts = code.schedule(1000, 10, 100)
    assert (counts[0], counts[1], counts[49], counts[99]) == (955, 912, 100, 10)


def by_matrix_products(weights, kept, rounds):
    """The algorithm on a perceptron without biases, in numpy, with a sort of its own."""
    layers = [abs(weight.double().numpy()) for weight in weights]
    size = sum(layer.size for layer in layers)
    for k in range(1, rounds + 1):
        ahead = [np.ones(layers[0].shape[1])]
        for layer in layers:
            ahead.append(layer @ ahead[-1])
        behind = [np.ones(layers[-1].shape[0])]
        for layer in reversed(layers):
            behind.append(layer.T @ behind[-1])
        scores = [np.outer(b, a) * layer for layer, a, b in zip(layers, ahead, behind[-2::-1], strict=False)]
        largest = np.sort(np.concatenate([score.ravel() for score in scores]))[::-1]
        threshold = largest[round(size * (kept / size) ** (k / rounds)) - 1]
        layers = [np.where(score >= threshold, layer, 0) for score, layer in zip(scores, layers, strict=True)]
    return [torch.from_numpy(layer > 0) for layer in layers]


def test_the_mask_is_that_of_the_algorithm_written_in_matrix_products(follow):
    found = follow("synflow")
    weights = found.search.initial.prunable.values()
    for mask, rung in zip(found.masks, found.search.ladder, strict=True):
        expected = by_matrix_products(weights, rung.kept, 100)
        assert sum(int(layer.sum()) for layer in expected) == rung.kept
        assert all(torch.equal(one, other) for one, other in zip(mask.values(), expected, strict=True))
    once = by_matrix_products(weights, found.search.ladder[2].kept, 1)
    single = next(found.search.method("synflow", found.search.ladder[2], rounds=1)).mask
    assert all(torch.equal(one, other) for one, other in zip(single.values(), once, strict=True))
    assert not same(single, found.masks[2])


def test_no_example_decides(follow, task):
    found = follow("synflow", rounds=20)
    assert all(same(one, two) for one, two in zip(found.masks, follow("synflow", rounds=20).masks, strict=True))
    other_digits = follow("synflow", task("data.labels = [3, 8]"), rounds=20)
    assert same(other_digits.search.initial.weights, found.search.initial.weights)
    assert all(same(one, two) for one, two in zip(found.masks, other_digits.masks, strict=True))
    assert {(row["search_examples"], row["search_steps"]) for row in found.rows} == {(20, 0)}
    assert not same(found.masks[0], follow("synflow", seed=1, rounds=20).masks[0])
    assert all(same(ticket.checkpoint.weights, found.search.initial.weights) for ticket in found.tickets)


@pytest.mark.parametrize("seed", [0, 1, 2])
def test_a_path_is_kept_where_magnitude_at_initialization_empties_a_layer(follow, deep, seed):
    """Between narrow layers the wide one's weights are small. At a hundredth of 2,472 weights magnitude drops all."""
    on = deep([8, 8, 150, 8, 8], "kaiming-normal", 0.9, 2)
    flowing, largest = follow("synflow", on, seed), follow("magnitude-init", on, seed)
    for mask in flowing.masks:
        assert min(count_per_layer(mask).values()) >= 1
        signal = torch.ones(64)
        for kept in mask.values():
            signal = kept.float() @ signal
        assert float(signal.sum()) > 0
    assert 0 in count_per_layer(largest.masks[1]).values()
    assert [sum(count_per_layer(m).values()) for m in largest.masks] == [
        sum(count_per_layer(m).values()) for m in flowing.masks
    ]
    assert largest.rows[1]["status"] == "collapsed"


def test_scores_of_a_deep_network_do_not_vanish(follow, deep):
    """200 layers of one unit each: R underflows single precision, and each inner weight carries all of it."""
    found = follow("synflow", deep([1] * 200, "glorot-normal", 0.1, 1), rounds=10)
    weights = found.search.initial.prunable
    passed = torch.stack([weight.abs().sum() for weight in weights.values()]).log10().sum()
    assert float(passed) < -45  # the smallest float32 is 1.4e-45
    assert [int(found.masks[0][name].sum()) for name in list(weights)[1:-1]] == [1] * 199


@pytest.mark.parametrize("rounds", [0, -3, 2.5, 1e2, True, "10"])
@pytest.mark.parametrize("name", ["synflow", "synflow-shuffled"])
def test_rounds_must_be_a_whole_number_one_or_more(follow, name, rounds):
    search = follow("magnitude-init").search
    with pytest.raises(ValueError, match=rf"^rounds: expected .* whole number, 1 or more; got {rounds!r}$"):
        next(search.method(name, search.ladder[0], rounds=rounds))


@pytest.mark.parametrize("parent", ["mlp", "conv"])
def test_counts_are_exact_whatever_is_asked_in_however_many_rounds(follow, task, parent):
    search = follow("magnitude-init", task(parent=parent)).search
    sizes = {name: kept.numel() for name, kept in search.initial.mask.items()}

    @settings(deadline=None, max_examples=15)
    @given(name=st.sampled_from(["synflow", "synflow-shuffled"]), data=st.data(), rounds=st.integers(1, 20))
    def check(name, data, rounds):
        kept = data.draw(st.integers(1, sum(sizes.values())))
        rung = Rung(1, kept, sum(sizes.values()), sizes, "global")
        mask = next(search.method(name, rung, rounds=rounds)).mask
        assert sum(count_per_layer(mask).values()) == kept

    check()


@pytest.mark.parametrize("parent", ["mlp", "conv"])
def test_the_shuffled_mask_keeps_every_layers_count_and_moves_the_places(follow, task, parent):
    plain = follow("synflow", task(parent=parent), rounds=10)
    moved = follow("synflow-shuffled", task(parent=parent), rounds=10)
    for mask, other, rung in zip(plain.masks, moved.masks, plain.search.ladder, strict=True):
        assert count_per_layer(mask) == count_per_layer(other) and sum(count_per_layer(mask).values()) == rung.kept
        for name, kept in mask.items():
            if 4 < int(kept.sum()) < kept.numel() - 4:
                assert not torch.equal(kept, other[name])
    assert not same(moved.masks[2], follow("synflow-shuffled", task(parent=parent), seed=1, rounds=10).masks[2])
