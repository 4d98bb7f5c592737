"""Magnitude pruning against torch.nn.utils.prune, mask by mask, as weights change between rounds."""

import pytest
import torch
from torch import nn
from torch.nn.utils import prune

from ticketbench import Ticket
from ticketbench.harness.bench import Bench
from ticketbench.harness.store import Store
from ticketbench.harness.trainings import Trainings
from ticketbench.harness.workloads.vision import Vision
from ticketbench.methods import shipped_methods
from ticketbench.task import load_task

TASK = """
id = "peers/magnitude"
version = 1
title = "Magnitude pruning"
tier = "smoke"
extends = "digits/{parent}"
"""


@pytest.fixture
def rounds(tmp_path, monkeypatch):
    """A function from a method to its tickets, with the weights that each was pruned from, in place of training."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))

    def run(name, parent):
        path = tmp_path / "task.toml"
        path.write_text(TASK.format(parent=parent))
        task, found = load_task(path), shipped_methods()[name]
        trainings = Trainings({"default": Vision(task, torch.device("cpu"))}, Store(tmp_path / "store"))
        bench = Bench(task, found, "default", 0, None, trainings)
        rng = torch.Generator().manual_seed(0)
        generator = found.start(bench, None)
        request, held, result = next(generator), bench.initial, []
        while True:
            weights = {n: w + 0.1 * torch.randn(w.shape, generator=rng) for n, w in held.prunable.items()}
            held = held.replace(weights=weights)
            try:
                request = generator.send(held)
            except StopIteration:
                return bench, result
            assert isinstance(request, Ticket)
            result.append((request.mask, held.prunable))
            held = held.replace(mask=request.mask)

    return run


class Layers(nn.Module):
    """As many layers as there are weights, of their shapes, for torch to prune."""

    def __init__(self, weights):
        super().__init__()
        self.layers = nn.ModuleList(nn.Module() for _ in weights)
        for layer, weight in zip(self.layers, weights.values(), strict=True):
            layer.weight = nn.Parameter(weight.clone())

    def train_to(self, weights):
        with torch.no_grad():
            for layer, weight in zip(self.layers, weights.values(), strict=True):
                getattr(layer, "weight_orig", layer.weight).copy_(weight)
                for masked in layer._forward_pre_hooks.values():  # as before every pass: weight = weight_orig * mask
                    masked(layer, None)


@pytest.mark.parametrize("parent", ["mlp", "conv"])
@pytest.mark.parametrize("name", ["magnitude-global", "magnitude-layer"])
def test_every_rungs_mask_is_torchs(rounds, name, parent):
    bench, tickets = rounds(name, parent)
    theirs = Layers(bench.initial.prunable)
    left = {layer: weight.numel() for layer, weight in bench.initial.prunable.items()}
    assert len(tickets) == len(bench.ladder) == 8
    for rung, (mask, weights) in zip(bench.ladder, tickets, strict=True):
        theirs.train_to(weights)
        if name == "magnitude-global":
            pruned = [(layer, "weight") for layer in theirs.layers]
            prune.global_unstructured(
                pruned, pruning_method=prune.L1Unstructured, amount=sum(left.values()) - rung.kept
            )
        else:
            for layer, (path, count) in zip(theirs.layers, left.items(), strict=True):
                prune.l1_unstructured(layer, "weight", amount=count - rung.kept_per_layer[path])
        for layer, (path, kept) in zip(theirs.layers, mask.items(), strict=True):
            assert torch.equal(layer.weight_mask.bool(), kept), (rung.index, path)
            left[path] = int(kept.sum())
