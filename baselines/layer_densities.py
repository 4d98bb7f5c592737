"""Random masks whose layers have the densities that others found to work: what is gained by densities alone."""

import torch
from torch import nn

from ticketbench import Rung, Search, Ticket, keep_largest, method


@method(
    "erk",
    title="Random mask, Erdős–Rényi-kernel densities",
    cites=["evci2020rigl", "mocanu2018set"],
    family="random",
)
def erdos_renyi_kernel(search: Search, rung: Rung):
    """Layers keep in proportion to the sum of their dimensions: small layers are denser than large ones.

    Evci et al. 2020, section 3: a layer's density is proportional to (n_in + n_out + w + h) / (n_in * n_out * w * h),
    without w and h where it is fully connected (Mocanu et al. 2018). A layer that would have more than all
    of its weights is kept dense, and the others share what is left. Fractions of a weight are rounded by largest
    remainders, so that the total is exact. Trained from initialization.
    """
    yield Ticket(keep_largest(uniform_scores(search), rung, scope="erk"), search.initial)


@method(
    "uniform",
    title="Random mask, one density in all layers",
    cites=["gale2019state"],
    family="random",
)
def uniform(search: Search, rung: Rung):
    """Every layer keeps the rung's density, by largest remainders. Trained from initialization.

    No layer is excepted; under the same name Evci et al. 2020 leave the first one dense. It differs from random-layer
    where the task's layers have rates of their own.
    """
    yield Ticket(keep_largest(uniform_scores(search), rung, scope="uniform"), search.initial)


@method(
    "uniform-plus",
    title="Random mask, one density but in the first convolution and the last layer",
    cites=["gale2019state", "lee2021lamp"],
    family="random",
)
def uniform_plus(search: Search, rung: Rung):
    """As uniform, but the first convolution is dense, and the last fully connected layer keeps a fifth at least.

    Gale et al. 2019 prune by magnitude with these densities, which Lee et al. 2021 (LAMP) call Uniform+; here the
    masks are random. The other layers share what is left at one density. Our choices: a network without convolutions
    has no dense layer (so in the code of Lee et al.); an exception falls away where the task prunes no such layer; a
    fifth is rounded up; and where a rung keeps too few weights for both exceptions and one in every other layer, it
    has neither and the densities are uniform's (the code of Lee et al. stops there). Trained from initialization.
    """
    scores = uniform_scores(search)
    network = search.network(search.initial)
    first = next(iter(weights_of(network, nn.Conv1d, nn.Conv2d, nn.Conv3d)), None)
    last = next(reversed(weights_of(network, nn.Linear)), None)
    dense = {first: scores[first].numel()} if first in scores else {}
    fifth = {last: -(-scores[last].numel() // 5)} if last in scores else {}
    mask = with_exceptions(scores, rung, dense)
    if any(int(mask[name].sum()) < least for name, least in fifth.items()):
        mask = with_exceptions(scores, rung, dense | fifth)
    yield Ticket(mask, search.initial)


def weights_of(network: nn.Module, *kinds: type[nn.Module]) -> list[str]:
    """The names of the weights of these kinds of layers, in network order."""
    layers = {id(layer.weight) for layer in network.modules() if isinstance(layer, kinds)}
    return [name for name, parameter in network.named_parameters() if id(parameter) in layers]


def with_exceptions(scores: dict[str, torch.Tensor], rung: Rung, counts: dict[str, int]) -> dict[str, torch.Tensor]:
    """A mask with these layers' counts and one density in all others; without exceptions where they take too much."""
    others = {name: score for name, score in scores.items() if name not in counts}
    left = rung.kept - sum(counts.values())
    if left < len(others):
        return keep_largest(scores, rung, scope="uniform")
    excepted = keep_largest({name: scores[name] for name in counts}, counts)
    shared = keep_largest(others, left, scope="uniform")
    return {name: {**excepted, **shared}[name] for name in scores}


def uniform_scores(search: Search) -> dict[str, torch.Tensor]:
    """Scores drawn uniformly from 0 to 1, in the shape of every prunable weight."""
    return {name: torch.rand(kept.shape, generator=search.rng) for name, kept in search.initial.mask.items()}
