"""Pruning at initialization against torch's own: gradients of its mask reparametrization, and its global ranking."""

import pytest
import torch
from torch import nn
from torch.nn.utils import prune

from ticketbench.harness.bench import Bench
from ticketbench.harness.store import Store
from ticketbench.harness.trainings import Trainings
from ticketbench.harness.workloads.vision import Vision
from ticketbench.methods import shipped_methods
from ticketbench.paths import shipped
from ticketbench.task import load_task


@pytest.fixture
def bench(tmp_path):
    """A function to a search at initialization on a shipped task; nothing is trained."""

    def make(task_id, name):
        task = load_task(shipped("tasks") / f"{task_id}.toml")
        trainings = Trainings({"default": Vision(task, torch.device("cpu"))}, Store(tmp_path / "store"))
        return Bench(task, shipped_methods()[name], "default", 0, None, trainings)

    return make


def layers(network):
    """The modules whose weights are pruned, by the names of these weights, in network order."""
    return {f"{name}.weight": m for name, m in network.named_modules() if isinstance(m, (nn.Linear, nn.Conv2d))}


def kept_by_torch(modules, count, scores=None):
    """torch.nn.utils.prune.global_unstructured, to this many weights: its masks by name."""
    total = sum(module.weight.numel() for module in modules.values())
    prune.global_unstructured(
        [(module, "weight") for module in modules.values()],
        pruning_method=prune.L1Unstructured,
        importance_scores=scores and {(modules[name], "weight"): score for name, score in scores.items()},
        amount=total - count,
    )
    return {name: module.weight_mask.bool() for name, module in modules.items()}


@pytest.mark.parametrize("task_id", ["digits/mlp", "digits/conv"])
def test_magnitude_agrees_weight_by_weight(bench, task_id):
    search = bench(task_id, "magnitude-init")
    for rung in search.ladder:
        expected = kept_by_torch(layers(search.network(search.initial)), rung.kept)
        mask = next(search.method("magnitude-init", rung)).mask
        assert list(mask) == list(expected)
        assert all(torch.equal(mask[name], expected[name]) for name in mask)


@pytest.mark.parametrize("task_id", ["digits/mlp", "digits/conv"])
def test_snip_agrees_with_the_gradient_of_torchs_masks(bench, task_id):
    """torch writes a pruned weight as weight_mask * weight_orig: SNIP's c * w. Its derivative in the mask, ranked."""
    search = bench(task_id, "snip")
    network = search.network(search.initial)
    modules = layers(network)
    for module in modules.values():
        prune.identity(module, "weight")
        module.weight_mask.requires_grad_()
    [(inputs, targets)] = search.batches(1, search.task.training.batch_size)
    gradients = torch.autograd.grad(
        search.loss(network, inputs, targets), [module.weight_mask for module in modules.values()]
    )
    scores = {name: gradient.abs() for name, gradient in zip(modules, gradients, strict=True)}
    for rung in search.ladder:
        mask = next(search.method("snip", rung)).mask
        expected = kept_by_torch(layers(search.network(search.initial)), rung.kept, scores)
        differ = torch.cat([scores[name][mask[name] != expected[name]] for name in mask])  # but for ties: none
        assert len(differ) == 0 or differ.max() - differ.min() <= 1e-6 * differ.max()
