"""The order of training examples: a closed function of seed, data order and step."""

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

from ticketbench.harness.training.determinism import generator


class DataOrder:
    """Batches of one data order. Every epoch is a permutation of all examples, and batches run on across epochs.

    So every batch has exactly `batch_size` examples and a training of s steps sees s * batch_size of them.
    """

    def __init__(self, examples: int, batch_size: int, seed: int, data_order: int, device: torch.device):
        self.examples, self.batch_size = examples, batch_size
        self.seed, self.data_order, self.device = seed, data_order, device
        self._epochs: dict[int, Tensor] = {}

    def epoch(self, epoch: int) -> Tensor:
        """The permutation of an epoch: int64 (examples,)."""
        if epoch not in self._epochs:
            drawn = torch.randperm(self.examples, generator=generator("order", self.seed, self.data_order, epoch))
            self._epochs = {e: p for e, p in self._epochs.items() if e == epoch - 1}
            if self.device.type == "cuda":
                drawn = drawn.pin_memory()  # else the copy makes the host wait for the device
            self._epochs[epoch] = drawn.to(self.device, non_blocking=True)
        return self._epochs[epoch]

    def batch(self, step: int) -> Tensor:
        """The examples of a step: int64 (batch_size,)."""
        epoch, position = divmod(step * self.batch_size, self.examples)
        indices = self.epoch(epoch)[position : position + self.batch_size]
        while len(indices) < self.batch_size:
            epoch += 1
            indices = torch.cat([indices, self.epoch(epoch)[: self.batch_size - len(indices)]])
        return indices


@dataclass(frozen=True)
class Batches:
    """The batches of one data order, of examples that `gather` gives: inputs and targets of int64 (batch_size,)."""

    order: DataOrder
    gather: Callable[[Tensor], tuple[Tensor, Tensor]]

    def batch(self, step: int) -> tuple[Tensor, Tensor]:
        """Inputs and targets of a step."""
        return self.gather(self.order.batch(step))
