"""Loading methods: one door for ours and a stranger's. A method is found in a file, by path."""

import copyreg
import hashlib
import sys
from collections.abc import Iterable
from dataclasses import replace
from fnmatch import fnmatchcase
from functools import cache
from multiprocessing import parent_process
from pathlib import Path
from types import ModuleType
from typing import Any

from ticketbench.errors import TicketbenchError, unknown
from ticketbench.methods.declare import Method
from ticketbench.methods.plugins import plugins
from ticketbench.methods.selecting import Selector, parse_selector
from ticketbench.paths import shipped


def load_methods(path: Path) -> list[Method]:
    """The methods that a Python file declares, in its order.

    Raises `TicketbenchError` where the file cannot be read or run, or declares none.
    """
    if path.suffix != ".py":
        raise TicketbenchError(f"{path}: is not a Python file.")
    try:
        content = path.read_bytes()
    except OSError as error:
        raise TicketbenchError(f"{path}: cannot be read: {error.strerror}.") from None
    digest = hashlib.sha256(content).hexdigest()
    name = f"ticketbench_method_{path.stem}_{digest[:12]}"
    module = sys.modules.get(name) or _run(path, content, name)
    found: list[Method] = []
    for value in vars(module).values():
        if isinstance(value, Method) and value.module == name and not any(value is known for known in found):
            if any(value.name == known.name for known in found):
                raise TicketbenchError(f"{path}: declares two methods named {value.name!r}.")
            found.append(value)
    if not found:
        raise TicketbenchError(f"{path}: declares no method; decorate a generator with @ticketbench.method(...).")
    return [replace(m, source=path, digest=digest) for m in found]


def _run(path: Path, content: bytes, name: str) -> ModuleType:
    """The module that these bytes make: they, and not a stale bytecode file, are what the digest is of."""
    module = ModuleType(name)
    module.__file__ = str(path)
    sys.modules[name] = module
    try:
        exec(compile(content, str(path), "exec", dont_inherit=True), vars(module))
    except TicketbenchError as error:
        del sys.modules[name]
        raise TicketbenchError(f"{path}: {error}") from None
    except (Exception, SystemExit) as error:
        del sys.modules[name]
        raise TicketbenchError(f"{path}: cannot be loaded: {_where(error, path)}") from error
    return module


def reload(path: Path | None, name: str, digest: str, parameters: dict[str, Any]) -> Method:
    """The method as another process had it. Raises `TicketbenchError` where its file has changed since."""
    if path is None:
        raise TicketbenchError(f"method {name!r} was not loaded from a file, so no other process can run it.")
    found = {each.name: each for each in load_methods(path)}.get(name)
    if found is None or found.digest != digest:
        raise TicketbenchError(f"{path}: changed while {name!r} was running; run it again.")
    return found.with_parameters(**parameters)


def _reduced(method: Method) -> tuple[Any, ...]:
    if method.source is None:
        return Method, (method.name, method.title, method.function)
    return reload, (method.source, method.name, method.digest, dict(method.parameters))


# Methods travel between processes by file, name and parameters: the module they come from has no importable name.
copyreg.pickle(Method, _reduced)


def shipped_methods() -> dict[str, Method]:
    """The methods that come with ticketbench, by name."""
    found: dict[str, Method] = {}
    for path in sorted(shipped("baselines").glob("*.py")):
        for each in load_methods(path):
            if other := found.get(each.name):
                raise TicketbenchError(f"Two methods are named {each.name!r}: {other.source} and {each.source}.")
            found[each.name] = each
    return found


def installed_methods() -> dict[str, Method]:
    """The methods that have a name here, by it: those that come with ticketbench, and those of plugins.

    A plugin that cannot be used is left out, and said on stderr once; asked for by name, it is an error.
    """
    return _installed()[0]


def _installed() -> tuple[dict[str, Method], dict[str, str], dict[str, str]]:
    """Methods by name; why plugins cannot be loaded, by theirs; and which names several files declare, and where."""
    found, broken, taken = shipped_methods(), dict[str, str](), dict[str, str]()
    ours = set(found)
    for plugin in plugins():
        try:
            loaded = load_methods(plugin.path)
        except TicketbenchError as error:
            said = str(error)
            broken[plugin.name] = said if said.startswith(str(plugin)) else f"{plugin}: {said}"
            continue
        for each in loaded:
            other = found.setdefault(each.name, each)
            if other.source != each.source:
                taken[each.name] = (
                    f"Two methods are named {each.name!r}: {other.source} and {each.source} ({plugin}). "
                    "Name one by its file, or uninstall the plugin."
                )
    for said in (*broken.values(), *taken.values()):
        _tell_once(said)
    return {name: each for name, each in found.items() if name in ours or name not in taken}, broken, taken


@cache
def _tell_once(message: str) -> None:
    if parent_process() is None:  # a worker's parent has said it already
        print(f"ticketbench: {message}", file=sys.stderr)


def find_methods(selectors: Iterable[str]) -> list[Method]:
    """The methods that these selectors name, each once: a name, a pattern, `path.py` or `path.py:name`.

    Names are those of `installed_methods`. Parameters follow in parentheses: `rigl(interval=50)`. Raises
    `TicketbenchError`.
    """
    found: dict[tuple[str, str, str], Method] = {}
    for selector in selectors:
        for each in _find(parse_selector(selector)):
            found.setdefault((each.name, each.digest, repr(sorted(each.parameters.items()))), each)
    sources: dict[str, Method] = {}
    for each in found.values():
        other = sources.setdefault(each.name, each)
        if other.digest != each.digest:
            raise TicketbenchError(f"Two methods are named {each.name!r}: {other.source} and {each.source}.")
    return list(found.values())


def _find(selector: Selector) -> list[Method]:
    target, file, given = selector.name, selector.file, selector.given()
    if file is not None:
        methods = load_methods(file)
        if target:
            methods = [m for m in methods if m.name == target] or _unknown_in(file, target, methods)
    elif "/" in target or "." in target:  # no name holds either
        methods = load_methods(Path(target))
    else:
        known, broken, taken = _installed()
        if target in broken and target not in known:
            raise TicketbenchError(broken[target])
        if clash := next((reason for name, reason in taken.items() if fnmatchcase(name, target)), None):
            raise TicketbenchError(clash)
        methods = [m for n, m in known.items() if fnmatchcase(n, target)]
        if not methods and Path(f"{target}.py").is_file():
            raise TicketbenchError(f"Unknown method {target!r}. Did you mean the file {target}.py?")
        if not methods:
            hint = "`ticketbench methods` lists them; a method of your own is named by its file, as in my_method.py."
            raise unknown("method", target, known, hint)
    return [m.with_parameters(**given) for m in methods]


def _unknown_in(file: Path, name: str, methods: list[Method]) -> list[Method]:
    raise unknown(f"method of {file}", name, [m.name for m in methods])


def _where(error: BaseException, path: Path) -> str:
    """The error and the line of `path` it came from."""
    trace, line = error.__traceback__, None
    while trace is not None:
        if trace.tb_frame.f_code.co_filename == str(path):
            line = trace.tb_lineno
        trace = trace.tb_next
    said = str(error)
    if isinstance(error, SyntaxError) and error.filename == str(path):
        said, line = error.msg, error.lineno
    place = f" (line {line})" if line else ""
    return f"{type(error).__name__}: {said}{place}"
