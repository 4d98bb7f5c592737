"""Names in a syntax tree, followed to what they were imported or assigned from."""

import ast
from collections.abc import Sequence

_LONGEST = 6  # parts of a chain; a file may nest them by the hundred thousand
_DECORATORS = ("ticketbench.method", "ticketbench.scorer")


def chain(node: ast.AST) -> str | None:
    """`a.b.c` where a node is names and dots alone, six at most; None elsewhere."""
    parts: list[str] = []
    while isinstance(node, ast.Attribute) and len(parts) < _LONGEST:
        parts.append(node.attr)
        node = node.value
    if not isinstance(node, ast.Name) or len(parts) >= _LONGEST:
        return None
    return ".".join([node.id, *reversed(parts)])


class Names:
    """What the names of one file stand for, wherever in it: modules, what was taken from them, and the search."""

    def __init__(self, nodes: Sequence[ast.AST]):
        self._modules: set[str] = set()
        self._known: dict[str, str] = {}
        for node in nodes:
            if isinstance(node, ast.Import):
                for alias in node.names:
                    whole = alias.name if alias.asname else alias.name.partition(".")[0]
                    self._known[alias.asname or whole] = whole
                    self._modules.add(whole.partition(".")[0])
            elif isinstance(node, ast.ImportFrom) and not node.level:
                for alias in node.names:
                    self._known[alias.asname or alias.name] = f"{node.module}.{alias.name}"
                    self._modules.add((node.module or "").partition(".")[0])
        for node in nodes:
            if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
                self._note_search(node)
        for node in nodes:
            self._note_alias(node)

    def full(self, node: ast.AST) -> str | None:
        """The chain that a node stands for, its first name followed to where it comes from."""
        said = chain(node)
        if said is None:
            return None
        root, dot, rest = said.partition(".")
        return f"{self._known.get(root, root)}{dot}{rest}"

    def is_module(self, root: str) -> bool:
        """Whether this is the first part of a module that the file imports from."""
        return root in self._modules

    def _note_search(self, function: ast.FunctionDef | ast.AsyncFunctionDef) -> None:
        arguments = [*function.args.posonlyargs, *function.args.args]
        calls = (each.func if isinstance(each, ast.Call) else each for each in function.decorator_list)
        if arguments and any(self.full(each) in _DECORATORS for each in calls):
            self._known[arguments[0].arg] = "search"
        for each in arguments:
            if each.annotation is not None and self.full(each.annotation) == "ticketbench.Search":
                self._known[each.arg] = "search"

    def _note_alias(self, node: ast.AST) -> None:
        match node:
            case ast.Assign(targets=[ast.Name(id=name)], value=value):
                pass
            case ast.AnnAssign(target=ast.Name(id=name), value=ast.expr() as value):
                pass
            case ast.NamedExpr(target=ast.Name(id=name), value=value):
                pass
            case _:
                return
        full = self.full(value)
        root = (full or "").partition(".")[0]
        if full and name not in self._known and (root == "search" or root in self._modules or full == "open"):
            self._known[name] = full
