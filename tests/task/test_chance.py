"""The chance value that a task of images declares is the score of the best constant answer on its test set."""

import os
from pathlib import Path

import pytest

from ticketbench.data import splits
from ticketbench.data.sources import SOURCES, HubSource
from ticketbench.harness.workloads.chance import chance_of
from ticketbench.task import load_task, shipped_tasks

_TASKS = {name: load_task(path) for name, path in shipped_tasks().items()}
_CELLS = [
    (name, setting) for name, task in _TASKS.items() if task.data.kind == "images" for setting in task.setting_names
]


@pytest.mark.parametrize(("task_id", "setting"), _CELLS)
def test_chance_is_the_majority_class_of_the_test_set(task_id: str, setting: str) -> None:
    task = _TASKS[task_id].in_setting(setting)
    source = SOURCES[task.data.name or ""]
    if isinstance(source, HubSource) and not (Path(os.environ.get("TICKETBENCH_DATA", "")) / source.id).is_dir():
        pytest.skip(f"data set {source.id} is not in TICKETBENCH_DATA")
    targets = splits(task.data).test.targets
    assert chance_of(task, games=1).value == pytest.approx(task.scoring.chance, abs=1e-12)
    assert task.scoring.chance == pytest.approx(int(targets.bincount().max()) / len(targets), abs=1e-12)
