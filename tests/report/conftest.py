"""Rows for the report's tests: synthetic, but complete, and written through the results contract."""

from collections.abc import Mapping, Sequence
from itertools import groupby
from operator import itemgetter
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from scipy import stats

from ticketbench.ladder import rungs
from ticketbench.results import SCHEMA, Row, result_file, row_id, write_rows
from ticketbench.task import Task, load_task, shipped_tasks

SIZES = {"hidden1.weight": 6400, "hidden2.weight": 5000, "output.weight": 500}
EXAMPLES = 360


def make_row(task: Task, method: str, rung: int, seed: int, **changes: Any) -> Row:
    """One row that satisfies the schema, as the harness would write it: done, and with no bits unless given."""
    at = rungs(task.ladder, SIZES)[rung]
    row: Row = dict.fromkeys(SCHEMA.names) | {
        "kind": "dense" if method == "dense" else "ticket",
        "task": task.id,
        "task_version": task.version,
        "task_digest": task.digest,
        "method": method,
        "method_params": "{}",
        "method_digest": "0" * 64,
        "found_on": "default",
        "trained_on": "default",
        "seed": seed,
        "rung": rung,
        "label": "",
        "numerics": "fp32",
        "status": "done",
        "reason": "",
        "density_asked": at.density,
        "density": at.density,
        "kept": at.kept,
        "prunable": at.prunable,
        "parameters": at.prunable + 160,
        "start_step": 0,
        "metric": "accuracy",
        "higher_is_better": True,
        "best_step": 400,
        "search_steps": 800,
        "search_examples": 48_000,
        "training_steps": 800,
        "suite_version": "0.1.0",
        "engine_version": 1,
        "packages": [{"name": "torch", "version": "2.11.0"}, {"name": "numpy", "version": "2.4.0"}],
        "device": "cpu",
        "threads": 1,
        "data_digest": "1" * 64,
        "finished_at": "2025-01-01T00:00:00Z",
    }
    row |= changes
    row["row_id"] = row_id(row)
    return row


def with_bits(row: Row, bits: np.ndarray) -> Row:
    """The row with these test bits, shape (examples,), and the accuracy that they make."""
    packed = np.packbits(bits.astype(np.uint8), bitorder="big").tobytes()
    row |= {"test_correct": packed, "test_examples": len(bits), "test_final": float(bits.mean())}
    return row


def without_score(row: Row, status: str, reason: str) -> Row:
    """The row as the harness writes it where there is nothing to score."""
    row |= {"status": status, "reason": reason, "test_final": None, "test_correct": None, "best_step": None}
    return row


def make_results(
    task: Task, accuracy: Mapping[str, Sequence[float]], seeds: int, examples: int = EXAMPLES, noise: float = 0.05
) -> list[Row]:
    """Rows of methods by their true accuracy at each rung (dense: one value), under a crossed probit model.

    Examples have a difficulty that all share, seeds an effect, methods one per seed.
    """
    rng = np.random.default_rng(0)
    difficulty, luck = rng.normal(size=examples), rng.normal(size=seeds)
    rows = []
    for method, levels in accuracy.items():
        for place, level in enumerate(levels):
            rung = 0 if method == "dense" else place + 1
            for seed in range(seeds):
                ability = np.sqrt(1.0 + 0.6**2) * float(stats.norm.ppf(level)) + noise * (luck[seed] + rng.normal())
                bits = ability + difficulty + 0.6 * rng.normal(size=examples) > 0
                step = int(400 * (1 + 0.4 * (1 - level)) // 40 * 40)
                row = make_row(task, method, rung, seed, best_step=min(800, step + 40 * int(rng.integers(0, 4))))
                rows.append(with_bits(row, bits))
    return rows


def write_results(folder: Path, rows: Sequence[Row]) -> Path:
    """Write the rows as the harness lays them out: one file a task and method."""
    place = itemgetter("task", "method")
    for (task, method), group in groupby(sorted(rows, key=place), place):
        write_rows(result_file(folder, task, method), group)
    return folder


def make_task(name: str = "digits/mlp", **scoring: Any) -> Task:
    """A shipped task, with a chance value of 0.1 unless its scoring is said."""
    task = load_task(shipped_tasks()[name])
    return task.model_copy(update={"scoring": task.scoring.model_copy(update={"chance": 0.1} | scoring)})


@pytest.fixture(scope="session")
def rows_of() -> Any:
    """The helpers of this file, since tests are no package: `rows_of.make_row(...)` and so on."""
    return SimpleNamespace(
        make_task=make_task,
        make_row=make_row,
        with_bits=with_bits,
        without_score=without_score,
        make_results=make_results,
        write_results=write_results,
    )
