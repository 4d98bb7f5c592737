"""The cost frontier of a board, drawn: the metric against what a ticket cost, at one compression."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import ceil, floor, log2

from markupsafe import Markup, escape

from ticketbench.report.boards.frontier import PRINTED, Ticket
from ticketbench.report.boards.ranking import Ranking
from ticketbench.report.site.figures import series_name
from ticketbench.report.site.looks import Look
from ticketbench.report.units import Unit, signed
from ticketbench.report.wording import interval_text

_WIDE, _NARROW = (640, 150), (340, 14)  # pixels: the drawing's width, and of it what stays free at the right
_HEIGHT, _LEFT, _TOP, _BOTTOM = 340, 44, 34, 44
_LABEL = 13  # pixels between two labels


@dataclass(frozen=True)
class AtCompression:
    """The frontier at one compression: name, score and cost of those on it, and names of those not clearly beaten."""

    compression: str
    on: Sequence[tuple[str, str, str]]
    hollow: Sequence[str]
    off: int


@dataclass(frozen=True)
class Frontier:
    """A drawing (SVG) at the headline's compression, for a wide and a narrow page, and all compressions in words."""

    drawn: Markup
    narrow: Markup
    described: str
    at: Sequence[AtCompression]


def frontier_page(
    found: Ranking, tickets: Sequence[Ticket], unit: Unit, looks: Mapping[str, Look]
) -> Frontier | None:
    """What the template needs; None where no ticket's cost is known."""
    by_compression = {c: [each for each in tickets if each.compression == c] for c in found.covered}
    here = by_compression.get(found.headline or 0, [])
    if not here:
        return None
    at = [_at(c, own, unit) for c, own in by_compression.items() if own]
    on = sum(each.standing == "on" for each in here)
    described = (
        f"Test {unit.quantity} at {found.headline}× against the cost of {len(here)} methods; {on} are on the "
        "frontier. The table under it has the numbers."
    )
    wide, narrow = (
        _drawing(here, unit, looks, found.board.higher_is_better, width, right) for width, right in (_WIDE, _NARROW)
    )
    return Frontier(wide, narrow, described, at)


def _at(compression: int, own: Sequence[Ticket], unit: Unit) -> AtCompression:
    on = sorted((each for each in own if each.standing == "on"), key=lambda each: (each.total, _name(each)))
    hollow = [_name(each) for each in own if each.standing == "not clearly beaten"]
    shown = [(_name(each), " ".join(interval_text(each.score.interval, unit)), _cost(each)) for each in on]
    return AtCompression(f"{compression}×", shown, sorted(hollow), len(own) - len(on) - len(hollow))


def _cost(ticket: Ticket) -> str:
    return f"{ticket.total:.{PRINTED}f}"


def _name(ticket: Ticket) -> str:
    return series_name(ticket.line.series)


def _drawing(
    tickets: Sequence[Ticket], unit: Unit, looks: Mapping[str, Look], higher: bool, width: int, right: int
) -> Markup:
    values = [each.score.interval.mean * unit.factor for each in tickets]
    logs = [log2(max(each.total, 2**-4)) for each in tickets]
    x_low, x_high = min(logs) - 0.25, max(max(logs) + 0.25, min(logs) + 1)
    ticks = _ticks(min(values), max(values))
    y_low, y_high = min([*ticks, *values]), max([*ticks, *values])

    def x(log: float) -> float:
        return _LEFT + (log - x_low) / (x_high - x_low) * (width - _LEFT - right)

    def y(value: float) -> float:
        share = (value - y_low) / ((y_high - y_low) or 1)
        return _TOP + ((1 - share) if higher else share) * (_HEIGHT - _TOP - _BOTTOM)

    parts = [
        *(
            f'<line x1="{_LEFT}" x2="{width - right}" y1="{y(t):.1f}" y2="{y(t):.1f}" stroke="var(--rule)"/>'
            f'<text x="{_LEFT - 8}" y="{y(t) + 4:.1f}" text-anchor="end" class="tick">{signed(f"{t:g}")}</text>'
            for t in ticks
        ),
        *(
            f'<text x="{x(k):.1f}" y="{_HEIGHT - _BOTTOM + 20}" text-anchor="middle" class="tick">{2.0**k:g}</text>'
            for k in range(ceil(x_low), floor(x_high) + 1)
        ),
        f'<text x="{width - right}" y="{_HEIGHT - 6}" text-anchor="end" class="tick">'
        "search and training, in dense trainings</text>",
        f'<text x="0" y="12" class="tick">test {escape(unit.name)}{"" if higher else " (less is better)"}</text>',
    ]
    order = {"off": 0, "not clearly beaten": 1, "on": 2}
    drawn = sorted(zip(tickets, logs, values, strict=True), key=lambda each: order[each[0].standing])
    for ticket, log, value in drawn:
        parts.append(_mark(ticket, x(log), y(value), looks[_name(ticket)], unit))
    named = [(x(log), y(value), _name(t)) for t, log, value in drawn if t.standing == "on"]
    parts += _labels(named, width if right >= _WIDE[1] else width / 2)
    return Markup(f'<svg viewBox="0 0 {width} {_HEIGHT}" width="{width}" height="{_HEIGHT}">{"".join(parts)}</svg>')


def _mark(ticket: Ticket, x: float, y: float, look: Look, unit: Unit) -> str:
    paint = {
        "on": f'fill="{look.colour}"',
        "not clearly beaten": f'fill="var(--paper)" stroke="{look.colour}" stroke-width="0.3"',
        "off": f'fill="{look.colour}" opacity="0.28"',
    }[ticket.standing]
    said = f"{_name(ticket)}: {' '.join(interval_text(ticket.score.interval, unit))} at a cost of {_cost(ticket)}"
    standing = {"on": "on the frontier", "off": "clearly beaten"}.get(ticket.standing, ticket.standing)
    return (
        f'<path transform="translate({x:.1f} {y:.1f}) scale(4.5)" d="{look.mark}" {paint}>'
        f"<title>{escape(f'{said}, {standing}')}</title></path>"
    )


def _labels(named: Sequence[tuple[float, float, str]], turn: float) -> list[str]:
    """Names beside their marks, left of those beyond `turn`.

    One that would lie over another moves down, with a line to its mark.
    """
    placed: list[tuple[float, float]] = []
    parts = []
    for x, y, name in sorted(named, key=lambda each: (each[1], each[0], each[2])):
        at = y
        while any(abs(at - other) < _LABEL and abs(x - beside) < 110 for beside, other in placed):
            at += 1
        placed.append((x, at))
        way, anchor = (-1, ' text-anchor="end"') if x > turn else (1, "")
        if at - y > 2:
            parts.append(
                f'<line x1="{x + 5 * way:.1f}" y1="{y:.1f}" x2="{x + 11 * way:.1f}" y2="{at:.1f}" '
                'stroke="var(--quiet)" stroke-width="0.75"/>'
            )
        parts.append(f'<text x="{x + 13 * way:.1f}" y="{at + 4:.1f}"{anchor} class="label">{escape(name)}</text>')
    return parts


def _ticks(low: float, high: float) -> list[float]:
    """Four to eight round numbers between two."""
    span = (high - low) or abs(high) or 1.0
    step = 10.0 ** floor(log2(span) / log2(10))
    step = next((step * f for f in (1.0, 0.5, 0.2, 0.1) if span / (step * f) >= 4), step * 0.1)
    first = ceil(low / step - 1e-9)
    return [round(k * step, 10) for k in range(first, floor(high / step + 1e-9) + 1)]
