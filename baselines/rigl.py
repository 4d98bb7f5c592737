"""RigL (Evci et al. 2020): drop the smallest weights, grow where the gradient is largest."""

import math

import torch
from torch import Tensor

from ticketbench import Checkpoint, Rung, Search, Ticket, Train, keep_largest, method


@method(
    "rigl",
    title="RigL: dynamic sparse training by magnitude and gradient",
    cites=["evci2020rigl"],
    family="dynamic",
)
def rigged_lottery(search: Search, rung: Rung, *, alpha: float = 0.3, interval: int = 0, stop: float = 0.75):
    """Train a random sparse network; at intervals move its smallest weights to where the gradient is largest.

    Evci et al. 2020 (arXiv 1911.11134), section 3: Erdős–Rényi-kernel densities; every dT steps before T_end a
    fraction alpha / 2 (1 + cos(pi t / T_end)) of each layer's weights, those of least magnitude, is dropped, and as
    many places grow where the gradient of the loss is largest in magnitude. alpha = 0.3 and T_end = 3/4 of the
    training are the paper's (section 4). Grown weights start at zero with no optimizer state.

    A weight that was just dropped may grow again: the paper grows outside the connections that remain after the
    drop. It then was never gone, and keeps its value, as in the authors' code (google-research/rigl,
    `_get_update_op`). Drops round down, as there.

    `interval` is dT in steps. The paper's 100 steps of 32,000 would leave T = 400 two updates: our default is
    T / 100, but at least 20. The first update is at step dT (the authors' code makes one at step 0 too, at the
    initialization). The gradient is of one more batch, of the training's size and in training mode, and charged as
    scored examples; in the paper an update takes the place of its batch's own step, here no step is left out.
    """
    if type(interval) is not int or interval < 0:
        raise ValueError(f"interval: expected a whole number of steps, 0 or more, got {interval!r}")
    if not all(isinstance(share, int | float) and 0 <= share <= 1 for share in (alpha, stop)):
        raise ValueError(f"expected alpha and stop in [0, 1], got {alpha!r} and {stop!r}")
    noise = {name: torch.rand(kept.shape, generator=search.rng) for name, kept in search.initial.mask.items()}
    mask = keep_largest(noise, rung, scope="erk")
    checkpoint = search.initial.replace(mask=mask)
    every, end = interval or max(20, search.steps // 100), stop * search.steps
    for step in range(every, math.ceil(end), every):
        trained = yield Train(checkpoint, step)
        growth = {name: gradient.abs() for name, gradient in dense_gradient(search, trained).items()}
        mask = drop_and_grow(trained.prunable, growth, mask, fraction_at(step, alpha, end))
        checkpoint = trained.replace(mask=mask)
    yield Ticket(mask, checkpoint)


def fraction_at(step: int, alpha: float, end: float) -> float:
    """f_decay(t; alpha, T_end) = alpha / 2 (1 + cos(pi t / T_end))."""
    return alpha / 2 * (1 + math.cos(math.pi * step / end))


def drop_and_grow(
    weights: dict[str, Tensor], growth: dict[str, Tensor], mask: dict[str, Tensor], fraction: float
) -> dict[str, Tensor]:
    """The mask after one update: every layer loses this fraction of its weights and grows as many."""
    moved = {name: int(fraction * int(kept.sum())) for name, kept in mask.items()}
    left = {name: int(kept.sum()) - moved[name] for name, kept in mask.items()}
    core = keep_largest({name: weight.abs() for name, weight in weights.items()}, left, within=mask)
    grown = keep_largest(growth, moved, within={name: ~kept for name, kept in core.items()})
    return {name: core[name] | grown[name] for name in mask}


def dense_gradient(search: Search, checkpoint: Checkpoint) -> dict[str, Tensor]:
    """The gradient of the loss at these weights for all places, pruned ones too: `{name: tensor}`."""
    ((inputs, targets),) = search.batches(1, search.task.training.batch_size, draw=checkpoint.step)
    network = search.network(checkpoint).train()
    parameters = {name: tensor for name, tensor in network.named_parameters() if name in checkpoint.mask}
    loss = search.loss(network, inputs, targets)
    gradients = torch.autograd.grad(loss, list(parameters.values()), materialize_grads=True)
    return dict(zip(parameters, gradients, strict=True))
