"""docs/architecture.md names every room of the house."""

import re
from pathlib import Path

ROOT = Path(__file__).parents[1]
SUITE = ROOT / "suite" / "ticketbench"
PAGE = (ROOT / "docs" / "architecture.md").read_text("utf-8")
ROOMS = PAGE.partition("| room |")[2].partition("\n\n")[0]


def rooms():
    """The files and folders of the package, and of its two wings: those of other folders stand under these."""
    for folder in (SUITE, SUITE / "harness", SUITE / "report"):
        for path in folder.iterdir():
            if path.suffix == ".py" and not path.name.startswith("__"):
                yield path.name
            elif (path / "__init__.py").is_file() and path.name not in ("harness", "report"):
                yield f"{path.name}/"


def test_every_room_stands_in_the_table():
    named = re.findall(r"`([\w./]+)`", ROOMS)
    here = sorted(rooms())
    assert len(here) > 30
    assert [room for room in here if not any(name == room or name.endswith(f"/{room}") for name in named)] == []


def test_no_room_of_the_table_is_gone():
    names = [name for row in re.findall(r"^\| (.*?) \|", ROOMS, re.M) for name in re.findall(r"`([\w./]+)`", row)]
    assert len(names) > 30
    assert [name for name in names if re.sub(r".*/(?=.)", "", name) not in set(rooms())] == []
