"""Reading a method's file: what in it reaches beyond what a search gives."""

import ast
from collections.abc import Iterator

import ticketbench

_MODULES = {
    "data": ("sklearn", "torchvision.datasets", "datasets", "torchtext", "torchaudio", "timm.data", "kagglehub"),
    "the network": (
        "aiohttp", "ftplib", "http", "httpx", "huggingface_hub", "requests", "smtplib", "socket", "urllib", "urllib3",
        "torch.hub", "torch.distributed",
    ),
    "files or processes": (
        "ctypes", "fcntl", "glob", "mmap", "multiprocessing", "os", "pathlib", "pickle", "shelve", "shutil",
        "sqlite3", "subprocess", "tempfile",
    ),
    "other code": ("builtins", "gc", "importlib", "inspect", "runpy", "sys"),
}  # fmt: skip
_CALLS = {
    "open": "files",
    "__import__": "other code",
    "eval": "other code",
    "exec": "other code",
    "torch.load": "files",
    "torch.save": "files",
    "torch.from_file": "files",
    "numpy.load": "files",
    "np.load": "files",
}  # fmt: skip


def reaches(source: str) -> list[str]:
    """What a file reaches for, each with its line, in the file's order."""
    found = sorted(set(_found(ast.parse(source))))
    return [f"line {line} {said}" for line, said in found]


def _found(tree: ast.AST) -> Iterator[tuple[int, str]]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            for alias in node.names:
                yield from _module(node.lineno, alias.name)
        elif isinstance(node, ast.ImportFrom):
            if node.level:
                yield node.lineno, "imports from beside it (other code)"
            yield from _module(node.lineno, node.module or "")
            for alias in node.names:
                if node.module != "ticketbench" or alias.name not in ticketbench.__all__:
                    yield from _module(node.lineno, f"{node.module}.{alias.name}", of=node.module or "")
        elif isinstance(node, ast.Call):
            yield from _call(node)
        elif isinstance(node, ast.Attribute) and _hidden(node):
            yield node.lineno, f"uses {ast.unparse(node)} (what is hidden)"


def _module(line: int, name: str, of: str = "") -> Iterator[tuple[int, str]]:
    """What importing this module is; `of` is the module that a name is imported from, which was told already."""
    for what, modules in _MODULES.items():
        if any(_within(name, each) and not _within(of, each) for each in modules):
            yield line, f"imports {name} ({what})"
    if _within(name, "ticketbench") and name != "ticketbench" and of in ("", "ticketbench"):
        yield line, f"imports {name} (not public)"


def _within(name: str, module: str) -> bool:
    return name == module or name.startswith(f"{module}.")


def _hidden(node: ast.Attribute) -> bool:
    """Whether an attribute is underscored, and neither the file's own nor torch's."""
    if not node.attr.startswith("_") or node.attr.endswith("__") or node.attr in ("_replace", "_asdict"):
        return False
    root = node.value
    while isinstance(root, ast.Attribute):
        root = root.value
    return not (isinstance(root, ast.Name) and root.id in ("self", "cls", "torch"))


def _call(node: ast.Call) -> Iterator[tuple[int, str]]:
    name = ast.unparse(node.func)
    if name in _CALLS:
        yield node.lineno, f"calls {name} ({_CALLS[name]})"
    elif isinstance(node.func, ast.Attribute) and node.func.attr == "state" and not (node.args or node.keywords):
        yield node.lineno, f"calls {name}() (what is for the harness: it holds evaluations)"
    elif isinstance(node.func, ast.Attribute) and node.func.attr == "forward":
        yield node.lineno, f"calls {name} (examples are counted where a module is called itself)"
