"""Figures to take away from a page: as SVG files that stand alone."""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any
from xml.sax.saxutils import escape

from ticketbench.report.printable import printable
from ticketbench.report.site.figures import Figure
from ticketbench.report.site.frontier_page import Frontier

_VARIABLE = re.compile(r"var\((--[\w-]+)\)")
_DEFINED = re.compile(r"(--[\w-]+):\s*([^;]+);")
_LEGEND = 20  # pixels that a line of the legend takes


def figures_of(page: Mapping[str, Any]) -> Iterator[tuple[str, str, Figure]]:
    """The figures of a board's page: a short name, what it shows, and the figure."""
    if page["metric"]:
        yield "metric", "the metric against compression", page["metric"]
    for number, (family, figure) in enumerate(page["families"], start=1):
        yield f"family-{number}", f"family: {family}", figure
    if page["learning"]:
        yield "learning-speed", "learning speed", page["learning"]
    for name, figure in zip(("four-metric", "four-speed"), page["four"], strict=False):
        yield name, "four curves" if name == "four-metric" else "four curves, learning speed", figure
    for number, beside in enumerate(page["controls"], start=1):
        if beside.figure:
            yield f"controls-{number}", f"{beside.name} beside its controls", beside.figure


def variables(style: str) -> dict[str, str]:
    """The CSS variables that a style sheet defines first: those of its light theme."""
    found: dict[str, str] = {}
    for name, value in _DEFINED.findall(style):
        found.setdefault(name, value.strip())
    return found


def alone(figure: Figure, colours: Mapping[str, str]) -> str:
    """A figure as a file of its own: with its legend above it, and colours in place of the page's variables."""
    drawing = figure.wide[figure.wide.index("<svg ") :]
    width, height = (float(re.search(rf'<svg [^>]*\b{name}="([\d.]+)"', drawing)[1]) for name in ("width", "height"))  # type: ignore[index]
    drawn = "".join(_legend(figure.legend, width))
    above = drawn.count("<text ") and _rows(figure.legend, width) * _LEGEND + 8
    text = (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{width:g}" height="{height + above:g}" '
        f'viewBox="0 0 {width:g} {height + above:g}" font-family="sans-serif">'
        f'<title>{escape(figure.described)}</title><rect width="100%" height="100%" fill="var(--paper)"/>'
        f'{drawn}<g transform="translate(0 {above:g})">{drawing}</g></svg>\n'
    )
    return _coloured(text.replace('font-family="inherit"', 'font-family="sans-serif"'), colours)


def frontier_alone(frontier: Frontier, colours: Mapping[str, str]) -> str:
    """The drawing of a cost frontier as a file of its own."""
    drawing = str(frontier.drawn)
    style = "text{font:12px sans-serif;fill:var(--ink)}text.tick{fill:var(--quiet)}"
    inside = (
        f"<title>{escape(frontier.described)}</title><style>{style}</style>"
        '<rect width="100%" height="100%" fill="var(--paper)"/>'
    )
    start = drawing.index(">") + 1
    opened = drawing[:start].replace("<svg ", '<svg xmlns="http://www.w3.org/2000/svg" ', 1)
    return _coloured(f"{opened}{inside}{drawing[start:]}\n", colours)


def _coloured(text: str, colours: Mapping[str, str]) -> str:
    return printable(_VARIABLE.sub(lambda found: colours.get(found[1], "currentColor"), text))


def _places(legend: Sequence[tuple[str, str, Any]], width: float) -> Iterator[tuple[float, int]]:
    """Where each entry of a legend begins: pixels from the left, and its line."""
    x, line = 0.0, 0
    for _, meaning, _ in legend:
        wide = 52 + 7.2 * len(meaning)
        if x and x + wide > width:
            x, line = 0.0, line + 1
        yield x, line
        x += wide


def _rows(legend: Sequence[tuple[str, str, Any]], width: float) -> int:
    return max((line for _, line in _places(legend, width)), default=-1) + 1


def _legend(legend: Sequence[tuple[str, str, Any]], width: float) -> Iterable[str]:
    for (x, line), (_, meaning, look) in zip(_places(legend, width), legend, strict=True):
        y = _LEGEND * line + 12
        yield (
            f'<g transform="translate({x:g} {y})"><line x2="30" stroke="{look.colour}" stroke-width="1.75" '
            f'stroke-dasharray="{look.dash_array}"/><path transform="translate(15 0) scale(4)" d="{look.mark}" '
            f'fill="{look.colour}"/><text x="38" y="4" font-size="12" fill="var(--ink)">{escape(meaning)}</text></g>'
        )
