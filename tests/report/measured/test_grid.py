"""Where only data tell a network's size, rows are held to the ladder of the network that they name."""

import pytest

from ticketbench.ladder import rungs
from ticketbench.report.submission.grid import ladder_on, task_problems

SIZES = {"embedding.weight": 600, "decoder.weight": 400}


def counted(measured, metric):
    """A task whose network no other file knows, and rows of two seeds with exactly its ladder's counts."""
    task = measured.task(metric)
    ladder = rungs(task.ladder, SIZES)
    rows = measured.rows(task, metric, {"imp": measured.levels[metric]["imp"]}, 2)
    for row in rows:
        rung = ladder[row["rung"]]
        layers = [{"layer": n, "kept": rung.kept_per_layer[n], "prunable": size} for n, size in SIZES.items()]
        row.update(
            kept=rung.kept,
            prunable=rung.prunable,
            density=rung.density,
            density_asked=rung.density,
            kept_per_layer=layers,
            start_step=0,
            training_steps=task.training.steps,
        )
    return task, rows


@pytest.mark.parametrize("metric", ["perplexity", "BLEU", "return"])
def test_counts_that_are_the_ladders_hold(measured, metric):
    task, rows = counted(measured, metric)
    assert ladder_on(task) is None
    assert list(task_problems(rows, task, exact=True)) == []


def test_a_weight_too_many_is_told(measured):
    task, rows = counted(measured, "return")
    rows[0].update(kept=rows[0]["kept"] + 1)
    (said,) = task_problems(rows, task, exact=True)
    assert f"expected {rows[0]['kept'] - 1} weights at rung 1, got {rows[0]['kept']}" in said
    assert list(task_problems(rows, task, exact=False)) == []


def test_a_density_that_was_not_asked_for_is_told(measured):
    task, rows = counted(measured, "BLEU")
    rows[0].update(density_asked=rows[0]["density_asked"] / 2)
    (said,) = task_problems(rows, task, exact=True)
    assert "expected density_asked to be its rung's" in said


def test_rows_of_another_network_than_most_are_told(measured):
    task, rows = counted(measured, "perplexity")
    rows[-1]["kept_per_layer"][0].update(prunable=601)
    (said,) = task_problems(rows, task, exact=True)
    assert "expected kept_per_layer to name the layers of one network" in said


@pytest.mark.parametrize("layers", [[], [{"layer": "decoder.weight", "kept": 1, "prunable": 1}]])
def test_layers_that_no_ladder_fits_are_told(measured, layers):
    task, rows = counted(measured, "perplexity")
    for row in rows:
        row.update(kept_per_layer=layers)
    (said,) = task_problems(rows, task, exact=True)
    assert said.startswith("expected kept_per_layer to name layers of the task's network: ladder")
