"""The manifest of a submission: what its author declares, and what was run. TOML, read with distrust."""

import json
import tomllib
from collections.abc import Iterable, Sequence
from typing import Annotated, Any, Literal, Self

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Discriminator,
    Field,
    Tag,
    ValidationError,
    model_validator,
)
from pydantic_core import ErrorDetails

from ticketbench.task import Task

FORM = 1  # of the manifest itself
NONE = "none"
LONGEST_LINE = 10_000  # characters
TASK_ID: str = Task.model_json_schema()["properties"]["id"]["pattern"].strip("^$")
METHOD_NAME = r"[a-z0-9][a-z0-9_-]*"
# The file becomes part of ticketbench, which is under Apache-2.0: each of these may be distributed with it.
Licence = Literal["Apache-2.0", "MIT", "MIT-0", "BSD-2-Clause", "BSD-3-Clause", "ISC", "0BSD", "CC0-1.0", "Unlicense"]


def _printable(text: str) -> str:
    if not text.isprintable():
        raise ValueError("should be one line of printable characters")
    return text


Line = Annotated[str, Field(min_length=1, max_length=500), AfterValidator(_printable)]
Digest = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
TaskId = Annotated[str, Field(pattern=f"^{TASK_ID}$", max_length=200)]
MethodName = Annotated[str, Field(pattern=f"^{METHOD_NAME}$", max_length=100)]


class Part(BaseModel):
    """A part of a manifest: nothing unknown is let in."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class Paper(Part):
    """Where the method was published. BibTeX may have several lines."""

    title: Line
    url: Annotated[str, Field(pattern=r"^https?://[^\s<>\"'`]+$", max_length=500)] | None = None
    arxiv: Annotated[str, Field(pattern=r"^(\d{4}\.\d{4,5}|[a-z-]+(\.[A-Z]{2})?/\d{7})(v\d+)?$")] | None = None
    bibtex: Annotated[str, Field(min_length=1, max_length=4000)] | None = None

    @model_validator(mode="after")
    def _can_be_found(self) -> Self:
        if not (self.url or self.arxiv or self.bibtex):
            raise ValueError("needs one of url, arxiv and bibtex")
        return self


class Tuning(Part):
    """How many configurations were tried, on which tasks, and which scores chose among them: never those of test."""

    configurations: Annotated[int, Field(gt=0)]
    tasks: Annotated[tuple[TaskId, ...], Field(min_length=1, max_length=40)]
    chosen_by: Literal["validation", "training"]


def _form(value: Any) -> str:
    return "text" if isinstance(value, str) else "table"


PaperSaid = Annotated[Annotated[Literal["none"], Tag("text")] | Annotated[Paper, Tag("table")], Discriminator(_form)]
TuningSaid = Annotated[
    Annotated[Literal["none"], Tag("text")] | Annotated[Tuning, Tag("table")], Discriminator(_form)
]


class Declared(Part):
    """What only the author can say."""

    authors: Annotated[tuple[Line, ...], Field(min_length=1, max_length=100)]
    paper: PaperSaid
    licence: Licence
    extra_data: Line = Field(description="What was used beyond the task's training split, or none.")
    tuning: TuningSaid


def _first_ones(seeds: tuple[int, ...]) -> tuple[int, ...]:
    if seeds != tuple(range(len(seeds))):
        raise ValueError("should be the first ones, 0 to N - 1 in this order: none left out, none chosen")
    return seeds


Seeds = Annotated[tuple[int, ...], Field(min_length=1, max_length=1000), AfterValidator(_first_ones)]


class Ran(Part):
    """A task as it was when the rows were made."""

    id: TaskId
    version: Annotated[int, Field(gt=0)]
    digest: Digest
    seeds: Seeds


class Manifest(Declared):
    """All of it. `files` maps each file's place, relative to the submission, to the sha256 of its bytes."""

    manifest: Literal[1]
    suite_version: Line
    engine_version: int
    methods: Annotated[tuple[MethodName, ...], Field(min_length=1, max_length=50)]
    tasks: Annotated[tuple[Ran, ...], Field(min_length=1, max_length=200)]
    files: Annotated[dict[str, Digest], Field(min_length=1, max_length=1000)]


def read_table(content: bytes) -> tuple[dict[str, Any], str]:
    """The TOML table in these bytes, and why there is none."""
    try:
        text = content.decode("utf-8")
        # A line of dots costs the square of its length.
        if long := [number for number, line in enumerate(text.split("\n"), 1) if len(line) > LONGEST_LINE]:
            return {}, f"is not readable TOML (line {long[0]} has more than {LONGEST_LINE} characters)"
        return tomllib.loads(text), ""
    except (tomllib.TOMLDecodeError, UnicodeDecodeError, ValueError, RecursionError) as error:
        return {}, f"is not readable TOML ({str(error)[:200] or type(error).__name__})"


def read_manifest(table: dict[str, Any]) -> tuple[Manifest | None, list[str]]:
    """The manifest that a table holds, or None and all its mistakes, one line each."""
    try:
        return Manifest.model_validate(table), []
    except ValidationError as error:
        return None, mistakes(error)


def mistakes(error: ValidationError) -> list[str]:
    """One line for each mistake: the key, and what was expected."""
    details = error.errors(include_url=False)
    # pydantic counts the right entries of a list only, so a list with a wrong one may be too short as well.
    lists = {detail["loc"][:depth] for detail in details for depth in range(len(detail["loc"]))}
    told = (each for each in details if each["type"] != "too_short" or each["loc"] not in lists)
    return list(dict.fromkeys(map(_mistake, told)))


def _mistake(detail: ErrorDetails) -> str:
    place = ".".join(str(part) for part in detail["loc"] if part not in ("text", "table", "[key]")) or "the manifest"
    kind, message = detail["type"], detail["msg"].removeprefix("Value error, ")
    if kind == "missing":
        return f"{place}: is missing"
    if kind == "extra_forbidden":
        return f"{place}: there is no such key"
    if kind in ("model_type", "model_attributes_type", "dict_type"):
        return f"{place}: should be a table"
    if kind == "too_short":
        return f"{place}: needs an entry"
    got = detail.get("input")
    shown = f", got {str(got)[:80]!r}" if isinstance(got, (str, int, float)) else ""
    return f"{place}: {message[0].lower()}{message[1:]}{shown}"


def to_toml(manifest: Manifest) -> str:
    """The manifest as its file has it."""
    lines = [
        "# What is submitted, who made it and how. Written by `ticketbench submit`, which also checks it.",
        f"manifest = {manifest.manifest}",
        *_a_line_each("authors", manifest.authors),
        f"licence = {_text(manifest.licence)}",
        f"paper = {_table_or_none(manifest.paper)}",
        f"extra_data = {_text(manifest.extra_data)}",
        f"tuning = {_table_or_none(manifest.tuning)}",
        "",
        f"suite_version = {_text(manifest.suite_version)}",
        f"engine_version = {manifest.engine_version}",
        f"methods = {_listed(manifest.methods)}",
    ]
    for ran in manifest.tasks:
        lines += ["", "[[tasks]]", *(f"{key} = {_value(value)}" for key, value in ran)]
    lines += ["", "[files]", *(f"{_text(name)} = {_text(digest)}" for name, digest in manifest.files.items())]
    return "\n".join(lines) + "\n"


def _a_line_each(name: str, texts: Sequence[str]) -> list[str]:
    """One line where it is short, else a line for each: a line has its bound."""
    if len(texts) < 2:
        return [f"{name} = {_listed(texts)}"]
    return [f"{name} = [", *(f"  {_text(each)}," for each in texts), "]"]


def _table_or_none(said: Part | str) -> str:
    if isinstance(said, str):
        return _text(said)
    return f"{{ {', '.join(f'{key} = {_value(value)}' for key, value in said if value is not None)} }}"


def _value(value: Any) -> str:
    if isinstance(value, str):
        return _text(value)
    return _listed(value) if isinstance(value, tuple) else str(value)


def _listed(values: Iterable[Any]) -> str:
    return f"[{', '.join(map(_value, values))}]"


def _text(text: str) -> str:
    """A basic string of TOML: JSON's, but that TOML escapes one character more."""
    return json.dumps(text, ensure_ascii=False).replace("\x7f", "\\u007f")
