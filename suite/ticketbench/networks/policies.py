"""Policies of Yu et al. 2020 (section 4.3): one trunk, and one head for the logits of the actions and the value."""

from collections.abc import Sequence
from itertools import pairwise

import torch
from torch import Tensor, nn
from torch.nn.functional import max_pool2d

from ticketbench.errors import TicketbenchError
from ticketbench.networks.perceptron import Perceptron
from ticketbench.networks.widths import shrunk

_KERNELS = (5, 5, 3, 3)  # each convolution is padded to keep its input's size, and pooled to half of it
_CHANNELS = 64
_UNITS = 512


def policy_mlp(shape: Sequence[int], actions: int, *, width: int = 128, shrink: float = 1.0) -> Perceptron:
    """Three hidden layers of `width`: (B, *observation) to (B, actions + 1), the actions' logits and then the value.

    The paper has 128 units a layer for CartPole and 256 for Acrobot and LunarLander, and ReLU (table A1). It leaves
    open whether policy and value share a trunk (here they do) and how weights are drawn (here as torch does).
    `shrink` is the share of every hidden width that is kept.
    """
    return Perceptron(shape, actions + 1, hidden=[width] * 3, shrink=shrink)


class PolicyAtari(nn.Module):
    """The paper's network for Atari: (B, C, H, W) to (B, actions + 1), the actions' logits and then the value.

    Conv(5, 64, 1, 2)-MaxPool(2) twice, Conv(3, 64, 1, 1)-MaxPool(2) twice (kernel, channels, stride, padding), then
    an MLP 1920-512-512 and the head. The paper does not say how large a frame is: it is inferred from the MLP's 1920
    inputs, 64 channels of 6x5, which is what half of Atari's 210x160, 105x80, comes to after four poolings. Frames of
    another size, at least 16x16, give another number. ReLU follows every layer but the head, and stands before the
    pooling; the paper leaves that open. `shrink` is the share of every hidden width that is kept.

    Raises `TicketbenchError` where frames are too small.
    """

    def __init__(self, shape: Sequence[int], actions: int, *, shrink: float = 1.0):
        super().__init__()
        if len(shape) != 3 or min(shape[1:]) < 2 ** len(_KERNELS):
            raise TicketbenchError(
                f"network policy-atari: needs frames (channels, height, width) of at least 16x16, not {tuple(shape)}."
            )
        maps, units = shrunk(_CHANNELS, shrink), shrunk(_UNITS, shrink)
        channels = [shape[0], *[maps] * len(_KERNELS)]
        self.maps = nn.ModuleList(
            nn.Conv2d(before, after, kernel, padding=kernel // 2)
            for (before, after), kernel in zip(pairwise(channels), _KERNELS, strict=True)
        )
        height, width = (size // 2 ** len(_KERNELS) for size in shape[1:])
        self.hidden = nn.ModuleList([nn.Linear(maps * height * width, units), nn.Linear(units, units)])
        self.output = nn.Linear(units, actions + 1)

    def forward(self, frames: Tensor) -> Tensor:
        signal = frames
        for layer in self.maps:
            signal = max_pool2d(torch.relu(layer(signal)), 2)
        signal = signal.flatten(1)
        for layer in self.hidden:
            signal = torch.relu(layer(signal))
        answers: Tensor = self.output(signal)
        return answers
