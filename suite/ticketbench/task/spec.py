"""What a task says, whole: recipe, settings, scoring, replicates, references."""

import hashlib
import json
from typing import Annotated, Any, Literal, Self, get_args

from pydantic import Field, TypeAdapter, ValidationError, model_validator
from pydantic_core import ErrorDetails

from ticketbench.task.base import Fraction01, Positive, Spec
from ticketbench.task.data import METRICS, Data
from ticketbench.task.literals import one_of_a_few
from ticketbench.task.recipe import Ladder, Network, Training
from ticketbench.task.references import COLUMNS, DEFAULT_SETTING, Reference
from ticketbench.task.settings import Setting


class Scoring(Spec):
    """How a network is scored; chance and margin may follow after the first dense rows."""

    metric: Literal["accuracy", "perplexity", "BLEU", "return"] | None = Field(
        default=None, description="That of the kind of data: accuracy, perplexity, BLEU or return; need not be said."
    )
    primary: Literal["final", "best"] = Field(
        default="final", description="Score at the last step, or at the step of lowest validation loss."
    )
    chance: float | None = Field(
        default=None,
        description="Score without learning: the best constant answer, the training unigram, BLEU 0, random actions.",
    )
    margin: Fraction01 | None = Field(
        default=None,
        description="Share of the way from dense to chance that counts as no difference; default: by the dense rows.",
    )

    @property
    def column(self) -> str:
        """The column of a row that holds the primary metric."""
        return f"test_{self.primary}"


_DATA: TypeAdapter[Data] = TypeAdapter(Data)


class Replicates(Spec):
    """How many seeds make a full set of results."""

    seeds: Positive = 5


Tier = Literal["smoke", "ci", "lab", "full"]
TIERS: tuple[str, ...] = get_args(Tier)  # from the shortest to the longest


class Task(Spec):
    """A declared problem. See `docs/tasks.md`."""

    id: str = Field(pattern=r"^[a-z0-9][a-z0-9_.-]*(/[a-z0-9][a-z0-9_.-]*)+$", description="As in mnist/lenet-5.")
    version: Positive
    title: str = Field(min_length=1)
    description: str = ""
    cites: tuple[str, ...] = ()
    tier: Tier = Field(
        description="How long one dense training takes on a core of a CPU: smoke seconds, ci up to three minutes, "
        "lab more than a minute; full is for a GPU."
    )
    extends: str | None = Field(default=None, description="The task whose keys hold where this one is silent.")
    data: Data
    network: Network
    training: Training
    ladder: Ladder
    settings: dict[Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9_-]*$")], Setting] = Field(
        default_factory=dict, description="Named variants: n settings give n x n cells, found on and trained on."
    )
    scoring: Scoring = Scoring()
    replicates: Replicates = Replicates()
    references: tuple[Reference, ...] = ()

    @model_validator(mode="after")
    def _settings_hold(self) -> Self:
        wrong: list[str] = []
        for name in self.settings:
            try:
                self.in_setting(name)
            except ValidationError as error:
                wrong += [f"settings.{name}{self._of_its_data(each)}" for each in error.errors()]
        if wrong:
            raise ValueError("\n".join(wrong))
        return self

    def _of_its_data(self, mistake: ErrorDetails) -> str:
        """A mistake in a setting's data as these are together with the task's: the place, and what it is."""
        if mistake["type"] == "table":  # names its keys itself
            return f": {mistake['msg']}"
        place = ".".join(["data", *map(str, mistake["loc"][1:])])  # the first is the kind of data
        if mistake["type"] == "literal_error":
            return f".{place}: {one_of_a_few(mistake, ('data', *mistake['loc']))}"
        if mistake["type"] == "extra_forbidden":
            return f".{place}: data of kind {self.data.kind} have no such key"
        return f".{place}: {mistake['msg'].removeprefix('Value error, ')}"

    @model_validator(mode="after")
    def _references_name_settings(self) -> Self:
        known = self.setting_names
        for reference in self.references:
            other = reference.against
            named = (reference, other) if other is not None else (reference,)
            for name in (each for one in named for each in (one.found_on, one.trained_on) if each is not None):
                if name not in known:
                    raise ValueError(f"references: there is no setting {name!r}; there is {', '.join(known)}")
        return self

    @model_validator(mode="after")
    def _references_name_columns(self) -> Self:
        for reference in self.references:
            if reference.column is not None and reference.column not in COLUMNS:
                raise ValueError(
                    f"references: there is no column {reference.column!r} of numbers; there is {', '.join(COLUMNS)}"
                )
        return self

    @model_validator(mode="after")
    def _parts_fit(self) -> Self:
        kind, training = self.data.kind, self.training
        if self.scoring.metric not in (None, self.metric):
            raise ValueError(f"scoring.metric: that of {kind} is {self.metric}, not {self.scoring.metric}")
        if (training.agent is not None) != (kind == "environment"):
            raise ValueError(f"training.agent: data of kind environment need it, others take none; this is {kind}")
        if kind == "environment" and training.steps is None:
            raise ValueError("training: an agent's length is in steps; games have no epochs")
        if training.label_smoothing and kind != "translation":
            raise ValueError(f"training.label_smoothing is for data of kind translation; this is {kind}")
        return self

    @property
    def metric(self) -> str:
        """What its networks are scored by."""
        return METRICS[self.data.kind]

    @property
    def setting_names(self) -> tuple[str, ...]:
        """The settings that methods search on and tickets are trained on."""
        return tuple(self.settings) or (DEFAULT_SETTING,)

    def in_setting(self, name: str) -> "Task":
        """The task as one of its settings has it, which has no settings itself."""
        if not self.settings:
            return self
        change = self.settings[name]
        data = self.data.model_dump()
        said = change.data.model_dump(exclude_unset=True)
        if {"name", "hub", "folder"} & set(said):
            data = {key: value for key, value in data.items() if key not in _SOURCE}
        return self.model_copy(
            update={
                "data": _DATA.validate_python(data | said),
                "training": self.training.model_copy(update=_given(change.training)),
                "scoring": self.scoring.model_copy(update=_given(change.scoring)),
                "settings": {},
            }
        )

    @property
    def digest(self) -> str:
        """Digest of all that changes a training or its score, and of nothing else.

        Values that are defaults are left out, so that a key added later makes no published row stale. No default
        may therefore ever change.
        """
        parts = {"data": self.data, "network": self.network, "training": self.training, "ladder": self.ladder}
        said: dict[str, Any] = {
            name: part.model_dump(mode="json", exclude_defaults=True) for name, part in parts.items()
        }
        said["data"].pop("folder", None)  # a place, not a content: the digest pins that
        said["metric"] = self.metric
        if self.settings:
            said["settings"] = {
                name: setting.model_dump(
                    mode="json", exclude_defaults=True, exclude={"scoring": True, "data": {"folder"}}
                )
                for name, setting in self.settings.items()
            }
        return hashlib.sha256(json.dumps(said, sort_keys=True).encode()).hexdigest()


_SOURCE = ("name", "hub", "folder", "config", "image", "label", "test", "digest")


def _given(change: Spec) -> dict[str, Any]:
    """What a setting says, as models."""
    return {key: getattr(change, key) for key in change.model_fields_set}
