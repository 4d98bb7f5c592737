"""What a method is shown: batches, networks, losses, generators, initial weights."""

import torch

from ticketbench.harness.bench import Bench, undisturbed, weights_made_by
from ticketbench.methods.state import State


def bench(lab, task=None, seed=0, rung=None):
    task = task or lab.task()
    found = lab.method("""
        @method("mine", title="Mine")
        def mine(search):
            yield search.dense
    """)
    return Bench(task, found, "default", seed, rung, lab.trainings(task))


def test_the_ladder_is_the_tasks_and_rung_zero_is_not_on_it(lab):
    search = bench(lab)
    assert [(rung.index, rung.kept, rung.density) for rung in search.ladder] == [
        (1, 296, 0.5),
        (2, 148, 0.25),
        (3, 74, 0.125),
    ]
    assert search.dense_rung.kept == 592
    assert (search.steps, search.seed, search.setting, search.task.id) == (30, 0, "default", "tiny/mlp")


def test_initial_weights_are_a_function_of_the_seed_and_reinitialized_ones_of_the_draw_too(lab):
    here, again, other = bench(lab), bench(lab), bench(lab, seed=1)

    def weight(checkpoint):
        return checkpoint.weights["output.weight"]

    assert torch.equal(weight(here.initial), weight(again.initial))
    assert torch.equal(weight(here.reinitialized(1)), weight(again.reinitialized(1)))
    drawn = [here.initial, here.reinitialized(1), here.reinitialized(2), other.initial, other.reinitialized(1)]
    assert len({tuple(weight(each).flatten().tolist()) for each in drawn}) == 5
    assert all(bool(kept.all()) for kept in here.reinitialized(1).mask.values())
    assert here.initial.step == here.reinitialized(2).step == 0
    with_error = []
    for draw in (0, -1):
        try:
            here.reinitialized(draw)
        except ValueError as error:
            with_error.append(str(error))
    assert with_error == [f"draws of reinitialized weights count from 1, got {draw}" for draw in (0, -1)]


def test_rng_is_a_function_of_seed_method_and_rung(lab):
    drawn = [
        torch.rand(3, generator=bench(lab, seed=seed, rung=rung).rng).tolist()
        for seed, rung in ((0, None), (1, None), (0, 1), (0, 2), (0, None))
    ]
    assert drawn[0] == drawn[4]
    assert len({tuple(each) for each in drawn}) == 4


def test_batches_are_training_examples_none_twice_in_one_and_the_same_for_a_draw(lab):
    search = bench(lab)
    training = search._workload._train.inputs
    (inputs, targets), second = search.batches(2, 50)
    assert inputs.shape == (50, 1, 8, 8) and targets.shape == (50,) and targets.dtype == torch.int64
    assert not torch.equal(inputs, second[0])
    at = [int((training == each).flatten(1).all(1).nonzero()[0]) for each in inputs]
    assert len(set(at)) == 50
    assert torch.equal(search._workload._train.targets[at], targets)
    again, _ = search.batches(2, 50)
    assert torch.equal(again[0], inputs)
    assert not torch.equal(search.batches(1, 50, draw=1)[0][0], inputs)
    assert torch.equal(bench(lab).batches(1, 50)[0][0], inputs)
    assert not torch.equal(bench(lab, seed=1).batches(1, 50)[0][0], inputs)
    assert sorted(search.batches(1, 1200)[0][1].tolist()) == sorted(search._workload._train.targets.tolist())


def test_batches_per_class_hold_that_many_of_each(lab):
    ((inputs, targets),) = bench(lab).batches(1, per_class=3)
    assert inputs.shape[0] == 30
    assert torch.bincount(targets, minlength=10).tolist() == [3] * 10


def test_batches_that_cannot_be_had_are_errors(lab):
    search = bench(lab)
    asked = [
        {}, {"size": 5, "per_class": 1}, {"size": 0}, {"size": 1201},
        {"per_class": 0}, {"per_class": -1}, {"per_class": 1000},
    ]  # fmt: skip
    said = []
    for each in asked:
        try:
            search.batches(1, **each)
        except ValueError as error:
            said.append(str(error))
    assert len(said) == len(asked)
    assert said[0] == said[1] == "batches: say either size or per_class"
    assert said[2:4] == [f"batches: size {size} of 1200 training examples" for size in (0, 1201)]
    assert said[6] == "per_class=1000: class 0 has fewer training examples"


def test_a_network_is_fresh_in_eval_mode_and_pruned_weights_receive_gradients(lab):
    search = bench(lab, lab.task(conv=True))
    mask = {name: torch.rand(kept.shape) < 0.5 for name, kept in search.initial.mask.items()}
    pruned = search.initial.replace(mask=mask)
    network = search.network(pruned)
    assert not network.training and network is not search.network(pruned)
    named = dict(network.named_parameters())
    assert all((named[name][~kept] == 0).all() for name, kept in mask.items())
    ((inputs, targets),) = search.batches(1, 60)
    loss = search.loss(network, inputs, targets)
    by_hand = torch.nn.functional.cross_entropy(network(inputs), targets)
    assert torch.equal(loss, by_hand)
    loss.backward()
    assert all((named[name].grad[~kept] != 0).any() for name, kept in mask.items())
    before = search.initial.weights
    with torch.no_grad():
        for parameter in named.values():
            parameter.zero_()
    assert all(torch.equal(search.initial.weights[name], weight) for name, weight in before.items())


def test_undisturbed_puts_torch_right_and_then_back():
    with torch.no_grad(), torch.autocast("cpu", dtype=torch.bfloat16), torch.device("meta"):
        with undisturbed():
            assert torch.is_grad_enabled() and not torch.is_autocast_enabled("cpu")
            made = torch.ones(2, 2, requires_grad=True)
            assert (made @ made).dtype == torch.float32 and made.device.type == "cpu"
        assert not torch.is_grad_enabled() and torch.is_autocast_enabled("cpu")
        assert torch.ones(1).device.type == "meta"
    with torch.inference_mode(), undisturbed():
        assert not torch.is_inference_mode_enabled()
    torch.set_default_dtype(torch.float64)
    try:
        with undisturbed():
            assert torch.ones(1).dtype == torch.float32
        assert torch.ones(1).dtype == torch.float64
    finally:
        torch.set_default_dtype(torch.float32)


def test_weights_are_made_by_the_harness_if_each_equals_one_of_its_own_place_by_place():
    def state(weight, buffer=0.0, mask=(True, True)):
        return State(0, {"w": torch.tensor(weight)}, {"b": torch.tensor(buffer)}, {"w": torch.tensor(mask)})

    one, two = state([1.0, 2.0], 5.0), state([3.0, 4.0], 6.0)
    assert weights_made_by(state([1.0, 2.0], 5.0), [one, two])
    assert weights_made_by(state([1.0, 4.0], 6.0), [one, two])  # of two networks, as a mask criterion may mix them
    assert not weights_made_by(state([2.0, 1.0], 5.0), [one, two])  # at another place
    assert not weights_made_by(state([1.0, 2.0], 5.5), [one, two])  # a buffer of nobody's
    assert weights_made_by(state([1.0, 9.0], 5.0, (True, False)), [one])  # what is pruned does not count
    assert not weights_made_by(one, [])


def test_of_several_draws_of_initial_weights_all_places_come_from_one():
    def state(weight):
        return State(0, {"w": torch.tensor(weight)}, {}, {"w": torch.ones(3, dtype=torch.bool)})

    one, other, trained = state([1.0, 2.0, 3.0]), state([4.0, 5.0, 6.0]), state([7.0, 8.0, 9.0])
    assert weights_made_by(other, [], [one, other])
    assert weights_made_by(state([7.0, 5.0, 6.0]), [trained], [one, other])
    assert not weights_made_by(state([1.0, 5.0, 6.0]), [], [one, other])
    assert not weights_made_by(state([7.0, 2.0, 6.0]), [trained], [one, other])
