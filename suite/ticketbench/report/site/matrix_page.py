"""What a task's page says of its transfer matrix, ready for the template: panels and a table for each method."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

from ticketbench.report.boards.board import Board, Cell
from ticketbench.report.boards.transfer import RANDOM, Cells, Crossing, Key, Matrix, matrices, partial, series_of
from ticketbench.report.site.figures import metric_scale, series_name
from ticketbench.report.site.looks import Look
from ticketbench.report.site.page import usual_kind
from ticketbench.report.site.panels import Panel, panels
from ticketbench.report.site.rank_words import tested_cell
from ticketbench.report.statistics.differences import EXACT_SEEDS
from ticketbench.report.units import Unit, unit_of
from ticketbench.report.wording import Shown, share, shown, times

if TYPE_CHECKING:
    from ticketbench.methods import Method

_DIFFERENCES = (  # attribute of a crossing, what it is called, what of, and that in a word
    ("gap", "Transfer gap", "minus the ticket found on {}", "found there"),
    ("advantage", "Advantage", "minus its mask shuffled", "shuffled"),
    ("against_random", "Against random", "minus random tickets there", "random"),
    ("against_dense", "Against dense", "minus the dense network there", "dense"),
)


@dataclass(frozen=True)
class Pair:
    """The lines of the table for one cell: what each says, and under every compression."""

    found_on: str
    trained_on: str
    lines: Sequence[tuple[str, str, Sequence[Shown | None]]]


@dataclass(frozen=True)
class Grid:
    """One method's matrix: panels, and tables of the cells off the diagonal and on it.

    Attributes:
        pairs, own: the lines of the cells off the diagonal, and of those on it.
        seeds, kind: of most cells, how many seeds and which interval; a cell with others says so.
    """

    name: str
    title: str
    carried: bool
    legend: Sequence[tuple[str, Look]]
    panels: Sequence[Panel]
    heads: Sequence[tuple[str, str]]
    pairs: Sequence[Pair]
    own: Sequence[Pair]
    seeds: int
    kind: str
    few_seeds: bool


@dataclass(frozen=True)
class MatrixPage:
    """The section of a page.

    Attributes:
        settings: in their order.
        ordinary, carried: grids of tickets that bring along a mask alone, and of those that carry weights too.
        partial: methods without rows for some pair of settings.
    """

    settings: Sequence[str]
    unit: Unit
    scale: str
    ordinary: Sequence[Grid]
    carried: Sequence[Grid]
    partial: Sequence[str]


def matrix_page(cells: Cells, settings: Sequence[str], methods: Mapping[str, "Method"]) -> MatrixPage:
    """What the template needs to show the transfer matrix of one version and numerics of a task.

    Random tickets are a line in every panel and have no grid of their own, unless there is nothing else.
    """
    found = matrices(cells, settings)
    drawn = [each for each in found if each.key[0] != RANDOM] or found
    grids = [_grid(each, cells, methods) for each in drawn]
    first = next(iter(cells.values()))
    return MatrixPage(
        settings=settings,
        unit=unit_of(first.metric),
        scale=metric_scale(first).title,
        ordinary=[each for each in grids if not each.carried],
        carried=[each for each in grids if each.carried],
        partial=sorted({_name(cells, key) for key in partial(cells, settings)}),
    )


def _grid(matrix: Matrix, cells: Cells, methods: Mapping[str, "Method"]) -> Grid:
    method = matrix.key[0]
    unit = unit_of(next(iter(cells.values())).metric)
    drawn, legend = panels(matrix, cells)
    every = {rung: [*matrix.crossings[rung], *matrix.diagonal[rung]] for rung, _ in matrix.rungs}
    rungs = [(rung, c) for rung, c in matrix.rungs if any(each.cell for each in every[rung])]
    tests = [
        found
        for each in every.values()
        for crossing in each
        for found in (crossing.gap, crossing.advantage, crossing.against_random, crossing.against_dense)
        if found
    ]
    usual = _usual(crossing.cell for each in every.values() for crossing in each if crossing.cell)
    return Grid(
        name=_name(cells, matrix.key),
        title=methods[method].title if method in methods else "",
        carried=matrix.carried,
        legend=legend,
        panels=drawn,
        heads=[(times(c), share(1 / c)) for _, c in rungs],
        pairs=list(_table(matrix.crossings, cells, rungs, unit, usual)),
        own=list(_table(matrix.diagonal, cells, rungs, unit, usual)),
        seeds=usual.seeds,
        kind=usual.kind,
        few_seeds=any(each.interval.seeds < EXACT_SEEDS for each in tests),
    )


class _Usual(NamedTuple):
    """What most cells of a matrix have: a number of seeds, and a kind of interval."""

    seeds: int
    kind: str


def _usual(cells: Iterable[Cell]) -> _Usual:
    scored = [cell for cell in cells if cell.score]
    seeds = Counter(len(cell.seeds) for cell in scored)
    return _Usual(max(seeds, key=lambda n: (seeds[n], n), default=0), usual_kind(scored))


def _table(
    crossings: Mapping[int, Sequence[Crossing]],
    cells: Cells,
    rungs: Sequence[tuple[int, float]],
    unit: Unit,
    usual: _Usual,
) -> Iterable[Pair]:
    first = next(iter(crossings.values()), ())
    for place, crossing in enumerate(first):
        found_on, trained_on = crossing.found_on, crossing.trained_on
        board = cells[found_on, trained_on]
        at = [(crossings[rung][place], compression) for rung, compression in rungs]
        lines = [
            (
                "Score",
                f"found on {found_on}, trained on {trained_on}",
                [_score(c, board, unit, x, usual) for c, x in at],
            ),
            *(
                (head, says.format(trained_on), [_tested(c, name, word, unit, usual) for c, _ in at])
                for name, head, says, word in _DIFFERENCES
            ),
        ]
        yield Pair(found_on, trained_on, [line for line in lines if any(line[2])])


def _score(crossing: Crossing, board: Board, unit: Unit, compression: float, usual: _Usual) -> Shown | None:
    cell = crossing.cell
    if cell is None:
        return None
    return shown(cell, unit, kind=usual.kind, seeds=usual.seeds, column=compression, chance=board.chance)


def _tested(crossing: Crossing, name: str, word: str, unit: Unit, usual: _Usual) -> Shown | None:
    more = _shared(crossing) if name == "advantage" else ""
    collapses = _collapses(crossing, name, word)
    return tested_cell(getattr(crossing, name), unit, seeds=usual.seeds, more=more, collapses=collapses)


def _collapses(crossing: Crossing, name: str, word: str) -> tuple[str, ...]:
    """In how many seeds that collapsed which the ticket is held against; of the ticket itself its score says it."""
    if name in crossing.both_collapsed:
        return ("× both collapsed",)
    other = crossing.beside.get(name)
    count = other.count("collapsed") if other else 0
    return (f"× {word}: {count} collapsed",) if count else ()


def _shared(crossing: Crossing) -> str:
    """What stands in the tooltip of an advantage."""
    if crossing.share is None:
        return ""
    return f"{crossing.share:.2f} of the advantage that the ticket found there has"


def _name(cells: Cells, key: Key) -> str:
    return next(series_name(each) for board in cells.values() if (each := series_of(board, key)))
