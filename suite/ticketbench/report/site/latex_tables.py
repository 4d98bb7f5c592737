"""Tables to take into a paper, for LaTeX's package booktabs: a board's, its ranking, and the ranking over a set."""

from collections.abc import Iterable, Sequence

from ticketbench.report.boards.board import Board
from ticketbench.report.printable import latex
from ticketbench.report.site.figures import series_name
from ticketbench.report.site.overview import SetPage
from ticketbench.report.site.page import board_cells, marks, shown_cells, shown_dense, usual_kind
from ticketbench.report.site.rank_words import rank_text
from ticketbench.report.site.ranking_page import Ranked, Ranks
from ticketbench.report.statistics.ranks import Rank
from ticketbench.report.units import unit_of
from ticketbench.report.wording import Shown, share, times

_SAME_TESTS = " on this test set"  # of returns there is none: games are played anew
_INTERVALS = {
    "joint": "means over seeds, with the half-widths of 95 % intervals for other seeds and other test examples",
    "seeds only": "means over seeds, with the half-widths of 95 % intervals for other seeds on this test set",
    "examples only": "one run each, with Wilson's 95 % interval for other test examples",
    "none": "means over seeds",
}
_CARRIED = "carries weights of the setting it was found on"
_NONE = "not applicable"
_HOLM = "Differences are corrected by Holm within this table only."


class Notes:
    """What stands under a table, each said once, by the mark that its cells carry."""

    def __init__(self) -> None:
        self._marks: dict[str, str] = {}

    def mark(self, notes: Iterable[str]) -> str:
        """A superscript for these notes; empty for none."""
        marks = [self._marks.setdefault(note, _letters(len(self._marks))) for note in dict.fromkeys(notes) if note]
        return rf"\textsuperscript{{{','.join(marks)}}}" if marks else ""

    @property
    def text(self) -> str:
        """All of them, as LaTeX to stand under the table."""
        said = "; ".join(rf"\textsuperscript{{{mark}}}~{latex(note)}" for note, mark in self._marks.items())
        return f"\n\\par\\smallskip\\footnotesize {said}." if said else ""


def latex_table(board: Board) -> str:
    """The table as shown: the mean of every method at every rung, its half-width, and what is said of the cell."""
    unit, kind, notes = unit_of(board.metric), usual_kind(board_cells(board)), Notes()
    heads = ["Method", "Seeds", *(f"{times(c)} ({share(1 / c)})" for _, c in board.rungs)]
    lines = []
    if dense := shown_dense(board, unit, kind):
        spanned = rf"\multicolumn{{{max(len(board.rungs), 1)}}}{{c}}{{{_cell(dense, notes)}}}"
        lines.append(f"Dense network & {len(board.dense.seeds) if board.dense else 0} & {spanned}")
    for series in board.series:
        seeds, cells = shown_cells(series, board, unit, kind)
        mark = notes.mark([*marks(series), *([_CARRIED] if series.carried else [])])
        said = [f"{latex(series_name(series))}{mark}", str(seeds), *(_cell(each, notes) for each in cells)]
        lines.append(" & ".join(said))
    means = _INTERVALS[kind].removesuffix(_SAME_TESTS if board.metric == "return" else "")
    caption = f"Test {unit.name} on {_of(board)}: {means}. {_found(board)}"
    return _table(caption, heads, lines, notes)


def latex_ranking(ranks: Ranks, board: Board) -> str:
    """A board's ranking as shown; tie groups are set apart by space."""
    notes, unit = Notes(), unit_of(board.metric)
    heads = ["Method", "Rank", f"Area to {ranks.compression}×", *ranks.heads, "Matches dense", "Cost", "Seeds"]
    lines: list[str] = []
    for heading, own in ranks.groups:
        lines += [rf"\multicolumn{{{len(heads)}}}{{l}}{{\emph{{{latex(heading)}}}}}"] if heading else []
        lines += [_ranked(each, notes) for each in own]
    over = "for other seeds" if ranks.seeds_only else "for other seeds and other test examples"
    caption = (
        f"Ranking on {_of(board)}: ranks with their intervals, the area under the curve (1: dense, 0: chance) and "
        f"test {unit.name} at fixed compressions, with half-widths of 95 % intervals {over}. {_HOLM} {_found(board)}"
    )
    return _table(caption, heads, lines, notes)


def latex_overview(page: SetPage) -> str:
    """The ranking over a set of tasks as shown, with the area on every task."""
    notes = Notes()
    heads = ["Method", "Rank", "Mean area", "Cost", *(name for name, _, _ in page.members)]
    lines: list[str] = []
    for heading, own in page.groups:
        lines += [rf"\multicolumn{{{len(heads)}}}{{l}}{{\emph{{{latex(heading)}}}}}"] if heading else []
        for each in own:
            cells = [_cell(each.area, notes), latex(each.cost), *(_cell(area, notes) for area in each.areas)]
            name = f"{_apart(each.first)}{latex(each.name)}{notes.mark([each.apart])}"
            lines.append(" & ".join([name, _rank(each.rank), *cells]))
    members = ", ".join(f"{name} (version {version})" for name, _, version in page.members)
    caption = (
        f"Ranking over {page.tasks.title} (version {page.tasks.version}): {members}. The mean over these tasks of "
        "the area under the curve (1: dense, 0: chance), with half-widths of 95 % intervals for other seeds and "
        f"other test examples. {_HOLM}"
    )
    return _table(caption, heads, lines, notes)


def _ranked(each: Ranked, notes: Notes) -> str:
    name = f"{_apart(each.first)}{latex(each.name)}{notes.mark([each.apart])}"
    cells = [_cell(cell, notes) for cell in (each.area, *each.points, each.matching)]
    return " & ".join([name, _rank(each.rank), *cells, latex(each.cost), str(each.seeds)])


def _rank(rank: Rank | None) -> str:
    return rank_text(rank, dash="--") if rank else "--"


def _apart(first: bool) -> str:
    return "\\addlinespace\n" if first else ""


def _cell(cell: Shown | None, notes: Notes) -> str:
    if cell is None:
        return ""
    if cell.main == "–" and not cell.below:
        return f"--{notes.mark([_NONE])}"
    return latex(" ".join(filter(None, [cell.main, cell.below]))) + notes.mark(cell.notes)


def _of(board: Board) -> str:
    return f"{board.task} (version {board.version}), {board.numerics}"


def _found(board: Board) -> str:
    if (board.found_on, board.trained_on) == ("default", "default"):
        return ""
    return f"Found on {board.found_on}, trained on {board.trained_on}."


def _table(caption: str, heads: Sequence[str], lines: Sequence[str], notes: Notes) -> str:
    columns = "l" + "r" * (len(heads) - 1)
    body = " \\\\\n".join(lines)
    return (
        f"% \\usepackage{{booktabs}}\n\\begin{{table}}\n\\centering\n\\caption{{{latex(caption)}}}\n"
        f"\\begin{{tabular}}{{{columns}}}\n\\toprule\n{' & '.join(latex(head) for head in heads)} \\\\\n\\midrule\n"
        f"{body} \\\\\n\\bottomrule\n\\end{{tabular}}{notes.text}\n\\end{{table}}\n"
    )


def _letters(place: int) -> str:
    """a to z, then aa, ab and so on."""
    return (_letters(place // 26 - 1) if place >= 26 else "") + chr(ord("a") + place % 26)
