"""What a method's file says of itself, read from its syntax tree: the file is never imported or run."""

import ast
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import ticketbench
from ticketbench.testing.source import reaches

_DECORATORS = ("method", "scorer")
_DENSITIES = ("exact", "nearest", "outcome")
_LONGEST, _LARGEST = 100, 5_000  # of what is written out: values in a list, characters in a literal
_TRAIN_ARGUMENTS = 3  # of a Train that says neither objective nor recipe by place


@dataclass(frozen=True)
class Said:
    """A declaration, as `@method` or `@scorer` takes it."""

    name: str
    title: str
    cites: tuple[str, ...]
    density: str
    line: int


@dataclass(frozen=True)
class Declaration:
    """What a file declares, what is wrong with it, and what a reader should look at.

    `own_recipe` says whether it trains with an objective or a recipe of its own, as far as can be seen.
    """

    methods: dict[str, Said]
    problems: tuple[str, ...]
    notes: tuple[str, ...]
    own_recipe: bool


def read_declaration(content: bytes) -> Declaration:
    """The declaration in the bytes of a Python file, whatever they are."""
    try:
        source = content.decode("utf-8")
        return _read(ast.parse(source), reaches(source))
    except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
        where = f" (line {error.lineno})" if isinstance(error, SyntaxError) and error.lineno else ""
        return Declaration({}, (f"is not Python that can be parsed{where}",), (), False)


def _read(tree: ast.Module, reached: list[str]) -> Declaration:
    methods: dict[str, Said] = {}
    problems: list[str] = []
    names = _imported(tree)
    for call in (node for node in ast.walk(tree) if isinstance(node, ast.Call)):
        kind = _called(call, names)
        if kind not in _DECORATORS:
            continue
        said, wrong = _said(call, kind)
        problems += wrong
        if said is not None:
            if said.name in methods:
                problems.append(f"declares {said.name!r} twice (lines {methods[said.name].line} and {said.line})")
            methods.setdefault(said.name, said)
    if not methods and not problems:
        problems.append("declares no method: none is decorated with @method(...) or @scorer(...) of ticketbench")
    foreign = sorted(set(_foreign(tree)))
    problems += [f"imports {each}, which is no public name of ticketbench" for each in foreign]
    return Declaration(methods, tuple(problems), (*reached, *_notes(tree)), _own_recipe(tree, names))


def _imported(tree: ast.Module) -> dict[str, str]:
    """What names of ticketbench are called in this file; the module itself under an empty name."""
    names: dict[str, str] = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and node.module == "ticketbench":
            names |= {alias.asname or alias.name: alias.name for alias in node.names}
        elif isinstance(node, ast.Import):
            names |= {alias.asname or alias.name: "" for alias in node.names if alias.name == "ticketbench"}
    return names


def _called(call: ast.Call, names: dict[str, str]) -> str | None:
    """The name of ticketbench that is called."""
    if isinstance(call.func, ast.Name):
        return names.get(call.func.id)
    if isinstance(call.func, ast.Attribute) and isinstance(call.func.value, ast.Name):
        return call.func.attr if names.get(call.func.value.id) == "" else None
    return None


def _said(call: ast.Call, kind: str) -> tuple[Said | None, list[str]]:
    """A declaration from literals; what is computed cannot be read without running it."""
    given: dict[str, Any] = {}
    arguments = {keyword.arg: keyword.value for keyword in call.keywords}
    arguments |= {"name": call.args[0]} if call.args else {}
    problems: list[str] = []
    for key in ("name", "title", "cites", "density"):
        if key not in arguments:
            continue
        try:
            given[key] = ast.literal_eval(arguments[key])
        except (ValueError, TypeError):
            problems.append(f"line {call.lineno}: {key} of @{kind} should be written out, so that it can be read")
    name, title, cites = given.get("name"), given.get("title", ""), given.get("cites", ())
    density = given.get("density", "exact")
    if not isinstance(name, str):
        return None, problems or [f"line {call.lineno}: @{kind} lacks a name"]
    listed = isinstance(cites, (list, tuple)) and all(isinstance(each, str) for each in cites)
    if not isinstance(title, str) or not listed or density not in _DENSITIES:
        problems.append(f"line {call.lineno}: title, cites or density of {name!r} is not of its kind")
        return None, problems
    return Said(name, title, tuple(cites), density, call.lineno), problems


def _foreign(tree: ast.Module) -> Iterator[str]:
    """What is imported of ticketbench but not public."""
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom):
            if node.level:
                yield "." * node.level + (node.module or "")
            elif node.module == "ticketbench":
                yield from (f"ticketbench.{a.name}" for a in node.names if a.name not in ticketbench.__all__)
            elif (node.module or "").startswith("ticketbench."):
                yield node.module or ""
        elif isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names if alias.name.startswith("ticketbench."))


def _notes(tree: ast.Module) -> Iterator[str]:
    """What the rulebook leaves to a reader: where it can be seen, the reader is told to look."""
    for node in ast.walk(tree):
        line = f"line {getattr(node, 'lineno', 0)}"
        match node:
            case ast.Import() | ast.ImportFrom():
                modules = [node.module or ""] if isinstance(node, ast.ImportFrom) else [a.name for a in node.names]
                tops = {module.partition(".")[0] for module in modules} - {"", "torch", "ticketbench"}
                for top in sorted(tops - sys.stdlib_module_names):
                    yield f"{line} imports {top}, which comes neither with Python nor with torch"
            case ast.Attribute(attr="id" | "title" | "tier") if _ends_in(node.value, "task"):
                yield f"{line} reads the task's {node.attr}; a method does not know tasks by name"
            case ast.Attribute(attr="seed", value=ast.Name(id="search")):
                yield f"{line} reads the seed; draw from search.rng, and never choose by seed"
            case ast.List() | ast.Tuple() | ast.Set() if len(node.elts) > _LONGEST:
                yield f"{line} writes out {len(node.elts)} values; a mask is found, not brought along"
            case ast.Constant() if _size(node.value) > _LARGEST:
                yield f"{line} writes out {_size(node.value)} characters; a mask is found, not brought along"


def _own_recipe(tree: ast.Module, names: dict[str, str]) -> bool:
    """Whether a Train is asked for with more than a checkpoint, a step and an order of the data."""
    for call in (node for node in ast.walk(tree) if isinstance(node, ast.Call)):
        if _called(call, names) != "Train":
            continue
        said = {keyword.arg for keyword in call.keywords}
        starred = None in said or any(isinstance(each, ast.Starred) for each in call.args)
        if starred or len(call.args) > _TRAIN_ARGUMENTS or said & {"objective", "recipe"}:
            return True
    return False


def _size(value: Any) -> int:
    if isinstance(value, int):
        return value.bit_length() // 4
    return len(value) if isinstance(value, (str, bytes)) else 0


def _is(node: ast.expr, name: str) -> bool:
    return isinstance(node, ast.Name) and node.id == name


def _ends_in(node: ast.expr, name: str) -> bool:
    return _is(node, name) or (isinstance(node, ast.Attribute) and node.attr == name)
