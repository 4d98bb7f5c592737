"""Convolutional LeNets: LeNet-5 after LeCun et al. 1998, and the variant that came with Caffe."""

from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn.functional import max_pool2d

from ticketbench.errors import TicketbenchError
from ticketbench.networks.widths import shrunk


class LeNet5(nn.Module):
    """LeNet-5 (LeCun et al. 1998, figure 2) as it is mostly built today: ReLU, and max pooling.

    (N, C, H, W) to logits (N, classes), H and W at least 12; 61,706 parameters for 1x28x28 images of 10 classes.
    The original pads such images to 32x32, as the first convolution does here, and differs otherwise: scaled tanh
    units, average pooling with a trained coefficient and bias a map, a third layer (C3) that sees only some of the
    maps before it, and an output of radial basis functions. `shrink` is the share of every hidden width that is kept.

    Raises `TicketbenchError` where images are too small.
    """

    def __init__(self, shape: Sequence[int], classes: int, *, shrink: float = 1.0):
        super().__init__()
        maps1, maps2, units1, units2 = (shrunk(width, shrink) for width in (6, 16, 120, 84))
        rows, columns = _after("lenet-5", shape, padding=2)
        self.conv1 = nn.Conv2d(shape[0], maps1, 5, padding=2)
        self.conv2 = nn.Conv2d(maps1, maps2, 5)
        self.fc1 = nn.Linear(maps2 * rows * columns, units1)
        self.fc2 = nn.Linear(units1, units2)
        self.output = nn.Linear(units2, classes)

    def forward(self, inputs: Tensor) -> Tensor:
        maps = max_pool2d(torch.relu(self.conv1(inputs)), 2)
        maps = max_pool2d(torch.relu(self.conv2(maps)), 2)
        units = torch.relu(self.fc1(maps.flatten(1)))
        logits: Tensor = self.output(torch.relu(self.fc2(units)))
        return logits


class LeNet5Caffe(nn.Module):
    """Caffe's LeNet, called LeNet-5 by Han et al. 2015 and LeNet-5-Caffe by Lee et al. 2019 (SNIP).

    (N, C, H, W) to logits (N, classes), H and W at least 16; 431,080 parameters for 1x28x28 images of 10 classes. As
    in Caffe's example, pooling takes the maximum, and the one ReLU follows the first fully connected layer. `shrink`
    is the share of every hidden width that is kept.

    Raises `TicketbenchError` where images are too small.
    """

    def __init__(self, shape: Sequence[int], classes: int, *, shrink: float = 1.0):
        super().__init__()
        maps1, maps2, units = (shrunk(width, shrink) for width in (20, 50, 500))
        rows, columns = _after("lenet-5-caffe", shape, padding=0)
        self.conv1 = nn.Conv2d(shape[0], maps1, 5)
        self.conv2 = nn.Conv2d(maps1, maps2, 5)
        self.fc1 = nn.Linear(maps2 * rows * columns, units)
        self.output = nn.Linear(units, classes)

    def forward(self, inputs: Tensor) -> Tensor:
        maps = max_pool2d(self.conv1(inputs), 2)
        maps = max_pool2d(self.conv2(maps), 2)
        logits: Tensor = self.output(torch.relu(self.fc1(maps.flatten(1))))
        return logits


def _after(name: str, shape: Sequence[int], padding: int) -> tuple[int, int]:
    """Height and width after twice a 5x5 convolution, the first one padded, and 2x2 pooling."""
    _, rows, columns = (((size + 2 * padding - 4) // 2 - 4) // 2 for size in shape)
    if min(rows, columns) < 1:
        smallest = 16 - 2 * padding
        raise TicketbenchError(
            f"network {name}: needs images of at least {smallest}x{smallest}, not {shape[1]}x{shape[2]}."
        )
    return rows, columns
