"""What a figure can stand against: compression, sparsity, theoretical speed-up, or what the search cost."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from math import ceil, floor, log2
from typing import Any, Protocol

import altair as alt

_LABELS = 8  # powers of two beside one another on an axis: of more, every other is labelled


class Placed(Protocol):
    """What a point must say of where it stands; None where it is not known."""

    @property
    def series(self) -> str: ...
    @property
    def compression(self) -> float: ...
    @property
    def speedup(self) -> float | None: ...
    @property
    def cost(self) -> float | None: ...


@dataclass(frozen=True)
class Axis:
    """One choice: what to call it, its title, what it means, and where the dense network stands on it."""

    name: str
    called: str
    title: str
    means: str
    dense: float
    value: Callable[[Placed], float | None]


COMPRESSION = Axis("compression", "compression", "compression", "", 1.0, lambda each: each.compression)
AXES = (
    COMPRESSION,
    Axis(
        "sparsity",
        "sparsity",
        "sparsity, % of prunable weights",
        "The share of prunable weights that are gone.",
        0.0,
        lambda each: 1 - 1 / each.compression,
    ),
    Axis(
        "speedup",
        "theoretical speed-up",
        "theoretical speed-up",
        "The dense network’s floating-point operations over the ticket’s, every zero skipped: counted, not timed.",
        1.0,
        lambda each: each.speedup,
    ),
    Axis(
        "cost",
        "search cost",
        "search and training, in dense trainings",
        "What search and training of each ticket cost together; the dense network costs 1.",
        1.0,
        lambda each: each.cost,
    ),
)


def values(point: Placed) -> dict[str, float | None]:
    """Where a point stands on every axis, by the axis' name."""
    found = {axis.name: axis.value(point) for axis in AXES}
    return {name: None if value is None else float(f"{value:.6g}") for name, value in found.items()}


def known(points: Iterable[Placed]) -> list[Axis]:
    """The axes on which every curve has a point."""
    drawn = list(points)
    curves = {point.series for point in drawn}
    return [axis for axis in AXES if curves == {point.series for point in drawn if axis.value(point) is not None}]


def encoding(axis: Axis, points: Sequence[Placed]) -> alt.X:
    """The axis as Vega-Lite draws it over these points and the dense network."""
    found = [axis.dense, *(value for point in points if (value := axis.value(point)) is not None)]
    if axis.name == "sparsity":
        return alt.X(
            "sparsity:Q",
            title=axis.title,
            scale=alt.Scale(domain=[0, 1], nice=False),
            axis=alt.Axis(values=[0, 0.2, 0.4, 0.6, 0.8, 1], labelExpr="format(100 * datum.value, '.0f')"),
        )
    least, most = min(found), (max(found) if len(found) > 1 else 2.0) * 1.04
    if axis.name == "cost":
        least /= 1.04  # many methods cost 1, and would lie on the edge
    powers = range(ceil(log2(least)), floor(log2(most)) + 1)
    ticks = [2.0**k for k in powers if len(powers) <= _LABELS or k % 2 == 0]
    sign = "" if axis.name == "cost" else " + '×'"
    return alt.X(
        f"{axis.name}:Q",
        title=axis.title,
        scale=alt.Scale(type="log", base=2, domain=[least, most], nice=False),
        axis=alt.Axis(values=ticks, labelExpr=f"format(datum.value, '~g'){sign}"),
    )


def choices(points: Sequence[Placed], reach: Sequence[Placed] = ()) -> list[dict[str, Any]]:
    """What the script needs to put a figure on another axis: name, what to call it, what it means, and encoding.

    Args:
        reach: what the axes cover beside the points, so that figures beside one another share theirs.
    """
    return [
        {
            "name": axis.name,
            "called": axis.called,
            "means": axis.means,
            "x": encoding(axis, [*points, *reach]).to_dict(),
        }
        for axis in known(points)
    ]
