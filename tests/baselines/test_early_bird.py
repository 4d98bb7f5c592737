"""Early-Bird held against its definition: channels by batch-norm scale, and masks that have settled."""

import sys
from itertools import pairwise

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from ticketbench import Ticket, Train, method
from ticketbench.harness.search import Job, run_search
from ticketbench.harness.store import Store
from ticketbench.harness.trainings import Trainings
from ticketbench.harness.workloads.vision import Vision
from ticketbench.masks import count_per_layer
from ticketbench.methods import shipped_methods

bird = sys.modules[shipped_methods()["early-bird"].module]


def channels(*bits):
    return torch.tensor(bits, dtype=torch.bool)


def test_the_distance_is_the_share_of_channels_that_differ():
    assert bird.distance(channels(1, 1, 0, 0, 1), channels(1, 0, 0, 1, 1)) == 0.4
    assert bird.distance(channels(1, 0), channels(1, 0)) == 0


def test_a_ticket_is_drawn_when_the_newest_of_five_masks_is_near_the_four_others():
    """Ten channels, so that one that differs is a distance of 0.1, which is near enough, and two are not."""
    same, one, two = torch.ones(10) > 0, torch.arange(10) > 0, torch.arange(10) > 1
    assert not bird.settled([same] * 4, 5, 0.1)  # not five yet
    assert bird.settled([same] * 5, 5, 0.1)
    assert bird.settled([one, same, one, same, same], 5, 0.1)
    assert not bird.settled([two, same, same, same, same], 5, 0.1)  # the oldest counts
    assert bird.settled([two, one, one, one, one], 5, 0.1)
    assert not bird.settled([same, one, one, one, two], 5, 0.1)  # 0.2 from the first, though 0.1 from the one before


def test_the_smallest_scales_go_until_the_weights_are_nearest_to_the_rung():
    """Two layers of 3 and 2 channels, 10 and 4 weights a filter, in a network of 50: 12 lie elsewhere.

    Smallest scales first: 0.1 (of the second layer, 4 weights), 0.2 (10), 0.3 (10); 0.9 and 0.8 are the layers'
    largest and stay. So 50, 46, 36 or 26 weights can be left.
    """
    scales, sizes = [torch.tensor([0.3, 0.9, 0.2]), torch.tensor([0.1, 0.8])], [10, 4]
    drawn = {kept: bird.largest_channels(scales, sizes, 50, kept).int().tolist() for kept in (49, 41, 40, 20, 1)}
    assert drawn == {
        49: [1, 1, 1, 1, 1],
        41: [1, 1, 1, 0, 1],  # 46 and 36 are equally near: the larger
        40: [1, 1, 0, 0, 1],
        20: [0, 1, 0, 0, 1],
        1: [0, 1, 0, 0, 1],  # every layer keeps its largest
    }


def test_equal_scales_keep_the_earlier_channel():
    assert bird.largest_channels([torch.ones(4)], [1], 4, 2).tolist() == [True, True, False, False]


@settings(max_examples=50, deadline=None)
@given(st.integers(0, 10**6))
def test_sparser_rungs_draw_nested_masks_that_follow_their_channels(seed):
    rng = torch.Generator().manual_seed(seed)
    scales, sizes = [torch.rand(8, generator=rng), torch.rand(5, generator=rng)], [9, 20]
    masks = [bird.largest_channels(scales, sizes, 200, kept) for kept in (180, 120, 60, 0)]
    assert all(not (sparse & ~dense).any() for dense, sparse in pairwise(masks))
    assert masks[-1].sum() == 2
    order = torch.randperm(8, generator=rng)
    moved = bird.largest_channels([scales[0][order], scales[1]], sizes, 200, 120)
    assert torch.equal(moved, torch.cat([masks[1][:8][order], masks[1][8:]]))


def test_the_penalty_is_the_l1_norm_of_the_scales():
    weights = {"norm": torch.tensor([0.5, -2.0, 0.0], requires_grad=True), "w": torch.ones(2, requires_grad=True)}
    objective = bird.SparseChannels(("norm",), 0.01)
    value = objective(None, weights, {}, None, None, 0, None, lambda network, weights, *_: weights["w"].sum())
    value.backward()
    assert value.item() == pytest.approx(2.025)
    assert weights["norm"].grad.tolist() == pytest.approx([0.01, -0.01, 0])


def test_eight_bits_round_to_255_levels_and_pass_gradients_straight_through():
    """Within 1.27 the levels lie 0.01 apart."""
    tensor = torch.tensor([1.27, -0.304, 0.004, 0.006], requires_grad=True)
    low = bird.rounded(tensor, 8)
    assert low.tolist() == pytest.approx([1.27, -0.30, 0.0, 0.01], abs=1e-6)
    low.sum().backward()
    assert tensor.grad.tolist() == [1, 1, 1, 1]
    assert bird.rounded(torch.zeros(2), 8).tolist() == [0, 0]


@pytest.mark.parametrize("smaller", [0.5, 0.504])
def test_at_eight_bits_the_weights_and_the_inputs_of_every_layer_are_rounded(smaller):
    """Two linear layers. Levels lie 0.01 apart where the largest magnitude is 1.27, so 0.504 becomes 0.5.

    Inputs (1.27, 0.5) times weights (1.27, -0.5) are 1.3629, times (0, 1.27) 0.635. Within 1.3629 levels lie
    1.3629 / 127 apart: 0.635 is 59.17 of them, 59 are 0.633158. The second layer, 1.27 and 1, gives
    1.27 * 1.3629 + 0.633158 = 2.364041; with 0.635 it were 2.365883. The penalty is 0.1 * 1.27.
    """
    network = nn.Sequential(nn.Linear(2, 2, bias=False), nn.Linear(2, 1, bias=False))
    weights = {
        "0.weight": torch.tensor([[1.27, -smaller], [0.0, 1.27]]),
        "1.weight": torch.tensor([[1.27, 1.0]]),
        "norm": torch.tensor([-1.27]),  # of one dimension, as a batch norm's scale: not rounded
    }
    inputs = torch.tensor([[1.27, smaller]])
    seen = []

    def loss(network, weights, inputs, targets):
        seen.append(weights["norm"])
        layers = {name: weight for name, weight in weights.items() if name != "norm"}
        return torch.func.functional_call(network, layers, inputs).sum()

    value = bird.SparseChannels(("norm",), 0.1, 8)(network, weights, {}, inputs, None, 0, None, loss)
    assert value.item() == pytest.approx(2.364041 + 0.127, abs=2e-6)
    assert seen[0] is weights["norm"]
    full = loss(network, weights, inputs, None).item()  # no hook is left behind: nothing is rounded here
    assert full == pytest.approx(1.27 * (1.27**2 - smaller**2) + 1.27 * smaller, abs=2e-6)


@pytest.fixture
def trainings(task, tmp_path):
    on = task(parent="conv")
    return on, Trainings({"default": Vision(on, torch.device("cpu"))}, Store(tmp_path / "store"))


@pytest.fixture
def tickets(trainings):
    """A function that runs early-bird on every rung of a tiny residual network: its tickets, each with its row."""
    on, through = trainings

    def run(seed=0, rungs=(1, 2, 3), **parameters):
        run.trains = []
        submitted = []

        @method("spy", title="Spy", density="nearest")
        def spy(search, rung):
            generator = search.method("early-bird", rung, **{"interval": 3, **parameters})
            request = next(generator)
            while not isinstance(request, Ticket):
                run.trains.append(request)
                request = generator.send((yield request))
            submitted.append(request)
            yield request

        rows = [row for index in rungs for row in run_search(Job(on, spy, "default", seed, index), through)]
        assert {row["status"] for row in rows} <= {"done", "collapsed"}, [row["reason"] for row in rows]
        return list(zip(submitted, rows, strict=True))

    return run


def test_batch_norms_are_paired_with_the_layers_before_them_past_a_residual_addition(trainings):
    seen = []

    @method("spy", title="Spy")
    def spy(search, rung):
        seen.append(bird.normed_filters(search))
        yield from ()

    run_search(Job(trainings[0], spy, "default", 0, 1), trainings[1])
    assert seen[0] == {f"{name}_norm.weight": f"{name}.weight" for name in ("stem", "block1", "block2", "down")}


def test_tickets_lose_whole_filters_and_keep_what_no_batch_norm_follows(tickets):
    drawn = tickets()
    assert [row["kept"] for _, row in drawn] == [121, 103, 103]
    for ticket, row in drawn:
        for kept in ticket.mask.values():
            whole = kept.flatten(1).all(1)
            assert torch.equal(whole, kept.flatten(1).any(1)) and bool(whole.any())
        assert bool(ticket.mask["output.weight"].all())
        assert row["kept"] == sum(count_per_layer(ticket.mask).values())
        # Of 202 weights 103 are the output's and the last filters': filters of 9 and 18 weights beside.
        assert abs(row["kept"] - round(row["density_asked"] * 202)) <= 9 or row["kept"] == 103
        assert row["start_step"] in range(15, 31, 3) and row["search_steps"] == row["start_step"]
        assert row["start_step"] + row["training_steps"] == 30
        assert row["optimizer_state"] == "carried" and not row["edited"]


def test_a_task_whose_masks_never_settle_gets_the_last(tickets):
    for _, row in tickets(threshold=-1.0):
        assert (row["start_step"], row["training_steps"]) == (30, 0)


@pytest.mark.parametrize(
    ("interval", "draws"), [(4, [4, 8, 12, 16, 20, 24, 28, 30]), (15, [15, 30]), (30, [30]), (40, [30])]
)
def test_the_last_draw_is_at_the_end(tickets, interval, draws):
    ((_, row),) = tickets(rungs=(1,), threshold=-1.0, interval=interval)
    assert [train.until for train in tickets.trains] == draws
    assert (row["start_step"], row["search_steps"]) == (30, 30)


def test_the_search_trains_with_the_strength_and_precision_it_is_given(tickets):
    """And a strength of 0.5 pulls every scale down from the 1 it starts at, by 0.05 a step at the task's rate."""
    names = tuple(f"{layer}_norm.weight" for layer in ("stem", "block1", "block2", "down"))
    sizes = {}
    for strength in (0.0, 0.5):
        ((ticket, _),) = tickets(rungs=(1,), strength=strength, precision=8)
        assert all(isinstance(train, Train) for train in tickets.trains)
        assert {train.objective for train in tickets.trains} == {bird.SparseChannels(names, strength, 8)}
        sizes[strength] = torch.cat([ticket.checkpoint.weights[name].abs() for name in names])
    assert bool((sizes[0.5] < 0.7 * sizes[0.0]).all())
    tickets(rungs=(1,))
    assert {train.objective for train in tickets.trains} == {bird.SparseChannels(names, 1e-4, 32)}


def test_low_precision_searches_another_training_and_trains_tickets_in_full(tickets):
    full, low, again = tickets(), tickets(precision=8), tickets(precision=8)
    one, other = (each[0][0].checkpoint.weights["stem.weight"] for each in (full, low))
    assert not torch.equal(one, other)
    assert len(other.unique()) == other.numel()  # the weights themselves are not rounded
    assert [row["test_final"] for _, row in low] == [row["test_final"] for _, row in again]


def test_another_seed_draws_other_channels(tickets):
    one, other = (tickets(seed)[0][0].mask for seed in (0, 1))
    assert any(not torch.equal(one[name], other[name]) for name in one)


def test_the_training_to_each_draw_is_shared_by_all_rungs(trainings):
    on, shared = trainings
    ran = []
    counted = Trainings(shared.workloads, shared.store, ran.append)
    for rung in (1, 2):
        run_search(Job(on, shipped_methods()["early-bird"].with_parameters(interval=3), "default", 0, rung), counted)
        ran.append("rung")
    second = ran[ran.index("rung") + 1 : -1]
    assert not any(second[:5])  # five draws at least, none of them trained again


def test_a_network_without_batch_norm_is_not_for_it(task, tmp_path):
    on = task()
    own = Trainings({"default": Vision(on, torch.device("cpu"))}, Store(tmp_path / "store"))
    (row,) = run_search(Job(on, shipped_methods()["early-bird"], "default", 0, 1), own)
    assert (row["status"], row["reason"]) == ("not applicable", "the network has no batch norm")
