"""Trainings by what they are: asked for, answered from the store, or run and stored.

The digest of a line covers all that can change a bit of it, so an answer from the store is what the engine
would compute again. A checkpoint that continues a line unchanged stays on it, wherever it was split.
"""

import hashlib
import json
import resource
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from math import isfinite
from typing import Literal

import torch

from ticketbench.harness.provenance import packages
from ticketbench.harness.store import Measured, Store, Stored
from ticketbench.harness.training import ENGINE_VERSION, Member
from ticketbench.harness.training.determinism import NUMERICS, device_kind
from ticketbench.harness.workloads import Domain
from ticketbench.methods.checkpoint import Checkpoint
from ticketbench.methods.requests import Diverged, Objective
from ticketbench.methods.state import History, State
from ticketbench.networks import source_digest
from ticketbench.task import AnyOptimizer


@dataclass(frozen=True)
class Course:
    """All that decides a training beside where it starts. Two courses are equal where their trainings are.

    A setting counts by what it says, not by its name: the line of a training has the setting's data and recipe.
    """

    setting: str
    seed: int
    data_order: int = 0
    objective: Objective | None = field(default=None, compare=False)
    objective_identity: str = ""
    optimizer: AnyOptimizer | None = None
    freeze: tuple[str, ...] = ()
    schedule: Literal["task", "last"] = "task"


@dataclass(frozen=True)
class Training:
    """One training on its line: its identity, the checkpoint it started from, and what it spans."""

    line: str
    start: Checkpoint
    course: Course
    until: int

    @property
    def id(self) -> str:
        """The key of the checkpoint that it makes."""
        return f"{self.line}@{self.until}"


class Trainings:
    """The trainings of one task on one device, through one store."""

    def __init__(
        self,
        workloads: Mapping[str, Domain],
        store: Store,
        asked: Callable[[bool], None] = lambda _: None,
        scored: Callable[[str, Domain, State], None] = lambda *_: None,
        timed: bool = False,
    ):
        """`asked` is told of every training a method asks for: whether it had to be run. `scored` is told of every
        row that has a network: its id, the workload it is of, and the network as it was scored. `timed` says whether
        rows have a latency.
        """
        self.workloads, self.store, self.scored, self.timed = workloads, store, scored, timed
        self._asked = asked
        self._ran = 0
        self._known: dict[str, Training] = {}
        self._of_the_task = True

    def plan(self, start: Checkpoint, until: int, course: Course) -> Training:
        """The training that leads a checkpoint to a step; on the line it continues, if it continues one."""
        before = self._known.get(start.key)
        if before is not None and before.course == course:
            line, start = before.line, before.start
        else:
            line = self._line(start, course)
        training = Training(line, start, course, until)
        self._known[training.id] = training
        return training

    def start_on(self, start: Checkpoint, course: Course, draw: int = 0) -> Checkpoint:
        """A checkpoint of another setting as the course's own trains it. See `Domain.moved`."""
        before = start.state()
        state = self.workloads[course.setting].moved(before, course.seed, draw)
        if state is before:
            return start
        return Checkpoint(None, state.step, lambda: state, trainings=start.trainings)

    def on(self, setting: str, workload: Domain) -> "Trainings":
        """Trainings of another workload in the place of a setting's own, through the same store."""
        others = Trainings({setting: workload}, self.store, self._asked, self.scored, self.timed)
        others._of_the_task = False
        return others

    def known(self, key: str) -> Training:
        """The training of this identity."""
        return self._known[key]

    def checkpoint(self, training: Training, *, keep: bool) -> Checkpoint:
        """Train, or find trained. Raises `Diverged` where the loss was not finite.

        The handle is lazy: should the store have lost the checkpoint when it is read, it is trained again.
        """
        ran_before = self._ran
        stored = self._obtain(training, keep)
        self._asked(self._ran > ran_before)
        history = stored.state.history
        if history.diverged or not isfinite(history.loss_sum):  # the latter is not yet at an evaluation
            raise Diverged(f"the loss was not finite at step {stored.state.step}")
        return Checkpoint(
            training.id,
            training.until,
            lambda: self._obtain(training, keep).state,
            trainings=frozenset({training.id}),
        )

    def state(self, training: Training) -> State:
        """The tensors of a training, diverged or not."""
        return self._obtain(training, keep=True).state

    def measured(self, training: Training) -> Measured:
        """What the training took when it was run, from its line's start."""
        return self._obtain(training, keep=True).measured

    def score(self, state: State, setting: str, seed: int) -> History:
        """One evaluation of a state as it is. Where it is drawn, as games are, it is a function of the seed."""
        ended = replace(state, history=History(state.step))
        (scored,) = self.workloads[setting].advance([Member(ended, seed)], state.step)
        return scored.history

    def _obtain(self, training: Training, keep: bool) -> Stored:
        found = self.store.get(training.line, training.until)
        if found is None:
            start = training.start.state()  # before the lock: it may have to be trained again itself
            with self.store.lock(training.line):
                found = self.store.get(training.line, training.until)
                if found is None:
                    return self._run(training, start, keep)
        if keep:
            self.store.keep(training.line, training.until)
        return found

    def _run(self, training: Training, start: State, keep: bool) -> Stored:
        """Train from the latest checkpoint of the line, storing the rewind step of dense networks on the way."""
        workload = self.workloads[training.course.setting]
        step, stored = self._latest(training, start)
        self._ran += 1
        rewind = workload.training.rewind_step if self._of_the_task else 0
        on_the_way = [stop for stop in _stops(training, start, step, rewind) if workload.splits_at(stop)]
        for stop in (*on_the_way, training.until):
            course = training.course
            member = Member(
                stored.state, course.seed, course.data_order, course.objective, course.optimizer, course.freeze,
                course.schedule,
            )  # fmt: skip
            started, computing = time.perf_counter(), time.process_time()
            (state,) = workload.advance([member], stop)
            wall, computed = time.perf_counter() - started, time.process_time() - computing
            # An accelerator is held from the first step until the tensors are read back.
            device = computed if workload.device.type == "cpu" else wall
            took = Measured(wall, device, _peak_memory(workload.device))
            stored = Stored(state, stored.measured + took)
            self.store.put(training.line, stop, stored, keep=keep or stop != training.until)
        return stored

    def _latest(self, training: Training, start: State) -> tuple[int, Stored]:
        """Where its line was left that a training may be split at, or else where it begins."""
        workload = self.workloads[training.course.setting]
        for step in reversed([s for s in self.store.steps(training.line) if s < training.until]):
            if not workload.splits_at(step):
                continue
            if (found := self.store.get(training.line, step)) is not None:
                return step, found
        return start.step, Stored(start, Measured())

    def _line(self, start: Checkpoint, course: Course) -> str:
        workload = self.workloads[course.setting]
        task = workload.task
        said = {
            "data": task.data.model_dump(mode="json", exclude_defaults=True, exclude={"folder"}),
            "network": task.network.model_dump(mode="json", exclude_defaults=True),
            "network_source": source_digest(task.network),
            "training": task.training.model_dump(mode="json", exclude_defaults=True, exclude={"rewind_step"}),
            "steps": workload.steps,
            "seed": course.seed,
            "data_order": course.data_order,
            "objective": course.objective_identity,
            "optimizer": course.optimizer.model_dump(mode="json") if course.optimizer else None,
            "freeze": sorted(course.freeze),
            "schedule": course.schedule,
            "start": start.key,
            "data_digest": workload.data_digest,
            "numerics": NUMERICS,
            "torch": torch.__version__,
            "device": device_kind(workload.device),
            "engine": ENGINE_VERSION,
        }
        if workload.packages:
            said["packages"] = [each for each in packages(workload.packages) if each[0] in workload.packages]
        return hashlib.sha256(json.dumps(said, sort_keys=True).encode()).hexdigest()


def _stops(training: Training, start: State, step: int, rewind: int) -> list[int]:
    """Where a dense network's training is worth a checkpoint: others will ask for the rewind step."""
    course = training.course
    dense = course == Course(course.setting, course.seed) and all(bool(kept.all()) for kept in start.mask.values())
    return [rewind] if dense and start.step == 0 and step < rewind < training.until else []


def _peak_memory(device: torch.device) -> int:
    if device.type == "cuda":
        return torch.cuda.max_memory_allocated(device)
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == "darwin" else 1024)
