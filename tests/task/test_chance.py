"""The chance value that a task declares is the score of the best constant answer on its test set."""

import os
from pathlib import Path

import pytest

from ticketbench.data import splits
from ticketbench.task import load_task, shipped_tasks

_HUB = {"mnist": "ylecun/mnist"}


@pytest.mark.parametrize("task_id", sorted(shipped_tasks()))
def test_chance_is_the_majority_class_of_the_test_set(task_id: str) -> None:
    task = load_task(shipped_tasks()[task_id])
    hub = _HUB.get(task.data.name)
    if hub and not (Path(os.environ.get("TICKETBENCH_DATA", "")) / hub).is_dir():
        pytest.skip(f"data set {hub} is not in TICKETBENCH_DATA")
    targets = splits(task.data).test.targets
    assert task.scoring.chance == pytest.approx(int(targets.bincount().max()) / len(targets), abs=1e-12)
