"""Files to take away from a task's page: a board's table as CSV and as LaTeX, its figures as SVG."""

import csv
import io
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any
from xml.sax.saxutils import escape

from ticketbench.report.boards.board import Board, Cell
from ticketbench.report.site.charts import with_own_clips
from ticketbench.report.site.figures import Figure, series_name
from ticketbench.report.wording import interval_text, share, times, unit_of

_HEADS = (
    *("task", "task_version", "numerics", "found_on", "trained_on", "method", "params", "label", "rung"),
    *("density_asked", "compression", "metric", "mean", "half_width", "low", "high", "interval", "seeds"),
    *("collapsed", "diverged", "failed", "why_no_mean"),
)
_FORMULA = ("=", "+", "-", "@", "\t", "\r")  # what a spreadsheet takes for the start of one
_LATEX = {
    **{mark: f"\\{mark}" for mark in "&%$#_{}"},
    "\\": r"\textbackslash{}",
    "~": r"\textasciitilde{}",
    "^": r"\textasciicircum{}",
    "×": r"$\times$",
    "±": r"$\pm$",
    "−": "$-$",
    "–": "--",
    "≤": r"$\le$",
    "·": r"$\cdot$",
    "<": r"\textless{}",
    ">": r"\textgreater{}",
    "|": r"\textbar{}",
    '"': r"\textquotedbl{}",
}
_VARIABLE = re.compile(r"var\((--[\w-]+)\)")
_DEFINED = re.compile(r"(--[\w-]+):\s*([^;]+);")
_LEGEND = 20  # pixels that a line of the legend takes


def csv_table(board: Board) -> str:
    """The table of a board, one line for each method and rung, with every number at full precision.

    Text that a spreadsheet would take for a formula has an apostrophe before it.
    """
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(_HEADS)
    if board.dense:
        writer.writerow(_line(board, ("dense", "{}", ""), board.dense, 1.0))
    for series in board.series:
        for rung, compression in board.rungs:
            if cell := series.cells.get(rung):
                writer.writerow(_line(board, series.key, cell, compression))
    return text.getvalue()


def latex_table(board: Board) -> str:
    """The table as shown, for the package booktabs: the mean of every method at every rung, and its half-width."""
    unit = unit_of(board.metric)
    columns = "l" + "r" * len(board.rungs)
    heads = " & ".join(latex(f"{times(c)} ({share(1 / c)})") for _, c in board.rungs)
    lines = [f"{latex(series_name(each))} & {_printed(each.cells, board, unit)}" for each in board.series]
    if board.dense:
        lines.insert(0, f"Dense network & {_cell(board.dense, unit)}" + " &" * (len(board.rungs) - 1))
    caption = (
        f"Test {unit.name} on {board.task} (version {board.version}), {board.numerics}: means over seeds, with the "
        "half-widths of 95 % intervals. Found on "
        f"{board.found_on}, trained on {board.trained_on}."
    )
    body = " \\\\\n".join(lines)
    return (
        f"% \\usepackage{{booktabs}}\n\\begin{{table}}\n\\caption{{{latex(caption)}}}\n"
        f"\\begin{{tabular}}{{{columns}}}\n"
        f"\\toprule\nMethod & {heads} \\\\\n\\midrule\n{body} \\\\\n\\bottomrule\n\\end{{tabular}}\n\\end{{table}}\n"
    )


def latex(text: str) -> str:
    """Text with every character that LaTeX gives a meaning said as itself; line breaks become spaces."""
    return "".join(_LATEX.get(mark, mark) for mark in " ".join(text.split()))


def figures_of(page: Mapping[str, Any]) -> Iterator[tuple[str, str, Figure]]:
    """The figures of a board's page: a short name, what it shows, and the figure."""
    if page["accuracy"]:
        yield "metric", "the metric against compression", page["accuracy"]
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
    text = text.replace('font-family="inherit"', 'font-family="sans-serif"')
    return with_own_clips(_VARIABLE.sub(lambda found: colours.get(found[1], "currentColor"), text))


def _line(board: Board, key: tuple[str, str, str], cell: Cell, compression: float) -> list[Any]:
    score = cell.score
    numbers = (score.mean, score.h, score.low, score.high, score.kind, score.seeds) if score else ("",) * 6
    lost = [cell.count(status) for status in ("collapsed", "diverged", "failed")]
    said = (board.task, board.version, board.numerics, board.found_on, board.trained_on, *key, cell.rung)
    asked = 1 / compression
    line = (*said, asked, cell.compression, board.metric, *numbers, *lost, cell.why)
    return [_shielded(value) if isinstance(value, str) else "" if value is None else value for value in line]


def _shielded(text: str) -> str:
    return f"'{text}" if text.startswith(_FORMULA) else text


def _printed(cells: Mapping[int, Cell], board: Board, unit: Any) -> str:
    return " & ".join(_cell(cells[rung], unit) if rung in cells else "" for rung, _ in board.rungs)


def _cell(cell: Cell, unit: Any) -> str:
    if cell.score is None:
        return "--"
    return latex(" ".join(part for part in interval_text(cell.score, unit) if part))


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
