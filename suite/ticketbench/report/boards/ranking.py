"""A board's ranking: scores at fixed compressions, areas, and which of the methods separate.

The definitions are those of the project's protocol, sections 3 and 4; what is compared with what, the rulebook's.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from math import log2

from ticketbench.report.boards.board import Board, Series
from ticketbench.report.boards.costs import total_cost
from ticketbench.report.boards.curves import Curve, Score, curve_of, reaches
from ticketbench.report.boards.eligible import FAMILIES, family, kept_apart
from ticketbench.report.boards.pairs import Pair, differences, ranked
from ticketbench.report.measures import effective
from ticketbench.report.statistics.curves import TARGETS, area, at
from ticketbench.report.statistics.differences import (
    EXACT_SEEDS,
    RANK_SEEDS,
    SeedsNeeded,
    Tested,
    corrected,
    seeds_needed,
    sign_flip,
)
from ticketbench.report.statistics.intervals import Floats, Interval
from ticketbench.report.statistics.normalising import Anchors, anchors
from ticketbench.report.statistics.ranks import Rank

SAME = "equal in every seed"


@dataclass(frozen=True)
class Line:
    """A series and its scores; differences and areas are oriented so that larger is better.

    Attributes:
        family: those that it is compared with.
        apart: why it has no rank on any score; empty where nothing speaks against one.
        points, areas: the metric at a compression, and the normalised area up to it, by compression.
        lacks: by compression, why there is no score.
        costs: by compression, what the sparsest ticket cost that the score is read from, in dense trainings.
    """

    series: Series
    curve: Curve
    family: str
    apart: str
    points: Mapping[int, Score]
    areas: Mapping[int, Score]
    lacks: Mapping[int, str]
    costs: Mapping[int, float | None]


@dataclass(frozen=True)
class Compared:
    """Two ranked lines, first minus second.

    Attributes:
        by_seed: the difference in every common seed.
        family: how many pairs it was corrected for.
    """

    tested: Tested
    by_seed: Floats
    family: int

    @property
    def model_based(self) -> bool:
        """Whether they separate on fewer seeds than an exact test needs."""
        return bool(self.tested.separates) and len(self.by_seed) < EXACT_SEEDS

    @property
    def sign_flip(self) -> float:
        """The two-sided exact p over seeds, which decides nothing."""
        return sign_flip(self.by_seed)[0]

    @property
    def needed(self) -> SeedsNeeded | None:
        """How many more seeds would separate them; None where they do."""
        if self.tested.separates:
            return None
        return seeds_needed(self.tested.interval, self.family) if self.by_seed.any() else SeedsNeeded(None, SAME)


@dataclass(frozen=True)
class Place:
    """A line in a table of ranks.

    Attributes:
        rank: None where the line has a score but may not be ranked.
        next: the next line down the table that it does not separate from, and how many more seeds would do it.
    """

    line: Line
    rank: Rank | None
    interval: Interval
    next: tuple[Line, SeedsNeeded] | None


@dataclass(frozen=True)
class Table:
    """The lines of one family ranked on one score, best first.

    Attributes:
        pairs: by the two places.
        seeds: that every two have in common, at least.
    """

    compression: int
    family: str
    places: Sequence[Place]
    pairs: Mapping[Pair, Compared]
    seeds: int


@dataclass(frozen=True)
class Ranking:
    """All that a board says of which method is better.

    Attributes:
        anchors: chance and dense; None, with the reason in `why`, where nothing can be normalised.
        covered: the compressions at which there are tables, those that the ladder covers.
        headline: the largest of them, whose area the board is ranked by; None, with the reason in `why`.
        lines: of every series, in the order of the board.
    """

    board: Board
    anchors: Anchors | None
    covered: tuple[int, ...]
    headline: int | None
    why: str
    lines: Sequence[Line]
    _tables: dict[tuple[str, int], Table] = field(default_factory=dict, compare=False, repr=False)

    @property
    def oriented(self) -> int:
        """1 where higher is better, else -1."""
        return 1 if self.board.higher_is_better else -1

    @cached_property
    def families(self) -> list[str]:
        """The families that have a line with a score, the main one first."""
        return [name for name in FAMILIES if any(line.family == name and line.areas for line in self.lines)]

    def table(self, name: str, compression: int) -> Table:
        """The lines of a family ranked by their area up to a compression."""
        key = (name, compression)
        if key not in self._tables:
            own = [e for e in self.lines if e.family == name and not e.apart and compression in e.areas]
            self._tables[key] = _table(own, name, compression)
        return self._tables[key]

    def unranked(self, compression: int) -> list[tuple[Line, str]]:
        """The lines without a rank on this score, and why, those that have the score first."""
        found = [(line, line.apart or line.lacks.get(compression, "")) for line in self.lines]
        left = [(line, why) for line, why in found if why]
        return sorted(left, key=lambda each: compression not in each[0].areas)


def ranking(board: Board, own_recipes: Mapping[str, bool] | None = None) -> Ranking:
    """The ranking of a board.

    Args:
        own_recipes: by method, whether its file trains with an objective or a recipe of its own.

    Raises `TicketbenchError` for a row whose values contradict its bits or its status.
    """
    found = _anchors(board)
    covered = tuple(reaches(board, TARGETS))
    headline = covered[-1] if covered and found else None
    lines = [_line(each, board, covered, found, own_recipes or {}) for each in board.series]
    return Ranking(board, found, covered, headline, _why(board, covered, found), lines)


def dense_values(board: Board) -> list[float]:
    """What every dense network counts for on the scale, of those that count for anything."""
    rows = board.dense_rows
    values = [effective(row, board.column, board.chance) for row in rows]
    return [value for value in values if value is not None]


def _anchors(board: Board) -> Anchors | None:
    return anchors(dense_values(board), board.chance)


def _why(board: Board, covered: Sequence[int], found: Anchors | None) -> str:
    if not dense_values(board):
        return "there are no dense networks to compare with"
    if not board.task_at_hand:
        return (
            f"the file of the task, version {board.version}, is not at hand (leaderboard --task FILE), so its chance "
            "value is not known and nothing can be normalised"
        )
    if board.chance is None:
        return "the task declares no chance value, so nothing can be normalised"
    if found is None:
        return "the dense networks are not clear of chance, so nothing can be normalised"
    return "" if covered else f"the ladder does not reach {TARGETS[0]}×"


def _line(
    series: Series, board: Board, covered: Sequence[int], found: Anchors | None, own_recipes: Mapping[str, bool]
) -> Line:
    curve = curve_of(series, board)
    points = {c: each for c in covered if (each := curve.score(at, log2(c)))}
    areas = {c: each for c in covered if found and (each := curve.score(area, log2(c), found))}
    return Line(
        series=series,
        curve=curve,
        family=family(series),
        apart=kept_apart(series, board, own_recipes),
        points=points,
        areas=areas,
        lacks={c: why for c in covered if (why := curve.lacks(log2(c)))},
        costs={c: total_cost(series.at(each.last_rung), board.batch_size, board.steps) for c, each in points.items()},
    )


def _table(lines: Sequence[Line], name: str, compression: int) -> Table:
    ordered = sorted(lines, key=lambda each: (-each.areas[compression].interval.mean, each.series.key))
    scores = [each.areas[compression] for each in ordered]
    pairs = compared(scores)
    given = ranked([each.interval.mean for each in scores], {pair: each.tested for pair, each in pairs.items()})
    places = [
        Place(line, rank, score.interval, _next(place, ordered, pairs))
        for place, (line, rank, score) in enumerate(zip(ordered, given, scores, strict=True))
    ]
    seeds = min((each.tested.interval.seeds for each in pairs.values()), default=0)
    return Table(compression, name, places, pairs, seeds)


def compared(scores: Sequence[Score]) -> dict[Pair, Compared]:
    """Every pair of one family, corrected together. Pairs with too few common seeds for a rank are left out."""
    every = {pair: d for pair, d in differences(scores).items() if d.seeds >= RANK_SEEDS}
    found: dict[Pair, Compared] = {}
    for (i, j), tested in zip(every, corrected(list(every.values())), strict=True):
        assert tested is not None
        common = sorted(set(scores[i].seeds) & set(scores[j].seeds))
        ours, theirs = (each.values[[each.seeds.index(seed) for seed in common]] for each in (scores[i], scores[j]))
        found[i, j] = Compared(tested, ours - theirs, len(every))
    return found


def _next(place: int, ordered: Sequence[Line], pairs: Mapping[Pair, Compared]) -> tuple[Line, SeedsNeeded] | None:
    for other in range(place + 1, len(ordered)):
        found = pairs.get((place, other))
        if found and (needed := found.needed):
            return ordered[other], needed
    return None


def tie_groups(places: Iterable[Place]) -> list[list[Place]]:
    """The lines that share a rank, best first."""
    found: dict[int, list[Place]] = {}
    for place in places:
        found.setdefault(place.rank.rank if place.rank else 0, []).append(place)
    return list(found.values())
