"""Every section of the protocol that code and pages refer to is there."""

import re
from pathlib import Path

ROOT = Path(__file__).parents[2]
PROTOCOL = ROOT / "docs/protocol.md"
# What cites other papers' sections as well says so before the number: a year, or the rulebook.
FILES = [
    *sorted((ROOT / "suite/ticketbench/report").rglob("*.py")),
    ROOT / "suite/ticketbench/harness/charges.py",
    *sorted((ROOT / "docs/simulations").glob("*.py")),
    *(ROOT / "docs" / name for name in ("protocol.md", "verify.md", "rulebook.md")),
]
REFERENCE = re.compile(r"(?:[Ss]ections?|protocol(?:\.md\))?,) (\d+(?:\.\d+)?(?:(?:, | and | to )\d+(?:\.\d+)?)*)")
ELSEWHERE = re.compile(r"\(?\d{4}\)?, $|rulebook[^()]*$")


def sections():
    """`3` of every heading and `3.4` of every numbered paragraph below it."""
    found, heading = set(), ""
    for line in PROTOCOL.read_text("utf-8").splitlines():
        if match := re.match(r"## (\d+)\. ", line):
            heading = match[1]
            found.add(heading)
        elif heading and (match := re.match(r"(\d+)\. ", line)):
            found.add(f"{heading}.{match[1]}")
    return found


def cited(text):
    """The sections that a text refers to."""
    plain = " ".join(text.split())
    for match in REFERENCE.finditer(plain):
        if not ELSEWHERE.search(plain[max(0, match.start() - 60) : match.start()]):
            yield from re.findall(r"[\d.]+", match[1])


def test_a_reference_is_read_whole_and_another_paper_s_is_not():
    assert list(cited("the protocol's\nsections 10.2 and 10.3")) == ["10.2", "10.3"]
    assert list(cited("([protocol](protocol.md), 3.4 and 4.4)")) == ["3.4", "4.4"]
    assert list(cited("Renda et al. 2020, section 3; docs/rulebook.md, sections 6 and 7")) == []


def test_every_section_of_the_protocol_that_is_cited_exists():
    known = sections()
    named = {(path.name, each) for path in FILES for each in cited(path.read_text("utf-8"))}
    assert len(named) > 40
    assert sorted((name, each) for name, each in named if each not in known) == []
