"""Trainings asked for against trainings run: what the store saves a whole task with all methods.

Every method asks for the trainings it needs, as if it were alone, each from its own start. The store answers what
another method, or the same one, has asked for before. What a method's searches added to the store stands behind it.
"""

import argparse
import tempfile
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from unittest import mock

from measuring import machine, now, table

from ticketbench.harness.plan import Shard, make_plan
from ticketbench.harness.runner import run_plan
from ticketbench.harness.shard import Asked, Event, Finished, Place
from ticketbench.harness.store import DEFAULT_LIMIT
from ticketbench.harness.training import Member, Workload, advance
from ticketbench.harness.trainings import Training, Trainings
from ticketbench.harness.workloads import domain
from ticketbench.methods import Checkpoint, find_methods
from ticketbench.methods.state import State
from ticketbench.task import find_tasks

COUNTED = ("rows", "trainings asked for", "trainings run", "steps asked for", "steps run")
WRITTEN = "KiB written"


@contextmanager
def counting_steps() -> Iterator[Counter[str]]:
    """Counts the steps that are asked for and those that the engine runs; whoever reads it takes them out."""
    counted: Counter[str] = Counter()
    ask = Trainings.checkpoint

    def asked(self: Trainings, training: Training, **how: Any) -> Checkpoint:
        counted["steps asked for"] += training.until - training.start.step
        return ask(self, training, **how)

    def ran(members: Sequence[Member], until: int, workload: Workload) -> list[State]:
        counted["steps run"] += sum(until - member.start.step for member in members)
        return advance(members, until, workload)

    with mock.patch.object(Trainings, "checkpoint", asked), mock.patch.object(domain, "advance", ran):
        yield counted


def measure(selector: str, pattern: str, seeds: int) -> str:
    """Run all methods on fresh folders in one process, and count."""
    tasks, methods = find_tasks(selector), find_methods([pattern])
    counts: dict[str, Counter[str]] = {}

    with tempfile.TemporaryDirectory() as folder, counting_steps() as steps:

        def take(shard: Shard, event: Event) -> None:
            mine = counts.setdefault(shard.method.name, Counter())
            match event:
                case Asked(had_to_run):
                    mine.update({"trainings asked for": 1, "trainings run": int(had_to_run)})
                case Finished(made):
                    mine["rows"] += len(made)
                    written = sum(_sizes(store))
                    mine[WRITTEN] += written - sum(each[WRITTEN] for each in counts.values())
            mine.update(steps)
            steps.clear()

        results, store = Path(folder) / "results", Path(folder) / "store"
        began = now()
        run_plan(make_plan(tasks, methods, seeds, results), results, Place(store, DEFAULT_LIMIT, "cpu"), 1, take)
        took = now() - began
        kept, cached, made = (_sizes(place) for place in (store / "kept", store / "cache", results))

    counts["all"] = sum(counts.values(), Counter())
    saved = [counts["all"][f"{what} asked for"] / counts["all"][f"{what} run"] for what in ("trainings", "steps")]
    return "\n".join(
        [
            machine(),
            f"{', '.join(task.id for task in tasks)}: {len(methods)} methods, seeds: {seeds}, one process",
            "",
            table(
                ("", *COUNTED, WRITTEN),
                [
                    (name, *(f"{each[column]:,}" for column in COUNTED), f"{each[WRITTEN] / 2**10:,.0f}")
                    for name, each in counts.items()
                ],
            ),
            "",
            f"asked for / run: {saved[0]:.2f} trainings, {saved[1]:.2f} steps",
            f"written to the store: {_mib(*kept, *cached)} in {len(kept) + len(cached)} checkpoints, of which "
            f"{_mib(*cached)} may be evicted; results: {_mib(*made)} in {len(made)} files",
            f"took {took.wall:.1f} s by the clock, {took.cpu:.1f} s of processor",
        ]
    )


def _sizes(folder: Path) -> list[int]:
    found = [path for path in folder.rglob("*") if path.is_file() and not path.name.startswith(".")]
    return [path.stat().st_size for path in found]


def _mib(*sizes: int) -> str:
    return f"{sum(sizes) / 2**20:.1f} MiB"


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--task", default="digits/mlp", help="an id or a TOML file (default: %(default)s)")
    parser.add_argument("--method", default="*", help="a name or a pattern (default: all)")
    parser.add_argument("--seeds", type=int, default=1, help="default: %(default)s")
    given = parser.parse_args()
    print(measure(given.task, given.method, given.seeds))
