"""Controls: what is trained beside a ticket to tell which part of it mattered.

They differ from it in where the mask lies, in what the weights are, in that the network is not sparse, or in how
long the dense network was trained. A ticket from a draw of initial weights differs from the first three in nothing
else; a ticket that starts later also in that the second and the third are trained from step 0.
"""

from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import Literal

import torch
from torch import Tensor

from ticketbench.errors import unknown
from ticketbench.harness.bench import Bench
from ticketbench.harness.charges import Charge
from ticketbench.harness.rows import Identity, blank_row, deployment_columns, sparsity_columns, trained_row
from ticketbench.harness.training.determinism import generator
from ticketbench.harness.trainings import Course, Trainings
from ticketbench.harness.workloads import Domain
from ticketbench.ladder import Rung
from ticketbench.masks import count, count_per_layer, keep_largest
from ticketbench.methods import Checkpoint, Diverged, Ticket
from ticketbench.methods.state import History
from ticketbench.networks import can_shrink, smaller
from ticketbench.results import CONTROLS, Row, control_label
from ticketbench.task import Task, Training

_ON_EVERY_SETTING = ("shuffled", "reinitialized", "random-layer")  # the others do not depend on where it was found


@dataclass(frozen=True)
class Submitted:
    """A ticket as its method submitted it, the checkpoint it is trained from, and what the search before it cost.

    `draw` is the draw of initial weights that it starts from; None where its weights are of none.
    """

    ticket: Ticket
    start: Checkpoint
    rung: Rung
    charge: Charge
    draw: int | None


@dataclass(frozen=True)
class Control:
    """What is trained in the place of a ticket, to step `until` of `trainings`.

    `start` None is a control that cannot be had here, for the `reason`. `draw` is as for the ticket; `searched` says
    whether it needs the search.
    """

    name: str
    start: Checkpoint | None
    trainings: Trainings
    until: int
    draw: int | None = 0
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
            row = _row(control, setting, submitted, identity, bench)
            if name == "small-dense" and control.start is not None:
                row |= _counted_beside(row, bench, trainings.workloads[setting])
            yield row


def _row(control: Control, setting: str, submitted: Submitted, identity: Identity, bench: Bench) -> Row:
    trainings, rung, of = control.trainings, submitted.rung, submitted.ticket.label
    label = control_label(control.name, of)
    if control.start is None:
        workload = trainings.workloads[setting]
        row = blank_row(identity, "control", setting, rung.index, label, workload, "not applicable", control.reason)
        return row | {"density_asked": rung.density, "prunable": rung.prunable}
    course = Course(setting, bench.seed, schedule=control.schedule)
    start = (
        control.start if setting == bench.setting else trainings.start_on(control.start, course, control.draw or 0)
    )
    training = trainings.plan(start, control.until, course)
    with suppress(Diverged):
        trainings.checkpoint(training, keep=True)
    charge = submitted.charge if control.searched else Charge(0, 0, 0.0)
    row = trained_row(identity, "control", rung, label, start, training, trainings, charge)
    return row | {"carried": control.draw is None, "edited": False}


def _counted_beside(row: Row, bench: Bench, workload: Domain) -> Row:
    """A narrower network beside the task's own: as so many of its weights, and against what it takes to run dense."""
    dense = bench.initial.state()
    whole = sparsity_columns(bench.dense_rung, dense.mask, dense.weights)
    whole |= deployment_columns(workload.flops, dense.weights, count_per_layer(dense.mask))
    sizes = bench.dense_rung.kept_per_layer
    return {name: whole[name] for name in ("prunable", "parameters", "flops_dense", "bytes_dense")} | {
        "density": row["kept"] / whole["prunable"],
        "kept_per_layer": [{**each, "prunable": sizes[each["layer"]]} for each in row["kept_per_layer"]],
        "mask_digest": None,
    }


def make_control(name: str, submitted: Submitted, bench: Bench, trainings: Trainings) -> Control:
    """What a ticket's control of this name trains."""
    start, steps = submitted.start, bench.steps
    drawn = generator("control", name, bench.seed, submitted.rung.index)
    match name:
        case "shuffled":
            shuffled = shuffle(start, _unpruned(submitted, bench, trainings), drawn)
            return Control(name, shuffled, trainings, steps, submitted.draw, submitted.ticket.schedule)
        case "reinitialized":
            anew = bench.drawn_for_controls().replace(mask=start.state().mask)
            return Control(name, anew, trainings, steps, draw=-1)
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


def shuffle(start: Checkpoint, unpruned: Checkpoint | None, drawn: torch.Generator) -> Checkpoint:
    """The checkpoint a ticket starts from with its mask permuted at random within every layer.

    Where `unpruned` has the weights of the whole network at that moment, they stay and the mask alone moves. Else
    every weight and its optimizer state moves along with its place in the mask.
    """
    state = start.state()
    order = {name: torch.randperm(kept.numel(), generator=drawn) for name, kept in state.mask.items()}
    mask = {name: _permuted(kept, order[name]) for name, kept in state.mask.items()}
    if unpruned is not None:
        return unpruned.replace(mask=mask)

    def along(name: str, tensor: Tensor) -> Tensor:
        layer = name.split("/", 1)[-1]
        fits = layer in order and tensor.shape == state.mask[layer].shape
        return _permuted(tensor, order[layer]) if fits else tensor

    moved = replace(
        state,
        weights={name: along(name, weight) for name, weight in state.weights.items()},
        optimizer=state.optimizer and {name: along(name, slot) for name, slot in state.optimizer.items()},
        mask=mask,
        history=History(state.step),
        memory={},
    )
    return Checkpoint(None, moved.step, lambda: moved, trainings=start.trainings)


def _unpruned(submitted: Submitted, bench: Bench, trainings: Trainings) -> Checkpoint | None:
    """The whole network at the moment a ticket starts from: initial weights, or the dense network at that step.

    None for weights that were trained sparse, or carried on to another step (fine-tuning). So all rungs of a method
    are shuffled in one and the same way.
    """
    checkpoint, step = submitted.ticket.checkpoint, submitted.start.step
    if submitted.draw is not None:
        return bench.drawn[submitted.draw].replace(step=step)
    dense = all(bool(kept.all()) for kept in checkpoint.state().mask.values())
    at_its_step = all(trainings.known(each).until == step for each in checkpoint.trainings)
    return checkpoint if dense and at_its_step else None


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
    workload, wanted = trainings.workloads[bench.setting], count(start.state().mask)
    spec = workload.task.network
    found = smaller(
        spec, workload.shape, workload.classes, wanted, workload.task.ladder.exclude, workload.task.ladder.cover
    )
    small = workload.with_network(found[0]) if found is not None else None
    if not can_shrink(spec):
        reason = f"{spec.title} takes no shrink, so there is no narrower network of its kind"
    elif small is None:
        reason = f"no network of this kind, {spec.title}, has {wanted} weights or fewer"
    elif small.prunable != workload.prunable:
        reason = f"a narrower {spec.title} has other layers"
    else:
        state = small.initial(bench.seed)
        first = Checkpoint(None, 0, lambda: state)
        return Control("small-dense", first, trainings.on(bench.setting, small), bench.steps, searched=False)
    return Control("small-dense", None, trainings, bench.steps, searched=False, reason=reason)


def _permuted(tensor: Tensor, order: Tensor) -> Tensor:
    return tensor.flatten()[order].view(tensor.shape)
