"""Rows for the report's tests, synthetic but complete, written as the harness writes them, and readers of pages."""

import json
import shutil
import subprocess
from collections.abc import Iterable, Mapping, Sequence
from functools import cache, partial
from html.parser import HTMLParser
from itertools import groupby
from operator import itemgetter
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from scipy import stats

from ticketbench.ladder import Rung, rungs
from ticketbench.results import SCHEMA, Row, result_file, row_id, write_rows
from ticketbench.task import Ladder, Task, load_task, shipped_tasks
from ticketbench.task.settings import Setting

SIZES = {"hidden1.weight": 6400, "hidden2.weight": 5000, "output.weight": 500}
EXAMPLES = 360
POINT = ("step", "training_loss", "validation_loss", "validation", "test_loss", "test")
PROTOCOL = json.loads((Path(__file__).parent / "protocol-examples.json").read_text("utf-8"))
CHROMIUM_FLAGS = (
    *("--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-sync"),
    *("--disable-background-networking", "--disable-component-update", "--disable-dev-shm-usage"),
)


@cache
def _rungs(ladder: str) -> tuple[Rung, ...]:
    """The rungs of a ladder, given as JSON: many rows are made of the same."""
    return rungs(Ladder.model_validate_json(ladder), SIZES)


def make_row(task: Task, method: str, rung: int, seed: int, **changes: Any) -> Row:
    """One row that satisfies the schema, as the harness would write it: done, and with no bits unless given."""
    at = _rungs(task.ladder.model_dump_json())[rung]
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


def make_curve(points: Iterable[Sequence[float | None]]) -> list[dict[str, float | None]]:
    """A row's curve from its points: step, training loss, validation loss and metric, test loss and metric."""
    return [dict(zip(POINT, point, strict=True)) for point in points]


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
    task: Task,
    accuracy: Mapping[str, Sequence[float]],
    seeds: int,
    examples: int = EXAMPLES,
    noise: float = 0.05,
    **changes: Any,
) -> list[Row]:
    """Rows of methods by their true accuracy at each rung (dense: one value), under a crossed probit model.

    Examples have a difficulty that all share, seeds an effect, methods one per seed. `changes` go into every row.
    """
    rng = np.random.default_rng(0)
    difficulty, luck = rng.normal(size=examples), rng.normal(size=seeds)
    rows = []
    for method, levels in accuracy.items():
        for place, level in enumerate(levels):
            rung = 0 if method == "dense" else place + 1
            talent = np.sqrt(1.0 + 0.6**2) * float(stats.norm.ppf(level))
            for seed in range(seeds):
                ability = talent + noise * (luck[seed] + rng.normal())
                bits = ability + difficulty + 0.6 * rng.normal(size=examples) > 0
                step = int(400 * (1 + 0.4 * (1 - level)) // 40 * 40)
                at = {"best_step": min(800, step + 40 * int(rng.integers(0, 4)))} | changes
                rows.append(with_bits(make_row(task, method, rung, seed, **at), bits))
    return rows


def make_controls(
    task: Task, method: str, accuracy: Mapping[str, Sequence[float]], seeds: int, **changes: Any
) -> list[Row]:
    """Rows of a method's controls by their true accuracy at each rung; a long-trained dense network keeps all."""
    rows = []
    label = changes.pop("label", "")
    for name, levels in accuracy.items():
        said = {"kind": "control", "label": f"{name} of {label}" if label else name} | changes
        for row in make_results(task, {method: levels}, seeds, **said):
            dense = {"kept": row["prunable"], "density": 1.0} if name == "long-dense" else {}
            rows.append(row | dense)
    return rows


def make_matrix(
    task: Task, accuracy: Mapping[tuple[str, str], Mapping[str, Sequence[float]]], seeds: int, **said: Any
) -> list[Row]:
    """Rows of methods on pairs of settings, found on and trained on. Dense networks belong on the diagonal alone."""
    return [
        row
        for (found_on, trained_on), methods in accuracy.items()
        for row in make_results(task, methods, seeds, found_on=found_on, trained_on=trained_on, **said)
    ]


def collapsed(rows: Iterable[Row], share: float) -> list[Row]:
    """The rows as those of networks that answer one class, which so many of the test examples have."""
    changes = {"status": "collapsed", "reason": "answers class 2 for every test example"}
    return [with_bits(row | changes, np.arange(row["test_examples"]) < share * row["test_examples"]) for row in rows]


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


def make_settings_task(chance: Mapping[str, float], **said: Any) -> Task:
    """A task with these settings and their chance values: digits split by label, the first half and the second."""
    labels = [tuple(range(5)), tuple(range(5, 10))]
    settings = {
        name: Setting.model_validate({"data": {"labels": labels[place % 2]}, "scoring": {"chance": value}})
        for place, (name, value) in enumerate(chance.items())
    }
    task = make_task(chance=None)
    return task.model_copy(
        update={"id": "digits/label-split", "title": "Digits split by label"} | said | {"settings": settings}
    )


class Page(HTMLParser):
    """What a page holds: its visible text, its tables cell by cell, and what its tags refer to."""

    def __init__(self, path):
        super().__init__()
        self.source = path.read_text("utf-8")
        self.text, self.tables, self.tags, self.ids = "", [], [], set()
        self._inside, self._hidden = False, 0
        self.feed(self.source)

    def handle_starttag(self, tag, attributes):
        attributes = dict(attributes)
        self.tags.append((tag, attributes))
        self.ids.add(attributes.get("id"))
        self._hidden += tag in ("script", "style", "svg")
        if tag == "table":
            self.tables.append([])
        elif tag == "tr":
            self.tables[-1].append([])
        elif tag in ("td", "th"):
            self.tables[-1][-1].append("")
            self._inside = True

    def handle_endtag(self, tag):
        self._hidden -= tag in ("script", "style", "svg")
        self._inside = self._inside and tag not in ("td", "th")

    def handle_data(self, data):
        if self._hidden:
            return
        self.text += data
        if self._inside:
            self.tables[-1][-1][-1] += f"{data} "

    def row(self, table, name):
        """The cells of the row whose head begins with this name."""
        (found,) = [row for row in self.tables[table] if row[0].split()[:1] == [name]]
        return [" ".join(each.split()) for each in found]


def browse(chromium, page, profile, width):
    """The page's document after its scripts ran, and the browser's log; no host name resolves to anything."""
    done = subprocess.run(
        [
            chromium,
            *CHROMIUM_FLAGS,
            *("--host-resolver-rules=MAP * ~NOTFOUND", f"--window-size={width},1000", f"--user-data-dir={profile}"),
            *("--enable-logging=stderr", "--virtual-time-budget=15000", "--dump-dom", page.as_uri()),
        ],
        capture_output=True,
        text=True,
        timeout=120,
        check=True,
    )
    return done.stdout, done.stderr


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line(
        "markers", "worked_examples(unit, ids): run on each of the protocol's examples of this unit"
    )


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Where a test is marked `worked_examples(unit)`, its `example` is each that the protocol works for that unit."""
    for mark in metafunc.definition.iter_markers("worked_examples"):
        metafunc.parametrize("example", PROTOCOL["units"][mark.args[0]], **mark.kwargs)


@pytest.fixture(scope="session")
def protocol() -> dict[str, Any]:
    """The protocol's worked examples: its `board`, and its `units` by name."""
    return PROTOCOL


@pytest.fixture(scope="session")
def rows_of() -> Any:
    """The helpers of this file, since tests are no package: `rows_of.make_row(...)` and so on."""
    return SimpleNamespace(
        make_task=make_task,
        make_row=make_row,
        make_curve=make_curve,
        with_bits=with_bits,
        without_score=without_score,
        make_settings_task=make_settings_task,
        make_results=make_results,
        make_controls=make_controls,
        make_matrix=make_matrix,
        collapsed=collapsed,
        write_results=write_results,
    )


@pytest.fixture(scope="session")
def as_worked() -> Any:
    """`as_worked(interval, values, expected)`: all parts of an interval and each seed's value are the protocol's."""
    parts = {"mean": "mean", "sd": "sd", "v_seed": "V_seed", "v_example": "V_example"}
    parts |= {"h_seed": "half_seed", "h_example": "half_example", "h": "half_joint"}

    def check(interval, values, expected):
        found = [getattr(interval, ours) for ours in parts]
        assert found == pytest.approx([expected[theirs] for theirs in parts.values()], rel=1e-6, abs=1e-12)
        assert values == pytest.approx(expected["per_seed"], rel=1e-6, abs=1e-12)

    return check


@pytest.fixture(scope="session", name="read")
def _read() -> Any:
    """A page as a reader meets it: `read(path)`."""
    return Page


@pytest.fixture(scope="session", name="installed_chromium")
def _installed_chromium() -> tuple[str, tuple[str, ...]]:
    """Where Chromium is, and the flags that every test starts it with."""
    found = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    if found is None:
        pytest.skip("no Chromium")
    return found, CHROMIUM_FLAGS


@pytest.fixture(scope="session", name="browse")
def _browse(installed_chromium) -> Any:
    """A page as a browser makes it: `browse(path, profile, width)`."""
    return partial(browse, installed_chromium[0])
