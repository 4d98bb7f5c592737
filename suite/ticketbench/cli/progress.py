"""What a person sees while rows are made: a live bar on a terminal, plain lines elsewhere."""

import sys
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

import click
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from ticketbench.harness.plan import Plan, Shard
from ticketbench.harness.shard import Asked, Event, Finished, Scored
from ticketbench.results import Row

_ROOM = 100  # columns of a terminal below which numbers need the place of the bar
_HEARTBEAT = 30.0  # seconds without a line before a long search gets one


@dataclass
class Account:
    """What has been done: rows made, trainings run and found in the store, statuses, reasons of failure."""

    plan: Plan
    began: float = field(default_factory=time.monotonic)
    scored: int = 0
    rows: int = 0
    ran: int = 0
    stored: int = 0
    statuses: Counter[str] = field(default_factory=Counter)
    failures: list[Row] = field(default_factory=list)

    def take(self, event: Event) -> None:
        """Count an event."""
        match event:
            case Asked(ran):
                self.ran += ran
                self.stored += not ran
            case Scored():
                self.scored += 1
            case Finished(rows):
                self.rows += len(rows)
                self.scored = max(self.scored, self.rows)
                self.statuses.update(row["status"] for row in rows)
                self.failures += [row for row in rows if row["status"] == "failed"]

    @property
    def left(self) -> int:
        """Rows still to come."""
        return max(self.plan.rows - self.scored, 0)

    def told(self) -> str:
        """Trainings run and found, and the time left by the rate so far."""
        said = f"{self.ran} trained, {self.stored} from store"
        if self.scored >= 3 and self.left:
            seconds = (time.monotonic() - self.began) / self.scored * self.left
            said += f", about {_span(seconds)} left"
        return said


class Lines:
    """One line a finished search; a long search gets one every half minute."""

    def __init__(self, account: Account):
        self.account, self._said = account, time.monotonic()

    def __call__(self, shard: Shard, event: Event) -> None:
        self.account.take(event)
        where = f"{shard.task.id} {shard.method.called}, seed {shard.seed}"
        if isinstance(event, Finished):
            rungs = {row["rung"] for row in event.rows}
            at = f", rung {min(rungs)}" if len(rungs) == 1 and not shard.dense else ""
            self._say(f"{where}{at}: {_statuses(event.rows)}")
        elif time.monotonic() - self._said > _HEARTBEAT:
            self._say(f"{where}: under way")

    def _say(self, what: str) -> None:
        self._said = time.monotonic()
        click.echo(f"[{self.account.scored}/{self.account.plan.rows}] {what} ({self.account.told()})")
        sys.stdout.flush()


class Bar:
    """A live bar with what is done and left."""

    def __init__(self, account: Account, progress: Progress):
        self.account, self._progress = account, progress
        self._task = progress.add_task("", total=account.plan.rows, told="")

    def __call__(self, shard: Shard, event: Event) -> None:
        self.account.take(event)
        self._progress.update(
            self._task,
            completed=self.account.scored,
            description=f"{shard.task.id} {shard.method.called}, seed {shard.seed}",
            told=self.account.told(),
        )


@contextmanager
def watching(account: Account) -> Iterator[Lines | Bar]:
    """The display that fits where output goes."""
    console = Console()
    if not console.is_terminal:
        yield Lines(account)
        return
    columns = (
        TextColumn("{task.description}"),
        *([BarColumn()] if console.width >= _ROOM else []),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        TextColumn("{task.fields[told]}"),
    )
    with Progress(*columns, console=console) as progress:
        yield Bar(account, progress)


def _statuses(rows: list[Row]) -> str:
    counted = Counter(row["status"] for row in rows)
    return ", ".join(f"{number} {status}" for status, number in counted.items())


def _span(seconds: float) -> str:
    if seconds < 90:
        return f"{max(round(seconds), 1)} s"
    return f"{round(seconds / 60)} min" if seconds < 5400 else f"{seconds / 3600:.1f} h"
