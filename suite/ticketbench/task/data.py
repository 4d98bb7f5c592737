"""Which data a task is about: images, running text, pairs of sentences, or games.

`kind` says which; a table without it is of images.
"""

from typing import Annotated, Any, Literal, get_args

from pydantic import Discriminator, Field, Tag, ValidationInfo, field_validator
from pydantic_core import PydanticCustomError

from ticketbench.task.base import Above0, NotNegative, Positive, Spec

Shape = tuple[Positive, Positive, Positive]
Part = Annotated[str, Field(pattern=r"^[1-9][0-9]*/[1-9][0-9]*$")]
HubId = Annotated[str, Field(pattern=r"^[A-Za-z0-9][\w.-]*(/[A-Za-z0-9][\w.-]*)?$")]
ImagesName = Literal["digits", "mnist", "fashion-mnist", "cifar-10"]
TextName = Literal["tiny-shakespeare", "wikitext-2"]
TranslationName = Literal["multi30k", "wmt14"]
Digest = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]


def _of_the_table(message: str) -> PydanticCustomError:
    """A mistake of several keys of a table, which is told of the table and not of the key that tells it."""
    return PydanticCustomError("table", message)


class Images(Spec):
    """Labelled images. Validation is split off the whole training split in canonical order, the same for every seed;
    `labels` and `part` then choose among what each split has."""

    kind: Literal["images"] = "images"
    name: ImagesName | None = Field(
        default=None, description=f"A data set that ticketbench knows: {', '.join(get_args(ImagesName))}."
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


class _Known(Spec):
    """Data that are known by a name alone."""

    kind: str
    name: str

    @property
    def title(self) -> str:
        """The data in a word."""
        return self.name


class Text(_Known):
    """Running text, to be continued token by token. Its training, validation and test splits are its own."""

    kind: Literal["text"]
    name: TextName = Field(description=f"A text that ticketbench knows: {', '.join(get_args(TextName))}.")
    digest: Digest | None = Field(
        default=None, description="Content digest, for a text that ticketbench has not pinned; running tells it."
    )
    sequence: Positive = Field(description="Tokens of one step of truncated back-propagation through time.")
    streams: Positive = Field(description="Equal parts in which validation and test text are read side by side.")


class Translation(_Known):
    """Pairs of sentences, to be translated from one language into the other. Its splits are its own."""

    kind: Literal["translation"]
    name: TranslationName = Field(
        description=f"A set of pairs that ticketbench knows: {', '.join(get_args(TranslationName))}."
    )
    digest: Digest | None = Field(
        default=None, description="Content digest, for pairs that ticketbench has not pinned; running tells it."
    )
    source: str = Field(description="The language translated from, as in en.")
    target: str = Field(description="The language translated into, as in de.")
    vocabulary: Positive = Field(description="Pieces of the byte-pair encoding that both languages share.")
    longest: Positive = Field(description="Pieces that a sentence is cut to, its end mark included.")
    beam: Positive = Field(description="Hypotheses that beam search keeps for every test sentence.")
    length_penalty: float = Field(
        default=1.0, description="A hypothesis scores its log probability divided by its length to this power."
    )


class Environment(_Known):
    """A game that an agent learns to play. What it learns from are its own games; validation and test are others."""

    kind: Literal["environment"]
    name: str = Field(description="The environment's id, as Gymnasium knows it, as in CartPole-v1.")
    max_steps: Positive | None = Field(default=None, description="Cap of a game's steps; default: its own.")
    reward_scale: Above0 = Field(default=1.0, description="What rewards are multiplied by in training alone.")
    reward_clip: Above0 | None = Field(default=None, description="What rewards are clipped to in training alone.")
    stack: Positive = Field(default=1, description="Frames that are seen together; for games of images.")
    skip: Positive = Field(default=1, description="Frames that every action is held for; for games of images.")
    games: Positive = Field(description="The metric is the mean return of that many games, the last of training.")
    evaluation_games: Positive = Field(
        description="Games of fixed seeds played at every evaluation, for validation and for test each."
    )


def _kind(said: Any) -> Any:
    return said.get("kind", "images") if isinstance(said, dict) else getattr(said, "kind", "images")


Data = Annotated[
    Annotated[Images, Tag("images")]
    | Annotated[Text, Tag("text")]
    | Annotated[Translation, Tag("translation")]
    | Annotated[Environment, Tag("environment")],
    Discriminator(_kind),
]
KINDS: dict[str, type[Spec]] = {
    "images": Images,
    "text": Text,
    "translation": Translation,
    "environment": Environment,
}
METRICS = {"images": "accuracy", "text": "perplexity", "translation": "BLEU", "environment": "return"}
