"""What a ticket cost, its search and its training together. The definition is the project's protocol's, section 6."""

from collections.abc import Iterable
from statistics import fmean, geometric_mean

from ticketbench.results import Row


def total_cost(rows: Iterable[Row], batch_size: int | None) -> float | None:
    """The mean over rows of `search_examples / (T B) + training_steps / T`: 1 for the dense network.

    T is the step that every ticket ends at. None where the batch size is not known, or no row was trained or charged.
    """
    if batch_size is None:
        return None
    costs = []
    for row in rows:
        if row["search_examples"] is not None and row["training_steps"] is not None:
            last = (row["start_step"] or 0) + row["training_steps"]
            costs.append((row["search_examples"] / batch_size + row["training_steps"]) / last if last else 0.0)
    return fmean(costs) if costs else None


def speedup(rows: Iterable[Row]) -> float | None:
    """The dense network's floating-point operations over the ticket's, their geometric mean over rows.

    It counts what a kernel that skips every zero would do; None where no row has both.
    """
    found = [row["flops_dense"] / row["flops"] for row in rows if row["flops_dense"] and row["flops"]]
    return geometric_mean(found) if found else None
