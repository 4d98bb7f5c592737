"""Driving a method: its generator is resumed with what came of each request, and every ticket becomes a row.

The harness trusts no method: what it asks for is checked, what it raises is a row's status, and one method's
failure stops no other.
"""

import random
import re
import time
import traceback
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch

from ticketbench.errors import TicketbenchError
from ticketbench.harness.bench import Bench, reset_modes, shown, undisturbed, weights_made_by
from ticketbench.harness.controls import Submitted, control_rows
from ticketbench.harness.requests import check_probe, check_ticket, check_train
from ticketbench.harness.rows import (
    Identity,
    blank_row,
    cost_columns,
    deployment_columns,
    latency_column,
    parameters_text,
    quality_columns,
    sparsity_columns,
    trained_row,
)
from ticketbench.harness.training.determinism import configure, seed_of
from ticketbench.harness.trainings import Course, Training, Trainings
from ticketbench.ladder import Rung
from ticketbench.masks import count_per_layer
from ticketbench.methods import Checkpoint, Diverged, Method, NotApplicable, Probe, Refused, Request, Ticket, Train
from ticketbench.methods.state import State
from ticketbench.networks import meets
from ticketbench.results import DENSE, Row
from ticketbench.task import Task

ASKED_FOR_NOTHING_MORE = "the method asked for nothing more"  # a reason, by which `check` knows what to advise
_LONGEST = 400  # characters of what an error says
_ENDED = re.compile(r"ended at rung (\d+): ")


def _no_tickets(search: Any) -> Any:
    yield from ()


DENSE_METHOD = Method(name=DENSE, title="The unpruned network", function=_no_tickets)


@dataclass(frozen=True)
class Job:
    """One search: a method on a setting with a seed, and for methods that take one, a rung (its index).

    Method `DENSE_METHOD` is the dense network itself. `controls` are trained beside every ticket. `replaces` are the
    rows of an earlier search that this one's take the place of. `enough`, where it is not empty, are rows (their ids)
    after which nothing more is wanted: the search ends once it has them all, and says nothing of rungs beyond.
    """

    task: Task
    method: Method
    found_on: str
    seed: int
    rung: int | None = None
    controls: tuple[str, ...] = ()
    replaces: frozenset[str] = frozenset()
    enough: frozenset[str] = frozenset()

    @property
    def identity(self) -> Identity:
        """What all its rows have in common."""
        parameters = parameters_text(self.method)
        return Identity(self.task, self.method.name, parameters, self.method.digest, self.found_on, self.seed)


def run_search(job: Job, trainings: Trainings, scored: Callable[[], None] = lambda: None) -> list[Row]:
    """Drive one search to its end. The rows of its tickets, and one for every rung that got none.

    `scored` is called as every ticket gets its row.
    """
    if job.method.name == DENSE:
        return [_dense(job, trainings)]
    try:
        return _Drive(job, trainings, scored).rows()
    finally:
        reset_modes()


@undisturbed()
def _dense(job: Job, trainings: Trainings) -> Row:
    """The row of the dense network; its training is kept for every method of the seed."""
    setting = job.found_on
    bench = Bench(job.task, job.method, setting, job.seed, None, trainings)
    training = trainings.plan(bench.initial, bench.steps, Course(setting, job.seed))
    workload = trainings.workloads[setting]
    row = blank_row(job.identity, "dense", setting, 0, "", workload, "done", "")
    with suppress(Diverged):
        trainings.checkpoint(training, keep=True)
    state, start = trainings.state(training), bench.initial.state()
    trainings.scored(row["row_id"], workload, state)
    row |= sparsity_columns(bench.dense_rung, start.mask, start.weights)
    row |= {"start_step": 0, "optimizer_state": "fresh", "carried": False, "edited": False}
    row |= quality_columns(state, workload.one_answer)
    row |= cost_columns(bench.charges.before(frozenset()), state.step, trainings.measured(training))
    row |= deployment_columns(workload.flops, start.weights, count_per_layer(start.mask))
    return row | latency_column(workload, state, trainings)


class _Drive:
    """One method at work. Rows gather as its requests are met.

    What requests are judged by is held here and in the bench; the method holds neither, but what `shown` gives.
    """

    def __init__(self, job: Job, trainings: Trainings, scored: Callable[[], None]):
        configure()
        reset_modes()
        self.job, self.trainings, self._scored = job, trainings, scored
        self.workload = trainings.workloads[job.found_on]
        self.bench = Bench(job.task, job.method, job.found_on, job.seed, job.rung, trainings)
        self.rung = self.bench.ladder[job.rung - 1] if job.rung is not None else None
        self.wanted = (self.rung,) if self.rung is not None else self.bench.ladder
        self.charges = self.bench.charges
        self.made: list[Row] = []
        self.done: set[tuple[int, str]] = set()
        self.probes: set[str] = set()
        self.handed: list[Checkpoint] = []
        self.fell: dict[Exception, int] = {}
        self.trouble: Exception | None = None
        self.waited = 0.0  # seconds of the present resume that the method waited for a checkpoint

    def rows(self) -> list[Row]:
        unmet = [need for need in self.job.method.needs if not meets(self.workload.module(), need)]
        if unmet:
            return self._without_tickets("not applicable", f"the network has no {' and no '.join(unmet)}")
        ended = self._drive()
        return self.made + (self._without_tickets(*ended) if ended else [])

    def _drive(self) -> tuple[str, str] | None:
        """Resume the generator until it ends; why, as status and reason for the rungs it left out.

        None where it did not end by itself: what is wanted of it is there.
        """
        search = shown(self.bench)
        theirs = search.ladder[self.rung.index - 1] if self.rung else None
        generator = self.job.method.start(search, theirs)
        answer: Any = None
        thrown: Exception | None = None
        ended: tuple[str, str] | None = None
        resumed = 0
        while True:
            self._reseed(resumed)
            resumed += 1
            started, self.waited = time.perf_counter(), 0.0
            try:
                request = generator.throw(thrown) if thrown is not None else generator.send(answer)
            except StopIteration:
                ended = "failed", f"{self._ended()}: {self._unasked()}"
            except Diverged as error:
                ended = "diverged", f"{self._ended(self.fell.get(error))}: {_said(error)}"
            except NotApplicable as error:
                if any(error is each for each in self.bench.inapplicable):
                    ended = "not applicable", _said(error)
                else:  # a method's own word for what it would rather not be scored on
                    ended = "failed", f"{self._ended()}: {_told(error, self.job.method.source)}"
            except Refused as error:
                ended = "failed", f"{self._ended()}: refused: {_said(error)}"
            except KeyboardInterrupt:
                raise
            except BaseException as error:
                ended = "failed", f"{self._ended()}: {_told(error, self.job.method.source)}"
            self.charges.seconds += time.perf_counter() - started - self.waited
            if self.trouble is not None:
                raise self.trouble
            if ended is not None:
                return ended
            with undisturbed():
                answer, thrown = self._meet(request)
            if self.job.enough and self.job.enough <= {row["row_id"] for row in self.made}:
                with suppress(Exception):  # what a method does at its end is of no interest any more
                    generator.close()
                return None

    def _meet(self, request: Any) -> tuple[Any, Exception | None]:
        """What came of a request, or of every request in a list; of several errors, the first."""
        if not isinstance(request, (list, tuple)):
            return self._meet_one(request)
        outcomes = [self._meet_one(each) for each in request]
        errors = [error for _, error in outcomes if error is not None]
        return [answer for answer, _ in outcomes], errors[0] if errors else None

    def _meet_one(self, request: Request) -> tuple[Any, Exception | None]:
        held = getattr(request, "checkpoint", None)
        try:
            if isinstance(held, Checkpoint) and not self.bench.made(held):
                raise Refused("the checkpoint is of another search")
            match request:
                case Ticket():
                    return self._score(request), None
                case Train():
                    return self._train(request), None
                case Probe():
                    self._probe(request)
                    return None, None
            raise Refused(f"expected a Ticket, a Train, a Probe or a list of these, got {type(request).__name__}")
        except NotApplicable as error:
            self.bench.inapplicable.append(error)
            return None, error
        except (Refused, Diverged) as error:
            return None, error

    def _train(self, request: Train) -> Checkpoint:
        until, course = check_train(request, self.bench.steps, self.job.found_on, self.job.seed)
        training = self.trainings.plan(request.checkpoint, until, course)
        dense = training.start.key == self.bench.initial.key and course == Course(course.setting, course.seed)
        return self._handed(training, keep=dense)

    def _score(self, ticket: Ticket) -> Checkpoint:
        rung, start = check_ticket(ticket, self.job.method, self.bench.ladder, self.rung, self.bench.steps)
        if (rung.index, ticket.label) in self.done:
            raise Refused(f"two tickets of rung {rung.index} are labelled {ticket.label!r}; give each its own label")
        self.done.add((rung.index, ticket.label))
        charge = self.charges.before(start.trainings)
        draw = self.bench.draw_of(start.state())
        origin: Row = {
            "carried": draw is None,
            "edited": not weights_made_by(
                start.state(), self._trained_here(start), [drawn.state() for drawn in self.bench.drawn.values()]
            ),
        }
        own: Checkpoint | None = None
        diverged: Diverged | None = None
        for setting in self.job.task.setting_names:
            course = Course(setting, self.job.seed, schedule=ticket.schedule)
            there = start if setting == self.job.found_on else self.trainings.start_on(start, course, draw or 0)
            training = self.trainings.plan(there, self.bench.steps, course)
            try:
                if setting == self.job.found_on:
                    own = self._handed(training, keep=True)
                else:
                    self.trainings.checkpoint(training, keep=True)
            except Diverged as error:
                diverged = error if setting == self.job.found_on else diverged
            row = trained_row(
                self.job.identity, "ticket", rung, ticket.label, there, training, self.trainings, charge
            )
            self.made.append(row | origin)
            self._scored()
        submitted = Submitted(ticket, start, rung, charge, draw)
        for row in control_rows(self.job.controls, submitted, self.job.identity, self.bench, self.trainings):
            self.made.append(row)
            self._scored()
        if own is None:
            fallen = diverged or Diverged("the loss was not finite")
            self.fell[fallen] = rung.index
            raise fallen
        return own

    def _probe(self, probe: Probe) -> None:
        check_probe(probe, self.probes)
        self.probes.add(probe.label)
        state = probe.checkpoint.state()
        scored = self.trainings.score(state, self.job.found_on, self.job.seed)
        rung = self.rung or self.bench.dense_rung
        row = blank_row(
            self.job.identity, "probe", self.job.found_on, rung.index, probe.label, self.workload, "done", ""
        )
        self.trainings.scored(row["row_id"], self.workload, state)
        row |= sparsity_columns(rung, state.mask, state.weights)
        row |= {"start_step": state.step} | quality_columns(replace(state, history=scored), self.workload.one_answer)
        self.made.append(row)

    def _handed(self, training: Training, keep: bool) -> Checkpoint:
        made = self.trainings.checkpoint(training, keep=keep)
        checkpoint = self.bench.handle(made, lambda: self._fetched(made))
        if training.until > training.start.step:  # else it is what the method submitted, and nobody trained it
            self.handed.append(checkpoint)
        return checkpoint

    def _fetched(self, made: Checkpoint) -> State:
        """What the store has, or must train again, while the method looks: neither its fault nor its time."""
        started, waited = time.perf_counter(), self.waited
        try:
            with undisturbed():
                return made.state()
        except (TicketbenchError, OSError) as error:
            self.trouble = error
            raise
        finally:
            self.waited = waited + time.perf_counter() - started  # others that it needs are fetched within

    def _trained_here(self, start: Checkpoint) -> Iterator[State]:
        """Every network the harness has trained in this search, the likeliest origin of a ticket first."""
        behind = [handed for handed in self.handed if handed.key in start.trainings]
        for handed in (*behind, *(h for h in reversed(self.handed) if h not in behind)):
            yield handed.state()

    def _without_tickets(self, status: str, reason: str) -> list[Row]:
        rows = []
        for rung in self._left():
            for setting in self.job.task.setting_names:
                workload = self.trainings.workloads[setting]
                row = blank_row(self.job.identity, "ticket", setting, rung.index, "", workload, status, reason)
                rows.append(row | {"density_asked": rung.density, "prunable": rung.prunable})
        return rows

    def _ended(self, fell: int | None = None) -> str:
        """Where the search ended: at the rung whose ticket diverged, or else the first that has no row."""
        at = fell or next((rung.index for rung in self._left()), None)
        return f"ended at rung {at}" if at else "ended"

    def _unasked(self) -> str:
        """What a method that asks for nothing more has left out."""
        left = [str(rung.index) for rung in self._left()]
        which = f", and rungs {', '.join(left)} have no ticket" if len(left) > 1 else ""
        return f"{ASKED_FOR_NOTHING_MORE}{which}"

    def _left(self) -> list[Rung]:
        """The rungs that were to be scored and have no row."""
        scored = {index for index, _ in self.done}
        return [rung for rung in self.wanted if rung.index not in scored]

    def _reseed(self, resumed: int) -> None:
        """Global generators, should a method draw from them: the same at every resume, whatever ran between."""
        job = self.job
        seed = seed_of("resume", job.seed, job.method.name, job.rung or 0, resumed)
        torch.manual_seed(seed)
        random.seed(seed)
        np.random.seed(seed % 2**32)


def ended_at(reason: str) -> tuple[str, str]:
    """The rung at which a search ended, by a row's reason, and the reason without it; no rung where it says none."""
    ended = _ENDED.match(reason)
    return (ended[1], reason[ended.end() :]) if ended else ("", reason)


def _told(error: BaseException, source: Path | None) -> str:
    """An error that a method raised: what, and where in its file."""
    lines = [f.lineno for f in traceback.extract_tb(error.__traceback__) if source and f.filename == str(source)]
    place = f" (line {lines[-1]} of {source.name})" if source and lines else ""
    said = _said(error)
    return f"{type(error).__name__}{f': {said}' if said else ''}{place}"


def _said(error: BaseException) -> str:
    """What an error says, fit for a row that others will read: one line, not endless, and nobody's home folder."""
    try:
        said = " ".join(str(error).replace(str(Path.home()), "~").split()).encode(errors="replace").decode()
    except Exception:
        said = "cannot be printed"
    return said if len(said) <= _LONGEST else f"{said[:_LONGEST]}..."
