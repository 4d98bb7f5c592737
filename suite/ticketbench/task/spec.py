"""What a task says: data, network, training recipe, ladder, scoring, replicates, references.

Everything here is data, immutable once read. The docstrings and field descriptions are the reference for
authors of task files: `ticketbench schema` prints them as JSON Schema.
"""

import hashlib
import json
from typing import Annotated, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

DEFAULT_SETTING = "default"

Fraction01 = Annotated[float, Field(gt=0, lt=1)]
Positive = Annotated[int, Field(gt=0)]
NotNegative = Annotated[int, Field(ge=0)]
Decay = Annotated[float, Field(ge=0, lt=1)]


class Spec(BaseModel):
    """A part of a task: nothing unknown is let in, nothing changes afterwards."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)


class Data(Spec):
    """Which examples. Validation is split off the training split in canonical order, the same for every seed."""

    name: str = Field(description="A data set that ticketbench knows: digits, mnist, fashion-mnist, cifar-10.")
    validation: Positive = Field(description="Examples held out of the training split for early stopping.")
    mean: tuple[float, ...] = Field(default=(0.0,), description="Per channel, subtracted from pixels in [0, 1].")
    std: tuple[Annotated[float, Field(gt=0)], ...] = Field(
        default=(1.0,), description="Per channel, divided by after the mean is subtracted."
    )

    @model_validator(mode="after")
    def _one_channel_count(self) -> Self:
        if len(self.mean) != len(self.std):
            raise ValueError(f"mean and std have one number a channel each, not {len(self.mean)} and {len(self.std)}")
        return self


class Network(Spec):
    """Which network, and how its weights are drawn."""

    name: str = Field(description="lenet-300-100, mlp or small-resnet.")
    init: Literal["glorot-normal", "kaiming-normal", "default"] = Field(
        default="default",
        description="How weights of two or more dimensions are drawn (biases zero); default: torch's own.",
    )
    options: dict[str, int | float | bool | str | list[int]] = Field(
        default_factory=dict, description="Keyword arguments of the network's constructor."
    )


class SGD(Spec):
    """Stochastic gradient descent; weight decay is added to the gradient."""

    name: Literal["sgd"]
    lr: Annotated[float, Field(gt=0)]
    momentum: Decay = 0.0
    nesterov: bool = False
    weight_decay: Annotated[float, Field(ge=0)] = 0.0

    @model_validator(mode="after")
    def _nesterov_has_momentum(self) -> Self:
        if self.nesterov and not self.momentum:
            raise ValueError("nesterov needs a momentum above 0")
        return self


class Adam(Spec):
    """Adam (Kingma & Ba 2015), or AdamW where the name says so (decay apart from the gradient)."""

    name: Literal["adam", "adamw"]
    lr: Annotated[float, Field(gt=0)]
    betas: tuple[Decay, Decay] = (0.9, 0.999)
    eps: Annotated[float, Field(gt=0)] = 1e-8
    weight_decay: Annotated[float, Field(ge=0)] = 0.0


Optimizer = Annotated[SGD | Adam, Field(discriminator="name")]


class Schedule(Spec):
    """The learning rate as a closed function of the step: linear warm-up, then a factor at every milestone."""

    warmup: NotNegative = Field(default=0, description="Steps of linear warm-up from zero.")
    milestones: tuple[Positive, ...] = Field(default=(), description="Steps at which the rate is multiplied.")
    factor: Annotated[float, Field(gt=0)] = 0.1


class Training(Spec):
    """The recipe that every ticket of the task is trained with."""

    epochs: Annotated[float, Field(gt=0)] | None = Field(
        default=None, description="Length in passes over the training split; or say steps."
    )
    steps: Positive | None = Field(default=None, description="Length in optimizer steps; or say epochs.")
    batch_size: Positive
    optimizer: Optimizer
    schedule: Schedule = Schedule()
    evaluate_every: Positive = Field(description="Steps between evaluations; the last step is always one.")
    rewind_step: NotNegative = Field(
        default=0, description="Where imp-late rewinds to; fine-tune and lr-rewind retrain for the steps after it."
    )

    @model_validator(mode="after")
    def _one_length(self) -> Self:
        if (self.epochs is None) == (self.steps is None):
            raise ValueError("say either epochs or steps")
        return self

    @model_validator(mode="after")
    def _rewinds_before_the_end(self) -> Self:
        if self.steps is not None and self.rewind_step >= self.steps:
            raise ValueError(f"rewind_step {self.rewind_step} must come before the last step, {self.steps}")
        return self

    def total_steps(self, examples: int) -> int:
        """T, the number of optimizer steps of a whole training over this many training examples."""
        if self.steps is not None:
            return self.steps
        assert self.epochs is not None
        return max(1, round(self.epochs * examples / self.batch_size))


class Ladder(Spec):
    """The densities at which tickets are scored: after r rounds `round(N (1 - prune)^r)` weights are kept."""

    prune: Fraction01 = Field(description="Share of what is left that each round prunes.")
    rounds: Positive
    scope: Literal["layer", "global"] = Field(
        default="layer", description="Whether the rate holds in every layer or over all of them."
    )
    layers: dict[str, Fraction01] = Field(
        default_factory=dict, description="Another rate for these weights (scope layer only), by parameter name."
    )
    exclude: tuple[str, ...] = Field(default=(), description="Weights that stay dense and are not counted.")

    @model_validator(mode="after")
    def _rates_need_layers(self) -> Self:
        if self.layers and self.scope != "layer":
            raise ValueError('layers has rates of its own only under scope = "layer"')
        return self


class Scoring(Spec):
    """How a network is scored; chance and margin may follow after the first dense rows."""

    metric: Literal["accuracy"] = "accuracy"
    primary: Literal["final", "best"] = Field(
        default="final", description="Score at the last step, or at the step of lowest validation loss."
    )
    chance: float | None = Field(default=None, description="Score of the best constant answer on the test set.")
    margin: Fraction01 | None = Field(
        default=None, description="Share of the way from dense to chance that counts as no difference."
    )


class Replicates(Spec):
    """How many seeds make a full set of results."""

    seeds: Positive = 5


class Reference(Spec):
    """A published number or ordering that the task is held against."""

    cite: str = Field(description="Citation key in references.bib.")
    where: str = Field(description="Table, figure or section.")
    method: str
    found_on: str = DEFAULT_SETTING
    trained_on: str = DEFAULT_SETTING
    density: Annotated[float, Field(gt=0, le=1)] | None = None
    column: str | None = None
    value: float | None = None
    plus_minus: float | None = Field(default=None, description="The spread the source prints, as it prints it.")
    claim: str | None = Field(default=None, description="An ordering or another statement, in the source's sense.")
    note: str | None = Field(default=None, description="What the source leaves open or does differently.")

    @model_validator(mode="after")
    def _says_something(self) -> Self:
        if (self.value is None) == (self.claim is None):
            raise ValueError("say either value (with column and density) or claim")
        if self.value is not None and (self.column is None or self.density is None):
            raise ValueError("a value needs the column it is held against and its density")
        return self


class Task(Spec):
    """A declared problem. See `docs/tasks.md`."""

    id: str = Field(pattern=r"^[a-z0-9][a-z0-9_.-]*(/[a-z0-9][a-z0-9_.-]*)+$", description="As in mnist/lenet-5.")
    version: Positive
    title: str = Field(min_length=1)
    description: str = ""
    cites: tuple[str, ...] = ()
    tier: Literal["smoke", "ci", "lab", "full"] = Field(
        description="How long a full set takes: smoke seconds, ci minutes on a laptop, lab hours, full a GPU."
    )
    extends: str | None = Field(default=None, description="The task whose keys hold where this one is silent.")
    data: Data
    network: Network
    training: Training
    ladder: Ladder
    scoring: Scoring = Scoring()
    replicates: Replicates = Replicates()
    references: tuple[Reference, ...] = ()

    @property
    def settings(self) -> tuple[str, ...]:
        """The names of the settings that methods search on and tickets are trained on."""
        return (DEFAULT_SETTING,)

    @property
    def digest(self) -> str:
        """Digest of all that changes a training or its score, and of nothing else.

        Values that are defaults are left out, so that a key added later makes no published row stale. No default
        may therefore ever change.
        """
        parts = {"data": self.data, "network": self.network, "training": self.training, "ladder": self.ladder}
        said: dict[str, object] = {
            name: part.model_dump(mode="json", exclude_defaults=True) for name, part in parts.items()
        }
        said["metric"] = self.scoring.metric
        return hashlib.sha256(json.dumps(said, sort_keys=True).encode()).hexdigest()
