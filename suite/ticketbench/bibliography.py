"""The citation keys of `references.bib`: read strictly, printed as short labels and as full sentences."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from ticketbench.errors import TicketbenchError

_FILE = Path(__file__).with_name("references.bib")
_HEAD = re.compile(r"@(\w+)\{([^\s,{}]+),")
_OWN = re.compile(r"\s*@\w+\s*[{(]\s*([^\s,{}()]+)\s*,")  # as a stranger may write it
_FIELD = re.compile(r"\s+(\w+) = \{(.*)\},")


@dataclass(frozen=True)
class Entry:
    """One publication: its key, its fields, and the BibTeX that it was read from."""

    key: str
    fields: Mapping[str, str]
    bibtex: str

    @property
    def short(self) -> str:
        """As in running text: Frankle & Carbin 2019."""
        names = [_family_name(author) for author in _authors(self)]
        if len(names) > 2:
            names = [f"{names[0]} et al."]
        return f"{' & '.join(names)} {self.fields['year']}"

    @property
    def sentence(self) -> str:
        """As in a list of references, without its link."""
        place = [
            _plain(self.fields[name]) for name in ("booktitle", "journal", "howpublished") if name in self.fields
        ]
        if "volume" in self.fields:
            number = f"({self.fields['number']})" if "number" in self.fields else ""
            place[-1] += f" {self.fields['volume']}{number}"
        if "pages" in self.fields:
            place.append(self.fields["pages"].replace("--", "–"))
        note = f" {_plain(self.fields['note'])}." if "note" in self.fields else ""
        authors = ", ".join(_plain(author) for author in _authors(self))
        return f"{authors}. {_plain(self.fields['title'])}. {', '.join([*place, self.fields['year']])}.{note}"

    @property
    def link(self) -> tuple[str, str] | None:
        """Where it is: address and what to call it."""
        if "eprint" in self.fields:
            return f"https://arxiv.org/abs/{self.fields['eprint']}", f"arXiv {self.fields['eprint']}"
        if "doi" in self.fields:
            return f"https://doi.org/{self.fields['doi']}", f"doi {self.fields['doi']}"
        if self.fields.get("url", "").startswith("https://"):
            return self.fields["url"], self.fields["url"].removeprefix("https://")
        return None


def own_key(cite: str) -> str:
    """The key of a citation that is a BibTeX entry of an author's own; empty where it is none."""
    found = _OWN.match(cite)
    return found[1] if found else ""


def read_bibliography(path: Path = _FILE) -> dict[str, Entry]:
    """The entries of a BibTeX file by key. One field a line, `name = {value},`; lines from `%` on are comments.

    Raises `TicketbenchError` for a line that is none of these, a repeated key, or an entry without title,
    author and year.
    """
    entries: dict[str, Entry] = {}
    key = ""
    fields: dict[str, str] = {}
    raw: list[str] = []
    for number, line in enumerate(path.read_text("utf-8").splitlines(), start=1):
        head, field = _HEAD.fullmatch(line), _FIELD.fullmatch(line)
        raw.append(line)
        if head and not key:
            key, fields, raw = head[2], {}, [line]
            if key in entries:
                raise TicketbenchError(f"{path}, line {number}: the key {key} is there twice.")
        elif field and key:
            fields[field[1].lower()] = field[2]
        elif line == "}" and key:
            if missing := [name for name in ("title", "author", "year") if name not in fields]:
                raise TicketbenchError(f"{path}: {key} lacks {', '.join(missing)}.")
            entries[key] = Entry(key, fields, "\n".join(raw))
            key = ""
        elif key or (line.strip() and not line.startswith("%")):
            raise TicketbenchError(f"{path}, line {number}: expected one BibTeX field a line, got {line!r}.")
    if key:
        raise TicketbenchError(f"{path}: {key} is never closed.")
    return entries


def _authors(entry: Entry) -> list[str]:
    return entry.fields["author"].split(" and ")


def _family_name(author: str) -> str:
    return _plain(author) if author.startswith("{") else _plain(author).split(" ")[-1]


def _plain(text: str) -> str:
    return text.replace("{", "").replace("}", "")
