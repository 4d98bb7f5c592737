"""What an objective is, for the digest of a training: its class, that class's source, and its fields."""

import hashlib
import inspect
from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from typing import Any

import torch
from torch import Tensor

from ticketbench.methods.requests import Objective, Refused


def objective_identity(objective: Objective | None) -> str:
    """A text that differs wherever two objectives could train differently; empty for the plain loss.

    A method's module is named after the digest of its file, so what its objective calls there is covered.

    Raises `Refused` for anything but a frozen dataclass of numbers, texts, tensors, and containers of these, and for
    a class that is declared within a function: what it uses of that function's variables cannot be seen.
    """
    if objective is None:
        return ""
    kind = type(objective)
    if not is_dataclass(kind) or not kind.__dataclass_params__.frozen:
        raise Refused(
            f"objective {kind.__name__}: expected an instance of a frozen dataclass, so that it can be told apart"
        )
    if "<locals>" in kind.__qualname__:
        raise Refused(
            f"objective {kind.__name__}: declared within a function; declare it at the top of its file, and what it "
            "uses as its fields"
        )
    try:
        source = inspect.getsource(kind)
    except (OSError, TypeError):
        source = ""
    values = ", ".join(f"{f.name}={_told(getattr(objective, f.name), kind, f.name)}" for f in fields(kind))
    return f"{kind.__module__}.{kind.__qualname__}({values})\n{source}"


def _told(value: Any, kind: type, name: str) -> str:
    if value is None or isinstance(value, (bool, int, float, str)):
        return repr(value)
    if isinstance(value, Tensor):
        content = value.detach().cpu().contiguous().flatten().view(torch.uint8).numpy().tobytes()
        return f"{value.dtype}{tuple(value.shape)}{hashlib.sha256(content).hexdigest()}"
    if isinstance(value, Mapping):
        return "{" + ", ".join(f"{key!r}: {_told(value[key], kind, name)}" for key in value) + "}"
    if isinstance(value, (list, tuple)):
        return "(" + ", ".join(_told(each, kind, name) for each in value) + ")"
    raise Refused(
        f"objective {kind.__name__}: its field {name} is a {type(value).__name__}; "
        "fields are numbers, texts, tensors, and containers of these"
    )
