"""What a table of ranks says in words: who separates from whom, pair by pair and in sentences."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from ticketbench.report.boards.eligible import TRAINED
from ticketbench.report.boards.ranking import SAME, Place, Table, tie_groups
from ticketbench.report.site.figures import series_name
from ticketbench.report.statistics.differences import EXACT_SEEDS, MOST_SEEDS, SeedsNeeded, Tested
from ticketbench.report.statistics.ranks import Rank
from ticketbench.report.units import Unit
from ticketbench.report.wording import Shown, difference_text, seed_count

AREA = Unit(1.0, "", "area")
MOST_NAMED = 8  # in a sentence
MOST_PAIRS = 1_000  # in the list of pairs; beyond, those nearest in the table
MODEL_BASED = (
    f"Separations on fewer than {EXACT_SEEDS} seeds are model-based: there are too few seeds for an exact test."
)


@dataclass(frozen=True)
class PairLine:
    """Two lines of a family, the better first. p-values: its own, Holm's, and that of sign flips."""

    one: str
    other: str
    difference: Shown
    p_values: Sequence[str]
    says: str
    more: str


def sentences(table: Table) -> Iterable[str]:
    """What is separated and what is not, in sentences."""
    places, pairs = table.places, table.pairs
    if not places:
        return
    who = "methods" if table.family == TRAINED else "methods that are scored as they are"
    if len(places) == 1:
        alone = series_name(places[0].line.series)
        yield f"Among {who}, only {alone} could be ranked: there is nothing to hold it against."
        return
    apart = sum(bool(each.tested.separates) for each in pairs.values())
    best = [series_name(place.line.series) for place in tie_groups(places)[0]]
    if not apart:
        yield f"None of the {len(places)} {who} separates from another: all share rank 1."
    elif len(best) == 1:
        every = places[0].rank and places[0].rank.high == 1
        rest = "every other" if every else "the next, though not from every other"
        yield f"{best[0]} stands alone at the top of {len(places)} {who}: it separates from {rest}."
    else:
        yield (
            f"Of {len(places)} {who}, {_listed(best)} share rank 1: none of them is clearly beaten, nor is one "
            "clearly the best."
        )
    if apart and len(pairs) > 1:
        left = len(pairs) - apart
        rest = f"the other {left} cannot be told apart" if left else "none is left undecided"
        yield f"{apart} of {len(pairs)} pairs separate; {rest}."
    if any(each.model_based for each in pairs.values()):
        yield MODEL_BASED
    for same in _alike(table):
        often = "twice" if len(same) == 2 else f"{len(same)} times"
        names = _listed([series_name(place.line.series) for place in same])
        yield f"{names} are equal in every seed here: one method {often}."


def _alike(table: Table) -> list[list[Place]]:
    """The places that are equal in every seed to all others of their group, groups of two and more."""
    found: list[list[int]] = []
    for place in range(len(table.places)):
        same = next((group for group in found if all(_equal(table, other, place) for other in group)), None)
        if same is None:
            found.append([place])
        else:
            same.append(place)
    return [[table.places[place] for place in group] for group in found if len(group) > 1]


def _equal(table: Table, one: int, other: int) -> bool:
    pair = table.pairs.get((one, other))
    return pair is not None and not pair.by_seed.any()


def _listed(names: Sequence[str]) -> str:
    if len(names) > MOST_NAMED:
        names = [*names[: MOST_NAMED - 1], f"{len(names) - MOST_NAMED + 1} more"]
    return f"{', '.join(names[:-1])} and {names[-1]}" if len(names) > 1 else names[0]


def pair_lines(table: Table) -> list[PairLine]:
    """The pairs of a table, or those of them that are nearest in it, by their places."""
    every = sorted(table.pairs, key=lambda pair: (pair[1] - pair[0], pair))
    shown = sorted(every[:MOST_PAIRS])
    return [_pair(table, pair) for pair in shown]


def _pair(table: Table, pair: tuple[int, int]) -> PairLine:
    found = table.pairs[pair]
    tested = found.tested
    main, below = difference_text(tested.interval, AREA)
    one, other = (series_name(table.places[place].line.series) for place in pair)
    says = "" if not tested.separates else "separate, model-based" if found.model_based else "separate"
    difference = Shown(main, below, order=tested.interval.mean)
    more = needed_text(found.needed) if found.needed else ""
    p = [p_text(each) for each in (tested.p, tested.adjusted, found.sign_flip)]
    return PairLine(one, other, difference, p, says, more)


def tested_cell(
    found: Tested | None, unit: Unit, *, seeds: int | None = None, more: str = "", collapses: tuple[str, ...] = ()
) -> Shown | None:
    """A difference as a table prints it, with which side of zero it separates to.

    Args:
        seeds: the table's usual number, where its key says one; another is named.
        more: ends the tooltip.
        collapses: what makes it no difference of working networks.
    """
    if found is None:
        return None
    common = seed_count(found.interval.seeds)
    notes = collapses if found.interval.seeds == seeds or seeds is None else (*collapses, common)
    main, below = difference_text(found.interval, unit)
    if found.p is None:
        few = f"{common} in common: fewer than 3 make no interval"
        return Shown(main, "no interval", notes, few, alarm=bool(collapses))
    sign = {1: "▲ above", -1: "▼ below", 0: ""}[found.separates]
    long = f"{common} in common; p = {found.p:.2g}, after Holm {found.adjusted:.2g}"
    return Shown(main, below, notes, f"{long}{'; ' if more else ''}{more}", alarm=bool(collapses), sign=sign)


def needed_text(needed: SeedsNeeded) -> str:
    """How many more seeds, or in short why no number can be given."""
    if needed.more is not None:
        return f"+{needed.more}"
    if needed.why == SAME:
        return "equal"
    if needed.why.startswith("more than"):
        return f"> {MOST_SEEDS}"
    return "no difference" if needed.why.startswith("no difference") else "none would"


def rank_text(rank: Rank, dash: str = "–") -> str:
    """A rank as printed, with the interval of ranks where that is wider: `2 (2–5)`."""
    return f"{rank.rank}" if rank.low == rank.high else f"{rank.rank} ({rank.low}{dash}{rank.high})"


def p_text(p: float | None) -> str:
    """A p-value as printed: at two significant digits, or `< 0.001`."""
    if p is None:
        return ""
    return "< 0.001" if p < 0.001 else f"{p:.2g}" if p < 0.1 else f"{p:.2f}"
