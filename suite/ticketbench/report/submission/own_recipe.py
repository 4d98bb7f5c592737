"""Whether a method's file asks for a training with an objective or a recipe of its own, seen in its syntax tree.

A detour is told like the thing itself: a file in which it cannot be read what a `Train` is given has a recipe of its
own until a reader says otherwise.
"""

import ast
from collections.abc import Iterator

_OWN = ("objective", "recipe")
_TRAIN_ARGUMENTS = 3  # of a Train that says neither objective nor recipe by place
_BEHIND = ("__class__", "__dict__", "__new__", "__replace__", "__setattr__")  # ways to a request by another name


def called(call: ast.Call, names: dict[str, str]) -> str | None:
    """The name of ticketbench that is called. `names` are its names in this file; the module's own means ''."""
    return _public(call.func, names)


def asks_for_one(tree: ast.Module, names: dict[str, str]) -> bool:
    """Whether a Train is asked for with more than a checkpoint, a step and an order of the data, or out of sight."""
    plainly = _plain_uses(tree)
    return any(_asks(node, names, plainly) for node in ast.walk(tree))


def methods_used(tree: ast.Module, names: dict[str, str]) -> set[str | None]:
    """The methods that `search.method` is asked for; None for one that is not written out."""
    found: set[str | None] = set()
    plainly = {id(node.func) for node in ast.walk(tree) if isinstance(node, ast.Call)}
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute) and node.attr == "method" and _public(node, names) is None:
            found |= set() if id(node) in plainly else {None}
        if not (isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr == "method"):
            continue
        if _public(node.func, names) is None:
            said = [*node.args[:1], *(each.value for each in node.keywords if each.arg == "name")]
            literal = said[0].value if said and isinstance(said[0], ast.Constant) else None
            found.add(literal if isinstance(literal, str) else None)
    return found


def _asks(node: ast.AST, names: dict[str, str], plainly: set[int]) -> bool:
    match node:
        case ast.ImportFrom(module="ticketbench"):
            return any(alias.name == "*" for alias in node.names)
        case ast.Name() if names.get(node.id) == "":  # the module itself, handed on
            return id(node) not in plainly
        case ast.Name() | ast.Attribute() if _public(node, names) == "Train":
            return id(node) not in plainly
        case ast.Attribute():
            return node.attr in _BEHIND or (node.attr == "replace" and _named(node.value, names) == "dataclasses")
        case ast.Name():
            return node.id in ("setattr", "vars") or names.get(node.id) == "dataclasses.replace"
        case ast.Constant():
            return node.value in _OWN + _BEHIND
        case ast.Call():
            return _call_asks(node, names, plainly)
    return False


def _call_asks(call: ast.Call, names: dict[str, str], plainly: set[int]) -> bool:
    said = {keyword.arg for keyword in call.keywords}
    if said & set(_OWN) or (_is(call.func, "type") and id(call) not in plainly):
        return True
    if _is(call.func, "getattr") and not any(isinstance(each, ast.Constant) for each in call.args[1:2]):
        return True
    if called(call, names) != "Train":
        return False
    starred = None in said or any(isinstance(each, ast.Starred) for each in call.args)
    return starred or len(call.args) > _TRAIN_ARGUMENTS


def _plain_uses(tree: ast.Module) -> set[int]:
    """Nodes whose use is in plain sight: what is called, a module before its dot, a type that is compared."""
    return {id(node) for each in ast.walk(tree) for node in _in_plain_sight(each)}


def _in_plain_sight(node: ast.AST) -> Iterator[ast.AST]:
    match node:
        case ast.Call():
            yield from (node.func,) if isinstance(node.func, (ast.Name, ast.Attribute)) else ()
        case ast.Attribute():
            yield from (node.value,) if isinstance(node.value, ast.Name) or node.attr == "__name__" else ()
        case ast.Compare():
            yield from (node.left, *node.comparators)


def _public(node: ast.expr, names: dict[str, str]) -> str | None:
    """The name of ticketbench that an expression is."""
    if isinstance(node, ast.Name):
        return names.get(node.id) or None
    if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name):
        return node.attr if names.get(node.value.id) == "" else None
    return None


def _named(node: ast.expr, names: dict[str, str]) -> str | None:
    return names.get(node.id) if isinstance(node, ast.Name) else None


def _is(node: ast.expr, name: str) -> bool:
    return isinstance(node, ast.Name) and node.id == name
