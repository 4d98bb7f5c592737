"""What a domain gives the engine: a network, batches, a loss, and scores."""

from dataclasses import dataclass
from typing import Protocol

import torch
from torch import Tensor, nn

from ticketbench.methods.state import Tensors
from ticketbench.task import AnyOptimizer, Training


@dataclass(frozen=True)
class Evaluation:
    """Scores of one network.

    `test_correct` is a bool tensor over the test set in canonical order, None where there is no right and wrong;
    `test_scores` then has a number for each part of the test set. `one_answer` says that all answers are the same.
    """

    validation_loss: float
    validation: float
    test_loss: float
    test: float
    test_correct: Tensor | None
    one_answer: bool
    test_scores: tuple[float, ...] = ()


class Order(Protocol):
    """The batches of one order: a closed function of the step."""

    def batch(self, step: int) -> tuple[Tensor, Tensor]:
        """Inputs and targets of a step."""


class Workload(Protocol):
    """What a domain gives the engine for one task and setting on one device."""

    training: Training
    optimizer: AnyOptimizer
    steps: int
    device: torch.device

    def module(self) -> nn.Module:
        """The network on the device, to be loaded with weights; the same object may come every time."""

    def fresh_module(self) -> nn.Module:
        """The same, and another object every time."""

    def order(self, seed: int, data_order: int) -> Order:
        """The order in which a training meets its examples."""

    def loss(self, network: nn.Module, weights: Tensors | None, inputs: Tensor, targets: Tensor) -> Tensor:
        """The plain mean loss, with other weights where given."""

    def evaluate(self, network: nn.Module) -> Evaluation:
        """Validation and test scores of the network, in eval mode."""
