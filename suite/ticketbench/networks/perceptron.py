"""Multi-layer perceptrons. LeNet-300-100 (LeCun et al. 1998) is the one with hidden layers of 300 and 100."""

from collections.abc import Sequence
from itertools import pairwise
from math import prod

import torch
from torch import Tensor, nn

from ticketbench.networks.widths import shrunk


class Perceptron(nn.Module):
    """Fully connected layers with ReLU between them: (N, C, H, W) to logits (N, classes).

    `shrink` is the share of every hidden width that is kept.
    """

    def __init__(self, shape: Sequence[int], classes: int, *, hidden: Sequence[int], shrink: float = 1.0):
        super().__init__()
        widths = [prod(shape), *(shrunk(width, shrink) for width in hidden)]
        self.hidden = nn.ModuleList(nn.Linear(before, after) for before, after in pairwise(widths))
        self.output = nn.Linear(widths[-1], classes)

    def forward(self, inputs: Tensor) -> Tensor:
        signal = inputs.flatten(1)
        for layer in self.hidden:
            signal = torch.relu(layer(signal))
        logits: Tensor = self.output(signal)
        return logits


def lenet_300_100(shape: Sequence[int], classes: int, *, shrink: float = 1.0) -> Perceptron:
    """LeNet-300-100: 266,610 parameters for 1x28x28 images of 10 classes."""
    return Perceptron(shape, classes, hidden=[300, 100], shrink=shrink)
