"""A comparison for a terminal or a log: the verdict first, the worst statistics, then what must be known."""

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


def text(found: Comparison) -> str:
    """The report, ending in a newline."""
    said = [headline(found), *power(found)]
    where = places(found)
    if found.tested:
        said.append(f"{', '.join(where[:3])}{', ...' if len(where) > 3 else ''}: {seeds(found)}; {units(found)}.")
    if table := _table(found, len(where) > 1):
        said += ["", *table, "", LEGEND]
    if rest := left_out(found):
        said.append(rest)
    for kind, lines in (("failed", found.failed), ("warning", found.warnings), ("note", found.notes)):
        if lines:
            said += ["", *(f"{kind}: {each}" for each in capped(lines))]
    return "\n".join(said) + "\n"


def _table(found: Comparison, named: bool) -> list[str]:
    shown = worst(found)
    if not shown:
        return []
    marks = ["", *("REGRESSION" if each.outcome and each.outcome.regression else "" for each in shown)]
    lines = [HEAD, *(line(each, named) for each in shown)]
    widths = [max(len(cells[column]) for cells in lines) for column in range(len(HEAD))]
    return [
        "  ".join(
            [cells[0].ljust(widths[0]), *(cell.rjust(w) for cell, w in zip(cells[1:], widths[1:], strict=True)), mark]
        ).rstrip()
        for cells, mark in zip(lines, marks, strict=True)
    ]
