"""None answers for another: what decides a training decides its line, and nothing else does."""

from dataclasses import dataclass, replace

import pytest
import torch

from ticketbench.harness import trainings as module
from ticketbench.harness.objectives import objective_identity
from ticketbench.harness.trainings import Course
from ticketbench.methods import Checkpoint
from ticketbench.task import SGD

PLAIN = Course("default", 0)


@dataclass(frozen=True)
class Shrinking:
    """The plain loss and a penalty."""

    strength: float = 0.1

    def __call__(self, network, weights, extra, inputs, targets, step, rng, loss):
        return loss(network, weights, inputs, targets) + self.strength * weights["output.weight"].square().sum()


@dataclass(frozen=True)
class Growing:
    """The plain loss and a reward for the same."""

    strength: float = 0.1

    def __call__(self, network, weights, extra, inputs, targets, step, rng, loss):
        return loss(network, weights, inputs, targets) - self.strength * weights["output.weight"].square().sum()


def train(trainings, start, until, course=PLAIN, keep=True):
    return trainings.checkpoint(trainings.plan(start, until, course), keep=keep)


def half_of(checkpoint):
    """A mask that keeps every second weight."""
    return {n: (torch.arange(m.numel()) % 2 == 0).view(m.shape) for n, m in checkpoint.mask.items()}


def objective(made):
    return replace(PLAIN, objective=made, objective_identity=objective_identity(made))


COURSES = [
    PLAIN,
    replace(PLAIN, data_order=1),
    replace(PLAIN, schedule="last"),
    replace(PLAIN, freeze=("output.bias",)),
    replace(PLAIN, freeze=("output.weight",)),
    replace(PLAIN, optimizer=SGD(name="sgd", lr=0.1)),
    replace(PLAIN, optimizer=SGD(name="sgd", lr=0.2)),
    objective(Shrinking()),
    objective(Shrinking(0.2)),
    objective(Growing()),
]


def test_another_course_is_another_line_from_the_start_and_on_the_way(begin):
    trainings, initial = begin()
    assert len({trainings.plan(initial, 24, course).line for course in COURSES}) == len(COURSES)
    early = train(trainings, initial, 7)
    plans = [trainings.plan(early, 24, course) for course in COURSES]
    assert len({plan.line for plan in plans}) == len(COURSES)
    assert [plan.start.step for plan in plans] == [0] + [7] * (len(COURSES) - 1)


def test_equal_requests_are_one_stored_training(begin, ran):
    """A ticket of a mask and the training of a checkpoint replaced by hand."""
    trainings, initial = begin()
    early = train(trainings, initial, 7)
    ticket = trainings.plan(early.replace(mask=half_of(early)), 24, PLAIN)
    trainings.checkpoint(ticket, keep=True)
    count = len(ran)
    elsewhere, again = begin()
    early = train(elsewhere, again, 7)
    state = early.state()
    by_hand = Checkpoint(None, 7, lambda: state).replace(
        mask=half_of(early), weights={n: w * half_of(early).get(n, 1) for n, w in early.weights.items()}
    )
    same = elsewhere.plan(by_hand, 24, PLAIN)
    assert same.id == ticket.id
    elsewhere.checkpoint(same, keep=True)
    assert len(ran) == count


@pytest.mark.parametrize("what", ["mask", "weights", "optimizer", "step", "buffers", "extra"])
def test_every_part_of_a_checkpoint_decides_its_line(what, begin):
    trainings, initial = begin()
    early = train(trainings, initial, 7)
    changed = {
        "mask": lambda: early.replace(mask=half_of(early)),
        "weights": lambda: early.replace(weights={"output.bias": early.weights["output.bias"] + 1e-7}),
        "optimizer": lambda: early.replace(optimizer=None),
        "step": lambda: early.replace(step=6),
        "extra": lambda: early.replace(extra={"gate": torch.ones(1)}),
        "buffers": lambda: early,  # this network has none
    }[what]()
    lines = {trainings.plan(each, 24, PLAIN).line for each in (early, changed)}
    assert len(lines) == (1 if what == "buffers" else 2)


def test_the_same_part_given_again_changes_nothing(begin):
    trainings, initial = begin()
    early = train(trainings, initial, 7)
    same = early.replace(mask=early.mask, weights=early.weights, step=7)
    assert trainings.plan(same, 24, PLAIN) == trainings.plan(early, 24, PLAIN)


CHANGES = {
    "validation": ("[network]", "[data]\nvalidation = 238\n[network]"),
    "normalisation": ("[network]", "[data]\nmean = [0.1]\n[network]"),
    "network": ("[12, 8]", "[12, 9]"),
    "initialization": ("[network]", '[network]\ninit = "kaiming-normal"'),
    "steps": ("steps = 24", "steps = 25"),
    "batch size": ("= 170", "= 171"),
    "evaluations": ("evaluate_every = 5", "evaluate_every = 6"),
    "learning rate": ("[training]", '[training]\noptimizer = { name = "adam", lr = 0.0031 }'),
    "optimizer": ("[training]", '[training]\noptimizer = { name = "adamw", lr = 0.003 }'),
    "schedule": ("[training]", "[training]\nschedule = { milestones = [449] }"),
}


@pytest.mark.parametrize("change", CHANGES)
def test_whatever_changes_a_training_changes_its_line(change, begin, workload):
    trainings, initial = begin()
    others, _ = begin(work=workload(*CHANGES[change]))
    assert trainings.plan(initial, 24, PLAIN).line != others.plan(initial, 24, PLAIN).line


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("rewind_step = 4", "rewind_step = 9"),
        ("[network]", "[ladder]\nprune = 0.5\n[network]"),
        ("[network]", "[scoring]\nmargin = 0.5\n[network]"),
        ("version = 1", "version = 2"),
        ("A training of a second", "The same by another title"),
        ("[network]", "[replicates]\nseeds = 99\n[network]"),
    ],
)
def test_what_changes_no_training_changes_no_line(old, new, begin, workload):
    trainings, initial = begin()
    others, _ = begin(work=workload(old, new))
    assert trainings.plan(initial, 24, PLAIN).line == others.plan(initial, 24, PLAIN).line


@pytest.mark.parametrize(
    ("place", "name", "value"),
    [
        (module, "ENGINE_VERSION", 10**6),
        (module, "NUMERICS", "bf16"),
        (torch, "__version__", "99.0"),
        (module, "device_kind", lambda device: "another device"),
    ],
    ids=["engine", "numerics", "torch", "device"],
)
def test_another_engine_torch_or_device_never_answers(place, name, value, begin, ran, monkeypatch):
    trainings, initial = begin()
    train(trainings, initial, 3)
    monkeypatch.setattr(place, name, value)
    trainings, initial = begin()
    train(trainings, initial, 3)
    assert ran == [(0, 3), (0, 3)]


def test_other_data_never_answer(begin, workload, monkeypatch, ran):
    trainings, initial = begin()
    train(trainings, initial, 3)
    monkeypatch.setattr(workload(), "data_digest", "f" * 64)
    trainings, initial = begin()
    train(trainings, initial, 3)
    assert ran == [(0, 3), (0, 3)]


def test_seeds_orders_and_initial_weights_never_answer_for_one_another(begin, workload, ran):
    trainings, initial = begin()
    state = workload().initial(0, draw=1)
    for start, course in (
        (initial, PLAIN),
        (initial, Course("default", 1)),
        (initial, Course("default", 0, data_order=1)),
        (Checkpoint(None, 0, lambda: state), PLAIN),
    ):
        train(trainings, start, 3, course)
    assert ran == [(0, 3)] * 4
