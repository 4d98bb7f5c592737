"""To follow a method through a search: what it asks for, what becomes of its tickets, and what it takes itself.

The search is the harness's own, on a workload and in a store of its own; only the method's generator is wrapped.
"""

import hashlib
import time
from collections.abc import Generator, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from functools import cache
from pathlib import Path
from typing import Any

import torch
from torch.optim.optimizer import register_optimizer_step_post_hook

from ticketbench.harness.bench import starts_from, undisturbed
from ticketbench.harness.objectives import objective_identity
from ticketbench.harness.search import Job, run_search
from ticketbench.harness.store import Store
from ticketbench.harness.trainings import Trainings
from ticketbench.harness.workloads import Domain
from ticketbench.masks import Mask
from ticketbench.methods import Checkpoint, Method, Probe, Recipe, Search, Ticket, Train
from ticketbench.methods.search import Batch
from ticketbench.methods.state import History, State, mask_digest
from ticketbench.results import UNSCORED, Row
from ticketbench.task import Task
from ticketbench.testing.memory import begin, risen_since


@dataclass(frozen=True)
class Asked:
    """One request: in words, and as a text that is equal where two requests are. `rung` is 0 outside of rungs."""

    told: str
    identity: str
    rung: int = 0


@dataclass
class Submitted:
    """One ticket.

    Attributes:
        mask: as submitted, `start` a digest of the weights, buffers and step that its training starts from.
        as_it_is: whether it is scored without a step of training.
        own_recipe: whether its weights come out of a `Train` with an objective or a recipe.
        loose: prunable weights outside the mask that were not zero at the end of its training; None: not trained.
    """

    mask: Mask
    start: str
    as_it_is: bool
    own_recipe: bool
    loose: int | None = None


@dataclass
class Own:
    """What the method's own code took: seconds, optimizer steps, and the most memory of one stretch, in bytes.

    `batches` are the sizes of those it asked for.
    """

    seconds: float = 0.0
    optimizer_steps: int = 0
    memory: int = 0
    batches: list[int] = field(default_factory=list)


@dataclass
class Run:
    """One method on one task with one seed, as it was followed."""

    task: Task
    rows: list[Row] = field(default_factory=list)
    asked: list[Asked] = field(default_factory=list)
    tickets: list[Submitted] = field(default_factory=list)
    own: Own = field(default_factory=Own)
    own_recipes: list[Checkpoint] = field(default_factory=list)

    @property
    def scored(self) -> list[Row]:
        """The rows of its tickets, without probes."""
        return [row for row in self.rows if row["kind"] == "ticket"]

    @property
    def trouble(self) -> str:
        """Why the search did not end well; empty where every rung has a ticket that could be trained."""
        bad = [row for row in self.scored if row["status"] in UNSCORED]
        return f"{bad[0]['status']}: {bad[0]['reason']}" if bad else ""


def follow(
    method: Method,
    task: Task,
    workloads: Mapping[str, Domain],
    store: Path,
    seed: int = 0,
    backwards: bool = False,
) -> Run:
    """Run a method on every setting of a task, every rung, and note all of it: `backwards`, the last rung first."""
    run = Run(task)
    spy = replace(method, function=_followed(method, run))
    rungs = range(1, task.ladder.rounds + 1) if method.per_rung else (None,)
    for setting in task.setting_names:
        for rung in reversed(rungs) if backwards else rungs:
            trainings = Trainings(workloads, Store(store))
            run.rows += run_search(Job(task, spy, setting, seed, rung), trainings)
    return run


def _followed(method: Method, run: Run) -> Any:
    def passed_on(search: Any, *rung: Any, **parameters: Any) -> Generator[Any, Any, None]:
        inner = method.function(_watched(search, run.own), *rung, **parameters)
        at = rung[0].index if rung else 0
        answer: Any = None
        thrown: Exception | None = None
        while True:
            with _measured(run.own):
                try:
                    request = inner.throw(thrown) if thrown is not None else inner.send(answer)
                except StopIteration:
                    return
            with undisturbed():
                submitted = [_note(each, search, run, at) for each in _listed(request)]
            try:
                answer, thrown = (yield request), None
            except Exception as error:
                answer, thrown = None, error
            else:
                with undisturbed():
                    for each, ticket, came in zip(_listed(request), submitted, _listed(answer), strict=True):
                        _note_answer(each, ticket, came, run)

    return passed_on


def _watched(search: Search, own: Own) -> Search:
    """The same search, whose batches are noted."""

    class Watched(type(search)):  # type: ignore[misc]
        def batches(self, *asked: Any, **named: Any) -> list[Batch]:
            found: list[Batch] = super().batches(*asked, **named)
            own.batches += [len(targets) for _, targets in found]
            return found

    Watched.__name__ = type(search).__name__
    watched = Watched.__new__(Watched)
    watched.__dict__.update(search.__dict__)
    return watched


@contextmanager
def _measured(own: Own) -> Iterator[None]:
    def counted(*_: Any) -> None:
        own.optimizer_steps += 1

    _load_compiler()
    hook = register_optimizer_step_post_hook(counted)
    before = begin()
    started = time.perf_counter()
    try:
        yield
    finally:
        own.seconds += time.perf_counter() - started
        own.memory = max(own.memory, risen_since(before))
        hook.remove()


@cache
def _load_compiler() -> None:
    """The first optimizer of a process loads torch's compiler, a second or two that are no method's."""
    torch.optim.SGD([torch.zeros(1)], lr=1.0)


def _listed(value: Any) -> list[Any]:
    return list(value) if isinstance(value, (list, tuple)) else [value]


def _note(request: Any, search: Search, run: Run, rung_given: int) -> Submitted | None:
    """Write down a request. What cannot be read is the harness's to refuse."""
    ticket: Submitted | None = None
    try:
        match request:
            case Ticket(mask, checkpoint, rung, label, schedule):
                start = checkpoint.replace(mask=mask)
                state = start.state()
                ticket = Submitted(
                    mask=dict(state.mask),
                    start=_content(state),
                    as_it_is=start.step >= search.steps,
                    own_recipe=_of_an_own_recipe(start, search, run),
                )
                named = f" of rung {rung.index}" if rung is not None else ""
                told = f"a ticket{named}{f' labelled {label!r}' if label else ''} from step {start.step}"
                identity = f"{mask_digest(state.mask)} {ticket.start} {label} {schedule}"
                run.tickets.append(ticket)
            case Train(checkpoint, until, data_order, objective, recipe):
                told = f"a training from step {checkpoint.step} to {until}"
                identity = (
                    f"{_content(checkpoint.state())} {until} {data_order} {objective_identity(objective)} {recipe!r}"
                )
            case Probe(checkpoint, label):
                told = f"a probe labelled {label!r}"
                identity = f"{_content(checkpoint.state())} {label}"
            case _:
                told = identity = f"a {type(request).__name__}"
    except Exception as error:
        told = f"a request that cannot be used ({error})"
        identity = type(error).__name__
    run.asked.append(Asked(told, f"{told} {identity}", rung_given))
    return ticket


def _note_answer(request: Any, ticket: Submitted | None, answer: Any, run: Run) -> None:
    if not isinstance(answer, Checkpoint):
        return
    if ticket is not None:
        trained = answer.state().weights
        ticket.loose = sum(int((trained[name][~kept] != 0).sum()) for name, kept in ticket.mask.items())
    elif isinstance(request, Train):
        own = request.objective is not None or request.recipe != Recipe()
        if own or _behind(request.checkpoint, run):
            run.own_recipes.append(answer)


def _behind(checkpoint: Checkpoint, run: Run) -> bool:
    """Whether a training with an objective or a recipe of the method's own lies behind a checkpoint."""
    return any(checkpoint.trainings & own.trainings for own in run.own_recipes)


def _of_an_own_recipe(start: Checkpoint, search: Search, run: Run) -> bool:
    """Whether the kept weights come from such a training, be it by a detour, and not from initialization."""
    state = start.state()
    if starts_from(state, search.initial.state()):
        return False
    return _behind(start, run) or any(starts_from(state, own.state()) for own in run.own_recipes)


def _content(state: State) -> str:
    """Digest of a network without what was measured of it, which validation and test examples are in."""
    return replace(state, history=History(state.step)).digest()


def same(one: Mask, other: Mask) -> bool:
    """Whether two masks are equal."""
    return all(torch.equal(kept, other[name]) for name, kept in one.items())


def digest_of(tickets: list[Submitted]) -> str:
    """A digest of tickets' masks and starting weights."""
    said = " ".join(f"{mask_digest(each.mask)} {each.start}" for each in tickets)
    return hashlib.sha256(said.encode()).hexdigest()
