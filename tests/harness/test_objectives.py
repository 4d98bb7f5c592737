"""The identity of an objective differs wherever two could train differently, and is the same where they could not."""

import subprocess
import sys
from dataclasses import dataclass, make_dataclass, replace
from enum import Enum

import pytest
import torch

from ticketbench.harness.objectives import objective_identity
from ticketbench.methods import Refused, load_methods


@dataclass(frozen=True)
class Penalty:
    strength: object = 0.1
    name: object = "l1"

    def __call__(self, network, weights, extra, inputs, targets, step, rng, loss):
        return loss(network, weights, inputs, targets)


@dataclass(frozen=True)
class Alike:
    strength: object = 0.1
    name: object = "l1"

    def __call__(self, network, weights, extra, inputs, targets, step, rng, loss):
        return loss(network, weights, inputs, targets)


@dataclass
class Thawed:
    strength: float = 0.1


class Plain:
    def __call__(self, *_):
        return None


def test_a_class_within_a_function_is_refused_as_it_may_use_what_is_no_field():
    def within(strength):
        @dataclass(frozen=True)
        class Hidden:
            def __call__(self, network, weights, extra, inputs, targets, step, rng, loss):
                return strength * loss(network, weights, inputs, targets)

        return Hidden()

    with pytest.raises(Refused, match="objective Hidden: declared within a function; declare it at the top of its"):
        objective_identity(within(2.0))


def test_the_plain_loss_has_none():
    assert objective_identity(None) == ""


VALUES = [
    0.1, 0.2, 1, 1.0, True, None, "0.1", "x", float("inf"), (1, 2), (2, 1), ((1,), 2), (1, (2,)), [], {},
    {"a": 1}, {"a": 2}, {"b": 1}, {"a": {"b": 1}}, {1: "a"}, {"1": "a"},
    torch.tensor([1.0, 2.0]), torch.tensor([1.0, 3.0]), torch.tensor([1, 2]), torch.tensor([[1.0, 2.0]]),
    torch.tensor([True, False]), torch.tensor(1.0), torch.empty(0), {"w": torch.ones(2)}, {"w": torch.zeros(2)},
]  # fmt: skip


def test_every_value_of_a_field_tells():
    told = [objective_identity(Penalty(value)) for value in VALUES]
    assert len(set(told)) == len(told)


@pytest.mark.parametrize("value", VALUES, ids=range(len(VALUES)))
def test_equal_objectives_have_one_identity(value):
    again = value.clone() if isinstance(value, torch.Tensor) else value
    assert objective_identity(Penalty(value)) == objective_identity(replace(Penalty(), strength=again))


def test_which_field_a_value_stands_in_tells():
    assert objective_identity(Penalty(1, 2)) != objective_identity(Penalty(2, 1))
    assert objective_identity(Penalty("a, name='b'", "c")) != objective_identity(Penalty("a", "b, name='c'"))


def test_the_class_tells_even_where_all_else_is_the_same():
    assert objective_identity(Penalty()) != objective_identity(Alike())


def test_a_view_of_a_tensor_is_its_content():
    whole = torch.arange(6.0).view(2, 3)
    assert objective_identity(Penalty(whole.T)) == objective_identity(Penalty(whole.T.contiguous()))
    assert objective_identity(Penalty(whole.T)) != objective_identity(Penalty(whole.view(3, 2)))


class Colour(Enum):
    RED = 1


@pytest.mark.parametrize("value", [lambda: 1, object(), {1, 2}, Colour.RED, torch.nn.Linear(1, 1), (1, object())])
def test_a_field_that_cannot_be_told_is_refused(value):
    with pytest.raises(Refused, match="objective Penalty: its field strength is a"):
        objective_identity(Penalty(value))


@pytest.mark.parametrize("objective", [Thawed(), Plain(), lambda *_: None, Penalty])
def test_what_is_no_frozen_dataclass_is_refused(objective):
    with pytest.raises(Refused, match="expected an instance of a frozen dataclass"):
        objective_identity(objective)


def test_a_class_without_source_still_has_an_identity():
    made = make_dataclass("Made", [("strength", float)], frozen=True)
    assert objective_identity(made(1.0)) != objective_identity(made(2.0))


FILE = """
from dataclasses import dataclass
import ticketbench

FACTOR = {factor}

@dataclass(frozen=True)
class Penalty:
    strength: float = 0.1

    def __call__(self, network, weights, extra, inputs, targets, step, rng, loss):
        return FACTOR * loss(network, weights, inputs, targets)

@ticketbench.method("mine", title="Mine")
def mine(search):
    yield search.dense
"""


def of_file(tmp_path, name, factor):
    path = tmp_path / name
    path.write_text(FILE.format(factor=factor))
    (method,) = load_methods(path)
    return objective_identity(sys.modules[method.module].Penalty())


def test_whatever_else_stands_in_a_methods_file_tells(tmp_path):
    """The class is the same; what it calls is not."""
    one, other = of_file(tmp_path, "one.py", 1.0), of_file(tmp_path, "one.py", 2.0)
    assert one != other


def test_another_process_finds_the_same_identity(tmp_path):
    here = of_file(tmp_path, "one.py", 1.0)
    there = f"""
import sys
from pathlib import Path
from ticketbench.harness.objectives import objective_identity
from ticketbench.methods import load_methods
(method,) = load_methods(Path({str(tmp_path / "one.py")!r}))
print(objective_identity(sys.modules[method.module].Penalty()), end="")
"""
    done = subprocess.run([sys.executable, "-c", there], capture_output=True, text=True, check=True)
    assert done.stdout == here
