"""What one row says of its cost, its start, its parameters and its size, held against itself."""

import json
import re
from collections.abc import Iterator
from math import isfinite
from typing import Any

from ticketbench.report.measures import MEASURES
from ticketbench.results import SCORED, Row

OPTIMIZER_STATES = ("fresh", "carried", "dropped")
_NEEDED = ("search_steps", "search_examples", "training_steps", "carried", "edited", "optimizer_state")
_DISTANCES = ("path_length", "distance_moved")
_AMOUNTS = (
    "flops", "flops_dense", "bytes_dense", "bytes_sparse", "search_seconds", "wall_seconds", "device_seconds",
    "peak_memory_bytes", "latency",
)  # fmt: skip
_LONGEST_PARAMETERS = 1_000  # bytes
_MASK_DIGEST = re.compile(r"[0-9a-f]{64}")
_LOSSES = ("training_loss", "validation_loss", "test_loss")
_MEASURED = ("validation", "test")
PLURALS = {"accuracy": "accuracies", "perplexity": "perplexities", "BLEU": "BLEU", "return": "returns"}


def account_problems(row: Row) -> Iterator[str]:
    """What is wrong with these values of one row, each said as what was expected."""
    yield from _parameters(row["method_params"])
    yield from _start(row)
    yield from _sizes(row)
    yield from _points(row)


def _parameters(text: str) -> Iterator[str]:
    """They are as the harness writes them, so that one set of parameters has one text, which any reader can take."""
    try:
        given = json.loads(text) if len(text.encode()) <= _LONGEST_PARAMETERS else None
        canonical = json.dumps(given, sort_keys=True, separators=(",", ":"), allow_nan=False) == text
    except (ValueError, RecursionError):
        given, canonical = None, False
    named = isinstance(given, dict) and all(name.isidentifier() for name in given)
    if not (canonical and named):
        yield (
            f"expected method_params to be parameters and their values as canonical JSON, at most "
            f"{_LONGEST_PARAMETERS} bytes"
        )


def _start(row: Row) -> Iterator[str]:
    if row["optimizer_state"] not in (None, *OPTIMIZER_STATES):
        yield f"expected optimizer_state to be one of {', '.join(OPTIMIZER_STATES)}"
    if row["mask_digest"] is not None and not _MASK_DIGEST.fullmatch(row["mask_digest"]):
        yield "expected mask_digest to be 64 hexadecimal digits"
    if row["status"] not in SCORED or row["kind"] == "probe":
        return
    if lacking := [name for name in _NEEDED if row[name] is None]:
        yield f"expected {', '.join(lacking)}, since its status is {row['status']}"
    elif row["kind"] == "ticket" and row["carried"] and not row["edited"] and row["search_steps"] == 0:
        yield "expected search_steps of a search that carried trained weights, got 0"


def _sizes(row: Row) -> Iterator[str]:
    scored = row["status"] in SCORED
    distances = [name for name in _DISTANCES if row[name] is not None]
    wrong = [name for name in _AMOUNTS if row[name] is not None and not (isfinite(row[name]) and row[name] >= 0)]
    wrong += [name for name in distances if row[name] < 0 or (scored and not isfinite(row[name]))]
    if wrong:
        yield f"expected {', '.join(wrong)} to be a number, 0 or more"
    if scored and row["kind"] != "probe" and (lacking := [name for name in _DISTANCES if row[name] is None]):
        yield f"expected {', '.join(lacking)}, since its status is {row['status']}"


def _points(row: Row) -> Iterator[str]:
    points: list[dict[str, Any]] = row["curve"] or []
    measured = [point[name] for point in points for name in _MEASURED]
    if row["metric"] != "accuracy" and row["status"] not in SCORED:
        measured = [value for value in measured if isfinite(value)]  # of a network that diverged, there may be none
    if (known := MEASURES.get(row["metric"])) and not all(map(known.possible, measured)):
        yield f"expected {PLURALS[row['metric']]} {known.bounds} throughout the curve"
    losses = [point[name] for point in points for name in _LOSSES if point[name] is not None]
    losses += row["early_losses"] or []
    if row["status"] in SCORED and not all(isfinite(value) for value in losses):
        yield "expected finite losses throughout, since it did not diverge"
