"""Which rows are computed again: what that costs, and a sample that no claim of a cost can keep a row out of."""

import hashlib
from collections import Counter
from collections.abc import Mapping, Sequence
from math import inf, log
from statistics import median

from ticketbench.results import Row

_HALVINGS = 900  # of a chance, beyond which it is no number
_TASKS_STEP = 1e-3  # seconds of a step, where no row says how long it was trained for


def seconds_of(rows: Sequence[Row]) -> dict[str, float]:
    """About how long each row takes from nothing, by its id, as the rows themselves say: all rows of a kind of work.

    That is what its search trained and its own training, at its task's seconds a step, and the time its method took.
    """
    a_step, last = _by_task(rows)
    found: dict[str, float] = {}
    for row in rows:
        task = row["task"]
        if row["status"] == "not applicable":
            steps = last[task]  # nothing, but then no sample should be full of them
        elif row["search_steps"] is None:
            steps = (row["rung"] + 1) * last[task]  # what a search did before it failed is not told
        else:
            steps = (row["search_steps"] or 0) + (row["training_steps"] or 0)
        found[row["row_id"]] = max(steps, 1) * a_step[task] + max(row["search_seconds"] or 0.0, 0.0)
    return found


def _by_task(rows: Sequence[Row]) -> tuple[dict[str, float], dict[str, int]]:
    """Seconds a step, and the last step, of every task."""
    paces: dict[str, list[float]] = {row["task"]: [] for row in rows}
    last = dict.fromkeys(paces, 1)
    for row in rows:
        if row["training_steps"]:
            last[row["task"]] = max(last[row["task"]], (row["start_step"] or 0) + row["training_steps"])
            if row["wall_seconds"]:
                paces[row["task"]].append(row["wall_seconds"] / row["training_steps"])
    return {task: median(found) if found else _TASKS_STEP for task, found in paces.items()}, last


def sample(rows: Sequence[Row], seconds: Mapping[str, float], count: int, seed: int) -> list[Row]:
    """So many of these rows, drawn without replacement: the same for the same rows and seed, in whatever order.

    Every method of a task has its turn before one has a second. The first, the third and every second row after
    them is drawn with equal chances, whatever rows claim to cost; those between with chances in inverse proportion to
    the cost. Either chance is halved for every time that the row's rung was drawn before.
    """
    if count >= len(rows):
        return list(rows)
    fair = {row["row_id"]: _race(row, 1.0, seed) for row in rows}
    cheap = {row["row_id"]: _race(row, seconds[row["row_id"]], seed) for row in rows}
    waiting = {row["row_id"]: row for row in rows}
    drawn: list[Row] = []
    rungs: Counter[tuple[str, int]] = Counter()
    had: set[tuple[str, ...]] = set()
    while len(drawn) < count:
        race = cheap if len(drawn) % 2 else fair
        fresh = [row for row in waiting.values() if _entry(row) not in had]
        if not fresh:
            had.clear()
            continue
        chances = [(race[row["row_id"]] * 2.0 ** min(rungs[_rung(row)], _HALVINGS), row["row_id"]) for row in fresh]
        row = waiting.pop(min(chances)[1])
        had.add(_entry(row))
        rungs[_rung(row)] += 1
        drawn.append(row)
    return drawn


def _entry(row: Row) -> tuple[str, ...]:
    return (row["task"], row["method"], row["method_params"], row["kind"], row["label"])


def _rung(row: Row) -> tuple[str, int]:
    return row["task"], row["rung"]


def _race(row: Row, seconds: float, seed: int) -> float:
    """An exponential waiting time of rate 1 / seconds: the first of several to come is drawn with a chance
    proportional to its rate."""
    digest = hashlib.sha256(f"{seed} {row['row_id']}".encode()).digest()
    uniform = (int.from_bytes(digest[:8], "big") + 1) / (2**64 + 1)
    return -log(uniform) * seconds if seconds < inf else inf
