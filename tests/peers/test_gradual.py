"""Gradual pruning's chain of masks against torch.nn.utils.prune, mask by mask, as weights move between prunings."""

from fractions import Fraction

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
id = "peers/gradual"
version = 1
title = "Gradual pruning"
tier = "smoke"
extends = "digits/{parent}"
"""


@pytest.fixture
def prunings(tmp_path, monkeypatch):
    """A function from a task to the method's masks on its last rung, each with what it was pruned from, untrained."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))

    def run(parent):
        path = tmp_path / "task.toml"
        path.write_text(TASK.format(parent=parent))
        task, found = load_task(path), shipped_methods()["gradual"]
        trainings = Trainings({"default": Vision(task, torch.device("cpu"))}, Store(tmp_path / "store"))
        bench = Bench(task, found, "default", 0, None, trainings)
        rng = torch.Generator().manual_seed(0)
        generator, result = found.with_parameters(interval=0.05).start(bench, bench.ladder[-1]), []
        request = next(generator)
        while not isinstance(request, Ticket):
            held = request.checkpoint
            weights = {n: w + 0.1 * torch.randn(w.shape, generator=rng) for n, w in held.prunable.items()}
            held = held.replace(weights=weights)
            request = generator.send(held)
            result.append((request.mask if isinstance(request, Ticket) else request.checkpoint.mask, held.prunable))
        return bench, result

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


def left_after(k, size, kept):
    """Equation 1: size (1 - s), where s = s_f (1 - (1 - k/8)^3)."""
    final = 1 - Fraction(kept, size)
    return round(size * (1 - final * (1 - (1 - Fraction(k, 8)) ** 3)))


@pytest.mark.parametrize("parent", ["mlp", "conv"])
def test_every_pruning_is_torchs(prunings, parent):
    bench, masks = prunings(parent)
    theirs, rung = Layers(bench.initial.prunable), bench.ladder[-1]
    assert len(masks) == 8  # from 0.1 T to 0.5 T, at every 0.05 T
    assert rung.scope == {"mlp": "layer", "conv": "global"}[parent]
    for k, (mask, weights) in enumerate(masks, start=1):
        theirs.train_to(weights)
        if rung.scope == "global":
            before, after = (left_after(at, rung.prunable, rung.kept) for at in (k - 1, k))
            pruned = [(layer, "weight") for layer in theirs.layers]
            prune.global_unstructured(pruned, pruning_method=prune.L1Unstructured, amount=before - after)
        else:
            for layer, (path, kept) in zip(theirs.layers, rung.kept_per_layer.items(), strict=True):
                before, after = (left_after(at, mask[path].numel(), kept) for at in (k - 1, k))
                prune.l1_unstructured(layer, "weight", amount=before - after)
        for layer, (path, kept) in zip(theirs.layers, mask.items(), strict=True):
            assert torch.equal(layer.weight_mask.bool(), kept), (k, path)
