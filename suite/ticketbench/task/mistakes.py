"""What is wrong with a task file, in lines that name the key and what is allowed there."""

from collections.abc import Iterator, Sequence
from typing import Any, get_args

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from ticketbench.task.data import KINDS
from ticketbench.task.literals import Place, one_of_a_few
from ticketbench.task.recipe import SGD, Adam, RMSprop
from ticketbench.task.spec import Task

_OPTIMIZERS = tuple(name for each in (SGD, Adam, RMSprop) for name in get_args(each.model_fields["name"].annotation))


def explain(error: ValidationError) -> list[str]:
    """One line for each mistake: its place in the file, and what was expected."""
    details = error.errors()
    places = [detail["loc"] for detail in details]
    lines: list[str] = []
    for detail in details:
        if detail["type"] == "too_short" and any(_inside(place, detail["loc"]) for place in places):
            continue  # pydantic counts the right entries only
        lines += _lines(detail)
    return list(dict.fromkeys(lines))


def _inside(place: Place, table: Place) -> bool:
    return len(place) > len(table) and place[: len(table)] == table


def _lines(detail: ErrorDetails) -> Iterator[str]:
    place = _place(detail)
    if place:
        yield f"{'.'.join(map(str, place))}: {_sentence(detail, place)}"
    else:  # of the whole task, which says itself where
        message = _message(detail)
        for line in message.splitlines():
            placed = line if ": " in line else f"the file: {line}"
            yield placed if placed.endswith((".", "?")) else f"{placed}."


def _place(detail: ErrorDetails) -> Place:
    """Where a mistake stands in the file. pydantic also names the member of a union that it tried."""
    loc = detail["loc"]
    if loc[:1] == ("data",) and loc[1:2] and loc[1] in KINDS:
        loc = ("data", *loc[2:])
    if detail["type"] == "table" or loc[-1:] == ("[key]",):
        return loc[:-1]
    for at in range(len(loc) - 1):
        if loc[at : at + 2] == ("training", "optimizer"):
            return loc[: at + 2] + loc[at + 3 :]
    return loc[:3] if loc[:2] == ("network", "options") else loc


def _sentence(detail: ErrorDetails, place: Place) -> str:
    kind = detail["type"]
    if kind == "table":
        return f"{_message(detail)}."
    if kind in ("union_tag_invalid", "union_tag_not_found"):
        named = detail.get("ctx", {}).get("tag")
        if place == ("data",):
            return f"its kind is one of {', '.join(KINDS)}, got {named!r}."
        return f"its name is one of {', '.join(_OPTIMIZERS)}{f', got {named!r}' if named else ''}."
    if kind in ("model_type", "model_attributes_type", "dict_type"):
        return "should be a table."
    if len(place) == 3 and place[:2] == ("network", "options"):
        return "should be a number, true or false, a string, or a list of whole numbers."
    if kind == "extra_forbidden":
        allowed = _allowed_keys(detail["loc"][:-1])
        listing = f" Allowed here: {', '.join(allowed)}." if allowed else ""
        return f"there is no such key.{listing}"
    if kind == "missing":
        return "is missing."
    got = detail.get("input")
    shown = f", got {got!r}" if isinstance(got, (str, int, float, bool, list)) else ""
    if kind == "too_short":
        return f"needs {detail['ctx']['min_length']} entries or more{shown}."
    return one_of_a_few(detail, detail["loc"]) if kind == "literal_error" else f"{_message(detail)}{shown}."


def _message(detail: ErrorDetails) -> str:
    message = detail["msg"].removeprefix("Value error, ")
    return f"{message[0].lower()}{message[1:]}"


def _allowed_keys(loc: Sequence[int | str]) -> list[str]:
    """The keys that the table at this place of a task file may have; `loc` is pydantic's, with the union's tags."""
    schema: Any = Task.model_json_schema()
    definitions = schema["$defs"]
    for part in loc:
        if part in KINDS and "oneOf" in schema:
            schema = {"$ref": f"#/$defs/{KINDS[str(part)].__name__}"}
        elif "discriminator" in schema:
            schema = {"$ref": schema["discriminator"]["mapping"][part]}
        elif isinstance(part, int):
            schema = schema.get("items", {})
        else:
            named: Any = next(iter(schema.get("patternProperties", {}).values()), {})
            schema = schema.get("properties", {}).get(part, named)
        schema = present(schema)
        if "$ref" in schema:
            schema = definitions[schema["$ref"].rsplit("/", 1)[-1]]
    return list(schema.get("properties", {}))


def present(schema: Any) -> Any:
    """What a value may be where it is said; pydantic's schema of a key that may be left out allows null too."""
    others = [each for each in schema.get("anyOf", ()) if each.get("type") != "null"]
    return others[0] if len(others) == 1 else schema
