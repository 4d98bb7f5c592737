"""The tier of a task, held against what its published dense networks took."""

from math import inf

import pyarrow.parquet as pq

from ticketbench.task import load_task, shipped_tasks

SECONDS = {"smoke": (0, 60), "ci": (0, 120), "lab": (60, inf)}  # of one dense training: `tier` in docs/tasks.md


def test_a_dense_training_takes_as_long_as_its_tier_says(results):
    outside = []
    for path in sorted(results.rglob("dense.parquet")):
        task = load_task(shipped_tasks()[path.parent.relative_to(results).as_posix()])
        least, most = SECONDS[task.tier]
        rows = pq.read_table(path, columns=["device", "device_seconds"]).to_pylist()
        took = [row["device_seconds"] for row in rows if row["device"].startswith("cpu")]
        outside += [(task.id, task.tier, seconds) for seconds in took if not least < seconds < most]
    assert outside == []
