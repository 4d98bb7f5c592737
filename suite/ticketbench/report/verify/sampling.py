"""Which rows are computed again: what that costs, and a sample that favours cheap ones but spans what there is."""

import hashlib
from collections import Counter
from collections.abc import Mapping, Sequence
from math import inf, log
from statistics import median

from ticketbench.results import Row

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

    Every method of a task has its turn before one has a second. In its turn a row is drawn with a chance in inverse
    proportion to its cost, halved for every time its rung was drawn before; methods take their turns in an order
    that is drawn the same way. No row is too costly to be drawn.
    """
    races = {row["row_id"]: _race(row, seconds[row["row_id"]], seed) for row in rows}
    waiting: dict[tuple[str, ...], list[Row]] = {}
    for row in sorted(rows, key=lambda row: races[row["row_id"]]):
        waiting.setdefault(_entry(row), []).append(row)  # and entries stand in the order of their first rows
    drawn: list[Row] = []
    rungs: Counter[tuple[str, int]] = Counter()

    def turn(row: Row) -> float:
        return races[row["row_id"]] * 2.0 ** rungs[row["task"], row["rung"]]

    while len(drawn) < count and waiting:
        for entry in list(waiting):
            if len(drawn) == count:
                break
            row = min(waiting[entry], key=turn)
            waiting[entry].remove(row)
            if not waiting[entry]:
                del waiting[entry]
            rungs[row["task"], row["rung"]] += 1
            drawn.append(row)
    return drawn


def _entry(row: Row) -> tuple[str, ...]:
    return (row["task"], row["method"], row["method_params"], row["kind"], row["label"])


def _race(row: Row, seconds: float, seed: int) -> float:
    """An exponential waiting time of rate 1 / seconds: the first of several to come is drawn with a chance
    proportional to its rate."""
    digest = hashlib.sha256(f"{seed} {row['row_id']}".encode()).digest()
    uniform = (int.from_bytes(digest[:8], "big") + 1) / (2**64 + 1)
    return -log(uniform) * seconds if seconds < inf else inf
