"""A method of pruning for ticketbench: what it does, in a line, and of which paper.

Everything a method may use is imported from ticketbench; torch and the standard library are at hand besides.
"""

from ticketbench import Search, Ticket, keep_largest, method


@method(
    "my-method",
    title="Large weights that have grown, of the trained network",
    cites=[],  # keys as in ["frankle2019lottery"], or BibTeX: written out here, since it is read without being run
    family="one-shot magnitude",  # what it is listed with
    # needs=["convolutions"],    # or "batch norm": on networks without it, the method is not applicable
    # density="nearest",         # or "outcome": where it cannot keep exactly as many weights as a rung asks for
)
def find_tickets(search: Search, *, growth: float = 0.5):
    """Score w by |w| + growth (|w| - |w0|), w trained and w0 initial, and keep the largest scores of every rung.

    Say here what the paper leaves open and how you read it. Keyword-only arguments are the method's parameters:
    --method 'my_method.py(growth=1.0)'.
    """
    # Yield what you want done. This is the dense network's training; the trained network is sent back.
    trained = yield search.dense

    # A score for every weight that can be pruned: a dict of tensors, by the parameters' names. Examples, where you
    # need them, come from search.batches(count, size), gradients from the module search.network(trained) with
    # search.loss(network, inputs, targets), and chance from search.rng.
    initial = search.initial.prunable
    scores = {
        name: weight.abs() + growth * (weight.abs() - initial[name].abs())
        for name, weight in trained.prunable.items()
    }

    # One ticket a rung: this mask, trained to the end from this checkpoint by the task's own recipe, and scored.
    # Where rungs do not build on each other, take (search, rung) and yield the ticket of that rung alone.
    # Other ways to begin: trained.replace(step=k, optimizer=None), or what `yield search.at(k)` sends back.
    for rung in search.ladder:
        yield Ticket(keep_largest(scores, rung), search.initial)
