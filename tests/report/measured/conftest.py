"""Rows of every metric, as the harness writes them: perplexity by blocks, BLEU by sentences, return by games."""

from collections.abc import Mapping, Sequence
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from ticketbench.report.boards.board import boards
from ticketbench.report.site.build import build_site
from ticketbench.results import Row
from ticketbench.task import Environment, Reference, Task, Text, Translation

HIGHER = {"accuracy": True, "perplexity": False, "BLEU": True, "return": True}
DATA = {
    "perplexity": Text(kind="text", name="tiny-shakespeare", sequence=32, streams=8),
    "BLEU": Translation(
        kind="translation", name="multi30k", source="en", target="de", vocabulary=8000, longest=50, beam=5
    ),
    "return": Environment(kind="environment", name="CartPole-v1", games=100, evaluation_games=60),
}
# Dense, then six rungs down to 10.5 times, on the scale that differences are taken on: nats, BLEU, return.
LEVELS: Mapping[str, Mapping[str, Sequence[float]]] = {
    "perplexity": {
        "dense": [4.5],
        "imp": [4.49, 4.5, 4.52, 4.56, 4.62, 4.7],
        "one-shot": [4.5, 4.55, 4.62, 4.72, 4.85, 5.0],
        "random-layer": [4.6, 4.7, 4.85, 5.05, 5.25, 5.5],
    },
    "BLEU": {
        "dense": [31.0],
        "imp": [31.2, 31.0, 30.8, 30.1, 29.2, 28.0],
        "one-shot": [31.0, 30.2, 29.0, 27.5, 25.0, 22.0],
        "random-layer": [29.0, 27.0, 24.0, 20.0, 15.0, 9.0],
    },
    "return": {
        "dense": [-85.0],
        "imp": [-84.0, -85.0, -88.0, -95.0, -110.0, -140.0],
        "one-shot": [-86.0, -92.0, -105.0, -130.0, -170.0, -230.0],
        "random-layer": [-100.0, -130.0, -180.0, -250.0, -330.0, -420.0],
    },
}
CHANCE = {"perplexity": 700.0, "BLEU": 0.0, "return": -500.0}
NOISE = {"perplexity": 0.01, "BLEU": 0.3, "return": 4.0}  # of a seed, on the scale
ONE_ANSWER = {
    "perplexity": "one token is the likeliest at every place of the test text",
    "BLEU": "one and the same output for every test sentence",
    "return": "one action in every state of the evaluation's games, played greedily",
}
REASON = "the loss was not finite at step 40"


def make_task(rows_of: Any, metric: str, **scoring: Any) -> Task:
    """A task of this metric with digits/mlp's ladder and a chance value; its references are those given."""
    references = scoring.pop("references", ())
    task = rows_of.make_task(**({"chance": CHANCE[metric]} | scoring))
    said = {"id": f"mine/{metric.lower()}", "title": f"A task of {metric}", "extends": None}
    return task.model_copy(update=said | {"data": DATA[metric], "references": tuple(references)})


def make_reference(**said: Any) -> Reference:
    """A reference of a paper's to imp's test score at the second rung, unless said."""
    at = {"cite": "yu2020playing", "where": "Figure 1", "method": "imp", "density": 0.36, "column": "test_final"}
    return Reference.model_validate(at | said)


def with_items(row: Row, metric: str, level: float, rng: np.random.Generator, difficulty: np.ndarray) -> Row:
    """The row with a score near a level, as its test items make it or as they merely stand beside it."""
    spread = {"perplexity": 0.05, "BLEU": 8.0, "return": 20.0}[metric]
    each = level + spread * (difficulty + 0.5 * rng.normal(size=len(difficulty)))
    final = float(np.exp(each.mean())) if metric == "perplexity" else level
    scores = np.clip(each, 0, 100) if metric == "BLEU" else each
    best = final * 0.998 if metric == "perplexity" else final + 0.1
    values = {"test_final": final, "test_best": best, "validation_final": final, "validation_best": best}
    return row | values | {"test_scores": scores.tolist(), "test_examples": len(difficulty)}


def make_rows(
    rows_of: Any,
    task: Task,
    metric: str,
    levels: Mapping[str, Sequence[float]] | None = None,
    seeds: int = 6,
    items: int = 60,
    **changes: Any,
) -> list[Row]:
    """Rows of methods by their true level at each rung (dense: one), with seeds and test items that all share."""
    rng = np.random.default_rng(0)
    difficulty, luck = rng.normal(size=items), NOISE[metric] * rng.normal(size=seeds)
    rows = []
    for method, by_rung in (levels or LEVELS[metric]).items():
        for place, level in enumerate(by_rung):
            for seed in range(seeds):
                step = int(rng.integers(8, 21)) * 40 if method == "dense" else int(rng.integers(6, 16)) * 40
                said = {"metric": metric, "higher_is_better": HIGHER[metric], "best_step": step} | changes
                row = rows_of.make_row(task, method, 0 if method == "dense" else place + 1, seed, **said)
                score = level + luck[seed] + 0.3 * NOISE[metric] * rng.normal()
                rows.append(with_items(row, metric, score, rng, difficulty))
    return rows


def troubled(rows_of: Any, task: Task, metric: str) -> list[Row]:
    """Rows of a method that collapses at its third rung in every seed, and whose last loses a seed."""
    rows = make_rows(rows_of, task, metric, {"snip": LEVELS[metric]["one-shot"]})
    collapsed = {"status": "collapsed", "reason": ONE_ANSWER[metric]}
    rows = [row | collapsed if row["rung"] == 3 else row for row in rows]
    gone = dict.fromkeys(("test_best", "validation_final", "validation_best", "test_scores"))
    for row in rows:
        if (row["rung"], row["seed"]) == (6, 2):
            rows_of.without_score(row, "diverged", REASON).update(gone)
    return rows


@pytest.fixture(scope="session")
def measured(rows_of: Any) -> Any:
    """`measured.task(metric)`, `measured.rows(task, metric)` and the numbers that these are made of."""
    return SimpleNamespace(
        metrics=tuple(DATA),
        levels=LEVELS,
        chance=CHANCE,
        noise=NOISE,
        one_answer=ONE_ANSWER,
        reference=make_reference,
        task=lambda metric, **said: make_task(rows_of, metric, **said),
        rows=lambda task, metric, *said, **more: make_rows(rows_of, task, metric, *said, **more),
        troubled=lambda task, metric: troubled(rows_of, task, metric),
        board=lambda rows, task: boards(rows, {task.id: task})[0],
    )


@pytest.fixture(scope="session")
def sites(rows_of: Any, measured: Any, tmp_path_factory: pytest.TempPathFactory) -> Any:
    """A site for each metric, with controls, trouble and references: the folder by metric."""
    found = {}
    for metric in measured.metrics:
        lower, stated = metric == "perplexity", {"perplexity": 92.5, "BLEU": 31.1, "return": -86.0}[metric]
        claim: dict[str, Any] = {"claim": "tickets beat random ones", "sign": "lower" if lower else "higher"}
        references = [
            make_reference(value=stated, plus_minus=0.4),
            make_reference(**claim, against={"method": "random-layer", "density": 0.36}),
            make_reference(**claim, bound=stated * (1.2 if metric != "BLEU" else 0.9)),
        ]
        task = measured.task(metric, references=references)
        rows = measured.rows(task, metric) + measured.troubled(task, metric)
        control = {"kind": "control", "label": "shuffled"}
        rows += measured.rows(task, metric, {"imp": measured.levels[metric]["random-layer"]}, **control)
        folder = tmp_path_factory.mktemp(metric.lower())
        rows_of.write_results(folder / "results", rows)
        out = build_site([folder / "results"], folder / "site", {task.id: task}, {}).parent
        found[metric] = SimpleNamespace(task=task, rows=rows, results=folder / "results", out=out)
    return found
