"""Magnitude pruning before training: the plainest score there is, and how it fails."""

from ticketbench import Rung, Search, Ticket, keep_largest, method


@method(
    "magnitude-init",
    title="Magnitude pruning at initialization",
    cites=["tanaka2020synflow", "frankle2021missing"],
    family="at initialization",
)
def magnitude_at_initialization(search: Search, rung: Rung):
    """Keep the largest of the initial weights, over all layers at once.

    A baseline of Tanaka et al. 2020 and Frankle et al. 2021. The more inputs a layer has, the smaller are the weights
    it starts from, so the widest layers are emptied first, and at high compression wholly (Tanaka et al., section 3).
    """
    scores = {name: weight.abs() for name, weight in search.initial.prunable.items()}
    yield Ticket(keep_largest(scores, rung, scope="global"), search.initial)
