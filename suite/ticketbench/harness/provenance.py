"""What made a row: software, code and machine. Never a host name, a user or a path."""

import platform
import subprocess
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import ticketbench

_COMPUTES = ("torch", "numpy", "safetensors", "scikit-learn", "datasets", "pillow")


@dataclass(frozen=True)
class Code:
    """The suite's own state: its version and, in a checkout, the commit and whether files differ from it."""

    suite_version: str
    commit: str | None
    dirty: bool | None


@cache
def code() -> Code:
    """The code that runs."""
    checkout = Path(ticketbench.__file__).parents[2]
    if not (checkout / ".git").exists():
        return Code(ticketbench.__version__, None, None)
    commit = _git(checkout, "rev-parse", "HEAD")
    changes = _git(checkout, "status", "--porcelain", "--untracked-files=normal", "--", "suite", "tasks", "baselines")
    return Code(ticketbench.__version__, commit, None if changes is None else bool(changes))


@cache
def packages(others: tuple[str, ...] = ()) -> tuple[tuple[str, str], ...]:
    """Names and versions of what computes, Python first; `others` are those of a domain."""
    found = [("python", platform.python_version())]
    for name in (*_COMPUTES, *others):
        try:
            found.append((name, version(name)))
        except PackageNotFoundError:
            continue
    return tuple(found)


def now() -> str:
    """The time, UTC, to the second."""
    return datetime.now(UTC).isoformat(timespec="seconds")


def _git(folder: Path, *arguments: str) -> str | None:
    try:
        done = subprocess.run(["git", *arguments], cwd=folder, capture_output=True, text=True, check=True)
    except (OSError, subprocess.CalledProcessError):
        return None
    return done.stdout.strip()
