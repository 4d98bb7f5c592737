"""The tables of networks and initializations in docs/tasks.md: all that there are, their sizes and their options."""

import inspect
import re
from pathlib import Path
from typing import get_args

import pytest

from ticketbench.networks import build
from ticketbench.networks.build import _NETWORKS, constructor
from ticketbench.task import Network, find_task

PAGE = (Path(__file__).parents[2] / "docs" / "tasks.md").read_text("utf-8")
SECTION = PAGE.partition("\n## Networks\n")[2].partition("\n## ")[0]
ROWS = {cells[0].strip("` "): cells for cells in re.findall(r"^\| (`[^|]+) \|(.*?)\|(.*?)\|(.*?)\|$", SECTION, re.M)}
NETWORKS = {name: cells for name, cells in ROWS.items() if name in _NETWORKS}
# The shape of one input and the number of classes, tokens or actions of the tasks that the table counts on.
DATA = {
    "mnist/lenet-300-100": ((1, 28, 28), 10),
    "mnist/lenet-5-ie643": ((1, 28, 28), 10),
    "digits/mlp": ((1, 8, 8), 10),
    "digits/conv": ((1, 8, 8), 10),
    "tiny-shakespeare/lstm-ci": ((50,), 65),
    "multi30k/transformer-ci": ((2, 40), 2000),
    "cartpole/v1": ((4,), 2),
    "atari/breakout": ((4, 105, 80), 4),
}


def test_every_network_and_initialization_has_a_row():
    assert set(re.findall(r"^\| `([a-z0-9-]+)` ", SECTION, re.M)) == {
        *_NETWORKS,
        *get_args(Network.model_fields["init"].annotation),
    }


@pytest.mark.parametrize("name", _NETWORKS)
def test_a_network_has_as_many_parameters_as_its_row_says(name):
    count, where = re.fullmatch(r" ([\d,]+) (?:in `(.*)`|on MNIST) ", NETWORKS[name][2]).groups()
    spec, (shape, classes) = (
        (find_task(where).network, DATA[where]) if where else (Network(name=name), DATA["mnist/lenet-300-100"])
    )
    assert spec.name == name
    assert sum(each.numel() for each in build(spec, shape, classes).parameters()) == int(count.replace(",", ""))


@pytest.mark.parametrize("name", _NETWORKS)
def test_a_row_names_every_option_with_its_default(name):
    taken = inspect.signature(constructor(Network(name=name))).parameters.values()
    own = {each.name: each.default for each in taken if each.kind is each.KEYWORD_ONLY and each.name != "shrink"}
    told = re.findall(r"`(\w+)(?: = ([^`]+))?`", NETWORKS[name][3])
    written = {True: "true", "post": '"post"', inspect.Parameter.empty: ""}
    assert told == [(option, written.get(default, str(default))) for option, default in own.items()]
