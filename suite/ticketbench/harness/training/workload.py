"""What a domain gives the engine: a network, batches, a loss, and scores."""

from dataclasses import dataclass
from typing import Protocol

import torch
from torch import Tensor, nn

from ticketbench.methods.state import Tensors
from ticketbench.task import SGD, Adam, Training


@dataclass(frozen=True)
class Evaluation:
    """Scores of one network. `test_correct` is a bool tensor over the test set in canonical order."""

    validation_loss: float
    validation: float
    test_loss: float
    test: float
    test_correct: Tensor
    one_answer: bool


class Workload(Protocol):
    """What a domain gives the engine for one task and setting on one device."""

    training: Training
    optimizer: SGD | Adam
    steps: int
    examples: int
    device: torch.device

    def module(self) -> nn.Module:
        """The network on the device, to be loaded with weights; the same object may come every time."""

    def batch(self, indices: Tensor) -> tuple[Tensor, Tensor]:
        """Inputs and targets of these training examples."""

    def loss(self, network: nn.Module, weights: Tensors | None, inputs: Tensor, targets: Tensor) -> Tensor:
        """The plain mean loss, with other weights where given."""

    def evaluate(self, network: nn.Module) -> Evaluation:
        """Validation and test scores of the network, in eval mode."""
