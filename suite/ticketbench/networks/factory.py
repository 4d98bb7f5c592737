"""Networks of your own: `factory = "package.module:function"` in a task.

The function is called as `function(shape, classes, **options)`, with an image's shape (C, H, W) and the number of
classes, and returns a `torch.nn.Module` from (N, C, H, W) to logits (N, classes), drawing its weights from torch's
global generator. For text, translation and games `docs/domains.md` says what goes in and comes out. Its module is
looked for in the current directory first and then where Python looks, as by `python -m`. Each mistake is one
`TicketbenchError` that names the factory and what was expected.
"""

import hashlib
import importlib
import inspect
import sys
import traceback
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from types import ModuleType
from typing import Any

from torch import nn
from torch.nn.parameter import is_lazy

from ticketbench.errors import TicketbenchError, raised, unknown
from ticketbench.task import Network

_EXPECTED = "expected a function (shape, classes, **options)"


def find(factory: str) -> Callable[..., object]:
    """The function that `package.module:function` names. Raises `TicketbenchError` where there is none."""
    module, name = _module(factory), factory.partition(":")[2]
    if not hasattr(module, name):
        functions = [f"{module.__name__}:{each}" for each, value in vars(module).items() if callable(value)]
        file = getattr(module, "__file__", None) or "a module without a file"
        raise unknown("network factory", factory, functions, f"{_EXPECTED.capitalize()} of that name in {file}.")
    function: Callable[..., object] = getattr(module, name)
    if not callable(function):
        raise TicketbenchError(f"network factory {factory}: {_EXPECTED}, not {_kind(function)}.")
    for file in _files(module, function):
        _content(file)  # now, not when its digest is asked for: it may be edited in between
    return function


def call(factory: str, shape: tuple[int, ...], classes: int, options: Mapping[str, Any]) -> nn.Module:
    """The network that the factory makes. Raises `TicketbenchError` where it raises or returns anything else."""
    function = find(factory)
    try:
        with _current_directory_first():
            network = function(shape, classes, **options)
    except (Exception, SystemExit) as error:
        given = "".join(f", {name}={value!r}" for name, value in options.items())
        line = _line(error, _files(_module(factory), function))
        raise TicketbenchError(
            f"network factory {factory}: expected a torch.nn.Module from a call with ({shape}, {classes}{given}), "
            f"but it raised {raised(error)}{line}."
        ) from error
    if not isinstance(network, nn.Module):
        raise TicketbenchError(f"network factory {factory}: expected a torch.nn.Module, but got {_kind(network)}.")
    if any(is_lazy(parameter) for parameter in network.parameters()):
        raise TicketbenchError(f"network factory {factory}: expected layers of known sizes, but some are lazy.")
    return network


def source_digest(spec: Network) -> str:
    """SHA-256 of the file that defines the factory's module, as imported; nothing for a built-in network.

    Where the module has the function from another file, of the two files one after the other. No other file is
    covered: a change in what these import goes unnoticed, and stored trainings of the network before it are used
    again. Keep a network in one file, or start from a fresh store.

    Raises `TicketbenchError` where the factory cannot be found, or has no file.
    """
    if spec.factory is None:
        return ""
    function = find(spec.factory)
    contents = [_content(file) for file in _files(_module(spec.factory), function)]
    if not all(contents):
        raise TicketbenchError(f"network factory {spec.factory}: expected a module in a file that can be read.")
    return hashlib.sha256(b"".join(contents)).hexdigest()


def _module(factory: str) -> ModuleType:
    name = factory.partition(":")[0]
    try:
        with _current_directory_first():
            if name not in sys.modules:
                importlib.invalidate_caches()
            return importlib.import_module(name)
    except (Exception, SystemExit) as error:
        raise TicketbenchError(
            f"network factory {factory}: expected a module {name}, installed or in the current directory, "
            f"but importing it raised {raised(error)}."
        ) from error


@contextmanager
def _current_directory_first() -> Iterator[None]:
    here = str(Path.cwd())
    sys.path.insert(0, here)
    try:
        yield
    finally:
        if here in sys.path:
            sys.path.remove(here)


def _files(module: ModuleType, function: Callable[..., object]) -> list[str]:
    """The module's file and, where that is another, the one that defines the function; "" for none."""
    home = sys.modules.get(getattr(inspect.unwrap(function), "__module__", None) or "", module)
    return list(dict.fromkeys(getattr(each, "__file__", None) or "" for each in (module, home)))


@cache
def _content(file: str) -> bytes:
    """What the file held when it was imported: what is edited later is not what runs. Nothing without a file."""
    try:
        return Path(file).read_bytes()
    except OSError:
        return b""


def _line(error: BaseException, files: list[str]) -> str:
    lines = [frame.lineno for frame in traceback.extract_tb(error.__traceback__) if frame.filename in files]
    return f" (line {lines[-1]})" if lines else ""


def _kind(value: object) -> str:
    return "None" if value is None else f"a value of type {type(value).__name__}"
