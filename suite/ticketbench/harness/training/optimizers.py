"""Optimizers and learning-rate schedules: torch's own, with state that goes into a checkpoint and comes back."""

from bisect import bisect_right
from collections.abc import Mapping
from math import sqrt
from typing import Literal

import torch
from torch import Tensor

from ticketbench.task import SGD, AnyOptimizer, RMSprop, Schedule


def build_optimizer(spec: AnyOptimizer, parameters: list[Tensor]) -> torch.optim.Optimizer:
    """Torch's fused implementation of the optimizer that a task describes, where it has one.

    Momentum starts from zeros, which gives the same first step as torch's own none: its fused kernel takes a
    buffer for every parameter or for none, and those of one training may have begun at different steps.
    """
    if isinstance(spec, SGD):
        sgd = torch.optim.SGD(
            parameters,
            lr=spec.lr,
            momentum=spec.momentum,
            nesterov=spec.nesterov,
            weight_decay=spec.weight_decay,
            fused=True,
        )
        for parameter in parameters if spec.momentum else ():
            sgd.state[parameter]["momentum_buffer"] = torch.zeros_like(parameter)
        return sgd
    if isinstance(spec, RMSprop):  # torch has no fused one
        return torch.optim.RMSprop(
            parameters,
            lr=spec.lr,
            alpha=spec.alpha,
            eps=spec.eps,
            momentum=spec.momentum,
            weight_decay=spec.weight_decay,
            foreach=True,
        )
    kind = torch.optim.AdamW if spec.name == "adamw" else torch.optim.Adam
    return kind(parameters, lr=spec.lr, betas=spec.betas, eps=spec.eps, weight_decay=spec.weight_decay, fused=True)


def learning_rate(
    base: float, schedule: Schedule, step: int, steps: int, mode: Literal["task", "last"] = "task"
) -> float:
    """The rate of a step: linear from zero over the warm-up, times `factor` for every milestone reached.

    Under `decay = "inverse-sqrt"`, times sqrt(warmup / step) after the warm-up (Vaswani et al. 2017, equation 3).
    In `mode="last"` every step has the rate of the schedule's last one (fine-tuning, Renda et al. 2020, section 3).
    """
    at = steps - 1 if mode == "last" else step
    warm = min(1.0, (at + 1) / schedule.warmup) if schedule.warmup else 1.0
    if schedule.decay == "inverse-sqrt":
        return base * warm * min(1.0, sqrt(schedule.warmup / (at + 1)))
    reached = bisect_right(schedule.milestones, at)
    return base * warm * float(schedule.factor**reached)


def load_state(
    optimizer: torch.optim.Optimizer, parameters: Mapping[str, Tensor], saved: Mapping[str, Tensor]
) -> None:
    """Give every parameter its slots back; `saved` is named `slot/parameter`.

    A tensor that has another shape or type by now starts afresh: the fused kernels would read past its slots.
    """
    for name, parameter in parameters.items():
        slots = {key.split("/", 1)[0]: value for key, value in saved.items() if key.split("/", 1)[1] == name}
        if all(slot == "step" or _fits(value, parameter) for slot, value in slots.items()):
            for slot, value in slots.items():
                optimizer.state[parameter][slot] = value.to(parameter.device, copy=True)


def save_state(optimizer: torch.optim.Optimizer, parameters: Mapping[str, Tensor]) -> dict[str, Tensor] | None:
    """All slots as `slot/parameter`, on the CPU; None where the optimizer keeps no state."""
    saved = {
        f"{slot}/{name}": value.detach().to("cpu", copy=True).contiguous()
        for name, parameter in parameters.items()
        for slot, value in optimizer.state.get(parameter, {}).items()
        if isinstance(value, Tensor)
    }
    return saved or None


def _fits(slot: Tensor, parameter: Tensor) -> bool:
    return slot.shape == parameter.shape and slot.dtype == parameter.dtype
