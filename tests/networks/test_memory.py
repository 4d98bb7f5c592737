"""What a network carries from batch to batch, which belongs to a training and not to the network."""

from copy import deepcopy

import pytest
import torch
from torch import nn
from torch.func import functional_call

from ticketbench.networks import Remembering, apart, build, go_on, memory_of, prunable, remember
from ticketbench.networks.memory import NotRead, one_step
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


def total(network):
    return float(memory_of(network)["0/total"])


def test_a_step_goes_on_from_its_first_pass_with_gradients_over_the_whole_batch(network):
    """Before it a teacher reads without gradients, and a part is read; after it others read all."""
    batch = torch.tensor([1.0, 2.0, 4.0])
    teacher = {"0.scale": torch.tensor(100.0)}
    with one_step(network, (3,)):
        with torch.no_grad():
            functional_call(network, teacher, (batch,))
        network(batch[:2])
        network(batch)
        functional_call(network, teacher, (batch,))
        network(batch + 1)
    assert total(network) == 7.0
    with one_step(network, (3,)):
        functional_call(network, {"0.scale": torch.tensor(2.0)}, (batch,))  # as a loss of masks has it
        network(batch)
    assert total(network) == 7.0 + 14.0


def test_a_step_that_reads_no_whole_batch_with_gradients_has_nothing_to_go_on_from(network):
    def part():
        network(torch.ones(2))

    def teacher():
        with torch.no_grad():
            network(torch.ones(3))

    def another_network():
        deepcopy(network)(torch.ones(3))

    for passes in (part, teacher, another_network, lambda: None):
        with (
            pytest.raises(NotRead, match=r"no pass with gradients over the whole batch, inputs of shape \(3,\)"),
            one_step(network, (3,)),
        ):
            passes()
        assert memory_of(network) == {}
    assert not network._forward_hooks


def test_what_a_step_raises_comes_out_as_it_is_and_leaves_the_memory(network):
    with one_step(network, (3,)):
        network(torch.ones(3))
    with pytest.raises(ZeroDivisionError), one_step(network, (3,)):
        network(torch.ones(3))
        raise ZeroDivisionError
    assert total(network) == 3.0
    network(torch.ones(3))
    assert not network._forward_hooks


def test_a_part_without_parameters_remembers_as_well():
    class Last(Remembering):
        def forward(self, inputs):
            self.ended = {"last": inputs}
            return self.memory.get("last", torch.zeros_like(inputs))

    for network in (nn.Sequential(Last(), nn.Linear(1, 1)), nn.Sequential(Last())):
        remember(network, {})
        network(torch.ones(1))
        go_on(network)
        kept = memory_of(network)
        remember(network, {})
        assert memory_of(network) == {}
        remember(network, kept)
        assert {name: slot.tolist() for name, slot in memory_of(network).items()} == {"0/last": [1.0]}
        assert memory_of(network)["0/last"] is not kept["0/last"]


def test_a_network_without_memory_has_none():
    plain = build(Network(name="mlp", options={"hidden": [3]}), (1, 2, 2), 2)
    go_on(plain)
    with one_step(plain, (2, 1, 2, 2)):
        pass
    remember(plain, {})
    assert memory_of(plain) == {}


def test_all_parameters_are_covered_where_the_task_says_so():
    plain = build(Network(name="small-resnet", options={"width": 2}), (1, 8, 8), 2)
    everything = [name for name, _ in plain.named_parameters()]
    assert prunable(plain, (), "parameters") == everything
    assert prunable(plain, everything[:2], "parameters") == everything[2:]
    assert set(prunable(plain)) < set(everything)
