"""Rows computed again, from nothing: by the harness, with a store that holds no one's checkpoints."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from math import floor, log2
from pathlib import Path
from tempfile import TemporaryDirectory

from ticketbench.errors import TicketbenchError
from ticketbench.harness.controls import chosen
from ticketbench.harness.plan import Plan, Shard
from ticketbench.harness.runner import run_plan
from ticketbench.harness.search import Job
from ticketbench.harness.shard import Event, Finished, Place
from ticketbench.harness.store import DEFAULT_LIMIT
from ticketbench.report.verify.here import Here, job_of
from ticketbench.results import Row, as_stored, control_of

_LEAST, _MOST = 1e-9, 1e15  # seconds: what rows claim is held to these

# What came of a job: its rows, or None while it is still at work.
Told = Callable[[Job, list[Row] | None], None]


def jobs_for(rows: Iterable[Row], here: Here, seconds: Mapping[str, float]) -> list[Job]:
    """The searches that these rows come of, each run until it has them: the cheapest first, up to a factor of two.

    Rows are such as can be computed again here. A search of many rows costs what its costliest does. Among searches
    of about one cost those of a task follow one another, so that its data are not loaded for every one of them.
    """
    groups: dict[tuple[object, ...], list[Row]] = {}
    for row in rows:
        job = job_of(row, here)
        key = (row["task"], row["method"], row["method_params"], row["found_on"], row["seed"], job.rung)
        groups.setdefault(key, []).append(row)
    found = [(_cost(mine, seconds), _job(mine, here)) for mine in groups.values()]
    return [job for cost, job in sorted(found, key=lambda each: (floor(log2(each[0])), each[1].task.id, each[0]))]


def _cost(rows: Sequence[Row], seconds: Mapping[str, float]) -> float:
    return min(_MOST, max(_LEAST, *(seconds[row["row_id"]] for row in rows)))


def _job(rows: Sequence[Row], here: Here) -> Job:
    controls = chosen([control_of(row)[0] for row in rows if row["kind"] == "control"])
    enough = frozenset(row["row_id"] for row in rows)
    return replace(job_of(rows[0], here), controls=controls, enough=enough)


def check_store(store: Path | None) -> None:
    """Raises `TicketbenchError` for a store that holds anything: a forged checkpoint would verify itself."""
    if store is not None and store.exists() and (not store.is_dir() or any(store.iterdir())):
        raise TicketbenchError(
            f"--store {store}: expected a new or empty folder: what a store holds is not computed again."
        )


def compute(jobs: Sequence[Job], store: Path | None, device: str, processes: int, told: Told) -> None:
    """Run these searches, telling of each as it ends. Rows are told as a result file would hold them.

    Args:
        store: where checkpoints go, for which `check_store` holds; a temporary folder where None.

    Raises `TicketbenchError` as the harness does.
    """

    def report(shard: Shard, event: Event) -> None:
        (job,) = shard.jobs
        told(job, as_stored(event.rows) if isinstance(event, Finished) else None)

    plan = Plan(tuple(Shard(job.task, job.method, job.seed, (job,)) for job in jobs), there=0)
    with TemporaryDirectory(prefix="ticketbench-verify-") as folder:
        place = Place(store or Path(folder) / "store", DEFAULT_LIMIT, device)
        run_plan(plan, Path(folder) / "results", place, processes, report)
