"""Iterative magnitude pruning (Frankle & Carbin 2019) and its controls by reinitialization."""

from ticketbench import Search, Ticket, Train, keep_largest, method


@method(
    "imp",
    title="Iterative magnitude pruning, rewound to initialization",
    cites=["frankle2019lottery"],
    family="iterative magnitude",
    tags=["core"],
)
def iterative_magnitude(search: Search):
    """Train, prune the smallest weights of the trained network, rewind the rest to initialization, repeat.

    Frankle & Carbin 2019, section 2, and of appendix B strategy 1 (iterative pruning with resetting): a rung's ticket
    is trained to the end, and the next rung's mask is taken from the weights it ended with.
    """
    trained = yield search.dense
    for rung in search.ladder:
        scores = {name: weight.abs() for name, weight in trained.prunable.items()}
        mask = keep_largest(scores, rung, within=trained.mask)
        trained = yield Ticket(mask, search.initial)


@method(
    "imp-late",
    title="Iterative magnitude pruning, rewound to early in training",
    cites=["frankle2019stabilizing"],
    family="iterative magnitude",
    tags=["core"],
)
def late_resetting(search: Search):
    """As imp, but the weights that stay are reset to their values at the task's `rewind_step`, not at step 0.

    Frankle et al. 2019 (arXiv 1903.01611), section 2: train to step k, keep that network, and train every
    ticket from it for the remaining T - k steps. The optimizer starts afresh at k.
    """
    early = yield search.at(search.task.training.rewind_step)
    early = early.replace(optimizer=None)
    trained = yield search.dense
    for rung in search.ladder:
        scores = {name: weight.abs() for name, weight in trained.prunable.items()}
        mask = keep_largest(scores, rung, within=trained.mask)
        trained = yield Ticket(mask, early)


@method(
    "imp-reinit",
    title="Masks of iterative magnitude pruning, weights drawn anew",
    cites=["frankle2019lottery"],
    family="iterative magnitude",
    tags=["core"],
)
def reinitialized(search: Search, *, draw: int = 1):
    """imp's own masks, each trained once from other initial weights: the control of Frankle & Carbin 2019, figure 4.

    Reinitialization happens outside the search: the chain of masks is imp's, found with the original weights,
    and only the ticket that is scored starts from new ones. (Read otherwise, a search that reinitializes in
    every round is another method.) It costs what imp costs; where both are run, the store shares the chain.
    """
    trained = yield search.dense
    for rung in search.ladder:
        scores = {name: weight.abs() for name, weight in trained.prunable.items()}
        mask = keep_largest(scores, rung, within=trained.mask)
        yield Ticket(mask, search.reinitialized(draw))
        if rung is not search.ladder[-1]:
            trained = yield Train(search.initial.replace(mask=mask), search.steps)
