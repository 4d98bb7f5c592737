"""Gradual magnitude pruning (Zhu & Gupta 2018): prune little by little while the network trains."""

from torch import Tensor

from ticketbench import Rung, Search, Ticket, Train, keep_largest, method


@method(
    "gradual",
    title="Gradual magnitude pruning on a cubic schedule",
    cites=["zhu2018prune"],
    family="dynamic",
)
def gradual_pruning(search: Search, rung: Rung, *, begin: float = 0.1, end: float = 0.5, interval: float = 0.02):
    """Every so many steps of one training, prune its smallest weights, up to the rung; then train to the end.

    Zhu & Gupta 2018 (arXiv 1710.01878), section 3, equation 1, with initial sparsity 0: prunings at t0 + k dt for
    k = 1..n, each to the sparsity s_f (1 - (1 - k/n)^3). Training goes on between and after them with its weights and
    its optimizer's state, so that a ticket and its search cost the T steps of one training together.

    `begin`, `end` and `interval` are t0, t0 + n dt and dt as shares of T. The paper gives no rule for these, but
    that pruning should end while the learning rate is still high; our choice ends it halfway. Where T is too short
    for the interval, there is one pruning at every step.

    The paper masks each layer to the same sparsity and lets a masked weight come back should others sink below its
    old value. Here layers follow the task's scope, and pruned weights are exactly zero, so that masks are nested.
    """
    if not 0 <= begin < end <= 1 or interval <= 0:
        raise ValueError(f"expected 0 <= begin < end <= 1 and interval > 0, got {begin}, {end} and {interval}")
    checkpoint, mask = search.initial, search.initial.mask
    prunings = moments(round(begin * search.steps), round(end * search.steps), max(1, round(interval * search.steps)))
    for k, step in enumerate(prunings, start=1):
        trained = yield Train(checkpoint, step)
        scores = {name: weight.abs() for name, weight in trained.prunable.items()}
        mask = keep_largest(scores, kept_at(rung, scores, k / len(prunings)), within=mask)
        checkpoint = trained.replace(mask=mask)
    yield Ticket(mask, checkpoint)


def kept_at(rung: Rung, weights: dict[str, Tensor], progress: float) -> Rung | int | dict[str, int]:
    """What `keep_largest` is to keep: a count a layer or a total, as the task's scope has it; at the end the rung."""
    if progress >= 1:
        return rung
    if rung.scope == "global":
        return count_at(rung.prunable, rung.kept, progress)
    return {name: count_at(weights[name].numel(), kept, progress) for name, kept in rung.kept_per_layer.items()}


def count_at(size: int, kept: int, progress: float) -> int:
    """How many of `size` weights are left on the way to `kept`: size (1 - s_t), progress = (t - t0) / (n dt)."""
    return round(kept + (size - kept) * (1 - progress) ** 3)


def moments(first: int, last: int, interval: int) -> list[int]:
    """The steps of the prunings, evenly after `first` up to `last`; at least one, and none twice."""
    count = max(1, round((last - first) / interval))
    return [first + round((last - first) * k / count) for k in range(1, count + 1)]
