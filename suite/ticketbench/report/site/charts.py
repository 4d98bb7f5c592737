"""Figures: altair specifications, and the static SVG and the script that draw them.

Colours are CSS variables and fonts are inherited, so that one drawing serves light, dark and print.
"""

import hashlib
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache, partial
from math import isfinite
from typing import Any

import altair as alt
import vl_convert
from altair.utils.schemapi import debug_mode

from ticketbench.report.site import axes
from ticketbench.report.site.looks import Look

Spec = dict[str, Any]

_MANTISSAS = ((1, 2, 5), (1, 1.5, 2, 3, 5, 7), (1, 1.2, 1.4, 1.6, 1.8, 2, 2.5, 3, 3.5, 4, 5, 6, 7, 8, 9))
_PICKED = "picked"
_BANDS = 4  # more bands over one another are a smear: then only a picked curve has its own
_TAG, _CLIP = (
    re.compile(r"<[^<>]*>"),
    re.compile(r'(?<=<clipPath id=")clip\d+(?=")|(?<=clip-path="url\(#)clip\d+(?=\)")'),
)
_DRAWING, _OWN_CLIP = re.compile(r"(?=<svg )"), re.compile(_CLIP.pattern.replace(r"clip\d+", r"clip\d+-[0-9a-f]{10}"))
_BEYOND = 4  # times less than the least mean error: on a logarithmic axis a wide band's end would take all the room
_BESIDE = 0.04  # of a level axis stays free above and below what it shows
CHANCE_DASH = (4, 4)


@dataclass(frozen=True)
class Point:
    """One cell in a figure. `y` None breaks the line; `state` is done, collapsed or lost (diverged or failed).

    `speedup` is the dense network's floating-point operations over the ticket's, `cost` search and training together
    in dense trainings; None where it is not known. `said` is what its tooltip says.
    """

    series: str
    compression: float
    y: float | None
    low: float | None = None
    high: float | None = None
    state: str = "done"
    marked: bool = True
    said: tuple[tuple[str, str], ...] = ()
    speedup: float | None = None
    cost: float | None = None


@dataclass(frozen=True)
class Scale:
    """The y axis: `error` draws 1 - y on a logarithmic scale, labelled with y; `linear` draws y from zero, `level` y
    between the least and the most that there is.

    `floor` is the least error that is drawn: half a test example, which a flawless score would otherwise undershoot.
    `falling` turns a level axis over: less is drawn above.
    """

    title: str
    kind: str
    floor: float = 0.0
    falling: bool = False


def figure(
    points: Sequence[Point],
    dense: Point | None,
    looks: Mapping[str, Look],
    scale: Scale,
    chance: float | None = None,
    *,
    choose: bool = False,
    reach: Sequence[Point] = (),
) -> Spec:
    """The Vega-Lite specification of curves against compression, with pointwise bands and the dense network's.

    Of more than four curves, only one that a reader picks has its band.

    Args:
        points: of every curve, in the order of compression.
        dense: the dense network: a horizontal line, its band, and where every curve starts.
        looks: by `Point.series`.
        chance: a dashed line at this value.
        choose: whether a reader can put the figure on another axis (`axes.choices`, as the specification's usermeta).
        reach: points that the axes cover too, so that figures beside one another share theirs.
    """
    names = [name for name in looks if any(point.series == name for point in points)]
    starts = [replace(dense, series=name, marked=False, speedup=1.0, cost=1.0) for name in names] if dense else []
    level = Point("chance", 1.0, chance) if chance is not None else None
    data = {"points": [_datum(point, scale, place) for place, point in enumerate([*starts, *points])]}
    data |= {name: [_datum(each, scale)] for name, each in (("dense", dense), ("chance", level)) if each}
    with debug_mode(False):  # or altair checks every part against its schema: most of the time that a site takes
        x = axes.encoding(axes.COMPRESSION, [*points, *reach])
        covered = [_datum(each, scale) for each in reach]
        y = _y(scale, [*(value for values in data.values() for value in values), *covered])
        said = max(([key for key, _ in point.said] for point in points), key=len, default=[])
        base = alt.Chart(alt.NamedData("points")).encode(x=x, color=_by_series(alt.Color, names, looks, "colour"))
        lines, marks = base.encode(y=y), base.transform_filter("datum.marked").encode(y=y)
        layers = [
            base.mark_area(clip=True).encode(
                y=alt.Y("low:Q"), y2="high:Q", fillOpacity=_when_picked(0.08 if len(names) <= _BANDS else 0, 0.28, 0)
            ),
            lines.mark_line(strokeWidth=1.75, strokeCap="butt").encode(
                opacity=_when_picked(1, 1, 0.15), strokeDash=_by_series(alt.StrokeDash, names, looks, "dash")
            ),
            _marks(marks.transform_filter("datum.state != 'lost'"), names, looks, said, filled=True),
            _marks(marks.transform_filter("datum.state == 'lost'"), names, looks, said, filled=False),
            marks.transform_filter("datum.state == 'collapsed'")
            .mark_point(shape="M-1.6,-1.6L1.6,1.6M-1.6,1.6L1.6,-1.6", size=42, strokeWidth=1.1)
            .encode(color=alt.value("var(--ink)"), opacity=_when_picked(1, 1, 0.15)),
        ]
        if dense:
            layers = [*_dense(), *layers]
        if level:
            rule = alt.Chart(alt.NamedData("chance")).mark_rule(
                color="var(--ink)", strokeDash=CHANCE_DASH, opacity=0.75
            )
            layers = [rule.encode(y="y:Q"), *layers]
        chart = alt.layer(*layers).add_params(alt.param(name=_PICKED, value=""))
        if scale.title:
            chart = chart.properties(title=alt.TitleParams(scale.title, anchor="start"))
        spec: Spec = chart.to_dict(validate=False)
    del spec["$schema"]
    # Not through altair, which would copy and check every point once for each layer.
    chosen = {"usermeta": {"axes": axes.choices(points, reach)}} if choose else {}
    return spec | {"datasets": data, "config": _CONFIG, "background": None} | chosen


def sized(spec: Spec, width: int, height: int) -> Spec:
    """The specification at a size in pixels of its plotting area; labels come outside."""
    return spec | {"width": width, "height": height}


def svg(spec: Spec) -> str:
    """The figure as a static SVG element."""
    drawn = str(vl_convert.vegalite_to_svg(spec, vl_version=_version(), allowed_base_urls=[]))
    return _with_own_clips(drawn.replace(' xmlns:xlink="http://www.w3.org/1999/xlink"', "", 1))


def _with_own_clips(drawing: str) -> str:
    """A drawing with names of its own for what clips it, that no other drawing has.

    As drawn they count on from whatever was drawn before in the process. Only attributes that name a clip are
    changed: a method may be called clip3.
    """
    names: dict[str, str] = {}
    own = _renamed(drawing, _CLIP, lambda name: names.setdefault(name, f"clip{len(names)}"))
    digest = hashlib.sha256(own.encode()).hexdigest()[:10]
    return _renamed(own, _CLIP, lambda name: f"{name}-{digest}")


def told_apart(page: str) -> str:
    """A page on which a drawing that stands there a second time has other names for what clips it."""
    parts = _DRAWING.split(page)
    used: set[str] = set()
    for place, part in enumerate(parts):
        own = {name for tag in _TAG.findall(part) for name in _OWN_CLIP.findall(tag)}
        if own & used:
            parts[place] = _renamed(part, _OWN_CLIP, partial(_placed, place=place))
        used |= own
    return "".join(parts)


def _placed(name: str, place: int) -> str:
    return f"{name}-{place}"


def _renamed(drawing: str, clip: re.Pattern[str], name: Callable[[str], str]) -> str:
    return _TAG.sub(lambda tag: clip.sub(lambda found: name(found[0]), tag[0]), drawing)


@cache
def script() -> str:
    """The JavaScript that draws specifications in a page: Vega, Vega-Lite and Vega-Embed in one piece."""
    return str(vl_convert.javascript_bundle("window.vegaEmbed = vegaEmbed;", vl_version=_version()))


def _datum(point: Point, scale: Scale, place: int = 0) -> dict[str, Any]:
    y, low, high = (_drawn(end, scale) for end in (point.y, point.low, point.high))
    return (
        axes.values(point)
        | {
            "series": point.series,
            "place": place,
            "y": y,
            "low": low,
            "high": high,
            "state": point.state,
            "marked": point.marked and y is not None,
        }
        | {f"said{place}": text for place, (_, text) in enumerate(point.said)}
    )


def _drawn(value: float | None, scale: Scale) -> float | None:
    if value is None:
        return None
    if scale.kind == "error":
        value = max(100 * (1 - value), 100 * scale.floor)
    return float(f"{value:.6g}")


def _y(scale: Scale, values: Sequence[Mapping[str, Any]]) -> alt.Y:
    means = [v["y"] for v in values if v["y"] is not None and isfinite(v["y"])]
    drawn = means + [v[end] for v in values for end in ("low", "high") if v[end] is not None and isfinite(v[end])]
    most = max(drawn, default=1.0)
    if scale.kind == "level":
        least = min(drawn, default=0.0)
        beside = (most - least) * _BESIDE or abs(most) * _BESIDE or 1.0
        ends = alt.Scale(domain=[least - beside, most + beside], zero=False, nice=False, reverse=scale.falling)
        return alt.Y("y:Q", title=None, scale=ends, axis=alt.Axis(tickCount=6, format=",~r"))
    if scale.kind != "error":
        axis = alt.Axis(tickCount=6, format=",~r" if most < 10 else ",d")
        return alt.Y("y:Q", title=None, scale=alt.Scale(domain=[0, most or 1.0], nice=True), axis=axis)
    least = max(min(drawn), min(means) / _BEYOND) if means else 100 * scale.floor
    ticks = error_ticks(least, most)
    domain = [min([least, *ticks]), max([most, *ticks])]
    axis = alt.Axis(values=ticks, labelExpr="format(100 - datum.value, '.5~g')")
    return alt.Y("y:Q", title=None, scale=alt.Scale(type="log", reverse=True, domain=domain, nice=False), axis=axis)


def error_ticks(least: float, most: float) -> list[float]:
    """Round errors in percent between two, or a little beyond them: as coarse as still gives five."""
    ticks: list[float] = []
    for mantissas in _MANTISSAS:
        errors = [m * 10.0**k for k in range(-3, 2) for m in mantissas] + [90.0]
        ticks = sorted({round(e, 6) for e in errors if least * 0.87 <= e <= most * 1.15})
        if len(ticks) >= 5:
            break
    return ticks


def _dense() -> list[alt.Chart]:
    data = alt.Chart(alt.NamedData("dense"))
    return [
        data.mark_rect(clip=True, color="var(--ink)", opacity=0.07).encode(y=alt.Y("low:Q"), y2="high:Q"),
        data.mark_rule(color="var(--ink)", strokeWidth=1, opacity=0.75).encode(y="y:Q"),
    ]


def _marks(
    base: alt.Chart, names: Sequence[str], looks: Mapping[str, Look], said: Sequence[str], *, filled: bool
) -> alt.Chart:
    kind = {"filled": True} if filled else {"filled": False, "fill": "var(--paper)", "strokeWidth": 1.4}
    return base.mark_point(size=44, opacity=1, **kind).encode(
        shape=_by_series(alt.Shape, names, looks, "mark"),
        opacity=_when_picked(1, 1, 0.15),
        tooltip=[alt.Tooltip(f"said{place}:N", title=key) for place, key in enumerate(said)],
    )


def _by_series(channel: Any, names: Sequence[str], looks: Mapping[str, Look], what: str) -> Any:
    values = [getattr(looks[name], what) for name in names]
    return channel("series:N", scale=alt.Scale(domain=list(names), range=values), legend=None)


def _when_picked(otherwise: float, picked: float, others: float) -> Any:
    """An opacity: one for all, or, once a series is picked, one for it and one for the others."""
    expression = f"{_PICKED} == '' ? {otherwise} : datum.series == {_PICKED} ? {picked} : {others}"
    return alt.value(alt.expr(expression))


def _version() -> str | None:
    """altair's own Vega-Lite version where vl-convert has it, or else vl-convert's newest."""
    wanted = ".".join(alt.SCHEMA_VERSION.removeprefix("v").split(".")[:2])
    return wanted if wanted in vl_convert.get_vegalite_versions() else None


_QUIET = {"domain": False, "ticks": False, "labelColor": "var(--quiet)", "titleColor": "var(--quiet)"}
_CONFIG: Spec = {
    "font": "inherit",
    "view": {"stroke": None},
    "title": {"color": "var(--quiet)", "fontSize": 12, "fontWeight": "normal", "offset": 12, "frame": "bounds"},
    "axis": _QUIET
    | {
        "labelFontSize": 12,
        "titleFontSize": 12,
        "titleFontWeight": "normal",
        "labelPadding": 8,
        "gridColor": "var(--rule)",
    },
    "axisX": {"grid": False, "labelFlush": False, "titleAnchor": "end", "titlePadding": 6},
    "aria": False,
}
