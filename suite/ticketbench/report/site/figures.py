"""The figures of a board: which curves, in which unit, and what is said of every point."""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from ticketbench.report.boards.board import Board, Series
from ticketbench.report.boards.costs import speedup, total_cost
from ticketbench.report.printable import printable
from ticketbench.report.site import charts
from ticketbench.report.site.charts import Point, Scale, Spec
from ticketbench.report.site.looks import Look
from ticketbench.report.statistics.intervals import Interval
from ticketbench.report.units import Unit, unit_of
from ticketbench.report.wording import interval_line, times
from ticketbench.results import LOST, parameters

FOUR = {
    "imp": "iterative, rewound",
    "imp-reinit": "iterative, reinitialized",
    "one-shot": "one-shot, rewound",
    "one-shot-reinit": "one-shot, reinitialized",
}
_WIDE, _HALF, _NARROW = (700, 420), (420, 320), (300, 320)  # plotting areas in pixels


@dataclass(frozen=True)
class Figure:
    """One chart: its specification (JSON) for the script, and drawings (SVG) for a wide and a narrow page.

    `legend` is series, what to call it, and look; `narrow` is empty where the one drawing serves both.
    """

    legend: Sequence[tuple[str, str, Look]]
    spec: str
    wide: str
    narrow: str
    described: str


def series_name(series: Series) -> str:
    """How a series is called: method, parameters as given and the tickets' label; a control by its own name."""
    if series.control:
        return printable(f"{series.control} (control)")
    label = f" · {series.label}" if series.label else ""
    return printable(f"{series.method}{parameters(series.params)}{label}")


def metric_figure(
    board: Board,
    series: Iterable[Series],
    looks: Mapping[str, Look],
    meanings: Mapping[str, str] | None = None,
    *,
    choose: bool = False,
    reach: Sequence[Point] = (),
) -> Figure | None:
    """The metric against compression with pointwise 95 % bands; None where nothing has a mean.

    `meanings` say in the legend what the series are; such a figure is drawn at half the width. `reach` holds
    points that the axes cover too, so that figures beside one another share theirs. `choose`: a reader can put it on
    another axis.
    """
    points = [point for each in series for point in score_points(each, board, series_name(each))]
    measured = unit_of(board.metric).quantity
    described = f"Test {measured} against compression for {_count(points)} curves; the table has every number."
    dense, scale = dense_point(board), metric_scale(board)
    return _figure(points, dense, looks, scale, described, meanings or {}, choose=choose, reach=reach)


def metric_scale(board: Board) -> Scale:
    """The axis on which a board's metric is drawn, so that above is better."""
    unit = unit_of(board.metric)
    if board.metric != "accuracy":
        said = "" if board.higher_is_better else " (less is better, and drawn above)"
        return Scale(f"Test {unit.name}{said}", "level", falling=not board.higher_is_better)
    examples = max((row["test_examples"] or 0 for row in board.rows), default=0)
    return Scale(f"Test {unit.name} (logarithmic in the error)", "error", 0.5 / examples if examples else 1e-4)


def dense_point(board: Board) -> Point | None:
    """The dense network's score as a figure takes it."""
    return _reference(board.dense.score if board.dense else None)


def score_points(series: Series, board: Board, name: str) -> Iterable[Point]:
    """A series' score over the rungs of a board, as points under a name; a rung without a mean breaks the line."""
    return _points(series, board, "score", unit_of(board.metric), name)


def learning_figure(
    board: Board, series: Iterable[Series], looks: Mapping[str, Look], meanings: Mapping[str, str] | None = None
) -> Figure | None:
    """The early-stop step against compression with t-intervals over seeds; None where no ticket was trained."""
    points = [point for each in series for point in _points(each, board, "learning", Unit(1.0, "", "steps"), "")]
    dense = board.dense.learning if board.dense else None
    described = f"Early-stop step against compression for {_count(points)} curves."
    return _figure(points, _reference(dense), looks, Scale("Early-stop step", "linear"), described, meanings or {})


def four_figures(board: Board, looks: Mapping[str, Look]) -> list[Figure]:
    """Metric and early-stop step of the four curves alone; none where fewer than two of them have results."""
    four = [each for each in board.series if series_name(each) in FOUR]
    if len(four) < 2:
        return []
    both = metric_figure(board, four, looks, FOUR), learning_figure(board, four, looks, FOUR)
    return [figure for figure in both if figure]


def _figure(
    points: Sequence[Point],
    dense: Point | None,
    looks: Mapping[str, Look],
    scale: Scale,
    described: str,
    meanings: Mapping[str, str],
    *,
    choose: bool = False,
    reach: Sequence[Point] = (),
) -> Figure | None:
    used = list(dict.fromkeys(point.series for point in points if point.y is not None))
    if not used:
        return None
    drawn = [point for point in points if point.series in used]
    spec = charts.figure(drawn, dense, looks, scale, choose=choose, reach=reach)
    # A figure of half the width is small enough for a narrow page as it is: drawing it twice would double the page.
    wide = charts.svg(charts.sized(spec, *(_HALF if meanings else _WIDE)))
    narrow = "" if meanings else charts.svg(charts.sized(spec, *_NARROW))
    legend = [(series, meanings.get(series, series), looks[series]) for series in used]
    return Figure(legend, _json(spec), wide, narrow, described)


def _reference(dense: Interval | None) -> Point | None:
    return Point("dense", 1.0, dense.mean, dense.low, dense.high) if dense else None


def _points(series: Series, board: Board, what: str, unit: Unit, name: str) -> Iterable[Point]:
    name = name or series_name(series)
    for rung, compression in board.rungs:
        cell = series.cells.get(rung)
        interval = getattr(cell, what) if cell else None
        if cell is None or interval is None:
            yield Point(name, compression, None)
            continue
        at = cell.compression or compression
        rows = series.at(rung)
        faster, cost = speedup(rows), total_cost(rows, board.batch_size, board.steps) or None
        said = (
            ("Method", name),
            ("Compression", times(at)),
            (unit.title, interval_line(interval, unit) + unit.sign),
            *(((unit.exponential.capitalize(), unit.itself(interval.mean)),) if unit.exponential else ()),
            ("Seeds", str(interval.seeds)),
            ("Theoretical speed-up", times(faster) if faster else "–"),
            ("Cost in dense trainings", f"{cost:.1f}" if cost else "–"),
        )
        state = "lost" if cell.count(*LOST) else "collapsed" if cell.count("collapsed") else "done"
        yield Point(name, at, interval.mean, interval.low, interval.high, state, True, said, faster, cost)


def _count(points: Iterable[Point]) -> int:
    return len({point.series for point in points if point.y is not None})


def _json(spec: Spec) -> str:
    return json.dumps(spec, sort_keys=True, separators=(",", ":"), allow_nan=False)
