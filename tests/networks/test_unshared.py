"""Parameters that every setting has its own of: no mask covers them."""

import copy

import pytest
import torch

from ticketbench.errors import TicketbenchError
from ticketbench.networks import build, prunable
from ticketbench.task import Network


def made(*unshared):
    return build(Network(name="small-resnet", options={"width": 4}, unshared=unshared), (1, 8, 8), 10)


BODY = ["stem.weight", "block1.weight", "block2.weight", "down.weight"]


def test_an_unshared_head_is_not_prunable():
    network = made("output.weight", "output.bias")
    assert prunable(network) == prunable(copy.deepcopy(network)) == BODY
    assert prunable(network, ["stem.weight"]) == BODY[1:]


def test_leaving_an_unshared_weight_out_once_more_is_no_mistake():
    assert prunable(made("output.weight", "output.bias"), ["output.weight"]) == BODY


@pytest.mark.parametrize("name", ["output.bias", "down_norm.weight", "down_norm.bias"])
def test_any_parameter_may_be_unshared_and_changes_no_mask_unless_it_is_a_weight(name):
    assert prunable(made(name)) == [*BODY, "output.weight"]


def test_it_changes_no_weight():
    torch.manual_seed(3)
    plain = made().state_dict()
    torch.manual_seed(3)
    assert all(torch.equal(value, plain[name]) for name, value in made("output.weight").state_dict().items())


@pytest.mark.parametrize("name", ["output.wieght", "output", "down_norm.running_mean", ""])
def test_a_name_that_the_network_lacks_is_one_message(name):
    with pytest.raises(TicketbenchError, match=r"Unknown parameter in network\.unshared"):
        made("output.bias", name)
