"""Networks by name: what they compute, how large they are, and which of their weights a mask covers."""

import pytest
import torch
from torch import nn

from ticketbench.errors import TicketbenchError
from ticketbench.networks import build, meets, prunable
from ticketbench.task import Network

DIGIT, MNIST = (1, 8, 8), (1, 28, 28)


def made(name, shape=MNIST, classes=10, **options):
    torch.manual_seed(0)
    return build(Network(name=name, options=options), shape, classes)


def parameters(network):
    return sum(parameter.numel() for parameter in network.parameters())


def test_lenet_300_100_has_the_published_number_of_weights():
    """Frankle & Carbin 2019, figure 2: 266K."""
    network = made("lenet-300-100")
    sizes = [dict(network.named_parameters())[name].numel() for name in prunable(network)]
    assert sizes == [784 * 300, 300 * 100, 100 * 10]
    assert sum(sizes) == 266_200
    assert parameters(network) == 266_610


def test_a_perceptron_is_linear_layers_with_relu_between():
    network = made("mlp", DIGIT, hidden=[12, 7])
    first, second, last = network.hidden[0], network.hidden[1], network.output
    plain = nn.Sequential(nn.Flatten(), first, nn.ReLU(), second, nn.ReLU(), last)
    inputs = torch.randn(5, *DIGIT)
    assert torch.equal(network(inputs), plain(inputs))
    assert (network(inputs) < 0).any()  # logits: no relu at the end


def test_lenet_300_100_is_the_perceptron_of_that_name():
    one, other = made("lenet-300-100"), made("mlp", hidden=[300, 100])
    assert list(one.state_dict()) == list(other.state_dict())
    assert all(torch.equal(a, b) for a, b in zip(one.state_dict().values(), other.state_dict().values(), strict=True))


@pytest.mark.parametrize(("name", "options"), [("mlp", {"hidden": [5]}), ("small-resnet", {"width": 4})])
@pytest.mark.parametrize(("shape", "classes"), [((1, 8, 8), 10), ((3, 9, 13), 4)])
def test_any_shape_of_image_and_number_of_classes_will_do(name, options, shape, classes):
    assert made(name, shape, classes, **options)(torch.randn(2, *shape)).shape == (2, classes)


def test_a_perceptron_may_have_no_hidden_layer():
    network = made("mlp", DIGIT, hidden=[])
    assert prunable(network) == ["output.weight"]


def test_the_residual_block_adds_what_came_in():
    network = made("small-resnet", DIGIT, width=4).eval()
    inputs = torch.randn(3, *DIGIT)
    with torch.no_grad():
        network.block2_norm.weight.zero_()  # the block's own part is then nothing
        stem = torch.relu(network.stem_norm(network.stem(inputs)))
        down = torch.relu(network.down_norm(network.down(stem)))
        expected = network.output(down.mean((2, 3)))
        assert torch.equal(network(inputs), expected)


def test_prunable_are_linear_and_convolutional_weights_in_network_order():
    assert prunable(made("small-resnet", width=4)) == [
        "stem.weight", "block1.weight", "block2.weight", "down.weight", "output.weight"
    ]  # fmt: skip
    assert prunable(made("mlp", hidden=[5, 4])) == ["hidden.0.weight", "hidden.1.weight", "output.weight"]


def test_a_task_may_leave_weights_out():
    network = made("small-resnet", width=4)
    assert prunable(network, ["output.weight", "stem.weight"]) == ["block1.weight", "block2.weight", "down.weight"]


@pytest.mark.parametrize("name", ["outptu.weight", "output.bias", "stem_norm.weight", ""])
def test_only_what_a_mask_covers_can_be_left_out(name):
    with pytest.raises(TicketbenchError, match=r"Unknown weight in ladder\.exclude"):
        prunable(made("small-resnet", width=4), [name])


def test_what_a_network_has_is_told():
    mlp, resnet = made("mlp", hidden=[5]), made("small-resnet", width=4)
    assert [meets(net, need) for net in (mlp, resnet) for need in ("convolutions", "batch norm")] == [
        False, False, True, True
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("name", "options"),
    [
        ("mlp", {}),
        ("mlp", {"hiden": [5]}),
        ("mlp", {"hidden": 5}),
        ("mlp", {"hidden": "many"}),
        ("mlp", {"hidden": [-5]}),
        ("lenet-300-100", {"hidden": [300, 100]}),
        ("small-resnet", {"width": -4}),
        ("small-resnet", {"width": "wide"}),
        ("small-resnet", {"depth": 3}),
    ],
)
def test_options_that_do_not_fit_are_one_message(name, options):
    with pytest.raises(TicketbenchError, match=f"network {name}: options .* do not fit") as caught:
        made(name, **options)
    assert "\n" not in str(caught.value)
