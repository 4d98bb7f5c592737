"""A smaller dense network of the same kind, with at most as many weights as a ticket keeps."""

from collections.abc import Iterable
from inspect import signature

import torch

from ticketbench.networks.build import Shape, build, constructor
from ticketbench.networks.covered import Cover, prunable
from ticketbench.task import Network

_WHOLE = 1_000_000


def smaller(
    spec: Network,
    shape: Shape,
    classes: int,
    prunable_weights: int,
    exclude: Iterable[str] = (),
    cover: Cover = "weights",
) -> tuple[Network, int] | None:
    """The widest network of this kind with at most this many prunable weights, and how many it has.

    One share of all hidden widths, the option `shrink`, makes it: the largest, in millionths, that fits; the spec
    itself comes back where it fits. `None` comes back where the kind cannot be shrunk (`can_shrink`) or even the
    narrowest is too large. Weights in `exclude` and unshared ones are not counted; `cover` as in `prunable`.
    Nothing is drawn or allocated: the networks are built on torch's meta device. A factory's widths must not fall as
    `shrink` grows.

    Raises `TicketbenchError` where the network cannot be built.
    """
    if not can_shrink(spec):
        return None
    excluded = tuple(exclude)
    if (count := _count(spec, shape, classes, excluded, cover)) <= prunable_weights:
        return spec, count
    fits, too_wide = 0, _WHOLE
    found = None
    while too_wide - fits > 1:
        middle = (fits + too_wide) // 2
        narrower = spec.model_copy(update={"options": {**spec.options, "shrink": middle / _WHOLE}})
        if (count := _count(narrower, shape, classes, excluded, cover)) <= prunable_weights:
            fits, found = middle, (narrower, count)
        else:
            too_wide = middle
    return found


def can_shrink(spec: Network) -> bool:
    """Whether this kind of network can be made narrower: all of ours, and a factory that names a parameter `shrink`.

    Raises `TicketbenchError` where there is no such network or factory.
    """
    try:
        return "shrink" in signature(constructor(spec)).parameters
    except ValueError:  # what is written in C may not tell
        return False


def _count(spec: Network, shape: Shape, classes: int, exclude: tuple[str, ...], cover: Cover) -> int:
    # A factory may draw on a device that it names itself.
    with torch.random.fork_rng(devices=[]), torch.device("meta"):
        network = build(spec, shape, classes)
    weights = dict(network.named_parameters())
    return sum(weights[name].numel() for name in prunable(network, exclude, cover))
