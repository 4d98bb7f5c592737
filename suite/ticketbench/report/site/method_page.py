"""What a method's page says, ready for the template: what its file declares, and what it scored on every task."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ticketbench.bibliography import Entry
from ticketbench.errors import TicketbenchError
from ticketbench.report.boards.board import Board, Cell, Series
from ticketbench.report.citing import cite_papers
from ticketbench.report.site.addresses import rows_of_cell, task_page
from ticketbench.report.site.figures import series_name
from ticketbench.report.site.rank_words import rank_text
from ticketbench.report.site.ranking_page import Ranked, Ranks
from ticketbench.report.units import unit_of
from ticketbench.report.wording import Shown, shown, times
from ticketbench.results import parameters

if TYPE_CHECKING:
    from ticketbench.methods import Method

DENSITIES = {
    "exact": "exact: every ticket keeps as many weights as its rung asks for",
    "nearest": "nearest: a ticket keeps the reachable number of weights nearest to its rung’s",
    "outcome": "an outcome: what a ticket keeps is what comes of the method",
}


@dataclass(frozen=True)
class Standing:
    """What one series of a method did on one board.

    Attributes:
        where: the settings found and trained on; empty where a task has one.
        variant: parameters and label; empty where there are none.
        metric: what the score is, with its unit where numbers alone would not tell it.
        at: the compression whose means order the board's table.
        score: there; None where the series has none.
        dense: the dense network's.
        rank: its rank, with the interval of ranks where that is wider; what keeps it from one in `apart`.
        area: its headline score, up to the compression in `area_to`.
        rows: the address of its rows.
        digests: how many of its rows were made by which file, by its SHA-256.
    """

    task: str
    address: str
    version: int
    metric: str
    where: str
    variant: str
    seeds: int
    at: str
    score: Shown | None
    dense: Shown | None
    rank: str
    apart: str
    area: Shown | None
    area_to: str
    rows: str
    digests: Mapping[str, int]


def standings(pages: Iterable[Mapping[str, Any]]) -> dict[str, list[Standing]]:
    """By method, what it scored on the boards of one task, from what the task's page says of each."""
    found: dict[str, list[Standing]] = {}
    for page in pages:
        ranks: Ranks = page["ranks"]
        ranked = {line.name: line for _, lines in ranks.groups for line in lines}
        for series in page["board"].series:
            standing = _standing(series, page["board"], ranked.get(series_name(series)), ranks.compression)
            found.setdefault(series.method, []).append(standing)
    return found


def method_page(
    name: str,
    method: "Method | None",
    results: Sequence[Standing],
    titles: Mapping[str, str],
    sources: Mapping[str, Entry],
) -> dict[str, Any]:
    """What the template needs. `titles` are those of tasks; `method` is None where its file is not at hand."""
    cites = list(method.cites) if method else []
    digests = sum((Counter(each.digests) for each in results), Counter[str]())
    return {
        "name": name,
        "method": method,
        "density": DENSITIES.get(method.density, method.density) if method else "",
        "source": _source(method) if method else "",
        "file": method.source.name if method and method.source else "",
        "rows": digests.total(),
        "rows_of_other_files": digests.total() - digests[method.digest] if method else 0,
        "results": [(titles.get(each.task, ""), each) for each in results],
        "cites": [(key, sources.get(key)) for key in cites],
        "bibtex": cite_papers(cites, sources, f"method {name}").bibtex,
    }


def _standing(series: Series, board: Board, ranked: Ranked | None, area_to: int | None) -> Standing:
    rung = board.ordered_by
    compression = dict(board.rungs)[rung] if rung is not None else None
    cell = series.cells.get(rung) if rung is not None else None
    several = (board.found_on, board.trained_on) != ("default", "default")
    label = f" · {series.label}" if series.label else ""
    return Standing(
        task=board.task,
        address=task_page(board.task),
        version=board.version,
        metric=board.metric if board.metric == "accuracy" else unit_of(board.metric).name,
        where=f"{board.found_on} → {board.trained_on}" if several else "",
        variant=f"{parameters(series.params)}{label}",
        seeds=len(series.seeds),
        at=times(compression) if compression else "",
        score=_shown(cell, board, compression),
        dense=_shown(board.dense, board, 1.0),
        rank=rank_text(ranked.rank) if ranked and ranked.rank else "",
        apart=ranked.apart if ranked else "",
        area=ranked.area if ranked else None,
        area_to=f"{area_to}×" if area_to else "",
        rows=rows_of_cell(series, board, None),
        digests=Counter(row["method_digest"] for row in series.rows),
    )


def _shown(cell: Cell | None, board: Board, column: float | None) -> Shown | None:
    if cell is None:
        return None
    seeds = len(cell.seeds)
    return shown(cell, unit_of(board.metric), kind="joint", seeds=seeds, column=column, chance=board.chance)


def _source(method: "Method") -> str:
    """The text of the method's file. Raises `TicketbenchError` where it has gone since it was loaded."""
    if method.source is None:
        return ""
    try:
        return method.source.read_text("utf-8", errors="replace")
    except OSError as error:
        raise TicketbenchError(f"{method.source}: cannot be read: {error.strerror}.") from None
