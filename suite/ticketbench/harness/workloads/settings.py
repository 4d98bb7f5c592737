"""A task in each of its settings: one length of training, shared initial weights."""

import torch

from ticketbench.data import Splits, splits
from ticketbench.errors import TicketbenchError
from ticketbench.harness.workloads.fit import check_network
from ticketbench.harness.workloads.vision import Vision
from ticketbench.task import Data, Task


def workloads_of(task: Task, device: torch.device) -> dict[str, Vision]:
    """The task's workloads by setting.

    T is that of the setting with the most training examples. Raises `TicketbenchError` where a network does not fit
    its setting's images and classes or has nothing to prune, settings differ in a parameter or buffer that they
    share, or training ends before it rewinds.
    """
    tasks = {name: task.in_setting(name) for name in task.setting_names}
    found: dict[Data, Splits] = {}
    for each in tasks.values():
        if each.data not in found:
            found[each.data] = splits(each.data)
    steps = task.training.total_steps(max(len(each.train) for each in found.values()))
    if task.training.rewind_step >= steps:
        raise TicketbenchError(
            f"{task.id}: training.rewind_step {task.training.rewind_step} must come before the last step, {steps}."
        )
    made = {name: Vision(each, device, found[each.data], steps) for name, each in tasks.items()}
    for name, workload in made.items():
        check_network(workload, name)
    first = min(made)  # by name, so that the order in which a file lists its settings changes no draw
    for name, workload in made.items():
        if name != first:
            _check_shared(task, first, made[first], name, workload)
            if task.network.unshared:  # else all settings draw the same of themselves
                workload.draw_as(made[first])
    return made


def _check_shared(task: Task, first: str, one: Vision, second: str, other: Vision) -> None:
    here, there = _shared_shapes(one), _shared_shapes(other)
    for name in {**here, **there}:
        if here.get(name) != there.get(name):
            said = [f"shape {shapes[name]}" if name in shapes else "no place" for shapes in (here, there)]
            raise TicketbenchError(
                f"{task.id}: {name} has {said[0]} in setting {first}, {said[1]} in {second}. Settings share all "
                "parameters but those that network.unshared names, and all buffers; data.shape brings images to one "
                "shape."
            )


def _shared_shapes(workload: Vision) -> dict[str, tuple[int, ...]]:
    unshared, module = workload.task.network.unshared, workload.module()
    named = (*module.named_parameters(), *module.named_buffers())
    return {name: tuple(tensor.shape) for name, tensor in named if name not in unshared}
