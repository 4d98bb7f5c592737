"""A submission's folder, laid out as the repository is: what may lie in it, and how its bytes are read.

Nothing in it is trusted: no link is followed, no path leaves it, and no file is opened before its size is known.
"""

import hashlib
import os
import re
import stat
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from ticketbench.errors import TicketbenchError
from ticketbench.report.printable import plain
from ticketbench.report.submission.manifest import METHOD_NAME, TASK_ID

REPORT = "report.md"
LARGEST = {".toml": 1 << 18, ".py": 1 << 18, ".parquet": 1 << 25, ".md": 1 << 22}  # bytes
MOST_LINES = 100  # that are told of one submission
_MOST_FILES, _DEEPEST = 1000, 8

_STEM = r"[A-Za-z0-9][A-Za-z0-9_-]{0,99}"
_METHOD_FILE = re.compile(rf"baselines/{_STEM}\.py")
_MANIFEST = re.compile(rf"baselines/{_STEM}\.toml")
_ROWS = re.compile(rf"results/(?P<task>{TASK_ID})/(?P<method>{METHOD_NAME})\.parquet")


@dataclass(frozen=True)
class Listing:
    """What lies in a folder: the files that may, with their sizes, and one line for everything that may not."""

    root: Path
    sizes: dict[str, int]
    problems: tuple[str, ...]

    @property
    def manifests(self) -> list[str]:
        """The files that are manifests."""
        return [name for name in self.sizes if _MANIFEST.fullmatch(name)]


def manifest_place(method_file: str) -> str:
    """Where the manifest of a method's file lies: beside it."""
    return f"baselines/{Path(method_file).stem}.toml"


def method_place(method_file: str) -> str:
    """Where a method's file lies in a submission. Raises `TicketbenchError` for a name that may not."""
    place = f"baselines/{Path(method_file).name}"
    if not _METHOD_FILE.fullmatch(place):
        raise TicketbenchError(
            f"{method_file}: a method's file is named with letters, digits, - and _, ending in .py."
        )
    return place


def is_method_file(place: str) -> bool:
    """Whether it is where a method's file lies."""
    return _METHOD_FILE.fullmatch(place) is not None


def task_and_method(place: str) -> tuple[str, str] | None:
    """The task and method whose rows lie there; None where rows may not."""
    found = _ROWS.fullmatch(place)
    return (found["task"], found["method"]) if found else None


def listing(root: Path) -> Listing:
    """Look through a folder. Raises `TicketbenchError` where it is none or cannot be read."""
    if not root.is_dir():
        raise TicketbenchError(f"{root}: there is no such folder; expected one that `ticketbench submit` wrote.")
    sizes: dict[str, int] = {}
    problems: list[str] = []
    waiting = [("", 0)]
    try:
        while waiting:
            below, depth = waiting.pop()
            for entry in sorted(os.scandir(root / below), key=lambda entry: entry.name):
                place = f"{below}{entry.name}"
                if entry.is_symlink():
                    problems.append(f"{plain(place)}: is a link; expected a file or a folder")
                elif entry.is_dir(follow_symlinks=False):
                    if depth >= _DEEPEST:
                        problems.append(f"{plain(place)}: lies too deep")
                    else:
                        waiting.append((f"{place}/", depth + 1))
                elif why := _unfit(place, entry.stat(follow_symlinks=False)):
                    problems.append(f"{plain(place)}: {why}")
                else:
                    sizes[place] = entry.stat(follow_symlinks=False).st_size
                if len(sizes) + len(problems) > _MOST_FILES:
                    return Listing(root, sizes, (f"{plain(root.name)}: holds more than {_MOST_FILES} files",))
    except OSError as error:
        raise TicketbenchError(f"{root}: cannot be read: {error.strerror}.") from None
    return Listing(root, dict(sorted(sizes.items())), tuple(problems))


def listing_of(root: Path, places: Iterable[str]) -> Listing:
    """The same of these places alone, for a submission that lies in a checkout among other things."""
    sizes: dict[str, int] = {}
    problems: list[str] = []
    for place in places:
        path = root / place
        try:
            if any(each.is_symlink() for each in (path, *path.parents) if each != root and each.is_relative_to(root)):
                problems.append(f"{plain(place)}: is a link; expected a file or a folder")
            elif why := _unfit(place, path.lstat()):
                problems.append(f"{plain(place)}: {why}")
            else:
                sizes[place] = path.lstat().st_size
        except OSError:
            continue  # it is not there, which is told of the manifest that names it
    return Listing(root, dict(sorted(sizes.items())), tuple(problems))


def _unfit(place: str, found: os.stat_result) -> str:
    """Why a file may not lie there; empty where it may."""
    if not stat.S_ISREG(found.st_mode):
        return "is no file"
    if place != REPORT and not (is_method_file(place) or _MANIFEST.fullmatch(place) or task_and_method(place)):
        return (
            "does not belong there; a submission is baselines/FILE.py, baselines/FILE.toml, "
            f"results/TASK/METHOD.parquet and {REPORT}, named with letters, digits, -, _ (and . in a task)"
        )
    largest = LARGEST[Path(place).suffix]
    return f"has {found.st_size} bytes; at most {largest} are read" if found.st_size > largest else ""


def content(root: Path, place: str) -> bytes:
    """The bytes of a listed file. Raises `TicketbenchError` where it is no longer what was listed."""
    largest = LARGEST[Path(place).suffix]
    try:
        # A link or a pipe put there since is neither followed nor waited for.
        handle = os.open(root / place, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
        with os.fdopen(handle, "rb") as file:
            found = file.read(largest + 1)
    except OSError as error:
        raise TicketbenchError(f"{plain(place)}: cannot be read: {error.strerror}.") from None
    if len(found) > largest:
        raise TicketbenchError(f"{plain(place)}: has more than {largest} bytes.")
    return found


def sha256(found: bytes) -> str:
    """As a manifest has it, and `method_digest` of a row."""
    return hashlib.sha256(found).hexdigest()


def told(lines: Iterable[str]) -> list[str]:
    """Each line once, in the order of its first; of very many the first, and how many more there are."""
    once = list(dict.fromkeys(lines))
    return [*once[:MOST_LINES], f"and {len(once) - MOST_LINES} more"] if len(once) > MOST_LINES else once
