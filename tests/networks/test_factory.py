"""Networks of one's own, by `package.module:function`."""

import hashlib
import subprocess
import sys
from itertools import count

import pytest
import torch
from torch import nn

from ticketbench.errors import TicketbenchError
from ticketbench.networks import build, prunable, source_digest
from ticketbench.task import Network

SHAPE = (3, 8, 8)
NETS = """\
from functools import partial

import torch
from torch import nn

SIZE = 5

def make(shape, classes, *, width=4):
    assert shape == (3, 8, 8), "images of another kind"
    return nn.Sequential(nn.Conv2d(shape[0], width, 3), nn.Flatten(), nn.Linear(36 * width, classes))

class Net(nn.Linear):
    def __init__(self, shape, classes):
        super().__init__(shape[0], classes)

fixed = partial(make, width=2)

def raises(shape, classes):
    raise ValueError("no such\\nnetwork")

def leaves(shape, classes):
    raise SystemExit(3)

def forgets(shape, classes):
    make(shape, classes)

def lazy(shape, classes):
    return nn.LazyLinear(classes)
"""
_numbers = count()


@pytest.fixture
def module(tmp_path, monkeypatch):
    """Writes a module under a new name into the current directory and gives the name."""
    monkeypatch.chdir(tmp_path)

    def write(text=NETS, file="{}.py"):
        name = f"own_nets_{next(_numbers)}"
        path = tmp_path / file.format(name)
        path.parent.mkdir(exist_ok=True)
        path.write_text(text)
        return name

    return write


def made(factory, shape=SHAPE, classes=10, **said):
    return build(Network(factory=factory, **said), shape, classes)


def test_a_function_in_the_current_directory_gives_the_network(module):
    paths, factory = list(sys.path), f"{module()}:make"
    torch.manual_seed(5)
    network = made(factory, options={"width": 7})
    torch.manual_seed(5)
    expected = nn.Conv2d(3, 7, 3), nn.Linear(36 * 7, 10)
    assert torch.equal(network[0].weight, expected[0].weight)
    assert torch.equal(network[2].weight, expected[1].weight)
    assert prunable(network) == ["0.weight", "2.weight"]
    assert sys.path == paths


def test_a_class_or_a_partial_is_called_like_a_function(module):
    name = module()
    assert made(f"{name}:Net").weight.shape == (10, 3)
    assert made(f"{name}:fixed")[0].out_channels == 2


def test_a_module_of_a_package_is_found_by_its_dots(module):
    name = module(file="{}/deep.py")
    assert made(f"{name}.deep:make")[2].out_features == 10


def test_an_installed_module_is_found():
    with pytest.raises(TicketbenchError, match=r"network factory fractions:Fraction: .* raised TypeError"):
        made("fractions:Fraction")


def test_a_module_next_to_its_function_is_found_as_it_runs(module):
    other = module("WIDTH = 3\n")
    body = f"import {other}\n    return nn.Linear({other}.WIDTH, 1)\n"
    text = f"from torch import nn\n\ndef make(shape, classes):\n    {body}"
    assert made(f"{module(text)}:make").in_features == 3


def test_the_initialization_that_the_task_names_is_drawn_over_it(module):
    factory = f"{module()}:make"
    torch.manual_seed(0)
    network = made(factory, init="kaiming-normal", options={"width": 64})
    assert not network[0].bias.any()
    assert not network[2].bias.any()
    std = (2 / (36 * 64)) ** 0.5  # He et al. 2015, equation 10
    assert abs(network[2].weight.std() / std - 1) < 5 / (2 * network[2].weight.numel()) ** 0.5


def test_tied_weights_are_one_weight(module):
    text = """
from torch import nn

def make(shape, classes):
    one, other = nn.Linear(4, 4), nn.Linear(4, 4)
    other.weight = one.weight
    return nn.Sequential(one, other)
"""
    assert prunable(made(f"{module(text)}:make")) == ["0.weight"]


@pytest.mark.parametrize(
    ("function", "said"),
    [
        ("mak", r"Unknown network factory '{f}'\. Did you mean '{m}:make'\? Expected a function .* in .*{m}\.py"),
        (
            "SIZE",
            r"network factory {f}: expected a function \(shape, classes, \*\*options\), not a value of type int",
        ),
        (
            "raises",
            r"network factory {f}: .* \(\(3, 8, 8\), 10\), but it raised ValueError: no such network \(line 19\)",
        ),
        ("leaves", r"network factory {f}: .* raised SystemExit: 3"),
        ("forgets", r"network factory {f}: expected a torch\.nn\.Module, but got None"),
        ("lazy", r"network factory {f}: expected layers of known sizes"),
    ],
)
def test_each_mistake_is_one_message(function, said, module):
    name = module()
    factory = f"{name}:{function}"
    with pytest.raises(TicketbenchError, match=said.format(f=factory, m=name)) as caught:
        made(factory)
    assert "\n" not in str(caught.value)


def test_options_and_shapes_that_it_does_not_take_are_one_message(module):
    factory = f"{module()}:make"
    with pytest.raises(TicketbenchError, match=rf"{factory}: .* 10, depth=3\), but it raised TypeError: .*'depth'"):
        made(factory, options={"depth": 3})
    with pytest.raises(TicketbenchError, match=rf"{factory}: .*AssertionError: images of another kind \(line 9\)"):
        made(factory, shape=(1, 8, 8))


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("import no_such_module_anywhere", "ModuleNotFoundError: No module named 'no_such_module_anywhere'"),
        ("def make(:", "SyntaxError"),
        ("raise SystemExit('gone')", "SystemExit: gone"),
    ],
)
def test_a_module_that_cannot_be_imported_is_one_message(text, said, module):
    name = module(text)
    for _ in range(2):  # a failed import is not remembered as a success
        with pytest.raises(
            TicketbenchError, match=f"network factory {name}:make: expected a module {name}, .*{said}"
        ):
            made(f"{name}:make")


def test_a_module_that_is_nowhere_is_one_message(module):
    module()
    with pytest.raises(
        TicketbenchError, match=r"expected a module nowhere\.nets, installed or in the current directory"
    ):
        made("nowhere.nets:make")


def test_a_built_in_network_has_no_source():
    assert source_digest(Network(name="lenet-5")) == ""


def test_the_digest_is_that_of_the_file(module):
    assert source_digest(Network(factory=f"{module()}:make")) == hashlib.sha256(NETS.encode()).hexdigest()


def test_the_digest_covers_the_file_that_a_function_comes_from(module):
    name = module()
    borrowed = f"from {name} import make, fixed\n"
    both = hashlib.sha256((borrowed + NETS).encode()).hexdigest()
    assert source_digest(Network(factory=f"{module(borrowed)}:make")) == both


def test_the_digest_is_of_what_was_imported_not_of_what_is_there_now(module, tmp_path):
    name = module()
    spec = Network(factory=f"{name}:make")
    made(spec.factory)
    (tmp_path / f"{name}.py").write_text(NETS.replace("width=4", "width=9"))
    assert made(spec.factory)[0].out_channels == 4
    assert source_digest(spec) == hashlib.sha256(NETS.encode()).hexdigest()


def test_another_process_sees_the_edited_file(module, tmp_path):
    name = module()
    code = (
        "from ticketbench.networks import build, source_digest; from ticketbench.task import Network; "
        f"spec = Network(factory='{name}:make'); "
        "print(build(spec, (3, 8, 8), 10)[0].out_channels, source_digest(spec))"
    )
    assert made(f"{name}:make")[0].out_channels == 4
    text = NETS.replace("width=4", "width=10")
    (tmp_path / f"{name}.py").write_text(text)
    done = subprocess.run(
        [sys.executable, "-P", "-c", code], capture_output=True, text=True, check=True, cwd=tmp_path
    )
    assert done.stdout.split() == ["10", hashlib.sha256(text.encode()).hexdigest()]


def test_what_has_no_source_file_is_told():
    with pytest.raises(TicketbenchError, match=r"network factory builtins:dict: expected a module in a file"):
        source_digest(Network(factory="builtins:dict"))
