"""What a method is given: the network it searches in, and what it may ask of the data."""

from abc import ABC, abstractmethod
from collections.abc import Generator
from typing import Any

import torch
from torch import Tensor, nn

from ticketbench.ladder import Rung
from ticketbench.methods.checkpoint import Checkpoint
from ticketbench.methods.requests import Train
from ticketbench.task import Task

Batch = tuple[Tensor, Tensor]


class Search(ABC):
    """One search for tickets: one task, setting and seed. Validation and test data it never shows.

    Attributes:
        task: the declared problem.
        setting: the name of the setting that is searched on.
        seed: the replicate.
        steps: T, the number of optimizer steps of a whole training.
        ladder: the rungs below dense, densest first.
        rng: a CPU generator seeded by seed, method and, where the method takes one, rung.
    """

    task: Task
    setting: str
    seed: int
    steps: int
    ladder: tuple[Rung, ...]
    rng: torch.Generator

    @property
    def dense(self) -> Train:
        """The request for the dense network trained to the end; every method of a seed shares it."""
        return self.at(self.steps)

    def at(self, step: int) -> Train:
        """The request for the dense network trained to this step."""
        return Train(self.initial, step)

    @property
    @abstractmethod
    def initial(self) -> Checkpoint:
        """The dense network before training: the same for every method and setting of a seed."""

    @abstractmethod
    def reinitialized(self, draw: int) -> Checkpoint:
        """The dense network with other initial weights: a function of seed and `draw` (1, 2, ...)."""

    @abstractmethod
    def network(self, checkpoint: Checkpoint) -> nn.Module:
        """A fresh module in eval mode with these weights, for hooks and autograd.

        Pruned weights are zeros that do receive gradients. Examples passed through it are counted as cost.
        """

    @abstractmethod
    def batches(
        self, count: int, size: int | None = None, draw: int = 0, per_class: int | None = None
    ) -> list[Batch]:
        """`count` pairs `(inputs, targets)` of training examples: `size` each, or `per_class` of each class there is.

        No example comes twice in one batch; the draw is a function of seed, `draw` and the sizes.
        """

    @abstractmethod
    def loss(self, network: nn.Module, inputs: Tensor, targets: Tensor) -> Tensor:
        """The task's plain mean loss."""

    @abstractmethod
    def method(self, name: str, rung: Rung | None = None, **parameters: Any) -> Generator[Any, Any, Any]:
        """Another method's generator on this search, for `yield from`."""
