"""What one row says, held against itself: counts, status, curve, bits. No training is needed to see these."""

from collections.abc import Iterator
from itertools import pairwise
from math import isclose, isfinite
from typing import Any

from ticketbench.errors import TicketbenchError
from ticketbench.report.boards.eligible import hardly_trained
from ticketbench.report.boards.scores import scores
from ticketbench.report.measures import MEASURES, METRIC_COLUMNS
from ticketbench.report.submission.account import PLURALS, account_problems
from ticketbench.results import SCORED, UNSCORED, Row, control_of

_LEAST_EXAMPLES = 2  # that make a test set
_COUNTS = (
    "seed", "rung", "kept", "prunable", "parameters", "start_step", "best_step", "test_examples", "search_steps",
    "search_examples", "training_steps", "threads",
)  # fmt: skip


def row_problems(row: Row) -> Iterator[str]:
    """What is wrong with one row of schema-valid values, each said as what was expected."""
    try:
        yield from _counts(row)
        yield from _status(row)
        yield from _curve(row)
        yield from _metric(row)
        yield from _items(row)
        yield from account_problems(row)
    except (TypeError, KeyError, OverflowError):  # a value is missing where another one needs it
        yield "lacks values that its status needs"


def marks(row: Row, own_recipe: bool) -> list[str]:
    """What a reader has to know of a ticket before ranking it, besides its status. See docs/rulebook.md.

    `own_recipe` says whether the method trains with an objective or a recipe of its own; its ticket is marked where
    it starts from trained weights and the task's recipe has trained it for less than a tenth of T.
    """
    scored_as_it_is = row["training_steps"] == 0 and row["status"] in SCORED
    return [
        mark
        for mark, holds in (
            ("edited", row["edited"]),
            ("carried", row["carried"]),
            ("scored as it is", scored_as_it_is),
            ("own recipe", own_recipe and hardly_trained(row)),
            ("optimizer state carried", row["optimizer_state"] == "carried" and not scored_as_it_is),
            ("optimizer state dropped", row["optimizer_state"] == "dropped" and not scored_as_it_is),
        )
        if holds
    ]


def _counts(row: Row) -> Iterator[str]:
    if any(row[name] is not None and row[name] < 0 for name in _COUNTS):
        yield "expected no negative count"
    for name in ("density", "density_asked"):
        if row[name] is not None and not 0 <= row[name] <= 1:
            yield f"expected {name} between 0 and 1"
    if row["kept"] is None:
        return
    layers = row["kept_per_layer"]
    if row["prunable"] < 1 or not isclose(row["density"], row["kept"] / row["prunable"], rel_tol=1e-12):
        yield "expected density = kept / prunable"
    if row["kept"] != sum(each["kept"] for each in layers):
        yield "expected kept to be the sum of kept_per_layer"
    if row["prunable"] != sum(each["prunable"] for each in layers) or row["parameters"] < row["prunable"]:
        yield "expected prunable to be the sum of kept_per_layer's, and no more than parameters"
    if any(not 0 <= each["kept"] <= each["prunable"] for each in layers):
        yield "expected every layer to keep no more than it has"


def _status(row: Row) -> Iterator[str]:
    values = [row[name] for name in METRIC_COLUMNS]
    if row["status"] in SCORED:
        if any(not _is_number(value) for value in values):
            yield f"expected scores, since its status is {row['status']}"
        elif (known := MEASURES.get(row["metric"])) and not all(map(known.possible, values)):
            yield f"expected {PLURALS[row['metric']]} {known.bounds}"
        # A narrower network has no mask: it is dense.
        masked = row["mask_digest"] is not None or control_of(row)[0] == "small-dense"
        if row["kept"] is None or row["start_step"] is None or not masked:
            yield f"expected a counted mask and a start, since its status is {row['status']}"
    if row["status"] in UNSCORED:
        if any(value is not None for value in (*values, row["test_correct"], row["test_scores"])):
            yield f"expected no scores, since its status is {row['status']}"
        if not row["reason"]:
            yield f"expected a reason, since its status is {row['status']}"


def _curve(row: Row) -> Iterator[str]:
    """The scores are those of the curve: the last point's, and those of the lowest validation loss."""
    if row["status"] not in SCORED:
        return
    points: list[dict[str, Any]] = row["curve"] or []
    if not points:
        yield "expected a curve"
        return
    if any(each["step"] >= after["step"] for each, after in pairwise(points)):
        yield "expected a curve whose steps ascend"
    final, best = points[-1], min(points, key=lambda point: float(point["validation_loss"]))
    pairs = {
        "test_final": final["test"],
        "validation_final": final["validation"],
        "test_best": best["test"],
        "validation_best": best["validation"],
        "loss_validation_best": best["validation_loss"],
        "best_step": best["step"],
    }
    if wrong := [name for name, value in pairs.items() if repr(row[name]) != repr(value)]:
        yield f"expected {', '.join(wrong)} as the curve has it"
    if row["kind"] == "ticket" and final["step"] != row["start_step"] + row["training_steps"]:
        yield "expected a curve that ends at start_step + training_steps"


def _metric(row: Row) -> Iterator[str]:
    known = MEASURES.get(row["metric"])
    if known is None:
        yield f"expected metric to be one of {', '.join(MEASURES)}"
    elif row["higher_is_better"] is not known.higher_is_better:
        yield f"expected higher_is_better to be {known.higher_is_better}, got {row['higher_is_better']}"


def _items(row: Row) -> Iterator[str]:
    """What a row tells test item by test item: of a metric that is their mean, all of it."""
    known = MEASURES.get(row["metric"])
    if row["status"] not in SCORED or known is None:
        return
    if row["metric"] == "accuracy" and (row["test_correct"] is None or (row["test_examples"] or 0) < _LEAST_EXAMPLES):
        yield f"expected test_correct, which of {_LEAST_EXAMPLES} or more test examples are right"
        return
    told = row["test_scores"]
    if known.items == "test_scores" and len(told or ()) < _LEAST_EXAMPLES:
        yield f"expected test_scores, the nats of {_LEAST_EXAMPLES} or more blocks of test text"
        return
    if row["metric"] != "accuracy" and row["test_correct"] is not None:
        yield f"expected no test_correct of {row['metric']}"
    if known.items != "test_scores" and not all(map(known.possible, told or ())):
        yield f"expected test_scores {known.bounds}"
    if not all(_is_number(row[name]) for name in METRIC_COLUMNS):
        return
    try:
        scores([row], "test_final", None)
    except TicketbenchError as error:
        said = str(error).removeprefix(f"row {row['row_id']} is damaged: ").rstrip(".")
        yield f"expected {known.items} that {'fits' if known.items == 'test_correct' else 'fit'}: {said}"


def _is_number(value: Any) -> bool:
    return value is not None and isfinite(value)
