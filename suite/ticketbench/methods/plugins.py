"""Plugins: which files other distributions bring methods in, found without running any of their code."""

from collections.abc import Iterator
from dataclasses import dataclass
from importlib.machinery import ModuleSpec, PathFinder
from importlib.metadata import entry_points
from importlib.util import find_spec
from pathlib import Path

from ticketbench.errors import TicketbenchError

GROUP = "ticketbench.methods"


@dataclass(frozen=True)
class Plugin:
    """One entry point of the group: its name, what it names, and the distribution that brings it."""

    name: str
    value: str
    distribution: str

    def __str__(self) -> str:
        return f"plugin {self.name!r} of {self.distribution}"

    @property
    def path(self) -> Path:
        """The file of the module it names. Raises `TicketbenchError` where there is none."""
        module = self.value.strip()
        if not all(part.isidentifier() for part in module.split(".")):
            raise TicketbenchError(
                f"{self}: expected the name of a module, as in my_package.my_method, got {self.value!r}."
            )
        spec = _spec(module)
        if spec is None or spec.origin is None or not spec.has_location or not spec.origin.endswith(".py"):
            raise TicketbenchError(f"{self}: there is no Python file of a module {module}; install it again.")
        return Path(spec.origin)


def plugins() -> Iterator[Plugin]:
    """The plugins that are installed, in a fixed order, one that two folders of the path have once."""
    found = {
        Plugin(entry.name, entry.value, (entry.dist.name if entry.dist else None) or "an unnamed distribution")
        for entry in entry_points(group=GROUP)
    }
    return iter(sorted(found, key=lambda plugin: (plugin.distribution, plugin.name, plugin.value)))


def _spec(module: str) -> ModuleSpec | None:
    """Where a module lies. `find_spec` alone would import the packages that it lies in."""
    top, *rest = module.split(".")
    try:
        spec = find_spec(top)
        for part in rest:
            if spec is None or spec.submodule_search_locations is None:
                return None
            spec = PathFinder.find_spec(f"{spec.name}.{part}", list(spec.submodule_search_locations))
    except (ImportError, ValueError):
        return None
    return spec
