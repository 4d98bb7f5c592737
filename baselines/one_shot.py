"""One-shot magnitude pruning: one training, one ranking, every rung from it."""

from ticketbench import Checkpoint, Search, Ticket, keep_largest, method, scorer


@scorer(
    "one-shot",
    title="One-shot magnitude pruning, rewound to initialization",
    at="end",
    start=0,
    cites=["frankle2019lottery"],
    family="one-shot magnitude",
    tags=["core"],
)
def magnitude_of_the_trained(search: Search, trained: Checkpoint):
    """|w| of the trained dense network; tickets start from its initial weights (Frankle & Carbin 2019, section 2)."""
    return {name: weight.abs() for name, weight in trained.prunable.items()}


@method(
    "one-shot-reinit",
    title="Masks of one-shot magnitude pruning, weights drawn anew",
    cites=["frankle2019lottery"],
    family="one-shot magnitude",
)
def reinitialized(search: Search, *, draw: int = 1):
    """one-shot's masks, each trained from other initial weights (Frankle & Carbin 2019, figure 4)."""
    trained = yield search.dense
    scores = {name: weight.abs() for name, weight in trained.prunable.items()}
    yield [Ticket(keep_largest(scores, rung), search.reinitialized(draw)) for rung in search.ladder]


@scorer(
    "prune-only",
    title="Train, prune, and nothing more",
    at="end",
    start="end",
    cites=["han2015learning"],
    family="one-shot magnitude",
)
def naive(search: Search, trained: Checkpoint):
    """|w| of the trained network, which is scored as it is without the rest: no training after pruning."""
    return {name: weight.abs() for name, weight in trained.prunable.items()}
