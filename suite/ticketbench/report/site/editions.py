"""Frozen editions: copies of the site that later builds leave as they are, each with a list of what it holds."""

import hashlib
import json
import re
import shutil
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import ticketbench
from ticketbench.errors import TicketbenchError
from ticketbench.report.boards.board import Board, chance_on
from ticketbench.report.site.addresses import EDITIONS, root
from ticketbench.task import Task

MANIFEST = "manifest.json"
MARK, FOOT = "<!-- edition -->", "<!-- editions -->"  # in base.html; no escaped text can hold either
_NAME = re.compile(r"[0-9]{4}-[0-9]{2}(-[a-z0-9]{1,16})?")


@dataclass(frozen=True)
class Edition:
    """A frozen site: its name, its tasks as `id`, `versions` and `rows`, and the digest of its manifest."""

    name: str
    tasks: Sequence[Mapping[str, Any]]
    rows: int
    suite_version: str
    digest: str


def past_editions(out: Path) -> list[Edition]:
    """The editions in a site's folder, the newest first, every file held against its manifest.

    Raises `TicketbenchError` where one is damaged, naming it and the file.
    """
    folder = out / EDITIONS
    if not folder.is_dir():
        return []
    return [_checked(each) for each in sorted(folder.iterdir(), reverse=True) if not each.name.startswith(".")]


def may_be_frozen(name: str, out: Path) -> None:
    """Raises `TicketbenchError` for what is no edition's name, and for one that is taken."""
    if not _NAME.fullmatch(name):
        raise TicketbenchError(
            f"{name!r} cannot name an edition: expected year and month, as in 2026-11 or 2026-11-b."
        )
    if (out / EDITIONS / name).exists():
        raise TicketbenchError(
            f"{out / EDITIONS / name}: edition {name} is there already, and an edition never changes: choose another "
            "name, as in 2026-11-b."
        )


def wanting(boards: Iterable[Board], task: Task | None) -> list[str]:
    """What keeps the results of one task from being frozen: numbers in an edition must mean the same for good."""
    boards = list(boards)
    name = boards[0].task
    if task is None:
        return [f"{name}: its file is not at hand"]
    said = []
    if others := sorted({board.version for board in boards} - {task.version}):
        said.append(f"{name}: has rows of version {', '.join(map(str, others))}, the task is version {task.version}")
    current = [board for board in boards if board.version == task.version]
    if stale := sum(row["task_digest"] != task.digest for board in current for row in board.rows):
        said.append(f"{name}: {stale} rows were made under another wording of the task")
    without = sorted({board.trained_on for board in current if chance_on(task, board.trained_on) is None})
    if without:
        where = "" if without == ["default"] else f" for {', '.join(without)}"
        said.append(f"{name}: declares no chance value{where} ([scoring] chance)")
    return said


def refuse(said: Sequence[str]) -> None:
    """Raises `TicketbenchError` where anything is wanting for an edition."""
    if said:
        raise TicketbenchError(
            f"An edition's numbers are cited for good, so it cannot be frozen yet: {'; '.join(said)}."
        )


def freeze(name: str, built: Path, place: Path, tasks: Sequence[Mapping[str, Any]]) -> Edition:
    """Copy a site that was just built in the folder `built` to the new folder `place`, marked, with its manifest."""
    for path in _files(built):
        address = path.relative_to(built).as_posix()
        if address == f"{EDITIONS}.html":
            continue
        copy = place / address
        copy.parent.mkdir(parents=True, exist_ok=True)
        if path.suffix == ".html":
            copy.write_text(_marked(path.read_text("utf-8"), name, address), "utf-8", newline="\n")
        else:
            shutil.copyfile(path, copy)
    rows = sum(task["rows"] for task in tasks)
    said = {
        "edition": name,
        "suite_version": ticketbench.__version__,
        "tasks": list(tasks),
        "rows": rows,
        "files": {path.relative_to(place).as_posix(): _digest(path) for path in _files(place)},
    }
    text = json.dumps(said, indent=1, sort_keys=True) + "\n"
    (place / MANIFEST).write_text(text, "utf-8", newline="\n")
    return Edition(name, tasks, rows, ticketbench.__version__, hashlib.sha256(text.encode()).hexdigest())


def listed(page: str, address: str, names: Sequence[str]) -> str:
    """A page of the newest site with the editions in its foot."""
    up = root(address)
    links = ", ".join(f'<a href="{up}{EDITIONS}/{name}/index.html">{name}</a>' for name in names)
    said = f'<p><a href="{up}{EDITIONS}.html">Frozen editions</a>{f": {links}" if links else ""}.</p>'
    return page.replace(MARK, "").replace(FOOT, said)


def _marked(page: str, name: str, address: str) -> str:
    up = root(f"{EDITIONS}/{name}/{address}")
    mark = (
        f'<p class="edition" role="note"><strong>Edition {name}</strong>, frozen: these pages never change. '
        f'<a href="{up}index.html">The newest</a> · <a href="{up}{EDITIONS}.html">all editions</a></p>'
    )
    return page.replace(MARK, mark).replace(FOOT, f"<p>Edition {name}.</p>")


def _checked(folder: Path) -> Edition:
    def damaged(what: str) -> TicketbenchError:
        return TicketbenchError(
            f"{folder}: edition {folder.name} is damaged: {what}. Bring it back from where it was published."
        )

    try:
        text = (folder / MANIFEST).read_bytes()
        said = json.loads(text)
        files: dict[str, str] = said["files"]
        edition = Edition(
            said["edition"], said["tasks"], said["rows"], said["suite_version"], hashlib.sha256(text).hexdigest()
        )
    except (OSError, ValueError, KeyError, TypeError):
        raise damaged(f"its {MANIFEST} is missing or unreadable") from None
    if edition.name != folder.name:
        raise damaged(f"its {MANIFEST} is that of edition {edition.name}")
    found = {path.relative_to(folder).as_posix(): path for path in _files(folder)}
    del found[MANIFEST]
    for address in sorted({*files, *found}):
        if address not in found:
            raise damaged(f"{address} is missing")
        if address not in files:
            raise damaged(f"{address} does not belong to it")
        if _digest(found[address]) != files[address]:
            raise damaged(f"{address} was changed")
    return edition


def _files(folder: Path) -> list[Path]:
    return sorted(path for path in folder.rglob("*") if path.is_file())


def _digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
