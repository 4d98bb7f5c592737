"""Rows computed again and judged: what `verify` does between reading files and telling of them."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from ticketbench.errors import TicketbenchError
from ticketbench.harness.search import Job
from ticketbench.report.verify.again import compute
from ticketbench.report.verify.holding import Held, hold
from ticketbench.report.verify.preparing import Prepared
from ticketbench.report.verify.verdict import Verified, judge
from ticketbench.results import Row

# What became of the rows of a search, or None while it is still at work.
Told = Callable[[Job, Sequence[Held] | None], None]


@dataclass(frozen=True)
class Recomputed:
    """What became of all rows until the end, or until something `stopped` it: a mistake, or Ctrl-C."""

    verified: Verified
    stopped: KeyboardInterrupt | TicketbenchError | None


def recompute(
    prepared: Prepared,
    searches: Sequence[Job],
    alone: bool,
    store: Path | None,
    device: str,
    processes: int,
    told: Told,
) -> Recomputed:
    """Run these searches, hold their rows against the published ones, and judge them together.

    Args:
        searches: of rows that are ready.
        alone: hold only the rows that the searches were made for, not those that they come past.
        store, device, processes: as `compute` takes them.
        told: is called as each search ends, and while it is at work.
    """
    published = {row["row_id"]: row for row in prepared.ready}
    held: list[Held] = []
    stopped: KeyboardInterrupt | TicketbenchError | None = None

    def ended(job: Job, rows: list[Row] | None) -> None:
        mine = None if rows is None else _of_search(prepared, published, job, rows, alone)
        held.extend(mine or ())
        told(job, mine)

    try:
        compute(searches, store, device, processes, ended)
    except (KeyboardInterrupt, TicketbenchError) as error:
        stopped = error
    return Recomputed(judge(held, prepared.published.rows.values(), prepared.here.tasks), stopped)


def _of_search(
    prepared: Prepared, published: Mapping[str, Row], job: Job, rows: Sequence[Row], alone: bool
) -> list[Held]:
    made = {row["row_id"]: row for row in rows}
    beside = [] if alone else [each for each in made if each in published and each not in job.enough]
    shapes, exact = prepared.here.shapes[job.task.id], job.method.density == "exact"
    found = []
    for row_id in (*job.enough, *beside):
        row = published[row_id]
        found.append(hold(row, made.get(row_id), exact, shapes[row["trained_on"]]))
    return sorted(found, key=lambda each: int(each.published["rung"]))
