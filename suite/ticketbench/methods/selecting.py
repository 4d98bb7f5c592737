"""How a method is named where one is asked for: by name, pattern or file, with parameters."""

import ast
import re
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from ticketbench.errors import TicketbenchError

# A file's path may hold brackets of its own, so the parameters are what follows the ending `.py` or `.py:name`.
_FORM = re.compile(r"(?P<target>.+\.py(?::[^()]*)?|[^(]*)(?P<parameters>\(.*)?", re.DOTALL)


@dataclass(frozen=True)
class Selector:
    """`name`, `path.py` or `path.py:name`, each with or without `(key=value, ...)` after it.

    Attributes:
        file: where it names one.
        name: a method's name, or a pattern of names; of those in the file where there is one, and all where empty.
        parameters: with their brackets; empty where there are none.
    """

    file: Path | None
    name: str
    parameters: str

    def __str__(self) -> str:
        target = self.name if self.file is None else f"{self.file}{self.name and f':{self.name}'}"
        return f"{target}{self.parameters}"

    def given(self) -> dict[str, Any]:
        """The parameters. Raises `TicketbenchError` where their values are no Python literals."""
        if not self.parameters:
            return {}
        try:
            call = ast.parse(f"f{self.parameters}", mode="eval").body
            if not isinstance(call, ast.Call) or not isinstance(call.func, ast.Name) or call.args:
                raise ValueError
            given = {k.arg: ast.literal_eval(k.value) for k in call.keywords if k.arg is not None}
            if len(given) < len(call.keywords):
                raise ValueError
            return given
        except (SyntaxError, TypeError, ValueError):
            raise TicketbenchError(
                f"{self}: expected parameters as in name(interval=50, fraction=0.3), their values Python literals."
            ) from None

    def beside(self, folder: Path) -> "Selector":
        """The same of the file in this folder, where it is there."""
        if self.file is None or not (folder / self.file).exists():
            return self
        return replace(self, file=folder / self.file)


def parse_selector(text: str) -> Selector:
    """What a selector says, right or wrong."""
    parts = _FORM.fullmatch(text)
    assert parts is not None  # any text is of this form
    target, parameters = parts["target"], parts["parameters"] or ""
    if target.endswith(".py"):
        return Selector(Path(target), "", parameters)
    path, colon, name = target.rpartition(".py:")
    return Selector(Path(f"{path}.py"), name, parameters) if colon else Selector(None, target, parameters)
