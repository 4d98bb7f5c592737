"""The policies of Yu et al. 2020: their sizes, what they compute, and what they refuse."""

import pytest
import torch
from torch import nn

from ticketbench.errors import TicketbenchError
from ticketbench.networks import build, prunable
from ticketbench.task import Network

CARTPOLE, LUNAR_LANDER, ATARI = (4,), (8,), (4, 105, 80)


def made(name, shape, actions, **options):
    torch.manual_seed(0)
    return build(Network(name=name, options=options), shape, actions)


def observations(shape, count=3):
    return torch.rand(count, *shape, generator=torch.Generator().manual_seed(1))


@pytest.mark.parametrize(
    ("shape", "actions", "width", "in_all"),
    [(CARTPOLE, 2, 128, 640 + 2 * 16_512 + 387), (LUNAR_LANDER, 4, 256, 2304 + 2 * 65_792 + 1285)],
)
def test_three_hidden_layers_of_one_width_and_a_head_for_actions_and_value(shape, actions, width, in_all):
    network = made("policy-mlp", shape, actions, width=width)
    assert sum(parameter.numel() for parameter in network.parameters()) == in_all
    assert network(observations(shape)).shape == (3, actions + 1)
    layers = ["hidden.0", "hidden.1", "hidden.2", "output"]
    assert prunable(network) == [f"{layer}.weight" for layer in layers]
    assert prunable(network, cover="parameters") == [
        f"{layer}.{part}" for layer in layers for part in ("weight", "bias")
    ]


def test_relu_follows_every_hidden_layer_and_not_the_head():
    network = made("policy-mlp", CARTPOLE, 2, width=16)
    hidden = [each for linear in network.hidden for each in (linear, nn.ReLU())]
    plain = nn.Sequential(*hidden, network.output)
    assert torch.equal(network(observations(CARTPOLE)), plain(observations(CARTPOLE)))


def test_atari_s_convolutions_leave_1920_numbers_of_a_frame_of_half_resolution():
    network = made("policy-atari", ATARI, 6)
    assert network.hidden[0].in_features == 1920
    assert [tuple(layer.weight.shape) for layer in network.maps] == [
        (64, 4, 5, 5), (64, 64, 5, 5), (64, 64, 3, 3), (64, 64, 3, 3),
    ]  # fmt: skip
    n = network
    plain = nn.Sequential(
        n.maps[0], nn.ReLU(), nn.MaxPool2d(2), n.maps[1], nn.ReLU(), nn.MaxPool2d(2),
        n.maps[2], nn.ReLU(), nn.MaxPool2d(2), n.maps[3], nn.ReLU(), nn.MaxPool2d(2), nn.Flatten(),
        n.hidden[0], nn.ReLU(), n.hidden[1], nn.ReLU(), n.output,
    )  # fmt: skip
    answers = network(observations(ATARI, 2))
    assert answers.shape == (2, 7)
    assert torch.equal(answers, plain(observations(ATARI, 2)))


def test_frames_that_four_poolings_leave_nothing_of_are_refused():
    assert made("policy-atari", (1, 16, 31), 3)(observations((1, 16, 31))).shape == (3, 4)
    for shape in [(1, 15, 40), (1, 40, 15), (128,)]:
        with pytest.raises(TicketbenchError, match=r"policy-atari: needs frames .* of at least 16x16"):
            made("policy-atari", shape, 3)


@pytest.mark.parametrize(("name", "shape"), [("policy-mlp", CARTPOLE), ("policy-atari", (4, 32, 32))])
def test_both_shrink_to_a_share_of_every_hidden_width_and_keep_their_head(name, shape):
    whole, half = made(name, shape, 2), made(name, shape, 2, shrink=0.5)
    for (path, large), (_, small) in zip(whole.named_parameters(), half.named_parameters(), strict=True):
        if path.startswith("output"):
            assert small.shape[0] == large.shape[0] == 3
        else:
            assert small.shape[0] == large.shape[0] // 2
    assert half(observations(shape)).shape == (3, 3)


@pytest.mark.parametrize(("name", "shape"), [("policy-mlp", CARTPOLE), ("policy-atari", (4, 32, 32))])
def test_both_work_in_double_precision_and_give_finite_gradients_on_ones(name, shape):
    network = made(name, shape, 2).double()
    network(torch.ones(1, *shape, dtype=torch.float64)).sum().backward()
    assert all(bool(torch.isfinite(parameter.grad).all()) for parameter in network.parameters())
