"""The convolutional LeNets: as many parameters as published, and what they compute."""

import pytest
import torch
from torch import nn

from ticketbench.errors import TicketbenchError
from ticketbench.networks import build, prunable
from ticketbench.task import Network

MNIST = (1, 28, 28)


def made(name, shape=MNIST, classes=10, **options):
    torch.manual_seed(0)
    return build(Network(name=name, options=options), shape, classes)


@pytest.mark.parametrize(
    ("name", "weights", "in_all"),
    [
        ("lenet-5", {"conv1": 150, "conv2": 2400, "fc1": 48_000, "fc2": 10_080, "output": 840}, 61_706),
        ("lenet-5-caffe", {"conv1": 500, "conv2": 25_000, "fc1": 400_000, "output": 5000}, 431_080),
    ],
)
def test_on_mnist_they_have_their_known_sizes_in_the_order_of_the_forward_pass(name, weights, in_all):
    network = made(name)
    sizes = {each: parameter.numel() for each, parameter in network.named_parameters()}
    assert [(each, sizes[each]) for each in prunable(network)] == [(f"{n}.weight", k) for n, k in weights.items()]
    assert sum(sizes.values()) == in_all


def test_lenet_5_has_relu_and_max_pooling_everywhere():
    n = made("lenet-5")
    plain = nn.Sequential(
        n.conv1, nn.ReLU(), nn.MaxPool2d(2), n.conv2, nn.ReLU(), nn.MaxPool2d(2), nn.Flatten(),
        n.fc1, nn.ReLU(), n.fc2, nn.ReLU(), n.output,
    )  # fmt: skip
    assert_computes(n, plain)


def test_caffes_lenet_has_its_one_relu_after_the_first_linear_layer():
    n = made("lenet-5-caffe")
    plain = nn.Sequential(
        n.conv1, nn.MaxPool2d(2), n.conv2, nn.MaxPool2d(2), nn.Flatten(), n.fc1, nn.ReLU(), n.output
    )
    assert_computes(n, plain)


def assert_computes(network, plain):
    inputs = torch.randn(4, *MNIST, generator=torch.Generator().manual_seed(1))
    answers = network(inputs)
    assert torch.equal(answers, plain(inputs))
    assert (answers < 0).any()  # logits: no relu at the end


@pytest.mark.parametrize(("name", "smallest"), [("lenet-5", 12), ("lenet-5-caffe", 16)])
def test_other_images_and_classes_will_do_as_long_as_they_are_large_enough(name, smallest):
    for shape, classes in [((3, 32, 32), 100), ((1, smallest, smallest + 7), 2), ((2, 41, smallest), 3)]:
        assert made(name, shape, classes)(torch.randn(2, *shape)).shape == (2, classes)
    for shape in [(1, smallest - 1, 28), (1, 28, smallest - 1), (1, 3, 3)]:
        size = f"{shape[1]}x{shape[2]}"
        with pytest.raises(TicketbenchError, match=f"^network {name}: needs .* {smallest}x{smallest}, not {size}"):
            made(name, shape)
