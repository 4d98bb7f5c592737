"""What a search costs: the trainings a method looked at or started from, and the examples it scored with.

Assumes dense kernels: a masked step costs a full one (the protocol, section 6.1).
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from math import prod

import torch
from torch import Tensor, nn

from ticketbench.harness.trainings import Training


@dataclass(frozen=True)
class Charge:
    """What the search behind one ticket is charged."""

    steps: int
    examples: int
    seconds: float


@dataclass
class Charges:
    """The account of one search. `known` finds a training by its identity."""

    known: Callable[[str], Training]
    batch_size: int
    seconds: float = 0.0
    scored: int = 0
    looked_at: set[str] = field(default_factory=set)

    def read(self, trainings: frozenset[str]) -> None:
        """The method looked at tensors that came from these trainings."""
        self.looked_at |= trainings

    def count(self, network: nn.Module) -> nn.Module:
        """Count every example that passes through this network, forward: under `vmap`, all that it maps over."""

        def counted(module: nn.Module, inputs: tuple[Tensor, ...], named: dict[str, Tensor]) -> None:
            for first in [*inputs, *named.values()][:1]:
                self.scored += len(first) * prod(_mapped(first, *module.parameters(), *module.buffers()).values())

        network.register_forward_pre_hook(counted, with_kwargs=True)
        return network

    def before(self, started_from: frozenset[str]) -> Charge:
        """The charge of a ticket that starts from these trainings: they, all looked at, and all behind those.

        Every stretch of a line is charged once, however many trainings share it.
        """
        spans: dict[str, tuple[int, int]] = {}
        waiting, seen = [*self.looked_at, *started_from], set[str]()
        while waiting:
            each = waiting.pop()
            if each in seen:
                continue
            seen.add(each)
            training = self.known(each)
            start, until = spans.get(training.line, (training.start.step, training.until))
            spans[training.line] = (start, max(until, training.until))
            waiting += training.start.trainings
        steps = sum(until - start for start, until in spans.values())
        return Charge(steps, steps * self.batch_size + self.scored, self.seconds)


def _mapped(*tensors: Tensor) -> dict[int, int]:
    """The sizes of the dimensions that `vmap` hides from whoever looks at these tensors, by its level."""
    functorch = torch._C._functorch  # torch has no public way to ask
    sizes: dict[int, int] = {}
    for tensor in tensors:
        inner = tensor
        while isinstance(inner, Tensor) and functorch.is_functorch_wrapped_tensor(inner):
            outer, inner = inner, functorch.get_unwrapped(inner)
            if functorch.is_batchedtensor(outer):
                sizes[functorch.maybe_get_level(outer)] = inner.shape[functorch.maybe_get_bdim(outer)]
    return sizes
