"""What of a network a mask covers, and what a method may count on."""

from collections.abc import Iterable
from typing import Literal

from torch import nn

from ticketbench.errors import unknown

WEIGHTED = (nn.Linear, nn.Conv1d, nn.Conv2d, nn.Conv3d)
_UNSHARED = "ticketbench_unshared"


Cover = Literal["weights", "parameters"]


def prunable(network: nn.Module, exclude: Iterable[str] = (), cover: Cover = "weights") -> list[str]:
    """The names of the weights that a mask covers: those of linear and convolutional layers, in network order.

    Under `cover="parameters"` they are all parameters: biases, embeddings, recurrent weights and norms too.

    Left out are those in `exclude` (`ladder.exclude` of the task) and, without being named again, those that the task
    calls `unshared`: `build` notes them on the network.

    Raises `TicketbenchError` where `exclude` names a parameter that no mask covers.
    """
    unshared = set(getattr(network, _UNSHARED, ()))
    layers = {id(module.weight) for module in network.modules() if isinstance(module, WEIGHTED)}
    weights = [
        name for name, parameter in network.named_parameters() if cover == "parameters" or id(parameter) in layers
    ]
    left_out = set(exclude)
    for name in sorted(left_out - unshared):
        if name not in weights:
            raise unknown("weight in ladder.exclude", name, weights)
    return [name for name in weights if name not in left_out | unshared]


def set_unshared(network: nn.Module, unshared: tuple[str, ...]) -> None:
    """Note on the network which parameters (weights, biases, norms) every setting has its own of.

    Raises `TicketbenchError` where the network lacks one.
    """
    known = [name for name, _ in network.named_parameters()]
    for name in unshared:
        if name not in known:
            raise unknown("parameter in network.unshared", name, known)
    setattr(network, _UNSHARED, unshared)


def meets(network: nn.Module, need: str) -> bool:
    """Whether the network has what a method needs: `convolutions` or `batch norm`."""
    kinds: tuple[type[nn.Module], ...] = {
        "convolutions": (nn.Conv1d, nn.Conv2d, nn.Conv3d),
        "batch norm": (nn.BatchNorm1d, nn.BatchNorm2d, nn.BatchNorm3d),
    }[need]
    return any(isinstance(module, kinds) for module in network.modules())
