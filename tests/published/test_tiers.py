"""The tier of a task, held against what its published trainings took."""

from math import inf

import pyarrow.parquet as pq

from ticketbench.task import load_task, shipped_tasks

COLUMNS = ["kind", "training_steps", "device", "device_seconds"]
SECONDS = {"smoke": (0, 60), "ci": (0, 180), "lab": (60, inf)}  # of one dense training: `tier` in docs/tasks.md


def test_a_training_as_long_as_the_dense_one_takes_what_its_tier_says(results):
    outside = []
    for folder in sorted({path.parent for path in results.rglob("dense.parquet")}):
        task = load_task(shipped_tasks()[folder.relative_to(results).as_posix()])
        least, most = SECONDS[task.tier]
        rows = [
            row
            for path in sorted(folder.glob("*.parquet"))
            for row in pq.read_table(path, columns=COLUMNS).to_pylist()
        ]
        whole = {row["training_steps"] for row in rows if row["kind"] == "dense"}
        took = [
            row["device_seconds"]
            for row in rows
            if row["kind"] in ("dense", "ticket")
            and row["training_steps"] in whole
            and row["device"].startswith("cpu")
        ]
        assert took
        outside += [(task.id, task.tier, seconds) for seconds in took if not least < seconds < most]
    assert outside == []
