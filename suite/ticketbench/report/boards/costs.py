"""What a ticket cost, its search and its training together. The definition is the project's protocol's, section 6."""

from collections.abc import Iterable, Sequence
from statistics import fmean, geometric_mean

from ticketbench.results import DENSE, SCORED, Row


def total_cost(rows: Sequence[Row], batch_size: int | None, steps: int | None) -> float | None:
    """The mean over rows of `search_examples / (T B) + training_steps / T`: 1 for the dense network.

    `batch_size` is B, `steps` is T (`dense_steps`). None where one is not known, or no row was trained and charged.
    """
    if batch_size is None or steps is None:
        return None
    costs = [
        (row["search_examples"] / batch_size + row["training_steps"]) / steps
        for row in rows
        if row["search_examples"] is not None and row["training_steps"] is not None
    ]
    return fmean(costs) if costs else None


def dense_steps(rows: Iterable[Row]) -> int | None:
    """The steps of one dense training: the last of dense networks and of tickets, of those that did not diverge.

    A control may end elsewhere. None where no row tells.
    """
    ends = [
        (row["start_step"] or 0) + row["training_steps"]
        for row in rows
        if row["kind"] in ("ticket", DENSE) and row["status"] in SCORED and row["training_steps"] is not None
    ]
    return max(ends, default=0) or None


def speedup(rows: Iterable[Row]) -> float | None:
    """The dense network's floating-point operations over the ticket's, their geometric mean over rows.

    It counts what a kernel that skips every zero would do; None where no row has both.
    """
    found = [row["flops_dense"] / row["flops"] for row in rows if row["flops_dense"] and row["flops"]]
    return geometric_mean(found) if found else None
