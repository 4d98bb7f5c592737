"""All that is done before any training: which rows there are, what is wrong with them, which can be made again."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from ticketbench.methods import Method
from ticketbench.report.submission.grid import some
from ticketbench.report.verify.here import Here, look_around, reasons
from ticketbench.report.verify.reading import Published, misfits, read_published
from ticketbench.results import Row
from ticketbench.task import Task


@dataclass(frozen=True)
class Prepared:
    """Rows that are ready to be computed again, and what stands in the way of others.

    Attributes:
        damaged: one line for everything that is wrong with the rows themselves.
        barred: one line for everything that cannot be computed again here as it was published, and `lost` counts
            its rows.
    """

    published: Published
    here: Here
    ready: tuple[Row, ...]
    damaged: tuple[str, ...]
    barred: tuple[str, ...]
    lost: int

    def of_tiers(self, tiers: Sequence[str]) -> "Prepared":
        """The same, of which only rows of tasks of these tiers are ready."""
        return replace(self, ready=tuple(row for row in self.ready if self.here.tasks[row["task"]].tier in tiers))


def prepare(path: Path, tasks: Mapping[str, Task], methods: Mapping[str, Method], device: str) -> Prepared:
    """Read a result file, or all below a folder, and hold its rows against themselves and against what is here.

    Raises `TicketbenchError` where there is nothing to read.
    """
    published = read_published(path, methods)
    wanted = {row["task"] for row in published.rows.values()}
    here = look_around(tasks, methods, wanted, device)
    damaged, barred = list(published.problems), []
    ready: dict[str, Row] = {}
    lost: set[str] = set()
    for name, rows in published.files.items():
        found: dict[str, list[Row]] = {}
        fit: dict[tuple[str, str], list[Row]] = {}
        for row in rows:
            why = list(reasons(row, here))
            for each in why:
                found.setdefault(each, []).append(row)
            if why:
                lost.add(row["row_id"])
            else:
                ready[row["row_id"]] = row
                fit.setdefault((row["task"], row["method"]), []).append(row)
        barred += [f"{name}: {some(which)}: {each}" for each, which in found.items()]
        for (task, _), mine in fit.items():
            method = here.method(mine[0])
            exact = method is not None and method.density == "exact"
            damaged += [f"{name}: {line}" for line in misfits(mine, here.tasks[task], exact)]
    return Prepared(published, here, tuple(ready.values()), tuple(damaged), tuple(barred), len(lost))
