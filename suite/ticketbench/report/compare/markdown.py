"""A comparison for a job's summary or a comment. What rows say is shown as text: no markup, link or mention in it."""

import re

from ticketbench.report.compare.comparison import Comparison
from ticketbench.report.compare.words import (
    HEAD,
    LEGEND,
    capped,
    headline,
    left_out,
    line,
    places,
    power,
    seeds,
    units,
    worst,
)
from ticketbench.report.printable import plain

_ACTIVE = re.compile(r"[!-+./:-@\[-`{-~]|^-")  # ASCII punctuation but for commas and inner hyphens
_ZERO_WIDTH_SPACE = "\u200b"


def markdown(found: Comparison) -> str:
    """The report, ending in a newline."""
    said = [f"### {headline(found)}", ""]
    said += [line for sentence in power(found) for line in (sentence, "")]
    where = places(found)
    if found.tested:
        more = ", ..." if len(where) > 3 else ""
        said += [f"{', '.join(map(escaped, where[:3]))}{more}: {seeds(found)}; {escaped(units(found))}.", ""]
    if shown := worst(found):
        said += [f"| {' | '.join(HEAD)} | |", f"| --- |{' ---: |' * (len(HEAD) - 1)} --- |"]
        for each in shown:
            name, *cells = line(each, len(where) > 1)
            mark = "**regression**" if each.outcome and each.outcome.regression else ""
            said.append(f"| {escaped(name)} | {' | '.join(cells)} | {mark} |")
        said += ["", LEGEND, ""]
    if rest := left_out(found):
        said += [rest, ""]
    for title, lines in (("Failed", found.failed), ("Warnings", found.warnings)):
        if lines:
            said += [f"**{title}**", "", *(f"- {escaped(each)}" for each in capped(lines)), ""]
    if found.notes:
        notes = (f"- {escaped(each)}" for each in capped(found.notes))
        said += ["<details><summary>Notes</summary>", "", *notes, "", "</details>", ""]
    return "\n".join(said[:-1]) + "\n"


def unusable(message: str) -> str:
    """The report where nothing could be compared, and why."""
    return f"### No comparison\n\n{escaped(message, 2000)}\n"


def escaped(text: object, longest: int = 300) -> str:
    """A stranger's text that means nothing but itself, in a paragraph, a list or a table's cell.

    An entity starts no markup; a mention or a reference is looked for in what is shown, so it is parted there.
    """
    parted = re.sub("[@#]", lambda found: found.group() + _ZERO_WIDTH_SPACE, plain(text, longest))
    return _ACTIVE.sub(lambda found: f"&#{ord(found.group())};", parted)
