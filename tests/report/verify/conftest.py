"""Rows that are really trained, of a task of some milliseconds, and a way to forge them."""

import copy
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from ticketbench.harness.plan import make_plan
from ticketbench.harness.runner import run_plan
from ticketbench.harness.shard import Place
from ticketbench.harness.store import DEFAULT_LIMIT
from ticketbench.methods import Method, find_methods
from ticketbench.report.verify.again import compute, jobs_for
from ticketbench.report.verify.preparing import Prepared, prepare
from ticketbench.report.verify.recompute import recompute
from ticketbench.report.verify.sampling import seconds_of
from ticketbench.report.verify.verdict import Verified
from ticketbench.results import Row, read_rows, result_files, row_id, write_rows
from ticketbench.task import Task, load_task

TASK = """
id = "tiny/mlp"
version = 1
title = "A tiny perceptron"
tier = "smoke"
extends = "digits/mlp"
[network]
options.hidden = [8]
[training]
steps = 30
evaluate_every = 10
rewind_step = 10
schedule = { milestones = [20] }
[ladder]
prune = 0.5
rounds = 3
"""
METHODS = ("imp", "random-layer", "han-threshold", "early-bird")
SEEDS = 3


@dataclass(frozen=True)
class Published:
    """What `run` made of a tiny task: `rows(method)` are copies to forge, in the order of the file."""

    task: Task
    task_file: Path
    methods: dict[str, Method]
    folder: Path

    def rows(self, method: str) -> list[Row]:
        return read_rows(self.folder / "tiny/mlp" / f"{method}.parquet")


@pytest.fixture(scope="session")
def published(tmp_path_factory: pytest.TempPathFactory) -> Published:
    folder = tmp_path_factory.mktemp("published")
    file = folder / "tiny.toml"
    file.write_text(TASK)
    task, methods = load_task(file), find_methods(METHODS)
    place = Place(folder / "store", DEFAULT_LIMIT, "cpu")
    run_plan(
        make_plan([task], methods, SEEDS, folder / "results", ("shuffled",)),
        folder / "results",
        place,
        1,
        lambda *_: None,
    )
    assert len(list(result_files(folder / "results"))) == len(METHODS) + 1
    return Published(task, file, {method.name: method for method in methods}, folder / "results")


@pytest.fixture
def forged(published: Published, tmp_path: Path) -> Callable[..., Path]:
    """`forged("imp", change, where)`: a file of that method's rows after `change(row)` on those with `where(row)`.

    Rows of altered keys get an id that fits, as a forger would see to.
    """

    def make(method: str, change: Callable[[Row], Any], where: Callable[[Row], bool] = lambda row: True) -> Path:
        rows = copy.deepcopy(published.rows(method))
        for row in filter(where, rows):
            change(row)
            row["row_id"] = row_id(row)
        path = tmp_path / "results/tiny/mlp" / f"{method}.parquet"
        write_rows(path, rows)
        return path

    return make


@pytest.fixture
def prepared(published: Published) -> Callable[[Path], Prepared]:
    """What `verify` finds before any training."""
    return lambda path: prepare(path, {published.task.id: published.task}, published.methods, "cpu")


@pytest.fixture
def verified(prepared: Callable[[Path], Prepared], monkeypatch: pytest.MonkeyPatch) -> Callable[..., Verified]:
    """`verified(path, where)`: those rows of a file computed again; `changed` alters what comes out, as another
    machine would."""

    def make(
        path: Path,
        where: Callable[[Row], bool] = lambda row: True,
        changed: Callable[[Row], Any] = lambda row: None,
    ) -> Verified:
        found = prepared(path)
        assert (found.damaged, found.barred) == ((), ())

        def elsewhere(jobs: Any, store: Any, device: str, processes: int, told: Any) -> None:
            def ended(job: Any, rows: list[Row] | None) -> None:
                for row in rows or ():
                    changed(row)
                told(job, rows)

            compute(jobs, store, device, processes, ended)

        monkeypatch.setattr("ticketbench.report.verify.recompute.compute", elsewhere)
        wanted = [row for row in found.ready if where(row)]
        jobs = jobs_for(wanted, found.here, seconds_of(found.ready))
        done = recompute(found, jobs, True, None, "cpu", 1, lambda *_: None)
        assert done.stopped is None
        return done.verified

    return make


def with_right(row: Row, right: int) -> None:
    """So many test examples right at the end, in every column that says so: what a careful forger changes."""
    examples = row["test_examples"]
    bits = np.arange(examples) < right
    row["test_correct"] = np.packbits(bits, bitorder="big").tobytes()
    row["curve"][-1]["test"] = row["test_final"] = right / examples
    if row["best_step"] == row["curve"][-1]["step"]:
        row["test_best"] = row["test_final"]


@pytest.fixture(name="with_right")
def _with_right() -> Callable[[Row, int], None]:
    return with_right
