"""SET and RigL: one update worked by hand, and what every update leaves as it was."""

import math
import sys

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from ticketbench import Train, method
from ticketbench.harness.search import Job, run_search
from ticketbench.harness.store import Store
from ticketbench.harness.trainings import Trainings
from ticketbench.harness.workloads import Vision
from ticketbench.masks import count_per_layer
from ticketbench.methods import shipped_methods

sparse_evolution = sys.modules[shipped_methods()["set"].module]
rigl = sys.modules[shipped_methods()["rigl"].module]

WEIGHTS = {"w": torch.tensor([[0.1, -0.2, 0.5, 0.0], [-0.9, 0.3, 0.0, -0.05]])}
MASK = {"w": torch.tensor([[True, True, True, False], [True, True, False, True]])}


def test_set_drops_the_smallest_of_each_sign_and_fills_up_at_random():
    """Of 0.1, 0.3, 0.5 a third goes (0.1), of -0.05, -0.2, -0.9 a third (-0.05): not the two smallest by chance."""
    core = sparse_evolution.drop(WEIGHTS, MASK, 0.34)
    assert core["w"].tolist() == [[False, True, True, False], [True, True, False, False]]
    scores = {"w": torch.tensor([[0.2, 0.9, 0.9, 0.7], [0.9, 0.9, 0.6, 0.1]])}
    grown = sparse_evolution.grow(scores, core, MASK)
    assert grown["w"].tolist() == [[False, True, True, True], [True, True, True, False]]


def test_set_counts_the_signs_apart():
    """Four positive weights and two negative: half of each goes, though all positive ones are the smaller."""
    weights = {"w": torch.tensor([0.1, 0.2, 0.3, 0.4, -5.0, -6.0])}
    core = sparse_evolution.drop(weights, {"w": torch.ones(6, dtype=torch.bool)}, 0.5)
    assert core["w"].tolist() == [False, False, True, True, False, True]


def test_rigl_drops_the_smallest_and_grows_where_the_gradient_is_largest():
    """Six weights, a third moves: -0.05 and 0.1 go; of the four empty places 7 and 3 have the largest gradients.

    A kept weight with a larger gradient (9) grows nothing.
    """
    growth = {"w": torch.tensor([[1.0, 9.0, 0.0, 3.0], [0.0, 0.0, 7.0, 2.0]])}
    moved = rigl.drop_and_grow(WEIGHTS, growth, MASK, 0.34)
    assert moved["w"].tolist() == [[False, True, True, True], [True, True, True, False]]


def test_a_weight_that_rigl_dropped_may_grow_again_at_once():
    growth = {"w": torch.tensor([[1.0, 9.0, 0.0, 3.0], [0.0, 0.0, 7.0, 8.0]])}  # 8 where -0.05 was dropped
    moved = rigl.drop_and_grow(WEIGHTS, growth, MASK, 0.34)
    assert moved["w"].tolist() == [[False, True, True, False], [True, True, True, True]]


def test_the_fraction_of_rigl_decays_as_a_cosine():
    assert [rigl.fraction_at(t, 0.3, 900) for t in (0, 300, 450, 900)] == pytest.approx([0.3, 0.225, 0.15, 0.0])


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 10**6), st.floats(0, 1))
def test_no_update_changes_a_layers_count(seed, fraction):
    rng = torch.Generator().manual_seed(seed)
    shapes = {"a": (7, 5), "b": (4, 3, 2), "c": (6,)}
    weights = {name: torch.randn(shape, generator=rng) for name, shape in shapes.items()}
    mask = {name: torch.rand(shape, generator=rng) < 0.4 for name, shape in shapes.items()}
    mask["c"][:] = True  # a layer that is dense has nowhere else to grow
    weights = {name: torch.where(mask[name], weight, 0.0) for name, weight in weights.items()}
    growth = {name: torch.rand(shape, generator=rng) for name, shape in shapes.items()}
    core = sparse_evolution.drop(weights, mask, fraction)
    assert all(not (core[name] & ~mask[name]).any() for name in mask)
    for after in (sparse_evolution.grow(growth, core, mask), rigl.drop_and_grow(weights, growth, mask, fraction)):
        assert count_per_layer(after) == count_per_layer(mask)
        assert bool(after["c"].all())


@settings(max_examples=20, deadline=None)
@given(st.integers(0, 10**6))
def test_an_update_of_rigl_does_not_know_one_hidden_unit_from_another(seed):
    rng = torch.Generator().manual_seed(seed)
    weights, growth = {"w": torch.randn(6, 5, generator=rng)}, {"w": torch.rand(6, 5, generator=rng)}
    mask = {"w": torch.rand(6, 5, generator=rng) < 0.5}
    order = torch.randperm(6, generator=rng)
    after = rigl.drop_and_grow(weights, growth, mask, 0.4)
    shuffled = rigl.drop_and_grow(*({"w": each["w"][order]} for each in (weights, growth, mask)), 0.4)
    assert torch.equal(shuffled["w"], after["w"][order])


@pytest.fixture
def requests(task, tmp_path):
    """A function that runs a method on a task's last rung: what it asks for, what it is sent back, and its row."""

    def run(name, on, seed=0, **parameters):
        asked, sent = [], []

        @method("spy", title="Spy")
        def spy(search, rung):
            generator = search.method(name, rung, **parameters)
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
        (row,) = run_search(Job(on, spy, "default", seed, 3), trainings)
        assert row["status"] in ("done", "collapsed"), row["reason"]
        return asked, sent, row

    return run


# Erdős–Rényi-kernel counts of rung 3: 192 and 44 kept of ours; shares are the sums of each weight's shape.
COUNTS = {
    "mlp": {"hidden.0.weight": 149, "output.weight": 43},
    "conv": {"stem.weight": 7, "block1.weight": 8, "block2.weight": 8, "down.weight": 10, "output.weight": 11},
}


@pytest.mark.parametrize("name", ["set", "rigl"])
@pytest.mark.parametrize("parent", ["mlp", "conv"])
def test_every_layer_keeps_its_erdos_renyi_count_at_every_update(task, requests, name, parent):
    asked, _, row = requests(name, task(parent=parent), interval=5)
    trains, ticket = asked[:-1], asked[-1]
    assert all(isinstance(each, Train) and each.objective is None for each in trains)
    masks = [each.checkpoint.mask for each in trains] + [ticket.mask]
    assert {tuple(count_per_layer(mask).items()) for mask in masks} == {tuple(COUNTS[parent].items())}
    assert row["kept"] == sum(COUNTS[parent].values())
    assert len(masks) >= 5 and any(not torch.equal(masks[0][n], masks[1][n]) for n in masks[0])
    assert row["optimizer_state"] == "carried" and not row["edited"]


def test_set_goes_on_to_the_end_and_rigl_stops_at_three_quarters(task, requests):
    on = task()
    until = {name: [each.until for each in requests(name, on, interval=5)[0][:-1]] for name in ("set", "rigl")}
    assert until == {"set": [5, 10, 15, 20, 25], "rigl": [5, 10, 15, 20]}  # before 22.5 of T = 30
    assert [each.until for each in requests("set", on, interval=5, stop=0.5)[0][:-1]] == [5, 10]


def test_what_grows_starts_at_zero_and_what_stays_goes_on(task, requests):
    asked, sent, row = requests("rigl", task(), interval=5)
    for before, request in zip(sent, asked[1:], strict=False):
        old, new = before.mask, request.checkpoint.mask
        start = request.checkpoint.replace(mask=new).weights
        for name, weight in before.prunable.items():
            assert torch.equal(start[name][old[name] & new[name]], weight[old[name] & new[name]])
            assert not start[name][new[name] & ~old[name]].any()
    assert row["search_steps"] == 20
    assert row["search_examples"] == 20 * 60 + 4 * 60  # four updates, each with a batch of 60 for the dense gradient


def test_rigl_grows_by_the_gradient_of_the_loss_at_the_current_weights(task, requests):
    """The first update again, by hand: the gradient of its batch, the 28 % that the cosine leaves at step 5."""
    asked, sent, _ = requests("rigl", task(), interval=5)
    trained = sent[0]
    name, old = "output.weight", trained.mask["output.weight"]
    moved = int(0.15 * (1 + math.cos(math.pi * 5 / 22.5)) * 43)
    weight = trained.weights[name]
    smallest = weight[old].abs().sort().values[moved - 1]
    new = asked[1].checkpoint.mask[name]
    assert moved == 11
    assert bool(new[old & (weight.abs() > smallest)].all())
    assert int((new & ~(old & (weight.abs() > smallest))).sum()) == moved


@pytest.mark.parametrize("name", ["set", "rigl"])
def test_one_seed_gives_one_mask_and_another_gives_another(task, requests, name):
    on = task()
    one, again, other = (requests(name, on, seed, interval=10)[0][-1].mask for seed in (0, 0, 1))
    assert all(torch.equal(one[n], again[n]) for n in one)
    assert any(not torch.equal(one[n], other[n]) for n in one)
