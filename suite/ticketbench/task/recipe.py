"""What changes a training beside its data: network, optimizer, schedule, length, ladder.

Everything in a task file is data, immutable once read. The docstrings and field descriptions are the reference for
authors: `ticketbench schema` prints them as JSON Schema.
"""

from typing import Annotated, Literal, Self, get_args

from pydantic import Field, field_validator, model_validator

from ticketbench.task.base import Above0, Decay, Fraction01, NotNegative, Positive, Spec

NetworkName = Literal[
    "lenet-300-100",
    "mlp",
    "lenet-5",
    "lenet-5-caffe",
    "small-resnet",
    "lstm",
    "transformer",
    "policy-mlp",
    "policy-atari",
]


class Network(Spec):
    """Which network, and how its weights are drawn."""

    name: NetworkName | None = Field(
        default=None, description=f"A network that ticketbench has: {', '.join(get_args(NetworkName))}."
    )
    factory: str | None = Field(
        default=None,
        pattern=r"^[A-Za-z_]\w*(\.[A-Za-z_]\w*)*:[A-Za-z_]\w*$",
        description="Or your own, package.module:function: called with the shape of one input and how many classes, "
        "tokens or actions there are.",
    )
    init: Literal["glorot-normal", "kaiming-normal", "default"] = Field(
        default="default",
        description="How weights are drawn: default, as the network itself draws them, or glorot-normal or "
        "kaiming-normal, the weights of linear and convolutional layers normal and their biases zero.",
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


class RMSprop(Spec):
    """RMSprop (Tieleman & Hinton 2012), as torch has it: uncentred, epsilon outside the root."""

    name: Literal["rmsprop"]
    lr: Above0
    alpha: Decay = 0.99
    eps: Above0 = 1e-8
    momentum: Decay = 0.0
    weight_decay: Annotated[float, Field(ge=0)] = 0.0


AnyOptimizer = SGD | Adam | RMSprop
Optimizer = Annotated[AnyOptimizer, Field(discriminator="name")]


class Schedule(Spec):
    """The learning rate as a closed function of the step: linear warm-up, then a factor at every milestone."""

    warmup: NotNegative = Field(default=0, description="Steps of linear warm-up from zero.")
    milestones: tuple[Positive, ...] = Field(default=(), description="Steps at which the rate is multiplied.")
    factor: Annotated[float, Field(gt=0)] = 0.1
    decay: Literal["milestones", "inverse-sqrt"] = Field(
        default="milestones",
        description="What follows the warm-up: the milestones, or 1 / sqrt(step) from the warm-up's end on.",
    )

    @model_validator(mode="after")
    def _one_decay(self) -> Self:
        if self.decay == "inverse-sqrt" and (not self.warmup or self.milestones):
            raise ValueError('decay = "inverse-sqrt" needs a warmup, and takes no milestones')
        return self

    @field_validator("milestones")
    @classmethod
    def _ascend(cls, milestones: tuple[int, ...]) -> tuple[int, ...]:
        if list(milestones) != sorted({*milestones}):
            raise ValueError("milestones ascend, each once")
        return milestones


class Agent(Spec):
    """How an agent learns from its games: advantage actor-critic (Mnih et al. 2016). One step is one update."""

    environments: Positive = Field(description="Games played side by side.")
    rollout: Positive = Field(description="Actions in each of them before an update.")
    discount: Annotated[float, Field(gt=0, le=1)]
    entropy: Annotated[float, Field(ge=0)] = Field(description="Weight of the entropy bonus in the loss.")
    value: Above0 = Field(description="Weight of the value's squared error in the loss.")
    normalize: bool = Field(default=False, description="Whether advantages are standardised within a batch.")


class Training(Spec):
    """The recipe that every ticket of the task is trained with."""

    epochs: Annotated[float, Field(gt=0)] | None = Field(
        default=None, description="Length in passes over the training split; or say steps."
    )
    steps: Positive | None = Field(default=None, description="Length in optimizer steps; or say epochs.")
    batch_size: Positive
    optimizer: Optimizer
    schedule: Schedule = Schedule()
    clip: Above0 | None = Field(default=None, description="Largest norm of all gradients together; default: any.")
    label_smoothing: Annotated[float, Field(ge=0, lt=1)] = Field(
        default=0.0, description="Share of the target that all classes have alike; for translation."
    )
    agent: Agent | None = Field(default=None, description="How an agent learns; for environments.")
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
    def _batches_of_rollouts(self) -> Self:
        agent = self.agent
        if agent is not None and self.batch_size != agent.environments * agent.rollout:
            raise ValueError(
                f"batch_size {self.batch_size} must be agent.environments x agent.rollout, "
                f"{agent.environments * agent.rollout}"
            )
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
    cover: Literal["weights", "parameters"] = Field(
        default="weights",
        description="What masks cover: weights of linear and convolutional layers, or all parameters, biases too.",
    )
    exclude: tuple[str, ...] = Field(default=(), description="Weights that stay dense and are not counted.")

    @model_validator(mode="after")
    def _rates_need_layers(self) -> Self:
        if self.layers and self.scope != "layer":
            raise ValueError('layers has rates of its own only under scope = "layer"')
        return self
