"""Settings: what a named variant of a task changes."""

from typing import Annotated, get_args

from pydantic import Field

from ticketbench.task.base import NotNegative, Positive, Spec
from ticketbench.task.data import Digest, HubId, ImagesName, Part, TextName, TranslationName
from ticketbench.task.recipe import Optimizer

_NAMES = [name for names in (ImagesName, TextName, TranslationName) for name in get_args(names)]


class DataChange(Spec):
    """What a setting's data differs in; the keys mean what they mean under `data`, and only those of its kind fit."""

    name: str | None = Field(
        default=None, description=f"One of {', '.join(_NAMES)}, or a game as Gymnasium knows it."
    )
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
