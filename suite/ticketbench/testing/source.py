"""Reading a method's file: what in it reaches beyond what a search gives.

Names are followed to what they were imported or assigned from. It finds what is reached for plainly; who hides it is
found by a reader.
"""

import ast
from collections.abc import Iterator

import ticketbench
from ticketbench.methods import Search
from ticketbench.testing.names import Names, chain

_COMPUTES = frozenset({
    "__future__", "abc", "bisect", "cmath", "collections", "contextlib", "copy", "dataclasses", "decimal", "enum",
    "fractions", "functools", "heapq", "itertools", "math", "numbers", "operator", "random", "statistics", "string",
    "ticketbench", "torch", "typing", "warnings",
})  # fmt: skip
_MODULES = {
    "data": ("sklearn", "torchvision.datasets", "datasets", "torchtext", "torchaudio", "timm.data", "kagglehub"),
    "games": ("gym", "gymnasium", "ale_py", "stable_baselines3"),
    "the network": (
        "aiohttp", "ftplib", "http", "httpx", "huggingface_hub", "requests", "smtplib", "socket", "urllib", "urllib3",
        "torch.hub", "torch.distributed",
    ),
    "files or processes": (
        "ctypes", "fcntl", "glob", "io", "mmap", "multiprocessing", "os", "pathlib", "pickle", "shelve", "shutil",
        "sqlite3", "subprocess", "tempfile", "threading", "torch.multiprocessing", "torch.utils.data",
    ),
    "other code": (
        "builtins", "gc", "importlib", "inspect", "runpy", "sys", "types", "torch.utils.cpp_extension",
        "torch.package",
    ),
    "clocks": ("datetime", "time"),
}  # fmt: skip
_NAMES = {
    "files": (
        "open", "torch.load", "torch.save", "torch.from_file", "torch.jit.load", "torch.jit.save",
        "torch.export.load", "torch.UntypedStorage.from_file", "torch.ops.load_library", "torch.classes.load_library",
        *(f"{np}.{name}" for np in ("np", "numpy") for name in (
            "load", "loadtxt", "genfromtxt", "fromfile", "memmap", "fromregex", "save", "savez", "savetxt",
        )),
    ),
    "other code": ("__import__", "__builtins__", "breakpoint", "compile", "eval", "exec"),
    "what is hidden": (
        "delattr", "dir", "globals", "locals", "setattr", "vars", "operator.attrgetter", "operator.methodcaller",
    ),
}  # fmt: skip
_REACHED = {name: what for what, names in _NAMES.items() for name in names}
_BEHIND = frozenset({
    "__base__", "__bases__", "__builtins__", "__class__", "__closure__", "__code__", "__dict__", "__func__",
    "__getattribute__", "__globals__", "__loader__", "__mro__", "__reduce__", "__reduce_ex__", "__self__",
    "__setattr__", "__spec__", "__subclasses__", "__traceback__", "__wrapped__", "ag_frame", "cr_frame", "f_back",
    "f_builtins", "f_globals", "f_locals", "gi_frame", "tb_frame", "tb_next",
})  # fmt: skip
_KINDS = {module: what for what, modules in _MODULES.items() for module in modules}
_PUBLIC = {"search": {*dir(Search), *Search.__annotations__}, "ticketbench": set(ticketbench.__all__)}
_COUNTED = "examples are counted where a module is called itself"


def reaches(source: str | bytes) -> list[str]:
    """What a file reaches for, each with its line, in the file's order. What cannot be parsed is one finding."""
    try:
        tree = ast.parse(source)
    except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
        return [f"line {getattr(error, 'lineno', None) or 1} is not Python that can be parsed"]
    return [f"line {line} {said}" for line, said in sorted(set(_found(tree)))]


def _found(tree: ast.AST) -> Iterator[tuple[int, str]]:
    nodes = list(ast.walk(tree))
    names = Names(nodes)
    called = {id(node.func) for node in nodes if isinstance(node, ast.Call)}
    for node in nodes:
        match node:
            case ast.Import():
                for alias in node.names:
                    yield from _module(node.lineno, alias.name)
            case ast.ImportFrom():
                yield from _from(node)
            case ast.Name(ctx=ast.Load()) | ast.Attribute():
                yield from _reached(node, names, "calls" if id(node) in called else "uses")
            case ast.Call():
                yield from _call(node)


def _from(node: ast.ImportFrom) -> Iterator[tuple[int, str]]:
    module = node.module or ""
    if node.level:
        yield node.lineno, "imports from beside it (other code)"
        return
    yield from _module(node.lineno, module)
    for alias in node.names:
        name = f"{module}.{alias.name}"
        if alias.name == "*":
            yield node.lineno, f"imports all of {module} (names that nobody can follow)"
        elif name in _REACHED:
            yield node.lineno, f"imports {name} ({_REACHED[name]})"
        elif module != "ticketbench" or alias.name not in ticketbench.__all__:
            yield from _module(node.lineno, name, of=module)


def _module(line: int, name: str, of: str = "") -> Iterator[tuple[int, str]]:
    """What importing this module is; `of` is the module that a name is imported from, which was told already."""
    what = next((_KINDS[each] for each in _KINDS if _within(name, each) and not _within(of, each)), "")
    root, last = name.partition(".")[0], name.rpartition(".")[2]
    if not what and of and root in _COMPUTES:
        what = _KINDS.get(last, "")  # a module that another has imported, and gives away as its own
    if what:
        yield line, f"imports {name} ({what})"
    elif root == "ticketbench" and name != root and of in ("", root):
        yield line, f"imports {name} (not public)"
    elif root != "__future__" and any(part.startswith("_") for part in name.removeprefix(of).split(".")):
        yield line, f"imports {name} (what is hidden)"
    elif not of and root not in _COMPUTES:
        yield line, f"imports {name} (beside torch and what computes)"


def _within(name: str, module: str) -> bool:
    return name == module or name.startswith(f"{module}.")


def _reached(node: ast.Name | ast.Attribute, names: Names, does: str) -> Iterator[tuple[int, str]]:
    line, plain, full = node.lineno, chain(node), names.full(node)
    if full in _REACHED:
        yield line, f"{does} {full} ({_REACHED[full]})"
    if isinstance(node, ast.Name):
        return
    told = plain or f"....{node.attr}"
    root, _, rest = (full or "").partition(".")
    if _hidden(node.attr, full or ""):
        yield line, f"uses {told} (what is hidden)"
    elif root in _PUBLIC and "." not in rest and rest not in _PUBLIC[root] and not rest.startswith("__"):
        yield line, f"uses {full} (not public)"
    elif full and names.is_module(root) and (what := _KINDS.get(full) or _KINDS.get(node.attr)):
        yield line, f"uses {full} ({what})"
    if node.attr == "forward":
        yield line, f"{does} {told} ({_COUNTED})"


def _hidden(attribute: str, full: str) -> bool:
    """Whether an attribute is a way behind things, or underscored and neither the file's own nor torch's."""
    if attribute in _BEHIND:
        return True
    if not attribute.startswith("_") or attribute.endswith("__") or attribute in ("_replace", "_asdict"):
        return False
    return full.partition(".")[0] not in ("self", "cls") and not full.startswith("torch._foreach_")


def _call(node: ast.Call) -> Iterator[tuple[int, str]]:
    if isinstance(node.func, ast.Attribute) and node.func.attr == "state" and not (node.args or node.keywords):
        told = chain(node.func) or "....state"
        yield node.lineno, f"calls {told}() (what is for the harness: it holds evaluations)"
    elif isinstance(node.func, ast.Name) and node.func.id in ("getattr", "hasattr"):
        named = node.args[1] if len(node.args) > 1 else None
        if not isinstance(named, ast.Constant) or _hidden(str(named.value), str(named.value)):
            yield node.lineno, f"calls {node.func.id} (what is hidden)"
