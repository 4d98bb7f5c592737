"""What changes a training: data, network, optimizer, schedule, length, ladder.

Everything in a task file is data, immutable once read. The docstrings and field descriptions are the reference for
authors: `ticketbench schema` prints them as JSON Schema.
"""

from typing import Annotated, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, ValidationInfo, field_validator, model_validator
from pydantic_core import PydanticCustomError

Fraction01 = Annotated[float, Field(gt=0, lt=1)]
Positive = Annotated[int, Field(gt=0)]
NotNegative = Annotated[int, Field(ge=0)]
Decay = Annotated[float, Field(ge=0, lt=1)]


class Spec(BaseModel):
    """A part of a task: nothing unknown is let in, nothing changes afterwards."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)


Shape = tuple[Positive, Positive, Positive]
Part = Annotated[str, Field(pattern=r"^[1-9][0-9]*/[1-9][0-9]*$")]
HubId = Annotated[str, Field(pattern=r"^[A-Za-z0-9][\w.-]*(/[A-Za-z0-9][\w.-]*)?$")]
Digest = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]


def _of_the_table(message: str) -> PydanticCustomError:
    """A mistake of several keys of a table, which is told of the table and not of the key that tells it."""
    return PydanticCustomError("table", message)


class Data(Spec):
    """Which examples. Validation is split off the whole training split in canonical order, the same for every seed;
    `labels` and `part` then choose among what each split has."""

    name: str | None = Field(
        default=None, description="A data set that ticketbench knows: digits, mnist, fashion-mnist, cifar-10."
    )
    hub: HubId | None = Field(
        default=None, description="Or your own: its id on the Hugging Face hub, and its path below $TICKETBENCH_DATA."
    )
    folder: str | None = Field(
        default=None,
        validate_default=True,
        description="Or a folder of images, train/CLASS/* and test/CLASS/*, relative to this file.",
    )
    config: str | None = Field(default=None, description="The hub's configuration; for hub only.")
    image: str = Field(default="image", description="The column with images; for hub and folder.")
    label: str = Field(default="label", description="The column with labels; for hub and folder.")
    test: str = Field(default="test", description="The split that is the test set; for hub and folder.")
    digest: Digest | None = Field(
        default=None, description="Content digest that pins your own data set; running without it tells it."
    )
    shape: Shape | None = Field(
        default=None,
        description="Channels (1 or 3), height and width that images are brought to. Default: as stored.",
    )
    validation: Positive = Field(description="Examples held out of the training split for early stopping.")
    labels: tuple[NotNegative, ...] | None = Field(
        default=None, min_length=2, description="Only examples of these classes, in every split. Default: all."
    )
    relabel: bool = Field(
        default=False,
        description="Number the labels anew, from 0 as `labels` lists them: the network's head has one output each.",
    )
    part: Part | None = Field(
        default=None,
        description="Only this part of the training split, as in 1/2 and 2/2; validation and test stay whole.",
    )
    mean: tuple[float, ...] = Field(default=(0.0,), description="Per channel, subtracted from pixels in [0, 1].")
    std: tuple[Annotated[float, Field(gt=0)], ...] = Field(
        default=(1.0,),
        validate_default=True,
        description="Per channel, divided by after the mean is subtracted.",
    )

    # Validators of fields, not of the model, which would keep silent where any field is wrong: all mistakes of a file
    # are told at once. `info.data` lacks the fields that were wrong themselves.

    @field_validator("folder")
    @classmethod
    def _one_source(cls, folder: str | None, info: ValidationInfo) -> str | None:
        others = [info.data.get(key, ...) for key in ("name", "hub")]
        if ... not in others and sum(each is not None for each in (*others, folder)) != 1:
            raise _of_the_table("say one of name, hub and folder")
        return folder

    @field_validator("config", "image", "label", "test", "digest")
    @classmethod
    def _of_your_own(cls, value: str | None, info: ValidationInfo) -> str | None:
        key, known = info.field_name or "", info.data.get("name")
        if known is not None and value != cls.model_fields[key].default:
            raise _of_the_table(f"{key} is for a data set of your own (hub or folder), not for {known}")
        if key == "config" and value is not None and info.data.get("folder") is not None:
            raise _of_the_table("config is for hub only")
        return value

    @field_validator("shape")
    @classmethod
    def _grey_or_colour(cls, shape: Shape | None) -> Shape | None:
        if shape is not None and shape[0] not in (1, 3):
            raise _of_the_table(f"shape begins with the number of channels, 1 or 3, not {shape[0]}")
        return shape

    @field_validator("labels")
    @classmethod
    def _each_label_once(cls, labels: tuple[int, ...] | None) -> tuple[int, ...] | None:
        if labels is not None and len(set(labels)) < len(labels):
            raise _of_the_table("labels names a class twice")
        return labels

    @field_validator("relabel")
    @classmethod
    def _relabel_has_labels(cls, relabel: bool, info: ValidationInfo) -> bool:
        if relabel and info.data.get("labels", ...) is None:
            raise _of_the_table("relabel needs labels")
        return relabel

    @field_validator("part")
    @classmethod
    def _part_of_parts(cls, part: str | None) -> str | None:
        if part is not None:
            which, parts = map(int, part.split("/"))
            if which > parts:
                raise _of_the_table(f"part {part}: there are {parts} parts, so it is at most {parts}/{parts}")
        return part

    @field_validator("std")
    @classmethod
    def _one_channel_count(cls, std: tuple[float, ...], info: ValidationInfo) -> tuple[float, ...]:
        mean = info.data.get("mean", std)
        if len(mean) != len(std):
            raise _of_the_table(f"mean and std have one number a channel each, not {len(mean)} and {len(std)}")
        return std

    @property
    def title(self) -> str:
        """The data set in a word."""
        return self.name or self.hub or self.folder or ""


class Network(Spec):
    """Which network, and how its weights are drawn."""

    name: str | None = Field(default=None, description="lenet-300-100, lenet-5, lenet-5-caffe, mlp or small-resnet.")
    factory: str | None = Field(
        default=None,
        pattern=r"^[A-Za-z_]\w*(\.[A-Za-z_]\w*)*:[A-Za-z_]\w*$",
        description="Or your own, package.module:function: called with the images' shape and the number of classes.",
    )
    init: Literal["glorot-normal", "kaiming-normal", "default"] = Field(
        default="default",
        description="How weights of two or more dimensions are drawn (biases zero); default: torch's own.",
    )
    options: dict[str, int | float | bool | str | list[int]] = Field(
        default_factory=dict,
        description="Keyword arguments of the network's constructor; ours also take shrink, a share of every width.",
    )
    unshared: tuple[str, ...] = Field(
        default=(),
        description="Parameters that every setting has its own of (a head of another size): dense, and not counted.",
    )

    @model_validator(mode="after")
    def _one_network(self) -> Self:
        if (self.name is None) == (self.factory is None):
            raise ValueError("say either name or factory")
        return self

    @property
    def title(self) -> str:
        """The network in a word."""
        return self.name or self.factory or ""


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
