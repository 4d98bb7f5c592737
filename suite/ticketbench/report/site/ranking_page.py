"""What a task's page says of one board's ranking, ready for the template."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from ticketbench.report.boards.board import Board
from ticketbench.report.boards.eligible import AS_IT_IS, TRAINED
from ticketbench.report.boards.frontier import cost_frontier
from ticketbench.report.boards.headline import Headline, headline
from ticketbench.report.boards.matched import margin_of, matched
from ticketbench.report.boards.ranking import Line, Place, Ranking, Table, ranking, tie_groups
from ticketbench.report.site.addresses import method_page, root, task_page
from ticketbench.report.site.families import family_of
from ticketbench.report.site.figures import series_name
from ticketbench.report.site.frontier_page import Frontier, frontier_page
from ticketbench.report.site.looks import Look
from ticketbench.report.site.rank_words import AREA, PairLine, needed_text, pair_lines, sentences
from ticketbench.report.statistics.costs import cost_class
from ticketbench.report.statistics.intervals import Interval
from ticketbench.report.statistics.matching import Critical, Matching
from ticketbench.report.statistics.ranks import Rank
from ticketbench.report.units import Unit, unit_of
from ticketbench.report.wording import Shown, interval_text, times
from ticketbench.task import Task

if TYPE_CHECKING:
    from ticketbench.methods import Method

ALONE = "alone in its family: there is nothing to rank it against"
HEADINGS = {TRAINED: "", AS_IT_IS: "Scored as they are, not trained: ranked among themselves"}


@dataclass(frozen=True)
class Ranked:
    """A line of the table of ranks. `first` begins a tie group; `apart` says why it has no rank.

    `bar` is the rank interval as two shares of the table's length, for drawing.
    """

    name: str
    page: str
    look: Look
    rank: Rank | None
    bar: tuple[float, float]
    first: bool
    area: Shown | None
    points: Sequence[Shown | None]
    matching: Shown | None
    cost: str
    cost_class: str
    seeds: int
    more: Shown | None
    apart: str
    title: str
    family: str


@dataclass(frozen=True)
class Ranks:
    """What the template shows of a board's ranking. `why` says why there is none, where there is none."""

    compression: int | None
    why: str
    heads: Sequence[str]
    says: Sequence[str]
    groups: Sequence[tuple[str, Sequence[Ranked]]]
    at_each: Sequence[tuple[str, Look, Sequence[str]]]
    pairs: Sequence[PairLine]
    left_out: int
    seeds_only: bool
    margin: str
    frontier: Frontier | None


def ranking_page(
    board: Board,
    task: Task | None,
    methods: Mapping[str, "Method"],
    looks: Mapping[str, Look],
    own_recipes: Mapping[str, bool],
) -> tuple[Ranks, Headline]:
    """What the template needs of a board's ranking, and its headline for the first page."""
    found = ranking(board, own_recipes)
    c = found.headline
    unit = unit_of(board.metric)
    margin = margin_of(board, task)
    tables = [found.table(name, c) for name in found.families] if c else []
    shows = _Shows(found, unit, margin, methods, looks)
    groups = [(HEADINGS[table.family], shows.ranked(table)) for table in tables if table.places]
    unranked = found.unranked(c) if c else [(line, line.apart) for line in found.lines]
    if unranked:
        groups.append(("Not ranked" if groups else "", [shows.apart(line, why) for line, why in unranked]))
    pairs = [pair for table in tables for pair in pair_lines(table)]
    page = Ranks(
        compression=c,
        why=found.why,
        heads=[f"{each}×" for each in found.covered],
        says=[said for table in tables for said in sentences(table)],
        groups=groups,
        at_each=list(_at_each(found, looks)),
        pairs=pairs,
        left_out=sum(len(table.pairs) for table in tables) - len(pairs),
        seeds_only=_seeds_only(found, tables),
        margin=_margin(margin, unit),
        frontier=frontier_page(found, cost_frontier(found, TRAINED), unit, looks) if c else None,
    )
    return page, headline(found)


def _seeds_only(found: Ranking, tables: Sequence[Table]) -> bool:
    """Whether intervals are over seeds alone: those of what is ranked, or of all that is shown where nothing is."""
    ranked = [place.interval.kind for table in tables for place in table.places]
    shown = [score.interval.kind for line in found.lines for score in line.points.values()]
    return "seeds only" in (ranked or shown)


@dataclass(frozen=True)
class _Shows:
    """How the lines of one board are shown."""

    found: Ranking
    unit: Unit
    margin: float | None
    methods: Mapping[str, "Method"]
    looks: Mapping[str, Look]

    def ranked(self, table: Table) -> list[Ranked]:
        starts = {id(group[0]) for group in tie_groups(table.places)[1:]}
        count = len(table.places)
        if count == 1:
            return [self.apart(table.places[0].line, ALONE)]
        return [self._line(place.line, place, count, id(place) in starts, "") for place in table.places]

    def apart(self, line: Line, why: str) -> Ranked:
        return self._line(line, None, 1, False, why)

    def _line(self, line: Line, place: Place | None, count: int, first: bool, apart: str) -> Ranked:
        c = self.found.headline
        series = line.series
        name = series_name(series)
        area = line.areas[c].interval if c is not None and c in line.areas else None
        rank = place.rank if place else None
        cost = line.costs.get(c) if c else None
        method = self.methods.get(series.method)
        return Ranked(
            name=name,
            page=root(task_page(self.found.board.task)) + method_page(series.method),
            look=self.looks[name],
            rank=rank,
            bar=rank_bar(rank, count) if rank else (0.0, 0.0),
            first=first,
            area=_shown(area, AREA),
            points=[
                _shown(line.points[each].interval if each in line.points else None, self.unit)
                for each in self.found.covered
            ],
            matching=self._matching(line),
            cost=f"{cost:.1f}" if cost is not None else "",
            cost_class=cost_class(cost) if cost is not None else "",
            seeds=len(series.seeds),
            more=_more(place) if place else None,
            apart=apart,
            title=method.title if method else "",
            family=family_of(series, self.methods),
        )

    def _matching(self, line: Line) -> Shown | None:
        found = matched(line.series, line.curve, self.found.board, self.margin)
        shown = matching_text(found.matching) if found.matching else None
        return _with_empty_layers(shown, found.critical)


def rank_bar(rank: Rank, count: int) -> tuple[float, float]:
    """Where a rank interval begins in a table of so many, and how long it is, as shares of the table."""
    return (rank.low - 1) / count, (rank.high - rank.low + 1) / count


def matching_text(found: Matching) -> Shown:
    """Matching compression as printed: what is proven, and up to where it may go.

    What is proven to less than the first rung has its interpolated value in the tooltip.
    """
    estimate = times(found.estimate) if found.estimate else f"at least {times(found.most)}"
    long = f"the mean curve falls below the margin at {estimate}" if found.estimate else f"estimate: {estimate}"
    notes = (f"matches again at {', '.join(times(c) for c in found.again)}",) if found.again else ()
    if found.band is None:
        return Shown("–", "no interval", notes, long)
    if found.proven is not None and found.proven < found.first:
        long = f"proven at about {times(found.proven)}, between dense and the first rung; {long}"
    proven = _reached(found.proven, found)
    upper = _reached(found.upper, found)
    order = found.proven if found.proven is not None else found.most
    return Shown(proven, f"to {upper}" if upper != proven else "", notes, long, order=order)


def _with_empty_layers(shown: Shown | None, critical: Critical | None) -> Shown | None:
    """The cell with the critical compression, over seeds, where some seed's tickets empty a layer."""
    if critical is None or critical.least is None:
        return shown
    cell = shown or Shown("–")
    median = times(critical.median) if critical.median is not None else "never"
    note = f"empty layer from {times(critical.least)}, median {median}"
    long = f"a layer is empty from {times(critical.least)} on in some seed, {median} in the median"
    return replace(cell, notes=(*cell.notes, note), long="; ".join(filter(None, [cell.long, long])))


def _reached(end: float | None, found: Matching) -> str:
    if end is None:
        return f"≥ {times(found.most)}"
    return f"< {times(found.first)}" if end < found.first else times(end)


def _shown(interval: Interval | None, unit: Unit) -> Shown | None:
    if interval is None:
        return None
    main, below = interval_text(interval, unit)
    itself = f"a {unit.exponential} of {unit.itself(interval.mean)}" if unit.exponential else ""
    return Shown(main, below, long=itself, order=interval.mean)


def _more(place: Place) -> Shown | None:
    """How many more seeds part a line from the next that it does not separate from."""
    if place.next is None:
        return None
    other, needed = place.next
    return Shown(needed_text(needed), f"from {series_name(other.series)}", long=needed.why)


def _at_each(found: Ranking, looks: Mapping[str, Look]) -> Iterable[tuple[str, Look, list[str]]]:
    """The rank of every line that has one at some compression, at each."""
    for name in found.families:
        tables = {c: table for c in found.covered if len((table := found.table(name, c)).places) > 1}
        ranks = {c: {p.line.series.key: p.rank for p in table.places if p.rank} for c, table in tables.items()}
        for line in found.lines:
            key = line.series.key
            if any(key in each for each in ranks.values()):
                called = series_name(line.series)
                yield called, looks[called], [rank_text(ranks.get(c, {}).get(key)) for c in found.covered]


def rank_text(rank: Rank | None) -> str:
    """A rank interval: `3`, or `3–15`."""
    if rank is None:
        return ""
    return str(rank.low) if rank.low == rank.high else f"{rank.low}–{rank.high}"


def _margin(margin: float | None, unit: Unit) -> str:
    if margin is None:
        return ""
    return unit.difference(f"{margin * unit.factor:.2g}")
