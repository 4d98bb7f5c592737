"""What a method may ask for: every request is checked here before anything is done for it."""

from collections.abc import Mapping
from operator import index
from typing import Any

import torch
from pydantic import TypeAdapter, ValidationError

from ticketbench.harness.objectives import objective_identity
from ticketbench.harness.trainings import Course
from ticketbench.ladder import Rung
from ticketbench.masks import count
from ticketbench.methods import Checkpoint, Method, Probe, Recipe, Refused, Ticket, Train
from ticketbench.task import AnyOptimizer, Optimizer

_OPTIMIZER: TypeAdapter[AnyOptimizer] = TypeAdapter(Optimizer)
MASK_KEEPS = "the ticket's mask keeps"  # a number that is no rung's: a reason, by which `check` knows what to advise
_LONGEST = 100  # characters of a label


def check_ticket(
    ticket: Ticket, method: Method, ladder: tuple[Rung, ...], given: Rung | None, steps: int
) -> tuple[Rung, Checkpoint]:
    """The rung a ticket is for, and the checkpoint it is trained from. Raises `Refused`.

    Its rung is the one it names, else the method's own, else the one whose count it keeps.
    """
    _check_checkpoint(ticket.checkpoint)
    _check_label("ticket", ticket.label)
    if ticket.schedule not in ("task", "last"):
        raise Refused(f'a ticket\'s schedule is "task" or "last", not {ticket.schedule!r}')
    if ticket.checkpoint.step > steps:
        raise Refused(f"the ticket starts at step {ticket.checkpoint.step}; a training ends at step {steps}")
    if not isinstance(ticket.mask, Mapping):
        raise Refused(f"a ticket's mask is a dict of bool tensors by parameter name, not {_kind(ticket.mask)}")
    if odd := [name for name in ticket.mask if not isinstance(name, str)]:
        raise Refused(f"a ticket's mask names parameters by strings, not {odd[0]!r}")
    try:
        start = ticket.checkpoint.replace(mask=ticket.mask)
    except ValueError as error:
        raise Refused(f"ticket: {error}") from None
    state = start.state()
    if bad := [name for name, weight in state.weights.items() if not bool(torch.isfinite(weight).all())]:
        raise Refused(f"the ticket's weights are not all finite: {', '.join(bad)}")
    kept = count(state.mask)
    rung = _rung(ticket, ladder, given, kept)
    if method.density == "exact" and kept != rung.kept:
        raise Refused(f"rung {rung.index} keeps {rung.kept} of {rung.prunable} weights; {MASK_KEEPS} {kept}")
    return rung, start


def check_train(train: Train, steps: int, setting: str, seed: int) -> tuple[int, Course]:
    """The step to train to, and the course of the training. Raises `Refused`."""
    _check_checkpoint(train.checkpoint)
    until = _whole("until is a step", train.until)
    if until < train.checkpoint.step:
        raise Refused(f"step {until} is in the past of a checkpoint at step {train.checkpoint.step}")
    if until > steps:
        raise Refused(f"a training ends at step {steps}; asked for {until}")
    freeze = _frozen(train.recipe)
    state = train.checkpoint.state()
    names = {*state.weights, *state.extra}
    if shared := set(state.weights) & set(state.extra):
        raise Refused(f"extra tensors may not be named like weights: {', '.join(sorted(shared))}")
    if foreign := freeze - names:
        raise Refused(f"recipe freezes {', '.join(sorted(foreign))}, which is neither a weight nor an extra tensor")
    if names and names <= freeze:
        raise Refused("recipe freezes everything; nothing is left to train")
    return until, Course(
        setting=setting,
        seed=seed,
        data_order=_whole("data_order counts the orders", train.data_order),
        objective=train.objective,
        objective_identity=objective_identity(train.objective),
        optimizer=_optimizer(train.recipe.optimizer),
        freeze=tuple(sorted(freeze)),
    )


def check_probe(probe: Probe, taken: set[str]) -> None:
    """Raises `Refused` where a probe has no label of its own."""
    _check_checkpoint(probe.checkpoint)
    _check_label("probe", probe.label)
    if not probe.label:
        raise Refused("a probe needs a label")
    if probe.label in taken:
        raise Refused(f"two probes are labelled {probe.label!r}")


def _check_checkpoint(checkpoint: Any) -> None:
    if not isinstance(checkpoint, Checkpoint):
        raise Refused(f"expected a checkpoint, got {_kind(checkpoint)}")


def _check_label(what: str, label: Any) -> None:
    if not isinstance(label, str) or len(label) > _LONGEST or not label.isprintable():
        said = repr(label)[:_LONGEST]
        raise Refused(f"the label of a {what} is at most {_LONGEST} printable characters, not {said}")


def _whole(what: str, number: Any) -> int:
    """The number as Python's own integer, numpy's and torch's too."""
    try:
        if isinstance(number, bool):
            raise TypeError
        return index(number)
    except TypeError:
        raise Refused(f"{what}, a whole number, not {number!r}") from None


def _frozen(recipe: Any) -> set[str]:
    if not isinstance(recipe, Recipe):
        raise Refused(f"a recipe is a ticketbench.Recipe, not {_kind(recipe)}")
    listed = isinstance(recipe.freeze, (tuple, list, set, frozenset))
    if not listed or not all(isinstance(name, str) for name in recipe.freeze):
        raise Refused(f"recipe: freeze lists the names of parameters, as in freeze=[...]; got {recipe.freeze!r}")
    return set(recipe.freeze)


def _kind(value: Any) -> str:
    return type(value).__name__


def _rung(ticket: Ticket, ladder: tuple[Rung, ...], given: Rung | None, kept: int) -> Rung:
    if ticket.rung is not None:
        named = next((rung for rung in ladder if rung == ticket.rung), None)
        if named is None:
            raise Refused("the ticket's rung is none of the search's ladder")
        if given is not None and named != given:
            raise Refused(f"asked for a ticket of rung {given.index}, got one of rung {named.index}")
        return named
    if given is not None:
        return given
    for rung in ladder:
        if rung.kept == kept:
            return rung
    counts = ", ".join(str(rung.kept) for rung in ladder)
    raise Refused(f"{MASK_KEEPS} {kept} weights, which is no rung's count ({counts})")


def _optimizer(said: Any) -> AnyOptimizer | None:
    if said is None:
        return None
    if not isinstance(said, Mapping):
        raise Refused(f"recipe: optimizer is a dict, as a task file has it, not {_kind(said)}")
    try:
        return _OPTIMIZER.validate_python(dict(said))
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(str(part) for part in first["loc"])
        raise Refused(f"recipe: optimizer {place}: {first['msg']}") from None
