"""From what a task says of its network to a module."""

from collections.abc import Callable

from torch import nn

from ticketbench.errors import TicketbenchError
from ticketbench.networks.covered import WEIGHTED, set_unshared
from ticketbench.networks.factory import call, find
from ticketbench.networks.lenet import LeNet5, LeNet5Caffe
from ticketbench.networks.perceptron import Perceptron, lenet_300_100
from ticketbench.networks.policies import PolicyAtari, policy_mlp
from ticketbench.networks.recurrent import LSTM
from ticketbench.networks.small_resnet import SmallResNet
from ticketbench.networks.transformer import Transformer
from ticketbench.task import Network, NetworkName

Shape = tuple[int, ...]

_NETWORKS: dict[NetworkName, Callable[..., nn.Module]] = {
    "lenet-300-100": lenet_300_100,
    "lenet-5": LeNet5,
    "lenet-5-caffe": LeNet5Caffe,
    "mlp": Perceptron,
    "small-resnet": SmallResNet,
    "lstm": LSTM,
    "transformer": Transformer,
    "policy-mlp": policy_mlp,
    "policy-atari": PolicyAtari,
}


def build(spec: Network, shape: Shape, classes: int) -> nn.Module:
    """The network for one input of this shape, its weights drawn from torch's global generator.

    The shape is (C, H, W) of images, (T,) or (2, L) of tokens, or an observation's; `classes` counts the outputs:
    classes, tokens or actions.

    Raises `TicketbenchError` for options or images that it does not take, a factory that cannot be used
    (`ticketbench.networks.factory`), and names in `unshared` that it lacks.
    """
    if spec.factory is not None:
        network = call(spec.factory, shape, classes, spec.options)
    else:
        try:
            network = _built_in(spec)(shape, classes, **spec.options)
        except (TypeError, ValueError, RuntimeError) as error:
            raise TicketbenchError(f"network {spec.name}: options {spec.options} do not fit: {error}") from None
    if spec.init != "default":
        _initialize(network, spec.init)
    set_unshared(network, spec.unshared)
    return network


def constructor(spec: Network) -> Callable[..., object]:
    """What is called with shape, classes and options. Raises `TicketbenchError` where there is no such factory."""
    return _built_in(spec) if spec.factory is None else find(spec.factory)


def _built_in(spec: Network) -> Callable[..., nn.Module]:
    assert spec.name is not None
    return _NETWORKS[spec.name]


def _initialize(network: nn.Module, scheme: str) -> None:
    """Weights of linear and convolutional layers anew, in network order, and their biases to zero."""
    for module in network.modules():
        if not isinstance(module, WEIGHTED):
            continue
        if scheme == "glorot-normal":
            nn.init.xavier_normal_(module.weight)
        else:
            nn.init.kaiming_normal_(module.weight, nonlinearity="relu")
        if module.bias is not None:
            nn.init.zeros_(module.bias)
