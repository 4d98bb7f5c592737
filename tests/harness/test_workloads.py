"""What a task is made into: networks of one's own that do or do not fit, batches of a class, heads of a setting."""

from itertools import count

import pytest
import torch

from ticketbench.errors import TicketbenchError
from ticketbench.harness.bench import Bench
from ticketbench.harness.search import DENSE_METHOD
from ticketbench.harness.training.determinism import generator
from ticketbench.harness.workloads import workloads_of

CPU = torch.device("cpu")
LABELS = {"low": {"data": {"labels": [0, 2, 1]}}, "high": {"data": {"labels": [3, 4, 5, 6, 7, 8, 9]}}}
HEADS = {
    "low": {"data": {"labels": [0, 1, 2], "relabel": True}},
    "high": {"data": {"labels": [9, 3, 4, 5, 6, 7, 8], "relabel": True}},
}
HEAD = ["output.weight", "output.bias"]
NETS = """
import torch
from torch import nn


class Tied(nn.Module):
    def __init__(self, shape, classes):
        super().__init__()
        self.enter, self.one, self.other = nn.Linear(64, 8), nn.Linear(8, 8), nn.Linear(8, 8)
        self.other.weight = self.one.weight
        self.norm, self.leave = nn.BatchNorm1d(8), nn.Linear(8, classes)
        self.register_buffer("gain", torch.full((8,), 2.0), persistent=False)

    def forward(self, inputs):
        hidden = self.norm(self.enter(inputs.flatten(1)).relu() * self.gain)
        return self.leave(self.other(self.one(hidden).relu()).relu())


class Wrapped(nn.Module):
    def __init__(self, network, answer):
        super().__init__()
        self.network, self.answer = network, answer

    def forward(self, inputs):
        return self.answer(self.network(inputs))


def perceptron(classes, pixels=64):
    return nn.Sequential(nn.Flatten(), nn.Linear(pixels, 4), nn.ReLU(), nn.Linear(4, classes))

def fits(shape, classes):
    return nn.Sequential(nn.Flatten(), nn.Linear(64, 4), nn.BatchNorm1d(4), nn.Dropout(), nn.Linear(4, classes))

def narrow(shape, classes):
    return perceptron(5)

def other_images(shape, classes):
    return perceptron(classes, pixels=784)

def two_lines(shape, classes):
    def answer(logits):
        raise ValueError("28 x 28 pixels are expected,\\nnot 8 x 8.")

    return Wrapped(perceptron(classes), answer)

def pair(shape, classes):
    return Wrapped(perceptron(classes), lambda logits: (logits, logits))

def answers(shape, classes):
    return Wrapped(perceptron(classes), lambda logits: logits.argmax(1))

def whole_numbers(shape, classes):
    return Wrapped(perceptron(classes), lambda logits: logits.long())

def one_for_all(shape, classes):
    return Wrapped(perceptron(classes), lambda logits: logits.mean(0))

def embeds(shape, classes):
    class Bare(nn.Module):
        def __init__(self):
            super().__init__()
            self.weight = nn.Parameter(torch.randn(64, classes))

        def forward(self, inputs):
            return inputs.flatten(1) @ self.weight

    return Bare()

def with_few(shape, classes):
    network = perceptron(classes)
    if classes < 5:
        network.add_module("few", nn.Linear(classes, classes))
    return network

def with_many(shape, classes):
    network = perceptron(classes)
    if classes > 5:
        network.add_module("many", nn.Linear(classes, classes))
    return network

def counts_classes(shape, classes):
    network = perceptron(classes)
    network.register_buffer("seen", torch.zeros(classes))
    return network
"""
_numbers = count()


@pytest.fixture
def own(lab, monkeypatch):
    """A function from the name of a network above, and changes, to a task of it."""
    monkeypatch.chdir(lab.folder)
    module = f"nets_of_a_person_{next(_numbers)}"
    (lab.folder / f"{module}.py").write_text(NETS)

    def task(name, unshared=(), **changes):
        network = {"factory": f"{module}:{name}", "unshared": list(unshared)}
        return lab.task(**{"network.options.hidden": None, "network": network, **changes})

    return task


def refusal(task):
    with pytest.raises(TicketbenchError) as caught:
        workloads_of(task, CPU)
    assert "\n" not in str(caught.value)
    return str(caught.value)


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("narrow", "but got float32 of shape (2, 5)."),
        ("two_lines", "but it raised ValueError: 28 x 28 pixels are expected, not 8 x 8."),
        ("pair", "but got a value of type tuple."),
        ("answers", "but got int64 of shape (2,)."),
        ("whole_numbers", "but got int64 of shape (2, 10)."),
        ("one_for_all", "but got float32 of shape (10,)."),
    ],
)
def test_a_network_that_does_not_fit_is_told_before_it_trains(own, name, said):
    task = own(name)
    assert refusal(task) == (
        f"tiny/mlp: network {task.network.factory} (setting default): expected logits of shape (2, 10) "
        f"from images of shape (2, 1, 8, 8), {said}"
    )


def test_what_torch_says_of_a_network_for_other_images_is_told(own):
    message = refusal(own("other_images"))
    assert "but it raised RuntimeError: " in message
    assert "(2x64 and 784x4)" in message


def test_a_network_fits_in_every_setting_or_the_one_where_it_does_not_is_named(own):
    assert set(workloads_of(own("fits", settings=LABELS), CPU)) == set(LABELS)
    message = refusal(own("narrow", settings=LABELS))
    assert "(setting low): expected logits of shape (2, 10)" in message


def test_a_network_with_nothing_to_prune_is_told_by_its_name(own, lab):
    task = own("embeds")
    assert refusal(task).startswith(
        f"tiny/mlp: network {task.network.factory} (setting default): there is nothing to prune; expected a linear"
    )
    everything = lab.task(ladder__exclude=["hidden.0.weight", "output.weight"])
    assert "tiny/mlp: network mlp (setting default): there is nothing to prune" in refusal(everything)


def test_trying_a_network_draws_nothing_and_leaves_the_workload_s_own_as_it_was(own):
    """One is made anew to be tried, which draws weights; only the engine's own, which comes first, may draw."""
    workload = workloads_of(own("fits"), CPU)["default"]
    before = {name: tensor.clone() for name, tensor in workload.module().state_dict().items()}
    training, state = workload.module().training, torch.get_rng_state()
    workload.check("default")
    assert torch.equal(torch.get_rng_state(), state)
    assert workload.module().training == training
    assert all(torch.equal(before[name], tensor) for name, tensor in workload.module().state_dict().items())


def test_a_parameter_or_buffer_that_only_one_setting_has_is_told(own):
    """Whichever of the two it is: settings are set against the first by name."""
    few = refusal(own("with_few", ["3.weight", "3.bias"], settings=HEADS))
    many = refusal(own("with_many", ["3.weight", "3.bias"], settings=HEADS))
    assert "few.weight has no place in setting high, shape (3, 3) in low. Settings share all parameters" in few
    assert "many.weight has shape (7, 7) in setting high, no place in low. Settings share all parameters" in many
    seen = refusal(own("counts_classes", ["3.weight", "3.bias"], settings=HEADS))
    assert "seen has shape (7,) in setting high, shape (3,) in low." in seen


@pytest.mark.parametrize(
    ("changes", "setting", "labels"),
    [
        ({"settings": LABELS}, "low", [0, 1, 2]),
        ({"settings": LABELS}, "high", [3, 4, 5, 6, 7, 8, 9]),
        ({"settings": HEADS, "network__unshared": HEAD}, "low", [0, 1, 2]),
        ({"settings": HEADS, "network__unshared": HEAD}, "high", [0, 1, 2, 3, 4, 5, 6]),
    ],
    ids=["low", "high", "low relabelled", "high relabelled"],
)
def test_batches_per_class_hold_the_classes_that_the_setting_trains_on(lab, changes, setting, labels):
    task = lab.task(**changes)
    search = Bench(task, DENSE_METHOD, setting, 0, None, lab.trainings(task))
    ((inputs, targets),) = search.batches(1, per_class=4)
    assert targets.tolist() == [label for label in labels for _ in range(4)]
    assert len(inputs.unique(dim=0)) == 4 * len(labels)


def test_a_class_with_too_few_examples_is_told_by_its_label(lab):
    search = Bench(lab.task(settings=LABELS), DENSE_METHOD, "high", 0, None, lab.trainings(lab.task(settings=LABELS)))
    with pytest.raises(ValueError, match="per_class=1000: class 3 has fewer training examples"):
        search.batches(1, per_class=1000)


def test_batches_per_class_are_the_first_of_each_in_a_permutation_of_all(lab):
    workload = workloads_of(lab.task(), CPU)["default"]
    drawn = torch.randperm(workload.examples, generator=generator("sample", 5, "batches", 0, 0)).tolist()
    inputs, targets = workload.batch(torch.tensor(drawn))
    of = {label: inputs[targets == label] for label in range(10)}
    found, labels = workload.sample_per_class(3, 5, "batches", 0, 0)
    assert torch.equal(found, torch.cat([of[label][:3] for label in range(10)]))
    assert labels.tolist() == [label for label in range(10) for _ in range(3)]


def test_a_moved_network_takes_the_draw_of_unshared_parameters_that_is_asked_for(lab):
    workloads = workloads_of(lab.task(settings=HEADS, network__unshared=HEAD), CPU)
    low, high = workloads["low"], workloads["high"]
    heads = []
    for draw in (0, 3):
        moved = high.moved(low.initial(7, draw), 7, draw)
        heads.append(moved.weights["output.weight"])
        expected = high.initial(7, draw).weights
        assert all(torch.equal(moved.weights[name], weight) for name, weight in expected.items())
    assert not torch.equal(*heads)
    assert torch.equal(high.moved(low.initial(7), 7).weights["output.weight"], heads[0])


def test_a_method_is_given_networks_with_tied_weights_and_buffers_that_are_not_stored(own, lab):
    source = """
        @method("mine", title="Mine")
        def mine(search):
            trained = yield search.dense
            mask = masks_of(search, trained)[0]
            for checkpoint in (search.initial, trained, trained.replace(mask=mask), search.initial.replace(
                buffers={"gain": torch.full((8,), 3.0)}
            )):
                network = search.network(checkpoint)
                assert all((each == checkpoint.weights[name]).all() for name, each in network.named_parameters())
                assert all((each == checkpoint.buffers[name]).all() for name, each in network.named_buffers())
                assert network.other.weight is network.one.weight
                assert set(checkpoint.weights) | {"other.weight"} == set(dict(network.named_parameters(
                    remove_duplicate=False)))
                assert not network.training and all(each.requires_grad for each in network.parameters())
            assert (search.network(trained).norm.running_mean != 0).all()
            for mask in masks_of(search, trained):
                yield Ticket(mask, search.initial)
    """
    rows = lab.search(source, own("Tied", ladder__rounds=1))
    assert [(row["status"], row["reason"]) for row in rows] == [("done", "")]
