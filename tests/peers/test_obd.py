"""The second derivatives of optimal brain damage against BackPACK's, weight by weight."""

import sys

import backpack
import pytest
import torch
from backpack import extensions
from torch import nn

from ticketbench.methods import shipped_methods


class Loss:
    """The one thing of a search that a second derivative needs."""

    def loss(self, network, inputs, targets):
        return nn.functional.cross_entropy(network(inputs), targets)


@pytest.mark.filterwarnings("ignore:Full backward hook is firing")
@pytest.mark.parametrize("activation", [nn.ReLU, nn.Tanh, nn.Sigmoid])
@pytest.mark.parametrize(
    ("ours", "theirs"), [("hessian_diagonal", "DiagHessian"), ("gauss_newton_diagonal", "DiagGGNExact")]
)
def test_the_diagonals_are_backpacks(ours, theirs, activation):
    torch.manual_seed(0)
    network = nn.Sequential(
        nn.Conv2d(2, 4, 3, padding=1, groups=2), activation(), nn.MaxPool2d(2), nn.Conv2d(4, 3, 3, stride=2),
        activation(), nn.Flatten(), nn.Linear(3, 7), activation(), nn.Linear(7, 5),
    ).double()  # fmt: skip
    inputs, targets = torch.randn(6, 2, 8, 8).double(), torch.randint(5, (6,))
    mask = {n: torch.ones_like(p, dtype=torch.bool) for n, p in network.named_parameters() if p.dim() > 1}
    found = getattr(sys.modules[shipped_methods()["obd"].module], ours)(Loss(), network, mask, inputs, targets)

    backpack.extend(network)
    loss = backpack.extend(nn.CrossEntropyLoss())
    with backpack.backpack(getattr(extensions, theirs)()):
        loss(network(inputs), targets).backward()
    column = {"DiagHessian": "diag_h", "DiagGGNExact": "diag_ggn_exact"}[theirs]
    for name, h in found.items():
        expected = getattr(network.get_parameter(name), column)
        assert expected.abs().max() > 0
        assert torch.allclose(h, expected, rtol=1e-9, atol=1e-14), name
