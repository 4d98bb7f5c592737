"""`shrink`: every built-in network narrower, by one share of its hidden widths."""

import pytest
import torch

from ticketbench.errors import TicketbenchError
from ticketbench.networks import build
from ticketbench.task import Network

MNIST = (1, 28, 28)
OPTIONS = {
    "lenet-300-100": {},
    "lenet-5": {},
    "lenet-5-caffe": {},
    "mlp": {"hidden": [12, 7, 3]},
    "small-resnet": {"width": 6},
}
HALF = {
    "lenet-300-100": {"hidden.0": (150, 784), "hidden.1": (50, 150), "output": (10, 50)},
    "lenet-5": {
        "conv1": (3, 1, 5, 5), "conv2": (8, 3, 5, 5), "fc1": (60, 8 * 25), "fc2": (42, 60), "output": (10, 42)
    },
    "lenet-5-caffe": {"conv1": (10, 1, 5, 5), "conv2": (25, 10, 5, 5), "fc1": (250, 25 * 16), "output": (10, 250)},
    "mlp": {"hidden.0": (6, 784), "hidden.1": (4, 6), "hidden.2": (2, 4), "output": (10, 2)},
    "small-resnet": {
        "stem": (3, 1, 3, 3), "block1": (3, 3, 3, 3), "block2": (3, 3, 3, 3), "down": (6, 3, 3, 3), "output": (10, 6)
    },
}  # fmt: skip


def made(name, **options):
    torch.manual_seed(0)
    return build(Network(name=name, options=OPTIONS[name] | options), MNIST, 10)


@pytest.mark.parametrize("name", OPTIONS)
def test_a_share_of_one_changes_no_bit(name):
    whole, same = made(name).state_dict(), made(name, shrink=1).state_dict()
    assert list(whole) == list(same)
    assert all(torch.equal(whole[each], same[each]) for each in whole)


@pytest.mark.parametrize("name", OPTIONS)
def test_a_half_halves_every_hidden_width_and_no_other_rounding_to_even(name):
    network = made(name, shrink=0.5)
    shapes = {each: tuple(network.get_parameter(f"{each}.weight").shape) for each in HALF[name]}
    assert shapes == HALF[name]
    assert network(torch.randn(2, *MNIST)).shape == (2, 10)


@pytest.mark.parametrize("name", OPTIONS)
def test_no_layer_is_ever_emptied(name):
    network = made(name, shrink=0.001)
    assert all(weight.numel() for weight in network.parameters())
    assert network(torch.randn(2, *MNIST)).shape == (2, 10)


@pytest.mark.parametrize("name", OPTIONS)
@pytest.mark.parametrize("share", [0, -0.5, 1.01, "half"])
def test_only_a_share_will_do(name, share):
    with pytest.raises(TicketbenchError, match=f"network {name}: options .* do not fit"):
        made(name, shrink=share)
