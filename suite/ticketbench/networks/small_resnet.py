"""The smallest network with everything that larger ones have: convolutions, batch norm, a residual block."""

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from ticketbench.networks.widths import shrunk


class SmallResNet(nn.Module):
    """A stem, one residual block (He et al. 2016, figure 2), a strided convolution, pooling and a linear layer.

    (N, C, H, W) to logits (N, classes); the block is `width` channels wide, what follows it twice that. `shrink` is
    the share of both widths that is kept, each rounded by itself.
    """

    def __init__(self, shape: Sequence[int], classes: int, *, width: int = 16, shrink: float = 1.0):
        super().__init__()
        width, twice = shrunk(width, shrink), shrunk(2 * width, shrink)
        self.stem = nn.Conv2d(shape[0], width, 3, padding=1, bias=False)
        self.stem_norm = nn.BatchNorm2d(width)
        self.block1 = nn.Conv2d(width, width, 3, padding=1, bias=False)
        self.block1_norm = nn.BatchNorm2d(width)
        self.block2 = nn.Conv2d(width, width, 3, padding=1, bias=False)
        self.block2_norm = nn.BatchNorm2d(width)
        self.down = nn.Conv2d(width, twice, 3, stride=2, padding=1, bias=False)
        self.down_norm = nn.BatchNorm2d(twice)
        self.output = nn.Linear(twice, classes)

    def forward(self, inputs: Tensor) -> Tensor:
        stem = torch.relu(self.stem_norm(self.stem(inputs)))
        inside = torch.relu(self.block1_norm(self.block1(stem)))
        block = torch.relu(stem + self.block2_norm(self.block2(inside)))
        down = torch.relu(self.down_norm(self.down(block)))
        logits: Tensor = self.output(down.mean((2, 3)))
        return logits
