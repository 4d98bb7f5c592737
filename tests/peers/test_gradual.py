"""Gradual pruning's chain of masks against torch.nn.utils.prune, weight by weight."""

import sys
from itertools import pairwise

import pytest
import torch
from torch import nn
from torch.nn.utils import prune

from ticketbench import keep_largest
from ticketbench.methods import shipped_methods

gradual = sys.modules[shipped_methods()["gradual"].module]


@pytest.mark.parametrize("seed", range(5))
def test_every_pruning_of_moving_weights_is_torchs_own(seed):
    """Prune, let the weights move, prune again: one container of masks there, `within` here."""
    rng = torch.Generator().manual_seed(seed)
    layer = nn.Linear(40, 30, bias=False)
    ours = {"weight": torch.ones(30, 40, dtype=torch.bool)}
    counts = [gradual.count_at(1200, 37, k / 8) for k in range(9)]
    for before, after in pairwise(counts):
        moved = torch.randn(30, 40, generator=rng)
        with torch.no_grad():
            (layer.weight if before == 1200 else layer.weight_orig).copy_(moved)
        layer(torch.zeros(1, 40))  # torch scores the masked weight, which only a forward pass brings up to date
        prune.l1_unstructured(layer, "weight", amount=before - after)
        ours = keep_largest({"weight": moved.abs()}, after, within=ours)
        assert int(ours["weight"].sum()) == after
        assert torch.equal(layer.weight_mask.bool(), ours["weight"])
