"""The optional packages: which kinds of data need them, whether they are there, and how they are installed."""

from collections.abc import Iterable
from importlib.util import find_spec

_MODULES = {"language": ("sacrebleu", "tokenizers"), "control": ("gymnasium", "stable_baselines3")}  # by extra
_OF_KIND = {"translation": "language", "environment": "control"}


def missing_extras(kinds: Iterable[str]) -> list[str]:
    """The extras of which a module that these kinds of data (`data.kind`) need is not there. None is imported."""
    needed = [_OF_KIND[kind] for kind in sorted(set(kinds) & _OF_KIND.keys(), reverse=True)]
    return [extra for extra in needed if any(find_spec(module) is None for module in _MODULES[extra])]


def install(*extras: str) -> str:
    """The command that brings them."""
    return f'pip install "ticketbench[{",".join(extras)}]"'
