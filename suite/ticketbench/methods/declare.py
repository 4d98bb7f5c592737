"""Declaring a method: `@method` over a generator, `@scorer` over a function that only scores."""

import inspect
import re
from collections.abc import Callable, Generator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from types import MappingProxyType
from typing import Any, Literal

from ticketbench.errors import TicketbenchError, unknown
from ticketbench.ladder import Rung
from ticketbench.masks import keep_largest
from ticketbench.methods.requests import Ticket
from ticketbench.methods.search import Search

NEEDS = ("convolutions", "batch norm")
DENSITIES = ("exact", "nearest", "outcome")
RESERVED = ("dense",)

Find = Callable[..., Generator[Any, Any, Any]]


@dataclass(frozen=True)
class Method:
    """A way to find tickets, as its file declares it.

    Attributes:
        per_rung: whether it takes `(search, rung)` and is run once a rung, rather than `(search)`.
        parameters, defaults: the keyword-only arguments with the values in force, and as declared.
        source: the file it was loaded from, and the digest of that file's bytes.
        needs: what the network must have: any of `NEEDS`. Elsewhere the method is not applicable.
        density: `exact`, `nearest` (the nearest reachable count) or `outcome` (whatever comes of it).
    """

    name: str
    title: str
    function: Find
    cites: tuple[str, ...] = ()
    family: str = ""
    needs: tuple[str, ...] = ()
    density: Literal["exact", "nearest", "outcome"] = "exact"
    tags: tuple[str, ...] = ()
    per_rung: bool = False
    parameters: Mapping[str, Any] = field(default_factory=dict)
    defaults: Mapping[str, Any] = field(default_factory=dict)
    source: Path | None = None
    digest: str = ""

    @property
    def module(self) -> str:
        """The name of the module that declared it."""
        return self.function.__module__

    @property
    def description(self) -> str:
        """Its docstring."""
        return inspect.cleandoc(self.function.__doc__ or "")

    @property
    def given(self) -> dict[str, Any]:
        """The parameters that are not at their defaults: what a row's identity holds.

        So a parameter that is added later, or said as it is by default, makes no other method. A default that
        changes changes the file, and with it the digest in every row.
        """
        return {name: value for name, value in self.parameters.items() if repr(value) != repr(self.defaults[name])}

    @property
    def called(self) -> str:
        """Its name and what is given, as the command line takes them: `weight-rewind(step=100)`."""
        said = ", ".join(f"{name}={value!r}" for name, value in self.given.items())
        return f"{self.name}({said})" if said else self.name

    def with_parameters(self, /, **given: Any) -> "Method":
        """The method with these parameters. Raises `TicketbenchError` for one it does not take."""
        for name in given:
            if name not in self.parameters:
                takes = f"It takes {', '.join(self.parameters)}." if self.parameters else "It takes none."
                raise unknown(f"parameter of {self.name}", name, self.parameters, takes)
        return replace(self, parameters=MappingProxyType({**self.parameters, **given}))

    def start(self, search: Search, rung: Rung | None) -> Generator[Any, Any, Any]:
        """The generator of one run. `rung` is for methods that take one."""
        arguments = (search, rung) if self.per_rung else (search,)
        return self.function(*arguments, **self.parameters)


def method(
    name: str,
    *,
    title: str,
    cites: tuple[str, ...] | list[str] = (),
    family: str = "",
    needs: tuple[str, ...] | list[str] = (),
    density: Literal["exact", "nearest", "outcome"] = "exact",
    tags: tuple[str, ...] | list[str] = (),
) -> Callable[[Find], Method]:
    """Declare a generator function as a method.

    The function takes `(search)`, or `(search, rung)` where its rungs are independent; keyword-only arguments
    with defaults are the method's parameters. See `ticketbench.Search` for what it may ask for.

    Raises `TicketbenchError` where the declaration cannot be used.
    """

    def declare(function: Find) -> Method:
        if not inspect.isgeneratorfunction(function):
            raise TicketbenchError(f"method {name!r}: never yields; a method is a generator that yields requests.")
        taken, parameters = _signature(name, function, ("search",), ("search", "rung"))
        return _declared(name, function, taken == 2, parameters, title, cites, family, needs, density, tags)

    return declare


def scorer(
    name: str,
    *,
    title: str,
    at: int | Literal["end"] = 0,
    start: int | Literal["end"] = 0,
    cites: tuple[str, ...] | list[str] = (),
    family: str = "",
    needs: tuple[str, ...] | list[str] = (),
    tags: tuple[str, ...] | list[str] = (),
) -> Callable[[Callable[..., Any]], Method]:
    """Declare `(search, checkpoint) -> {name: scores}` as a one-shot method on the whole ladder.

    Scores are taken from the dense network at step `at` (0: its initial weights, `"end"`: trained); tickets,
    the largest scores of every rung, start from its step `start`.

    Raises `TicketbenchError` where the declaration cannot be used.
    """

    def declare(function: Callable[..., Any]) -> Method:
        if inspect.isgeneratorfunction(function):
            raise TicketbenchError(f"scorer {name!r}: yields; a scorer returns its scores.")
        for key, step in {"at": at, "start": start}.items():
            if step != "end" and (type(step) is not int or step < 0):
                raise TicketbenchError(f'scorer {name!r}: {key} is a step, 0 or more, or "end", got {step!r}.')

        def one_shot(search: Search, **parameters: Any) -> Generator[Any, Any, None]:
            scored = search.initial if at == 0 else (yield search.dense if at == "end" else search.at(at))
            scores = function(search, scored, **parameters)
            begin = search.initial if start == 0 else (yield search.dense if start == "end" else search.at(start))
            yield [Ticket(keep_largest(scores, rung), begin, rung) for rung in search.ladder]

        one_shot.__doc__, one_shot.__module__ = function.__doc__, function.__module__
        _, parameters = _signature(name, function, ("search", "checkpoint"))
        return _declared(name, one_shot, False, parameters, title, cites, family, needs, "exact", tags)

    return declare


def _declared(
    name: str,
    function: Find,
    per_rung: bool,
    parameters: dict[str, Any],
    title: str,
    cites: tuple[str, ...] | list[str],
    family: str,
    needs: tuple[str, ...] | list[str],
    density: Any,
    tags: tuple[str, ...] | list[str],
) -> Method:
    if not isinstance(name, str) or not re.fullmatch("[a-z0-9][a-z0-9_-]*", name):
        raise TicketbenchError(f"method {name!r}: a name is of lower-case letters, digits, - and _.")
    if name in RESERVED:
        raise TicketbenchError(f"method {name!r}: this name belongs to the dense network.")
    for key, listed in {"cites": cites, "needs": needs, "tags": tags}.items():
        if isinstance(listed, str):
            raise TicketbenchError(f"method {name!r}: {key} is a list of strings, as in {key}=[{listed!r}].")
    for need in needs:
        if need not in NEEDS:
            raise unknown(f"need of {name}", need, NEEDS)
    if density not in DENSITIES:
        raise unknown(f"density of {name}", str(density), DENSITIES)
    return Method(
        name=name,
        title=title,
        function=function,
        cites=tuple(cites),
        family=family,
        needs=tuple(needs),
        density=density,
        tags=tuple(tags),
        per_rung=per_rung,
        parameters=MappingProxyType(parameters),
        defaults=MappingProxyType(parameters),
    )


def _signature(name: str, function: Callable[..., Any], *forms: tuple[str, ...]) -> tuple[int, dict[str, Any]]:
    """How many positional arguments a method takes, and its parameters with their defaults."""
    positional, parameters = 0, {}
    for argument in inspect.signature(function).parameters.values():
        optional = argument.default is not argument.empty
        if argument.kind in (argument.POSITIONAL_ONLY, argument.POSITIONAL_OR_KEYWORD) and not optional:
            positional += 1
        elif argument.kind is argument.KEYWORD_ONLY and optional:
            parameters[argument.name] = argument.default
        else:
            raise TicketbenchError(f"method {name!r}: its parameter {argument.name} needs a default after a bare *.")
    if positional not in {len(form) for form in forms}:
        allowed = " or ".join(f"({', '.join(form)})" for form in forms)
        raise TicketbenchError(f"method {name!r}: takes {allowed}, and no other positional argument.")
    return positional, parameters
