"""SET and RigL: one update worked by hand, and what every update leaves as it was."""

import math
import sys
from types import SimpleNamespace

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from ticketbench import Ticket, Train, method
from ticketbench.harness.bench import Bench
from ticketbench.harness.search import Job, run_search
from ticketbench.harness.store import Store
from ticketbench.harness.trainings import Trainings
from ticketbench.harness.workloads.vision import Vision
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
def test_no_update_knows_one_hidden_unit_from_another(seed):
    """Six units: the rows of the layer before them, and the columns of the layer after them, change places."""
    rng = torch.Generator().manual_seed(seed)
    shapes = {"before": (6, 5), "after": (4, 6)}
    weights = {name: torch.randn(shape, generator=rng) for name, shape in shapes.items()}
    growth = {name: torch.rand(shape, generator=rng) for name, shape in shapes.items()}
    mask = {name: torch.rand(shape, generator=rng) < 0.5 for name, shape in shapes.items()}
    order = torch.randperm(6, generator=rng)

    def shuffled(tensors):
        return {"before": tensors["before"][order], "after": tensors["after"][:, order]}

    def same(one, other):
        return all(torch.equal(one[name], other[name]) for name in shapes)

    three = [shuffled(each) for each in (weights, growth, mask)]
    assert same(rigl.drop_and_grow(*three, 0.4), shuffled(rigl.drop_and_grow(weights, growth, mask, 0.4)))
    core = sparse_evolution.drop(weights, mask, 0.4)
    assert same(sparse_evolution.drop(three[0], three[2], 0.4), shuffled(core))
    after = sparse_evolution.grow(growth, core, mask)
    assert same(sparse_evolution.grow(three[1], shuffled(core), three[2]), shuffled(after))


@pytest.fixture
def requests(task, tmp_path):
    """A function that runs a method on a task's last rung: what it asks for, what it is sent back, and its row."""

    def run(name, on, seed=0, **parameters):
        asked, sent = [], []

        @method("spy", title="Spy")
        def spy(search, rung):
            run.search = search
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


@pytest.mark.parametrize("parent", ["mlp", "conv"])
def test_rigl_grows_by_the_gradient_of_the_loss_at_the_current_weights(task, requests, parent):
    """The first update again, by hand: the gradient of its batch, the 26 % that the cosine leaves at step 5."""
    asked, sent, _ = requests("rigl", task(parent=parent), interval=5)
    trained, new = sent[0], asked[1].checkpoint.mask
    ((inputs, targets),) = requests.search.batches(1, 60, draw=5)
    network = requests.search.network(trained).train()
    weights = {name: weight.requires_grad_() for name, weight in trained.weights.items()}
    outputs = torch.func.functional_call(network, (weights, trained.buffers), (inputs,))
    nn.functional.cross_entropy(outputs, targets).backward()
    for name, old in trained.mask.items():
        moved = int(0.15 * (1 + math.cos(math.pi * 5 / 22.5)) * COUNTS[parent][name])
        size, slope = weights[name].detach().abs(), weights[name].grad.abs()
        stays = old & (size > size[old].sort().values[moved - 1])
        grown, empty = new[name] & ~stays, ~new[name] & ~stays
        assert moved >= 1 and bool(new[name][stays].all())
        assert int(grown.sum()) == moved
        assert slope[grown].min() >= slope[empty].max(), name


def test_a_weight_that_the_loss_does_not_reach_has_the_gradient_zero():
    class Network(nn.Module):
        def __init__(self):
            super().__init__()
            self.used, self.unused = nn.Linear(3, 2), nn.Linear(3, 2)

        def forward(self, inputs):
            return self.used(inputs)

    network = Network()
    search = SimpleNamespace(
        task=SimpleNamespace(training=SimpleNamespace(batch_size=4)),
        batches=lambda count, size, draw: [(torch.ones(size, 3), torch.zeros(size, dtype=torch.long))],
        network=lambda checkpoint: network,
        loss=lambda network, inputs, targets: nn.functional.cross_entropy(network(inputs), targets),
    )
    mask = {name: torch.ones(2, 3, dtype=torch.bool) for name in ("used.weight", "unused.weight")}
    gradient = rigl.dense_gradient(search, SimpleNamespace(mask=mask, step=5))
    assert bool(gradient["used.weight"].all()) and not gradient["unused.weight"].any()
    assert gradient["unused.weight"].shape == (2, 3)


@pytest.fixture
def bench(task, tmp_path):
    """A function from a method's name to its search on a tiny task, to drive its generator without training."""

    def make(name, parent="mlp"):
        on = task(parent=parent)
        trainings = Trainings({"default": Vision(on, torch.device("cpu"))}, Store(tmp_path / "store"))
        return Bench(on, shipped_methods()[name], "default", 0, None, trainings)

    return make


def test_the_dense_gradient_does_not_know_one_hidden_unit_from_another(bench):
    search = bench("rigl")
    order = torch.randperm(12, generator=search.rng)

    def shuffled(tensors):
        rows = {name: tensors[name][order] for name in ("hidden.0.weight", "hidden.0.bias") if name in tensors}
        return tensors | rows | {"output.weight": tensors["output.weight"][:, order]}

    moved = search.initial.replace(weights=shuffled(search.initial.weights))
    expected = shuffled(rigl.dense_gradient(search, search.initial))
    for name, gradient in rigl.dense_gradient(search, moved).items():
        torch.testing.assert_close(gradient, expected[name], rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize("parent", ["mlp", "conv"])
def test_every_update_of_set_is_its_drop_by_sign_and_random_growth(bench, parent):
    """With normal weights in place of training: of s weights of one sign the int(0.3 s) nearest zero go.

    As many places grow, and each of the n that are then empty is as likely as any other: where a grown place stands
    among them, as a share of n, is uniform. So it is for the perceptron, whose layers have empty places enough to
    tell; chi-squared over ten bins is above 33 once in ten thousand seeds.
    """
    search = bench("set", parent)
    rng = torch.Generator().manual_seed(0)
    generator = shipped_methods()["set"].with_parameters(interval=1).start(search, search.ladder[-1])
    request, shares, updates = next(generator), [], []
    while not isinstance(request, Ticket):
        old = request.checkpoint.mask
        drawn = {name: torch.randn(kept.shape, generator=rng) for name, kept in old.items()}
        trained = request.checkpoint.replace(weights=drawn)
        request = generator.send(trained)
        new = request.mask if isinstance(request, Ticket) else request.checkpoint.mask
        for name, weight in trained.prunable.items():
            stays = set()
            for sign in (1, -1):
                places = (old[name].flatten() & (sign * weight.flatten() > 0)).nonzero().flatten().tolist()
                nearest = sorted(places, key=lambda place: weight.flatten()[place].abs().item())
                stays |= set(nearest[int(0.3 * len(places)) :])
            kept = set(new[name].flatten().nonzero().flatten().tolist())
            empty = [place for place in range(weight.numel()) if place not in stays]
            assert stays <= kept and len(kept) == int(old[name].sum())
            shares += [(index + 0.5) / len(empty) for index, place in enumerate(empty) if place in kept]
        updates.append(new)
    assert len(updates) == 29
    if parent == "mlp":
        expected = len(shares) / 10
        seen = torch.histc(torch.tensor(shares), 10, 0, 1)
        assert expected > 100 and ((seen - expected) ** 2 / expected).sum() < 33


@pytest.mark.parametrize(
    ("name", "parameters", "said"),
    [
        ("rigl", {"interval": 2.5}, "interval: expected a whole number of steps, 0 or more, got 2.5"),
        ("rigl", {"interval": -1}, "interval: expected a whole number of steps, 0 or more, got -1"),
        ("rigl", {"alpha": "0.3"}, "expected alpha and stop in [0, 1], got '0.3' and 0.75"),
        ("rigl", {"stop": 1.5}, "expected alpha and stop in [0, 1], got 0.3 and 1.5"),
        ("set", {"interval": 2.5}, "interval: expected a whole number of steps, 0 or more, got 2.5"),
        ("set", {"interval": "5"}, "interval: expected a whole number of steps, 0 or more, got '5'"),
        ("set", {"zeta": None}, "expected zeta and stop in [0, 1], got None and 1.0"),
        ("set", {"zeta": 2}, "expected zeta and stop in [0, 1], got 2 and 1.0"),
    ],
)
def test_what_is_no_schedule_is_refused(bench, name, parameters, said):
    search = bench(name)
    with pytest.raises(ValueError) as refused:
        next(shipped_methods()[name].with_parameters(**parameters).start(search, search.ladder[0]))
    assert str(refused.value) == said


@pytest.mark.parametrize("name", ["set", "rigl"])
def test_one_seed_gives_one_mask_and_another_gives_another(task, requests, name):
    on = task()
    one, again, other = (requests(name, on, seed, interval=10)[0][-1].mask for seed in (0, 0, 1))
    assert all(torch.equal(one[n], again[n]) for n in one)
    assert any(not torch.equal(one[n], other[n]) for n in one)
