"""What a check found, in its author's terms."""

from dataclasses import dataclass
from typing import Literal

Status = Literal["ok", "warning", "failed", "not applicable"]


@dataclass(frozen=True)
class Finding:
    """One check's answer.

    Attributes:
        status: `ok`; `warning`, allowed but worth knowing; `failed`; `not applicable`, with the reason in `seen`.
        seen, expected: what the method did, and what was wanted of it.
        change: what its author can do.
    """

    status: Status
    seen: str
    expected: str = ""
    change: str = ""

    @property
    def explanation(self) -> str:
        """Everything but the status, a line each."""
        parts = [("seen", self.seen), ("expected", self.expected), ("change", self.change)]
        return "\n".join(f"{label}: {said}" for label, said in parts if said)


def ok(seen: str) -> Finding:
    """The check holds."""
    return Finding("ok", seen)


def not_applicable(why: str) -> Finding:
    """The check cannot say anything of this method here."""
    return Finding("not applicable", why)


def failed(seen: str, expected: str, change: str) -> Finding:
    """The check does not hold."""
    return Finding("failed", seen, expected, change)


def warning(seen: str, expected: str, change: str) -> Finding:
    """Allowed, but it will be marked, or looked at."""
    return Finding("warning", seen, expected, change)
