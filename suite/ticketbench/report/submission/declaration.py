"""What a method's file says of itself, read from its syntax tree: the file is never imported or run."""

import ast
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import ticketbench
from ticketbench.methods.declare import DENSITIES
from ticketbench.report.submission.own_recipe import asks_for_one, called, methods_used
from ticketbench.testing.source import reaches

_DECORATORS = ("method", "scorer")
_COPYING = ("dataclasses", "copy")
_LONGEST, _LARGEST = 100, 5_000  # of what is written out: values in a list, characters in a literal


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

    `own_recipe` says whether it trains with an objective or a recipe of its own, as far as can be seen in this file;
    `uses` are the methods whose generators it takes over (None: one whose name is not written out).
    """

    methods: dict[str, Said]
    problems: tuple[str, ...]
    notes: tuple[str, ...]
    own_recipe: bool
    uses: frozenset[str | None] = frozenset()


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
        kind = called(call, names)
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
    notes, uses = (*reached, *_notes(tree)), frozenset(methods_used(tree, names))
    return Declaration(methods, tuple(problems), notes, asks_for_one(tree, names), uses)


def _imported(tree: ast.Module) -> dict[str, str]:
    """What names of ticketbench are called in this file; the module itself means an empty name.

    Of what makes a request anew, `dataclasses.replace` and `copy.replace`, too.
    """
    names: dict[str, str] = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and node.module == "ticketbench":
            names |= {alias.asname or alias.name: alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module in _COPYING:
            names |= {
                alias.asname or alias.name: "dataclasses.replace" for alias in node.names if alias.name == "replace"
            }
        elif isinstance(node, ast.Import):
            names |= {alias.asname or alias.name: "" for alias in node.names if alias.name == "ticketbench"}
            names |= {alias.asname or alias.name: "dataclasses" for alias in node.names if alias.name in _COPYING}
    return names


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
    if not isinstance(title, str) or not listed or density not in DENSITIES:
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


def _size(value: Any) -> int:
    if isinstance(value, int):
        return value.bit_length() // 4
    return len(value) if isinstance(value, (str, bytes)) else 0


def _is(node: ast.expr, name: str) -> bool:
    return isinstance(node, ast.Name) and node.id == name


def _ends_in(node: ast.expr, name: str) -> bool:
    return _is(node, name) or (isinstance(node, ast.Attribute) and node.attr == name)
