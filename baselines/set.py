"""Sparse evolutionary training (Mocanu et al. 2018): drop the weights nearest zero, grow as many at random."""

import math

import torch
from torch import Tensor

from ticketbench import Rung, Search, Ticket, Train, keep_largest, method


@method(
    "set",
    title="Sparse evolutionary training (SET)",
    cites=["mocanu2018set"],
    family="dynamic",
)
def sparse_evolutionary_training(
    search: Search, rung: Rung, *, zeta: float = 0.3, interval: int = 0, stop: float = 1.0
):
    """Train a random sparse network; at intervals drop its smallest weights and grow as many in other places.

    Mocanu et al. 2018 (Nature Communications 9:2383), methods, algorithm 1: the network starts as an Erdős–Rényi
    random graph, and after every epoch a fraction zeta of the smallest positive and of the largest negative weights
    of each layer is removed and as many are added at random, among all places that are then empty. zeta = 0.3 and
    grown weights that start at zero are those of the authors' Keras code (set_mlp_keras_cifar10.py in
    dcmocanu/sparse-evolutionary-artificial-neural-networks). There every epoch has a new optimizer; here what stays
    carries its optimizer state and what grows has none, as in their sparse code
    (set_mlp_sparse_data_structures.py), whose grown weights are normal with deviation 0.1. A weight that was just
    dropped may be drawn again; it then was never gone, and keeps its value, as in Evci et al.'s SET
    (google-research/rigl; in the authors' own code it starts as any grown one).

    Choices of ours: densities are Erdős–Rényi-kernel (Evci et al. 2020, section 3; on linear layers the same as
    the paper's), so that convolutions have one too, and the output layer, dense in the paper, is sparse; drops
    round down; exact zeros, which have no sign, count as positive. `interval` is in steps, by default T / 100 but at
    least 20, since not every task's epoch fits into its training. Updates go on before step `stop` T: to the end as
    in the paper, or as Evci et al. have it with `stop=0.75`. Every layer keeps its count throughout.
    """
    if type(interval) is not int or interval < 0:
        raise ValueError(f"interval: expected a whole number of steps, 0 or more, got {interval!r}")
    if not all(isinstance(share, int | float) and 0 <= share <= 1 for share in (zeta, stop)):
        raise ValueError(f"expected zeta and stop in [0, 1], got {zeta!r} and {stop!r}")
    mask = keep_largest(noise(search, search.initial.mask), rung, scope="erk")
    checkpoint = search.initial.replace(mask=mask)
    every = interval or max(20, search.steps // 100)
    for step in range(every, math.ceil(stop * search.steps), every):
        trained = yield Train(checkpoint, step)
        mask = grow(noise(search, mask), drop(trained.prunable, mask, zeta), mask)
        checkpoint = trained.replace(mask=mask)
    yield Ticket(mask, checkpoint)


def drop(weights: dict[str, Tensor], mask: dict[str, Tensor], zeta: float) -> dict[str, Tensor]:
    """The mask without the fraction zeta of each layer's smallest positive, and of its largest negative, weights."""
    core = {}
    for name, weight in weights.items():
        signs = [mask[name] & (weight >= 0), mask[name] & (weight < 0)]
        core[name] = torch.zeros_like(mask[name])
        for signed in signs:
            size = int(signed.sum())
            left = size - int(zeta * size)
            core[name] |= keep_largest({name: weight.abs()}, left, within={name: signed})[name]
    return core


def grow(scores: dict[str, Tensor], core: dict[str, Tensor], mask: dict[str, Tensor]) -> dict[str, Tensor]:
    """The core and, of the places outside it, those of the largest scores: in each layer as many as the mask had."""
    missing = {name: int(mask[name].sum()) - int(core[name].sum()) for name in mask}
    grown = keep_largest(scores, missing, within={name: ~kept for name, kept in core.items()})
    return {name: core[name] | grown[name] for name in mask}


def noise(search: Search, like: dict[str, Tensor]) -> dict[str, Tensor]:
    """Uniform scores of the masks' shapes."""
    return {name: torch.rand(kept.shape, generator=search.rng) for name, kept in like.items()}
