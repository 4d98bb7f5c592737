"""Winning tickets whose initial weights are drawn from the tickets' own (Frankle & Carbin 2019, appendix F.3)."""

import torch

from ticketbench import Checkpoint, Search, Ticket, Train, keep_largest, method


@method(
    "random-sampling",
    title="Masks of iterative magnitude pruning, weights sampled from the ticket's own initial ones",
    cites=["frankle2019lottery"],
    family="iterative magnitude",
)
def resampled(search: Search):
    """imp's own masks, each trained once from initial weights drawn, layer by layer, from the ticket's own.

    Frankle & Carbin 2019, appendix F.3: with D_m = {theta_0[i] : m[i] = 1} the initial weights that mask m keeps,
    sample theta' ~ D_m per layer and train the ticket m * theta'. The distribution of a ticket's initial weights is
    kept, which weight has which is not: between imp and imp-reinit. Each weight is drawn by itself, so with
    replacement: the paper samples from a distribution and does not say otherwise. Biases and buffers are the initial
    ones. As for imp-reinit, sampling happens outside the search: the chain of masks is imp's, which the store shares.
    """
    trained = yield search.dense
    for rung in search.ladder:
        scores = {name: weight.abs() for name, weight in trained.prunable.items()}
        mask = keep_largest(scores, rung, within=trained.mask)
        yield Ticket(mask, sampled(search, mask))
        if rung is not search.ladder[-1]:
            trained = yield Train(search.initial.replace(mask=mask), search.steps)


def sampled(search: Search, mask: dict[str, torch.Tensor]) -> Checkpoint:
    """The initial network with every kept weight replaced by a kept one of its layer, drawn with replacement."""
    weights = search.initial.prunable
    for name, kept in mask.items():
        own = weights[name][kept]
        if len(own):
            weights[name][kept] = own[torch.randint(len(own), own.shape, generator=search.rng)]
    return search.initial.replace(mask=mask, weights=weights)
