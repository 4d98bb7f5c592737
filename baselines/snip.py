"""SNIP: prune before training, by how much the loss depends on each connection (Lee et al. 2019)."""

import torch

from ticketbench import Rung, Search, Ticket, keep_largest, method


@method(
    "snip",
    title="SNIP: connection sensitivity at initialization",
    cites=["lee2019snip"],
    family="at initialization",
)
def snip(search: Search, rung: Rung, *, batch: int | None = None):
    """Keep the connections with the largest |g * w|, over all layers at once, from one minibatch at initialization.

    Lee et al. 2019, section 4 and algorithm 1: the sensitivity of a connection is the size of dL/dc at c = 1, where
    every weight w is written as c * w, and the largest are kept in a single shot. Dividing all of them by their sum,
    as the paper does, changes no ranking and is left out.

    `batch` is the size of the minibatch; left out, the task's own, as the authors' code takes the training's (100 on
    MNIST). Batch norm is in inference mode, also as there; before training that all but takes it out. Three things
    differ from that code. Weights alone are ranked and pruned, as by all methods here; its masks cover biases too.
    The weights that are scored are those that are trained; there they are drawn anew after pruning. And they are
    initialized as the task says, where the paper recommends variance scaling.
    """
    yield Ticket(sensitive(search, rung, batch), search.initial)


@method(
    "snip-shuffled",
    title="SNIP's mask, shuffled within layers",
    cites=["lee2019snip", "frankle2021missing"],
    family="at initialization",
)
def snip_shuffled(search: Search, rung: Rung, *, batch: int | None = None):
    """As many weights of every layer as SNIP keeps, drawn at random: what is left of SNIP is its layers' densities.

    An ablation of Frankle et al. 2021, who find that accuracy is the same or higher.
    """
    yield Ticket(shuffled(sensitive(search, rung, batch), search.rng), search.initial)


def sensitive(search: Search, rung: Rung, batch: int | None) -> dict[str, torch.Tensor]:
    """SNIP's mask."""
    network = search.network(search.initial)
    prunable = search.initial.mask
    weights = {name: weight for name, weight in network.named_parameters() if name in prunable}
    size = search.task.training.batch_size if batch is None else batch
    [(inputs, targets)] = search.batches(1, size)
    scores = connection_sensitivity(search.loss(network, inputs, targets), weights)
    return keep_largest(scores, rung, scope="global")


def connection_sensitivity(loss: torch.Tensor, weights: dict[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    """|dL/dc| at c = 1 for weights c * w, by the chain rule |dL/dw * w|: shaped like the weights, in double."""
    gradients = torch.autograd.grad(loss, list(weights.values()), materialize_grads=True)
    return {
        name: (gradient.double() * weight.detach().double()).abs()
        for (name, weight), gradient in zip(weights.items(), gradients, strict=True)
    }


def shuffled(mask: dict[str, torch.Tensor], rng: torch.Generator) -> dict[str, torch.Tensor]:
    """The mask with its places permuted within every layer, and every layer's count as it was."""
    return {
        name: kept.flatten()[torch.randperm(kept.numel(), generator=rng)].view_as(kept) for name, kept in mask.items()
    }
