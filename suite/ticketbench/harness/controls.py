"""Controls: what is trained beside a ticket to tell which part of it mattered.

Each changes one thing and keeps the rest: where the mask lies, what the weights are, that the network is sparse at
all, or how long the dense network was trained.
"""

from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import Literal

import torch
from torch import Tensor

from ticketbench.errors import unknown
from ticketbench.harness.bench import Bench, starts_from
from ticketbench.harness.charges import Charge
from ticketbench.harness.rows import Identity, blank_row, trained_row
from ticketbench.harness.training.determinism import generator
from ticketbench.harness.trainings import Course, Trainings
from ticketbench.ladder import Rung
from ticketbench.masks import count, count_per_layer, keep_largest
from ticketbench.methods import Checkpoint, Diverged, Ticket
from ticketbench.methods.state import History
from ticketbench.networks import smaller
from ticketbench.results import Row
from ticketbench.task import Task, Training

CONTROLS = {
    "shuffled": "the ticket with its mask shuffled within layers",
    "reinitialized": "the ticket's mask on newly drawn weights",
    "random-layer": "a random mask with the ticket's count in every layer, on initial weights",
    "small-dense": "a narrower dense network with as many weights",
    "long-dense": "the dense network, trained as long as search and ticket took together",
}
_ON_EVERY_SETTING = ("shuffled", "reinitialized", "random-layer")  # the others do not depend on where it was found


@dataclass(frozen=True)
class Submitted:
    """A ticket as its method submitted it, the checkpoint it is trained from, and what the search before it cost."""

    ticket: Ticket
    start: Checkpoint
    rung: Rung
    charge: Charge


@dataclass(frozen=True)
class Control:
    """What is trained in the place of a ticket, to step `until` of `trainings`.

    `start` None is a control that cannot be had here, for the `reason`. `searched` says whether it needs the search.
    """

    name: str
    start: Checkpoint | None
    trainings: Trainings
    until: int
    schedule: Literal["task", "last"] = "task"
    searched: bool = True
    reason: str = ""


def chosen(names: Sequence[str]) -> tuple[str, ...]:
    """The controls of these names, in their own order. Raises `TicketbenchError` for an unknown one."""
    for name in names:
        if name not in CONTROLS:
            raise unknown("control", name, CONTROLS)
    return tuple(name for name in CONTROLS if name in names)


def control_settings(name: str, task: Task, found_on: str) -> tuple[str, ...]:
    """The settings that a control of a ticket found on one of them is trained on."""
    return task.setting_names if name in _ON_EVERY_SETTING else (found_on,)


def control_rows(
    names: Sequence[str], submitted: Submitted, identity: Identity, bench: Bench, trainings: Trainings
) -> Iterator[Row]:
    """Train the controls of a ticket.

    Their rows keep the ticket's rung and settings, and say in their label what they are.
    """
    for name in names:
        control = make_control(name, submitted, bench, trainings)
        for setting in control_settings(name, identity.task, identity.found_on):
            yield _row(control, setting, submitted, identity, bench)


def _row(control: Control, setting: str, submitted: Submitted, identity: Identity, bench: Bench) -> Row:
    trainings, rung, of = control.trainings, submitted.rung, submitted.ticket.label
    label = f"{control.name} of {of}" if of else control.name
    if control.start is None:
        workload = trainings.workloads[setting]
        row = blank_row(identity, "control", setting, rung.index, label, workload, "not applicable", control.reason)
        return row | {"density_asked": rung.density, "prunable": rung.prunable}
    course = Course(setting, bench.seed, schedule=control.schedule)
    start = control.start if setting == bench.setting else trainings.start_on(control.start, course)
    training = trainings.plan(start, control.until, course)
    with suppress(Diverged):
        trainings.checkpoint(training, keep=True)
    charge = submitted.charge if control.searched else Charge(0, 0, 0.0)
    row = trained_row(identity, "control", rung, label, start, training, trainings, charge)
    if control.name == "small-dense":
        row |= _counted_beside(bench.dense_rung, row)
    drawn = (each.state() for each in bench.drawn.values())
    moved = control.name == "shuffled" and not any(starts_from(control.start.state(), each) for each in drawn)
    return row | {"carried": moved, "edited": False}


def _counted_beside(dense: Rung, row: Row) -> Row:
    """The weights of a narrower network counted as so many of the task's own, which rung 0 keeps all of."""
    sizes = dense.kept_per_layer
    layers = [{**each, "prunable": sizes[each["layer"]]} for each in row["kept_per_layer"]]
    return {
        "density": row["kept"] / dense.prunable,
        "prunable": dense.prunable,
        "kept_per_layer": layers,
        "mask_digest": None,
    }


def make_control(name: str, submitted: Submitted, bench: Bench, trainings: Trainings) -> Control:
    """What a ticket's control of this name trains."""
    start, steps = submitted.start, bench.steps
    drawn = generator("control", name, bench.seed, submitted.rung.index)
    match name:
        case "shuffled":
            shuffled = shuffle(submitted.ticket.checkpoint, start, drawn)
            return Control(name, shuffled, trainings, steps, submitted.ticket.schedule)
        case "reinitialized":
            return Control(name, bench.reinitialized(1).replace(mask=start.state().mask), trainings, steps)
        case "random-layer":
            scores = {layer: torch.rand(kept.shape, generator=drawn) for layer, kept in start.state().mask.items()}
            mask = keep_largest(scores, count_per_layer(start.state().mask))
            return Control(name, bench.initial.replace(mask=mask), trainings, steps)
        case "small-dense":
            return _small_dense(start, bench, trainings)
        case "long-dense":
            total = submitted.charge.steps + steps - start.step
            workload = trainings.workloads[bench.setting]
            longer = workload.with_training(stretched(workload.training, steps, total))
            return Control(name, bench.initial, trainings.on(bench.setting, longer), total, searched=False)
    raise ValueError(f"there is no control {name!r}")


def shuffle(ticket: Checkpoint, start: Checkpoint, drawn: torch.Generator) -> Checkpoint:
    """The checkpoint a ticket starts from with its mask permuted at random within every layer.

    `ticket` is the checkpoint as the method submitted it. Where it has weights at the new places (initial weights,
    those of an early step) they are kept and the mask alone moves; where those places were pruned before (a network
    that was trained sparse), every weight and its optimizer state moves along with its place in the mask.
    """
    state, submitted = start.state(), ticket.state().mask
    order = {name: torch.randperm(kept.numel(), generator=drawn) for name, kept in state.mask.items()}
    moved = {name: _permuted(kept, order[name]) for name, kept in state.mask.items()}
    if all(bool(submitted[name][kept].all()) for name, kept in moved.items()):
        return ticket.replace(mask=moved)

    def along(name: str, tensor: Tensor) -> Tensor:
        layer = name.split("/", 1)[-1]
        fits = layer in order and tensor.shape == state.mask[layer].shape
        return _permuted(tensor, order[layer]) if fits else tensor

    made = replace(
        state,
        weights={name: along(name, weight) for name, weight in state.weights.items()},
        optimizer=state.optimizer and {name: along(name, slot) for name, slot in state.optimizer.items()},
        mask=moved,
        history=History(state.step),
    )
    return Checkpoint(None, made.step, lambda: made, trainings=start.trainings)


def stretched(training: Training, steps: int, total: int) -> Training:
    """The recipe over `total` steps in the place of `steps`: milestones, warm-up, evaluations at the same shares."""

    def by(step: int) -> int:
        return max(1, round(step * total / steps))

    schedule = training.schedule
    longer = schedule.model_copy(
        update={
            "warmup": by(schedule.warmup) if schedule.warmup else 0,
            "milestones": tuple(by(step) for step in schedule.milestones),
        }
    )
    return training.model_copy(
        update={"epochs": None, "steps": total, "schedule": longer, "evaluate_every": by(training.evaluate_every)}
    )


def _small_dense(start: Checkpoint, bench: Bench, trainings: Trainings) -> Control:
    workload, name = trainings.workloads[bench.setting], "small-dense"
    wanted = count(start.state().mask)
    spec, exclude = workload.task.network, workload.task.ladder.exclude
    found = smaller(spec, workload.shape, workload.classes, wanted, exclude)
    if found is None:
        reason = f"no network of this kind, {spec.title}, has {wanted} weights or fewer"
        return Control(name, None, trainings, bench.steps, searched=False, reason=reason)
    small = workload.with_network(found[0])
    state = small.initial(bench.seed)
    first = Checkpoint(None, 0, lambda: state)
    return Control(name, first, trainings.on(bench.setting, small), bench.steps, searched=False)


def _permuted(tensor: Tensor, order: Tensor) -> Tensor:
    return tensor.flatten()[order].view(tensor.shape)
