"""Random masks: what a method must beat before its scores mean anything."""

import torch

from ticketbench import Rung, Search, Ticket, keep_largest, method


@method(
    "random-layer",
    title="Random mask, the rung's density in every layer",
    cites=["frankle2019lottery"],
    family="random",
    tags=["core"],
)
def random_in_layers(search: Search, rung: Rung):
    """Uniform scores, kept layer by layer at the rung's own counts; trained from initialization."""
    yield Ticket(keep_largest(_uniform(search), rung, scope="layer"), search.initial)


@method(
    "random-global",
    title="Random mask over all layers at once",
    cites=["blalock2020state"],
    family="random",
)
def random_everywhere(search: Search, rung: Rung):
    """Uniform scores, ranked over all layers together; trained from initialization.

    Blalock et al. 2020 (arXiv 2003.03033), appendix B, ask for it beside the random mask layer by layer.
    """
    yield Ticket(keep_largest(_uniform(search), rung, scope="global"), search.initial)


def _uniform(search: Search) -> dict[str, torch.Tensor]:
    return {name: torch.rand(kept.shape, generator=search.rng) for name, kept in search.initial.mask.items()}
