"""What a method can ask for, and what is thrown at it when it cannot have it."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from torch import Tensor

from ticketbench.errors import TicketbenchError
from ticketbench.ladder import Rung
from ticketbench.masks import Mask
from ticketbench.methods.checkpoint import Checkpoint

Objective = Callable[..., Tensor]


@dataclass(frozen=True)
class Recipe:
    """A training unlike the task's: another optimizer, written as in a task file, or parameters held fixed.

    `freeze` names parameters, or tensors of `extra`, that the optimizer does not move.
    """

    optimizer: Mapping[str, Any] | None = None
    freeze: tuple[str, ...] = ()


@dataclass(frozen=True)
class Ticket:
    """Train this mask from this checkpoint to the end, with the task's own recipe and plain loss, and score it.

    `rung` may be left out where the method takes one or where the kept count is a rung's. Two tickets of one
    rung need two labels. `schedule="last"` holds the last learning rate of the schedule. A checkpoint already
    at the end is scored as it is. Sent back: the checkpoint trained on the search's own setting.
    """

    mask: Mask
    checkpoint: Checkpoint
    rung: Rung | None = None
    label: str = ""
    schedule: Literal["task", "last"] = "task"


@dataclass(frozen=True)
class Train:
    """Advance a checkpoint to step `until` without scoring. Sent back: the checkpoint at that step.

    `data_order` other than 0 draws another order of the same examples. An `objective` is a frozen dataclass,
    called as `objective(network, weights, extra, inputs, targets, step, rng, loss)` and returning the loss;
    `loss(network, weights, inputs, targets)` is the task's plain one and `extra` the tensors trained with the
    weights, set by `checkpoint.replace(extra=...)`.
    """

    checkpoint: Checkpoint
    until: int
    data_order: int = 0
    objective: Objective | None = None
    recipe: Recipe = field(default_factory=Recipe)


@dataclass(frozen=True)
class Probe:
    """Score a checkpoint as it is and write a row of kind `probe`. Nothing is sent back."""

    checkpoint: Checkpoint
    label: str


Request = Ticket | Train | Probe


class Refused(TicketbenchError):
    """A request that the contract does not allow; thrown into the method at its yield."""


class NotApplicable(TicketbenchError):
    """What the task's domain cannot give; its reason stands in the rows of a method that needs it."""


class Diverged(TicketbenchError):
    """A training whose loss stopped being finite; thrown into the method at its yield."""
