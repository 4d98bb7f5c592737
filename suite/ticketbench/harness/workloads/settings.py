"""A task in each of its settings: one length of training, shared initial weights."""

from importlib import import_module
from typing import Any

import torch

from ticketbench.errors import TicketbenchError
from ticketbench.harness.workloads.domain import Domain, Loaded
from ticketbench.task import Data, Task

# By name, so that a task loads the libraries of its own domain alone.
_DOMAINS = {
    "images": ("vision", "Vision"),
    "text": ("language", "Language"),
    "translation": ("translation", "Translating"),
    "environment": ("control", "Control"),
}


def domain_of(task: Task) -> Any:
    """The class of a task's workloads."""
    module, name = _DOMAINS[task.data.kind]
    return getattr(import_module(f"ticketbench.harness.workloads.{module}"), name)


def workloads_of(task: Task, device: torch.device) -> dict[str, Domain]:
    """The task's workloads by setting.

    T is that of the setting with the most training examples. Raises `TicketbenchError` where a network does not fit
    its setting's data or has nothing to prune, settings differ in a parameter or buffer that they
    share, or training ends before it rewinds.
    """
    tasks = {name: task.in_setting(name) for name in task.setting_names}
    domain = domain_of(task)
    found: dict[Data, Loaded] = {}
    for each in tasks.values():
        if each.data not in found:
            found[each.data] = domain.load(each.data)
    steps = task.training.total_steps(max(each.examples for each in found.values()))
    if task.training.rewind_step >= steps:
        raise TicketbenchError(
            f"{task.id}: training.rewind_step {task.training.rewind_step} must come before the last step, {steps}."
        )
    made: dict[str, Domain] = {name: domain(each, device, found[each.data], steps) for name, each in tasks.items()}
    for name, workload in made.items():
        workload.check(name)
    first = min(made)  # by name, so that the order in which a file lists its settings changes no draw
    for name, workload in made.items():
        if name != first:
            _check_shared(task, first, made[first], name, workload)
            if task.network.unshared:  # else all settings draw the same of themselves
                workload.draw_as(made[first])
    return made


def _check_shared(task: Task, first: str, one: Domain, second: str, other: Domain) -> None:
    here, there = _shared_shapes(one), _shared_shapes(other)
    for name in {**here, **there}:
        if here.get(name) != there.get(name):
            said = [f"shape {shapes[name]}" if name in shapes else "no place" for shapes in (here, there)]
            raise TicketbenchError(
                f"{task.id}: {name} has {said[0]} in setting {first}, {said[1]} in {second}. Settings share all "
                "parameters but those that network.unshared names, and all buffers; of images, data.shape makes one "
                "shape."
            )


def _shared_shapes(workload: Domain) -> dict[str, tuple[int, ...]]:
    unshared, module = workload.task.network.unshared, workload.module()
    named = (*module.named_parameters(), *module.named_buffers())
    return {name: tuple(tensor.shape) for name, tensor in named if name not in unshared}
