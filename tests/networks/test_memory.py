"""What a network carries from batch to batch, which belongs to a training and not to the network."""

import pytest
import torch
from torch import nn

from ticketbench.networks import Remembering, apart, build, go_on, memory_of, prunable, remember
from ticketbench.task import Network


class Sum(Remembering):
    """Adds up all it has been given."""

    def __init__(self):
        super().__init__()
        self.scale = nn.Parameter(torch.ones(()))

    def forward(self, inputs):
        total = self.memory.get("total", torch.zeros(())) + self.scale * inputs.sum()
        self.ended = {"total": total.detach()}
        return total


@pytest.fixture
def network():
    return nn.Sequential(Sum(), nn.Identity())


def test_a_batch_begins_where_the_one_before_ended_once_it_is_told_to(network):
    ones = torch.ones(3)
    assert [float(network(ones).detach()) for _ in range(2)] == [3.0, 3.0]  # two passes over one batch start alike
    go_on(network)
    assert float(network(ones).detach()) == 6.0
    assert {name: float(slot) for name, slot in memory_of(network).items()} == {"0/total": 3.0}


def test_memory_goes_out_and_comes_back(network):
    network(torch.ones(3))
    go_on(network)
    kept = {name: slot.clone() for name, slot in memory_of(network).items()}
    remember(network, {})
    assert memory_of(network) == {}
    assert float(network(torch.ones(1)).detach()) == 1.0
    remember(network, kept)
    assert float(network(torch.ones(1)).detach()) == 4.0


def test_what_is_read_apart_starts_from_nothing_and_leaves_no_trace(network):
    network(torch.ones(3))
    go_on(network)
    with apart(network):
        assert float(network(torch.ones(2)).detach()) == 2.0
        go_on(network)
        assert float(network(torch.ones(2)).detach()) == 4.0
    assert float(network(torch.ones(1)).detach()) == 4.0


def test_a_network_without_memory_has_none():
    plain = build(Network(name="mlp", options={"hidden": [3]}), (1, 2, 2), 2)
    go_on(plain)
    remember(plain, {})
    assert memory_of(plain) == {}


def test_all_parameters_are_covered_where_the_task_says_so():
    plain = build(Network(name="small-resnet", options={"width": 2}), (1, 8, 8), 2)
    everything = [name for name, _ in plain.named_parameters()]
    assert prunable(plain, (), "parameters") == everything
    assert prunable(plain, everything[:2], "parameters") == everything[2:]
    assert set(prunable(plain)) < set(everything)
