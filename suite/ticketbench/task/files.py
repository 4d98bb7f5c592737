"""Task files: TOML into a `Task`, all mistakes of a file told at once."""

import json
import tomllib
from collections.abc import Sequence
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any, get_args

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from ticketbench.errors import TicketbenchError, unknown
from ticketbench.paths import shipped
from ticketbench.task.spec import SGD, Adam, Task

Table = dict[str, Any]

_OWN = ("id", "version", "title", "tier")
_INSTEAD = {"epochs": "steps", "steps": "epochs"}
_OPTIMIZERS = tuple(name for each in (SGD, Adam) for name in get_args(each.model_fields["name"].annotation))


def shipped_tasks() -> dict[str, Path]:
    """The tasks that come with ticketbench, by id."""
    root = shipped("tasks")
    return {path.relative_to(root).with_suffix("").as_posix(): path for path in sorted(root.rglob("*.toml"))}


def find_tasks(selector: str) -> list[Task]:
    """The tasks that an id, a pattern such as `mnist/*`, or the path of a TOML file names.

    Raises `TicketbenchError` where there is none.
    """
    if selector.endswith(".toml"):
        return [load_task(Path(selector))]
    known = shipped_tasks()
    found = [path for name, path in known.items() if fnmatchcase(name, selector)]
    if not found:
        hint = "`ticketbench tasks` lists them; a task file of your own is named by its path, ending in .toml."
        raise unknown("task", selector, known, hint)
    return [load_task(path) for path in found]


def load_task(path: Path) -> Task:
    """The task in this file, with what it extends. Raises `TicketbenchError` naming every mistake in it."""
    return _validated(_with_parents(path, ()), path)


def task_schema() -> Table:
    """The JSON Schema of a task file, for editors. A file that extends another need not say everything."""
    schema = Task.model_json_schema()
    whole = _loosened(schema, schema["$defs"])
    return schema | {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "if": {"required": ["extends"]},
        "then": {"required": list(_OWN)},
        "else": whole,
    }


def _loosened(place: Table, definitions: Table) -> Table:
    """Takes `required` out of this table's schema and its parts', and returns it as a schema of its own.

    The entries of a list are left as they are: no file inherits half of one.
    """
    if "$ref" in place:
        return _loosened(definitions[place["$ref"].rsplit("/", 1)[-1]], definitions)
    if "oneOf" in place:
        place.pop("discriminator", None)
        place["anyOf"] = place.pop("oneOf")  # without `required`, a table may fit more than one
        options = [_loosened(each, definitions)["required"] for each in place["anyOf"]]
        return {"required": [key for key in options[0] if all(key in option for option in options)]}
    required = place.pop("required", [])
    parts = {key: _loosened(each, definitions) for key, each in place.get("properties", {}).items()}
    said = {"required": required, "properties": {key: part for key, part in parts.items() if part}}
    return {key: value for key, value in said.items() if value}


def _validated(said: Table, path: Path) -> Task:
    """As JSON, because pydantic then takes TOML's own types strictly: 60 is a batch size, "60" and true are not."""
    try:
        return Task.model_validate_json(json.dumps(said, default=str), strict=True)
    except ValidationError as error:
        mistakes = "\n".join(f"  {line}" for line in _explain(error))
        raise TicketbenchError(f"{path}: this task cannot be used:\n{mistakes}") from None


def _with_parents(path: Path, below: tuple[Path, ...]) -> Table:
    said = _read(path)
    parent = said.get("extends")
    if parent is None:
        return said
    if not isinstance(parent, str):
        raise TicketbenchError(f"{path}: extends: expected a task's id or the path of a TOML file, got {parent!r}.")
    chain = (*below, path.resolve())
    parent_path = _parent_path(path, parent)
    if parent_path.resolve() in chain:
        raise TicketbenchError(f"{path}: extends: {parent} leads back to where this began; no task extends itself.")
    inherited = _with_parents(parent_path, chain)
    _validated(inherited, parent_path)  # so that a mistake is told of the file it stands in
    return _merged(
        {key: value for key, value in inherited.items() if key not in (*_OWN, "description", "references")}, said
    )


def _parent_path(path: Path, parent: str) -> Path:
    if parent.endswith(".toml"):
        return path.parent / parent
    known = shipped_tasks()
    if parent not in known:
        error = unknown("task", parent, known)
        raise TicketbenchError(f"{path}: extends: {error}")
    return known[parent]


def _read(path: Path) -> Table:
    try:
        return tomllib.loads(path.read_text("utf-8-sig"))
    except FileNotFoundError:
        raise TicketbenchError(f"{path}: there is no such task file.") from None
    except OSError as error:
        raise TicketbenchError(f"{path}: cannot be read: {error.strerror}.") from None
    except UnicodeDecodeError:
        raise TicketbenchError(f"{path}: is not UTF-8 text.") from None
    except tomllib.TOMLDecodeError as error:
        raise TicketbenchError(f"{path}: is not valid TOML: {error}") from None


def _merged(parent: Table, child: Table) -> Table:
    """The child's keys over the parent's, table by table; one that is empty or has another `name` starts afresh."""
    result = dict(parent)
    for key, value in child.items():
        if _INSTEAD.get(key) not in child:
            result.pop(_INSTEAD.get(key, ""), None)
        old = parent.get(key)
        same_kind = (
            isinstance(value, dict)
            and value
            and isinstance(old, dict)
            and value.get("name", old.get("name")) == old.get("name")
        )
        result[key] = _merged(parent[key], value) if same_kind else value
    return result


def _explain(error: ValidationError) -> list[str]:
    lines = []
    for detail in error.errors():
        loc = _place(detail["loc"])
        key = ".".join(str(part) for part in loc) or "the file"
        lines.append(f"{key}: {_sentence(detail, loc)}")
    return list(dict.fromkeys(lines))


def _place(loc: tuple[int | str, ...]) -> tuple[int | str, ...]:
    """Where a mistake stands in the file. pydantic also names the member of a union that it tried."""
    if loc[:2] == ("training", "optimizer"):
        return loc[:2] + loc[3:]
    return loc[:3] if loc[:2] == ("network", "options") else loc


def _sentence(detail: ErrorDetails, loc: Sequence[int | str]) -> str:
    kind = detail["type"]
    if kind in ("union_tag_invalid", "union_tag_not_found"):
        named = detail.get("ctx", {}).get("tag")
        return f"its name is one of {', '.join(_OPTIMIZERS)}{f', got {named!r}' if named else ''}."
    if kind in ("model_type", "model_attributes_type", "dict_type"):
        return "should be a table."
    if len(loc) == 3 and loc[:2] == ("network", "options"):
        return "should be a number, true or false, a string, or a list of whole numbers."
    if kind == "extra_forbidden":
        allowed = _allowed_keys(detail["loc"][:-1])
        listing = f" Allowed here: {', '.join(allowed)}." if allowed else ""
        return f"there is no such key.{listing}"
    if kind == "missing":
        return "is missing."
    got = detail.get("input")
    shown = f", got {got!r}" if isinstance(got, (str, int, float, bool, list)) else ""
    message = detail["msg"].removeprefix("Value error, ")
    return f"{message[0].lower()}{message[1:]}{shown}."


def _allowed_keys(loc: Sequence[int | str]) -> list[str]:
    """The keys that the table at this place of a task file may have; `loc` is pydantic's, with the union's tags."""
    schema: Any = Task.model_json_schema()
    definitions = schema["$defs"]
    for part in loc:
        if "discriminator" in schema:
            schema = {"$ref": schema["discriminator"]["mapping"][part]}
        else:
            schema = schema.get("items", {}) if isinstance(part, int) else schema.get("properties", {}).get(part, {})
        if "$ref" in schema:
            schema = definitions[schema["$ref"].rsplit("/", 1)[-1]]
    return list(schema.get("properties", {}))
