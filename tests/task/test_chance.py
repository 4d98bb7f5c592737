"""The chance value that a task of images or of text declares is what `ticketbench show TASK --chance` computes."""

import os
from pathlib import Path

import pytest

from ticketbench.data import splits
from ticketbench.data.sources import SOURCES
from ticketbench.data.text import TEXTS
from ticketbench.harness.workloads.chance import chance_of
from ticketbench.task import Task, load_task, shipped_tasks

_TASKS = {name: load_task(path) for name, path in shipped_tasks().items()}


def _cells(kind: str) -> list[tuple[str, str]]:
    """The tasks of this kind that declare a chance value, in each of their settings."""
    cells = [(name, each) for name, task in _TASKS.items() if task.data.kind == kind for each in task.setting_names]
    return [(name, each) for name, each in cells if _TASKS[name].in_setting(each).scoring.chance is not None]


def _at_hand(task_id: str, setting: str) -> Task:
    """The task in this setting; skips the test where its data would have to be fetched."""
    task = _TASKS[task_id].in_setting(setting)
    source = SOURCES.get(task.data.title) or TEXTS.get(task.data.title)
    root = Path(os.environ.get("TICKETBENCH_DATA", "")).expanduser()
    if hasattr(source, "id") and not (root / source.id).is_dir():
        pytest.skip(f"data set {source.id} is not in TICKETBENCH_DATA")
    return task


def test_every_task_of_images_declares_it() -> None:
    images = [name for name, task in _TASKS.items() if task.data.kind == "images"]
    assert sorted({name for name, _ in _cells("images")}) == sorted(images)


@pytest.mark.parametrize(("task_id", "setting"), _cells("images"))
def test_chance_is_the_majority_class_of_the_test_set(task_id: str, setting: str) -> None:
    task = _at_hand(task_id, setting)
    targets = splits(task.data).test.targets
    assert chance_of(task, games=1).value == pytest.approx(task.scoring.chance, abs=1e-12)
    assert task.scoring.chance == pytest.approx(int(targets.bincount().max()) / len(targets), abs=1e-12)


@pytest.mark.parametrize(("task_id", "setting"), _cells("text"))
def test_chance_is_the_perplexity_under_the_frequencies_of_the_training_text(task_id: str, setting: str) -> None:
    task = _at_hand(task_id, setting)
    assert chance_of(task, games=1).value == pytest.approx(task.scoring.chance, rel=1e-12)
