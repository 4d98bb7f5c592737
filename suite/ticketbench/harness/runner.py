"""Shards over local processes. Generators never leave theirs; processes share nothing but the store.

The parent alone writes results, so a killed process loses no row that was reported.
"""

import multiprocessing
import signal
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from multiprocessing import resource_tracker
from multiprocessing.connection import Connection, wait
from multiprocessing.context import SpawnProcess
from pathlib import Path
from typing import Any

from ticketbench.errors import TicketbenchError
from ticketbench.harness.plan import Plan, Shard
from ticketbench.harness.shard import Event, Finished, Place, Worker
from ticketbench.results import add_rows, result_file


@dataclass(frozen=True)
class Failure:
    """What stopped a worker: a message for the person, or a traceback that is ours to mend."""

    message: str
    expected: bool


def run_plan(plan: Plan, results: Path, place: Place, processes: int, report: Callable[[Shard, Event], None]) -> None:
    """Run all shards of a plan, writing rows as searches end and reporting each.

    Raises `TicketbenchError` for what a person can mend, and where a worker process died.
    """

    def take(shard: Shard, event: Event) -> None:
        if isinstance(event, Finished):
            path = result_file(results, shard.task.id, shard.method.name)
            add_rows(path, event.rows, replacing=event.replaced)
        report(shard, event)

    if processes == 1 or len(plan.shards) == 1:
        worker = Worker(place)
        for shard in plan.shards:
            worker.run(shard, lambda event, shard=shard: take(shard, event))  # type: ignore[misc]
    elif plan.shards:
        _run_side_by_side(plan, place, min(processes, len(plan.shards)), take)


class _Process:
    """A worker process and the shard it is at."""

    def __init__(self, place: Place):
        context = multiprocessing.get_context("spawn")
        self.connection, theirs = context.Pipe()
        self.process: SpawnProcess = context.Process(target=_work, args=(theirs, place), daemon=True)
        with _deaf_to_control_c():
            self.process.start()
        theirs.close()
        self.shard: Shard | None = None

    def begin(self, shard: Shard) -> None:
        self.shard = shard
        with suppress(BrokenPipeError):  # it has died: listening to it tells how
            self.connection.send(shard)


@contextmanager
def _deaf_to_control_c() -> Iterator[None]:
    """Ctrl-C reaches every process of a terminal, but the parent ends its workers: they are born deaf to it.

    The parent hears it when they are born, not while it still has to tell them what they are.
    """
    resource_tracker.ensure_running()  # the first start would run it, and that unblocks the signal
    pressed: list[int] = []
    heard = signal.signal(signal.SIGINT, lambda number, _: pressed.append(number))
    blocked = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})  # this is what workers inherit
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, blocked)
        signal.signal(signal.SIGINT, heard)
    if pressed:
        raise KeyboardInterrupt


def _run_side_by_side(plan: Plan, place: Place, count: int, take: Callable[[Shard, Event], None]) -> None:
    waiting, running = list(plan.shards), list[_Process]()
    try:
        for _ in range(count):
            running.append(_Process(place))
        while waiting or any(each.shard for each in running):
            for each in running:
                ready = next((s for s in waiting if _ready(s, waiting, running)), None)
                if each.shard is None and ready is not None:
                    waiting.remove(ready)
                    each.begin(ready)
            busy: dict[Any, _Process] = {each.connection: each for each in running if each.shard}
            for connection in wait(list(busy)):
                _hear(busy[connection], take)
    finally:
        for each in running:
            each.process.kill()
            each.process.join()


def _ready(shard: Shard, waiting: list[Shard], running: list[_Process]) -> bool:
    """A method waits for its dense network, so that no two processes train it."""
    if shard.dense:
        return True
    unfinished = [*waiting, *(each.shard for each in running if each.shard)]
    return not any(s.dense and s.task.id == shard.task.id and s.seed == shard.seed for s in unfinished)


def _hear(worker: _Process, take: Callable[[Shard, Event], None]) -> None:
    assert worker.shard is not None
    try:
        message = worker.connection.recv()
    except (EOFError, OSError):
        worker.process.join()
        code = worker.process.exitcode or 0
        how = f"was killed by signal {-code} ({signal.Signals(-code).name})" if code < 0 else f"ended with {code}"
        raise TicketbenchError(
            f"A worker process {how} while it ran {worker.shard.task.id} {worker.shard.method.called}, seed "
            f"{worker.shard.seed}. Nothing stored is lost: the same command goes on where it stopped "
            "(out of memory? then with fewer --jobs)."
        ) from None
    match message:
        case Failure():
            raise TicketbenchError(message.message) if message.expected else RuntimeError(message.message)
        case None:
            worker.shard = None
        case _:
            take(worker.shard, message)


def _work(connection: Connection, place: Place) -> None:
    """The life of a worker process: shards in, events out, None after each shard."""
    try:
        worker = Worker(place)
        while True:
            worker.run(connection.recv(), connection.send)
            connection.send(None)
    except (EOFError, BrokenPipeError):  # the parent is gone
        return
    except TicketbenchError as error:
        connection.send(Failure(str(error), expected=True))
    except Exception:
        connection.send(Failure(traceback.format_exc(), expected=False))
