"""Settings: what a named variant of a task changes."""

from typing import Annotated

from pydantic import Field

from ticketbench.task.base import NotNegative, Positive, Spec
from ticketbench.task.data import Digest, HubId, Part
from ticketbench.task.recipe import Optimizer


class DataChange(Spec):
    """What a setting's data differs in; the keys mean what they mean under `data`, and only those of its kind fit."""

    name: str | None = None
    hub: HubId | None = None
    folder: str | None = None
    config: str | None = None
    image: str | None = None
    label: str | None = None
    test: str | None = None
    digest: Digest | None = None
    validation: Positive | None = None
    labels: tuple[NotNegative, ...] | None = Field(default=None, min_length=2)
    relabel: bool | None = None
    part: Part | None = None
    mean: tuple[float, ...] | None = None
    std: tuple[Annotated[float, Field(gt=0)], ...] | None = None


class TrainingChange(Spec):
    """What a setting's training differs in. The number of steps is one for all settings of a task."""

    optimizer: Optimizer | None = None


class ScoringChange(Spec):
    """What a setting's scoring differs in."""

    chance: float | None = None


class Setting(Spec):
    """A variant of the task: tickets found on one setting are trained on every setting."""

    data: DataChange = DataChange()
    training: TrainingChange = TrainingChange()
    scoring: ScoringChange = ScoringChange()
