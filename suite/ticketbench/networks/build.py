"""From what a task says of its network to a module."""

from collections.abc import Callable, Iterable

from torch import nn

from ticketbench.errors import TicketbenchError, unknown
from ticketbench.networks.perceptron import Perceptron
from ticketbench.networks.small_resnet import SmallResNet
from ticketbench.task import Network

Shape = tuple[int, int, int]

_NETWORKS: dict[str, Callable[..., nn.Module]] = {
    "mlp": Perceptron,
    "lenet-300-100": lambda shape, classes: Perceptron(shape, classes, hidden=[300, 100]),
    "small-resnet": SmallResNet,
}
_WEIGHTED = (nn.Linear, nn.Conv1d, nn.Conv2d, nn.Conv3d)


def build(spec: Network, shape: Shape, classes: int) -> nn.Module:
    """The network for inputs of this shape (C, H, W), its weights drawn from torch's global generator.

    Raises `TicketbenchError` for an unknown network or options that it does not take.
    """
    if spec.name not in _NETWORKS:
        raise unknown("network", spec.name, _NETWORKS)
    try:
        network = _NETWORKS[spec.name](shape, classes, **spec.options)
    except (TypeError, ValueError, RuntimeError) as error:
        raise TicketbenchError(f"network {spec.name}: options {spec.options} do not fit: {error}") from None
    if spec.init != "default":
        _initialize(network, spec.init)
    return network


def prunable(network: nn.Module, exclude: Iterable[str] = ()) -> list[str]:
    """The names of the weights that a mask covers: those of linear and convolutional layers, in network order.

    Raises `TicketbenchError` where `exclude` names a parameter that is not among them.
    """
    weights = [f"{n}.weight" for n, module in network.named_modules() if isinstance(module, _WEIGHTED)]
    for name in exclude:
        if name not in weights:
            raise unknown("weight in ladder.exclude", name, weights)
    return [name for name in weights if name not in set(exclude)]


def meets(network: nn.Module, need: str) -> bool:
    """Whether the network has what a method needs: `convolutions` or `batch norm`."""
    kinds: tuple[type[nn.Module], ...] = {
        "convolutions": (nn.Conv1d, nn.Conv2d, nn.Conv3d),
        "batch norm": (nn.BatchNorm1d, nn.BatchNorm2d, nn.BatchNorm3d),
    }[need]
    return any(isinstance(module, kinds) for module in network.modules())


def _initialize(network: nn.Module, scheme: str) -> None:
    """Weights of linear and convolutional layers anew, in network order, and their biases to zero."""
    for module in network.modules():
        if not isinstance(module, _WEIGHTED):
            continue
        if scheme == "glorot-normal":
            nn.init.xavier_normal_(module.weight)
        else:
            nn.init.kaiming_normal_(module.weight, nonlinearity="relu")
        if module.bias is not None:
            nn.init.zeros_(module.bias)
