"""The cost frontier: which tickets no other is as sparse as, as good as and as cheap as (protocol, section 6.4)."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from ticketbench.report.boards.curves import Score
from ticketbench.report.boards.pairs import differences
from ticketbench.report.boards.ranking import Compared, Line, Ranking, compared
from ticketbench.report.statistics.costs import Point, Standing, dominates, frontier
from ticketbench.report.statistics.differences import ALPHA, p_of

PRINTED = 2  # decimals of a cost


@dataclass(frozen=True)
class Ticket:
    """A line at one compression of the tables, and where it stands to the frontier."""

    line: Line
    compression: int
    total: float
    standing: Standing

    @property
    def score(self) -> Score:
        """The metric at that compression."""
        return self.line.points[self.compression]


def cost_frontier(found: Ranking, name: str) -> list[Ticket]:
    """The tickets of a family's ranked lines at every compression of the tables, where their cost is known.

    A ticket that is dominated is clearly beaten if one that dominates it separates from it, and is the better over
    the seeds that both have: Holm over all pairs at its compression; a sparser one by a p-value multiplied by as many
    pairs. Costs are compared as they are printed.
    """
    tickets: list[tuple[Line, int, float]] = []
    tested: dict[int, tuple[list[int], dict[tuple[int, int], Compared]]] = {}
    for compression in found.covered:
        own = [each for each in found.lines if each.family == name and not each.apart and compression in each.points]
        priced = [(each, cost) for each in own if (cost := each.costs[compression]) is not None]
        tested[compression] = (
            list(range(len(tickets), len(tickets) + len(priced))),
            compared([each.points[compression] for each, _ in priced]),
        )
        tickets += [(each, compression, cost) for each, cost in priced]
    points = [
        Point(compression, found.oriented * line.points[compression].interval.mean, round(cost, PRINTED))
        for line, compression, cost in tickets
    ]
    better = np.zeros((len(tickets), len(tickets)), dtype=bool)
    for places, pairs in tested.values():
        for (i, j), each in pairs.items():
            if way := each.tested.separates * found.oriented:
                better[(places[i], places[j]) if way > 0 else (places[j], places[i])] = True
    _from_sparser(tickets, points, better, {c: len(pairs) for c, (_, pairs) in tested.items()}, found.oriented)
    return [
        Ticket(line, compression, cost, standing)
        for (line, compression, cost), standing in zip(tickets, frontier(points, better), strict=True)
    ]


def _from_sparser(
    tickets: Sequence[tuple[Line, int, float]],
    points: Sequence[Point],
    better: np.ndarray,
    pairs: dict[int, int],
    oriented: int,
) -> None:
    """Add whether a sparser ticket that dominates one separates from it, where none at its own compression does."""
    over = dominates(points)
    for j, (line, compression, _) in enumerate(tickets):
        rivals = [i for i, beats in enumerate(over[:, j]) if beats]
        if any(better[i, j] and tickets[i][1] == compression for i in rivals):
            continue
        for i in rivals:
            other, at, _ = tickets[i]
            ours, theirs = other.points[at], line.points[compression]
            if at > compression and _separates(ours, theirs, pairs[compression], oriented):
                better[i, j] = True
                break


def _separates(one: Score, other: Score, pairs: int, oriented: int) -> bool:
    """Whether the first separates from the second and is the better, over the seeds that both have."""
    found = differences([one, other]).get((0, 1))
    if found is None or found.mean * oriented <= 0:
        return False
    p = p_of(found)
    return p is not None and p * max(pairs, 1) <= ALPHA
