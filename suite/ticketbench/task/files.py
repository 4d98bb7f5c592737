"""Task files: TOML into a `Task`, all mistakes of a file told at once."""

import json
import tomllib
from contextlib import suppress
from fnmatch import fnmatchcase
from itertools import combinations
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from ticketbench.errors import TicketbenchError, unknown
from ticketbench.paths import shipped
from ticketbench.task.mistakes import explain, present
from ticketbench.task.spec import Task

Table = dict[str, Any]

_OWN = ("id", "version", "title", "tier")
_ONE_OF = {"Images": ("name", "hub", "folder"), "Network": ("name", "factory"), "Training": ("epochs", "steps")}
_NAMES = ("name", "hub", "folder", "factory")
_INSTEAD = {"epochs": "steps", "steps": "epochs"}


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


def find_task(selector: str) -> Task:
    """The one task that an id or a file names. Raises `TicketbenchError` where there is none, or several."""
    found = find_tasks(selector)
    if len(found) > 1:
        raise TicketbenchError(f"{selector} names {len(found)} tasks, not one.")
    return found[0]


def load_task(path: Path) -> Task:
    """The task in this file, with what it extends. Raises `TicketbenchError` naming every mistake in it."""
    return _validated(_with_parents(path, ()), path)


def task_schema() -> Table:
    """The JSON Schema of a task file, for editors. A file that extends another need not say everything."""
    schema = Task.model_json_schema()
    definitions = schema["$defs"]
    inheritable: set[str] = set()
    whole = _required(schema, definitions, inheritable)
    for name in inheritable:
        definitions[name].pop("required", None)
    for name, keys in (_ONE_OF | {"DataChange": _ONE_OF["Images"]}).items():
        definitions[name]["not"] = {"anyOf": [{"required": list(pair)} for pair in combinations(keys, 2)]}
    del schema["required"]
    schema["properties"]["settings"]["additionalProperties"] = False  # a name that does not fit the pattern
    return schema | {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "if": {"required": ["extends"]},
        "then": {"required": list(_OWN)},
        "else": whole,
    }


def _required(place: Table, definitions: Table, seen: set[str]) -> Table:
    """What this table's schema and its parts' require, as a schema of its own; `seen` gathers the parts' names.

    The entries of a list are left out: no file inherits half of one.
    """
    place = present(place)
    if "$ref" in place:
        name = place["$ref"].rsplit("/", 1)[-1]
        seen.add(name)
        said = _required(definitions[name], definitions, seen)
        return said | {"anyOf": [{"required": [key]} for key in _ONE_OF[name]]} if name in _ONE_OF else said
    if "oneOf" in place or "anyOf" in place:
        place.pop("discriminator", None)
        place["anyOf"] = place.pop("oneOf", place.get("anyOf"))  # without `required`, a table may fit more than one
        options = [_required(each, definitions, seen) for each in place["anyOf"]]
        return options[0] if all(option == options[0] for option in options) else {"anyOf": options}
    said = {"required": place.get("required")}
    for key in ("properties", "patternProperties"):
        parts = {name: _required(each, definitions, seen) for name, each in place.get(key, {}).items()}
        said[key] = {name: part for name, part in parts.items() if part}
    return {key: value for key, value in said.items() if value}


def _validated(said: Table, path: Path) -> Task:
    """As JSON, because pydantic then takes TOML's own types strictly: 60 is a batch size, "60" and true are not."""
    try:
        return Task.model_validate_json(json.dumps(said, default=str), strict=True)
    except ValidationError as error:
        mistakes = "\n".join(f"  {line}" for line in explain(error))
        raise TicketbenchError(f"{path}: this task cannot be used:\n{mistakes}") from None


def _with_parents(path: Path, below: tuple[Path, ...]) -> Table:
    said = _placed(_read(path), path.parent)
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


def _placed(said: Table, home: Path) -> Table:
    """The file's tables with image folders found from where the file lies."""
    settings = said.get("settings")
    tables = [said, *(settings.values() if isinstance(settings, dict) else ())]
    for table in tables:
        data = table.get("data") if isinstance(table, dict) else None
        if isinstance(data, dict) and isinstance(data.get("folder"), str):
            folder = Path(data["folder"])
            with suppress(RuntimeError):  # ~somebody, whom this machine does not know
                folder = folder.expanduser()
            data["folder"] = str((home / folder).resolve())
    return said


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
    """The child's keys over the parent's, table by table; one that is empty or another thing starts afresh."""
    result = {key: value for key, value in parent.items() if _INSTEAD.get(key) not in child}
    for key, value in child.items():
        old = parent.get(key)
        goes_on = isinstance(value, dict) and value and isinstance(old, dict) and not _another(old, value)
        if goes_on:
            result[key] = _merged(parent[key], value)
        elif key == "data" and isinstance(old, dict) and isinstance(value, dict) and value and "kind" in old:
            result[key] = {"kind": old["kind"]} | value  # another text is a text
        else:
            result[key] = value
    return result


def _another(old: Table, new: Table) -> bool:
    """Whether a table names another optimizer, network or data set than it did."""
    before, after = ({key: table[key] for key in _NAMES if key in table} for table in (old, new))
    return bool(before and after and before != after)
