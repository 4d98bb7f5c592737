"""ticketbench: a reproducibility benchmark suite and leaderboard for lottery tickets and neural-network pruning.

What a method author uses is importable from here. Names are loaded when first used, so that importing
the package, and every command that trains nothing, does not wait for torch.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from ticketbench.ladder import Rung as Rung
    from ticketbench.masks import keep_largest as keep_largest
    from ticketbench.methods import Checkpoint as Checkpoint
    from ticketbench.methods import Diverged as Diverged
    from ticketbench.methods import Probe as Probe
    from ticketbench.methods import Recipe as Recipe
    from ticketbench.methods import Refused as Refused
    from ticketbench.methods import Search as Search
    from ticketbench.methods import Ticket as Ticket
    from ticketbench.methods import Train as Train
    from ticketbench.methods import method as method
    from ticketbench.methods import scorer as scorer

__version__ = "0.1.0"

_PUBLIC = {
    "Checkpoint": "ticketbench.methods",
    "Diverged": "ticketbench.methods",
    "Probe": "ticketbench.methods",
    "Recipe": "ticketbench.methods",
    "Refused": "ticketbench.methods",
    "Rung": "ticketbench.ladder",
    "Search": "ticketbench.methods",
    "Ticket": "ticketbench.methods",
    "Train": "ticketbench.methods",
    "keep_largest": "ticketbench.masks",
    "method": "ticketbench.methods",
    "scorer": "ticketbench.methods",
}

__all__ = ["__version__", *_PUBLIC]


def __getattr__(name: str) -> Any:
    if name in _PUBLIC:
        return getattr(import_module(_PUBLIC[name]), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted([*globals(), *_PUBLIC])
