"""What a board's ranking says on its headline score, small enough to hand from process to process."""

from collections.abc import Mapping
from dataclasses import dataclass

from ticketbench.report.boards.pairs import Pair
from ticketbench.report.boards.ranking import Ranking
from ticketbench.report.statistics.intervals import Interval

Key = tuple[str, str, str]  # a series' method, parameters and label


@dataclass(frozen=True)
class Headliners:
    """The ranked series of one family, best first.

    Attributes:
        areas, costs: of every series: its area, and what its sparsest ticket cost, None where that is not known.
        pairs: by two places, the first's area minus the second's over common seeds.
    """

    keys: tuple[Key, ...]
    areas: tuple[Interval, ...]
    costs: tuple[float | None, ...]
    pairs: Mapping[Pair, Interval]

    def difference(self, one: Key, other: Key) -> Interval | None:
        """One series' area minus another's; None where they have too few seeds in common."""
        i, j = self.keys.index(one), self.keys.index(other)
        found = self.pairs.get((min(i, j), max(i, j)))
        return found if found is None or i < j else found.reversed


@dataclass(frozen=True)
class Headline:
    """A board and how its series stand on its headline score.

    Attributes:
        compression: up to which the area goes; None, with the reason in `why`, where there is no such score.
        families: by family.
        unranked: why a series has no rank.
    """

    task: str
    version: int
    found_on: str
    trained_on: str
    numerics: str
    compression: int | None
    why: str
    families: Mapping[str, Headliners]
    unranked: Mapping[Key, str]


def headline(found: Ranking) -> Headline:
    """The headline of a ranking."""
    board, compression = found.board, found.headline
    families: dict[str, Headliners] = {}
    for name in found.families if compression is not None else ():
        table = found.table(name, compression or 0)
        families[name] = Headliners(
            keys=tuple(place.line.series.key for place in table.places),
            areas=tuple(place.interval for place in table.places),
            costs=tuple(place.line.costs.get(table.compression) for place in table.places),
            pairs={pair: each.tested.interval for pair, each in table.pairs.items()},
        )
    return Headline(
        task=board.task,
        version=board.version,
        found_on=board.found_on,
        trained_on=board.trained_on,
        numerics=board.numerics,
        compression=compression,
        why=found.why,
        families=families,
        unranked={line.series.key: why for line, why in found.unranked(compression)} if compression else {},
    )
