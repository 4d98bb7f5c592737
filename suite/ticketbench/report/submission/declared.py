"""What an author declares: from options of the command line and an earlier manifest, all that is missing at once."""

import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, get_args

from pydantic import ValidationError

from ticketbench.errors import TicketbenchError
from ticketbench.report.submission.manifest import NONE, Declared, Licence, mistakes

_PAPER = re.compile(r"(?P<title>.+?)[,.;]?\s+(?:(?P<url>https?://\S+)|(?:arXiv:)?(?P<arxiv>\d{4}\.\d{4,5}(?:v\d+)?))")
_TITLE = re.compile(r"\btitle\s*=\s*[{\"](?P<title>.+?)[}\"]\s*,?\s*$", re.IGNORECASE | re.MULTILINE)
_TUNING = re.compile(r"(?P<count>\d+) on (?P<tasks>.+?) by (?P<by>validation|training)")

HOW = {
    "authors": "--author 'NAME', once for each",
    "paper": "--paper none, or 'TITLE, https://...', or 'TITLE, arXiv:1803.03635', or a .bib file",
    "licence": f"--licence, one of {', '.join(get_args(Licence))}",
    "extra_data": "--extra-data none, or what was used beyond a task's training split",
    "tuning": "--tuning none, or how many configurations were tried on what and chosen by which scores, as in "
    "'12 on digits/mlp, digits/conv by validation'",
}


def declared(given: Mapping[str, Any], earlier: Mapping[str, Any], place: str) -> Declared:
    """What the author declares: `given` goes before `earlier`, a manifest's table. `place` is that manifest's.

    Raises `TicketbenchError` naming every field that is missing or wrong, and how it is said.
    """
    said = {name: earlier[name] for name in HOW if name in earlier} | dict(given)
    if missing := [name for name in HOW if name not in said]:
        fields = "\n".join(f"  {name}: {HOW[name]}" for name in missing)
        raise TicketbenchError(
            f"The manifest lacks {', '.join(missing)}; nothing was run. Say\n{fields}\nor write them into {place}."
        )
    try:
        return Declared.model_validate(said)
    except ValidationError as error:
        wrong = "\n".join(f"  {line}" for line in mistakes(error))
        raise TicketbenchError(f"The manifest cannot be made; nothing was run.\n{wrong}") from None


def from_options(
    authors: Sequence[str], paper: str | None, licence: str | None, extra_data: str | None, tuning: str | None
) -> dict[str, Any]:
    """The fields that options give. Raises `TicketbenchError` for a text that cannot be taken apart."""
    given: dict[str, Any] = {"authors": list(authors)} if authors else {}
    given |= {"paper": _paper(paper)} if paper else {}
    given |= {"licence": licence} if licence else {}
    given |= {"extra_data": extra_data} if extra_data else {}
    return given | ({"tuning": _tuning(tuning)} if tuning else {})


def _paper(text: str) -> Any:
    if text == NONE:
        return NONE
    if text.endswith(".bib"):
        return _bibtex(Path(text))
    found = _PAPER.fullmatch(text.strip())
    if found is None:
        raise TicketbenchError(f"--paper {text!r}: expected {HOW['paper'].removeprefix('--paper ')}.")
    return {name: value for name, value in found.groupdict().items() if value}


def _bibtex(path: Path) -> dict[str, str]:
    try:
        text = path.read_text("utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        raise TicketbenchError(f"--paper {path}: cannot be read: {error}.") from None
    title = _TITLE.search(text)
    if title is None:
        raise TicketbenchError(f"--paper {path}: expected a BibTeX entry with a title on a line of its own.")
    return {"title": re.sub(r"[{}]", "", title["title"]), "bibtex": text}


def _tuning(text: str) -> Any:
    if text == NONE:
        return NONE
    found = _TUNING.fullmatch(text.strip())
    if found is None:
        raise TicketbenchError(f"--tuning {text!r}: expected {HOW['tuning'].removeprefix('--tuning ')}.")
    tasks = [each.strip() for each in found["tasks"].split(",")]
    return {"configurations": int(found["count"]), "tasks": tasks, "chosen_by": found["by"]}
