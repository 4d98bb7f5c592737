"""A comparison in words and digits, for every format alike."""

from collections.abc import Sequence

from ticketbench.report.compare.comparison import Comparison, Tested, place_text
from ticketbench.report.printable import plain
from ticketbench.report.statistics.differences import ALPHA
from ticketbench.report.units import change_text, score_text, unit_of
from ticketbench.report.wording import seed_count, seeds_text, times

HEAD = ("", "base", "new", "change", "drop at most", "margin", "p")
LEGEND = (
    "Change: mean over the seeds, paired; positive is better. Drop at most: one-sided 95 % bound. p: after Holm's "
    f"correction; a regression has p of at most {ALPHA:g} and a drop larger than the margin."
)
MOST = 10  # statistics shown, regressions and worst first
MOST_REGRESSIONS = 40
MOST_LINES = 20  # warnings, and notes


def headline(found: Comparison) -> str:
    """The verdict in one line, and that a margin is wide where one is."""
    wide = " Beware of a wide margin: see the warnings." if found.wide else ""
    return _verdict(found) + wide


def _verdict(found: Comparison) -> str:
    tested = [each for each in found.tested if each.outcome]
    if found.verdict == "identical":
        return f"No regression: scores, masks and curves identical in all {found.rows} rows."
    if found.verdict == "regression":
        said = []
        if bad := found.regressions:
            said.append(f"{len(bad)} of {_statistics(len(found.tested))} dropped by more than the margin")
        if found.failed:
            many = len(found.failed)
            said.append(f"{many} {'rows' if many > 1 else 'row'} failed where BASE is done")
        return f"REGRESSION: {', and '.join(said)}."
    if not tested:
        count = _statistics(len(found.tested))
        return f"No regression: rows differ, but no score that is tested does, in any of {count}."
    if found.verdict == "no worse":
        return f"No regression: no worse than the margin, in each of {_statistics(len(found.tested))}."
    beyond = sum(each.outcome is not None and each.outcome.most >= each.outcome.margin for each in tested)
    count = _statistics(len(found.tested))
    return f"No regression shown: {beyond} of {count} may have dropped by more than the margin, or not at all."


def power(found: Comparison) -> list[str]:
    """What a verdict of `not shown` could not have seen, metric by metric, in sentences."""
    if found.verdict != "not shown":
        return []
    said = []
    for metric in dict.fromkeys(each.metric for each in found.tested):
        mine = [(each.rung, each.outcome.findable) for each in found.tested if each.outcome and each.metric == metric]
        kinds = {
            "a curve": [drop for rung, drop in mine if rung is None],
            "a single rung": [drop for rung, drop in mine if rung],
            "the dense network": [drop for rung, drop in mine if rung == 0],
        }
        parts = [f"{_found(drops, metric)} of {what}" for what, drops in kinds.items() if drops]
        if parts:
            said.append(f"Smallest drop that is found with probability 0.8, anywhere: {', '.join(parts)}.")
    return said


def worst(found: Comparison) -> list[Tested]:
    """What the table shows: all regressions (or as many as fit), then what came nearest to one."""
    changed = [each for each in found.tested if each.outcome]
    bad = sorted(found.regressions, key=_standing)[:MOST_REGRESSIONS]
    rest = sorted((each for each in changed if each.outcome and not each.outcome.regression), key=_standing)
    return bad + rest[: max(0, MOST - len(bad))]


def left_out(found: Comparison) -> str:
    """How many statistics the table leaves out, in a sentence; empty where it shows all."""
    unchanged = sum(each.outcome is None for each in found.tested)
    more = len(found.tested) - unchanged - len(worst(found))
    said = [f"{more} more"] * (more > 0) + [f"{unchanged} unchanged in every seed"] * (unchanged > 0)
    return f"Left out of the table: {', '.join(said)}." if said else ""


def line(each: Tested, named: bool) -> tuple[str, ...]:
    """A statistic's cells, under `HEAD`. `named`: whether it says its task and setting."""
    unit, outcome = unit_of(each.metric), each.outcome
    scores = (score_text(value, unit) for value in (each.base, each.new))
    if outcome is None:
        return (name(each, named), *scores, "0", "0", "", "")
    change, most, margin = (change_text(value, unit) for value in (-outcome.drop, outcome.most, outcome.margin))
    change = change if change.startswith("−") else f"+{change}"
    return (name(each, named), *scores, change, most, margin, _p(outcome.adjusted))


def name(each: Tested, named: bool) -> str:
    """What a statistic is of."""
    where = f"{place(each)} " if named else ""
    if each.rung == 0:
        return f"{where}dense network"
    at = f" ({times(each.compression)})" if each.compression else ""
    return f"{where}{plain(each.method)}, {f'rung {each.rung}{at}' if each.rung else 'curve'}"


def place(each: Tested) -> str:
    """Task and setting, in words."""
    return plain(place_text(each.task, each.version, each.setting, each.numerics))


def places(found: Comparison) -> list[str]:
    """The tasks and settings there are."""
    return list(dict.fromkeys(place(each) for each in found.tested))


def seeds(found: Comparison) -> str:
    """Which seeds were paired, where that is the same everywhere; else between how many and how many."""
    every = list(dict.fromkeys(each.seeds for each in found.tested))
    if len(every) == 1:
        return seeds_text(every[0])
    counts = sorted(len(each) for each in every)
    return f"{counts[0]} to {counts[-1]} seeds" if counts[0] != counts[-1] else f"{seed_count(counts[0])} each"


def units(found: Comparison) -> str:
    """In what scores and changes are given, in a sentence."""
    said = []
    for metric in dict.fromkeys(each.metric for each in found.tested):
        of = "%" if metric == "accuracy" else plain(metric)
        said.append(f"scores in {of}, changes in {_changes(metric)}")
    return "; ".join(said)


def capped(lines: Sequence[str]) -> list[str]:
    """Each line once, plain, and of very many how many more there are."""
    once = [plain(each) for each in dict.fromkeys(lines)]
    return [*once[:MOST_LINES], f"And {len(once) - MOST_LINES} more."] if len(once) > MOST_LINES else once


def _changes(metric: str) -> str:
    unit = unit_of(metric)
    return plain(unit.points or unit.differences)


def _found(drops: Sequence[float], metric: str) -> str:
    unit = unit_of(metric)
    return plain(unit.difference(f"{max(drops) * unit.factor:.2g}"))


def _standing(each: Tested) -> tuple[float, float, str]:
    assert each.outcome is not None
    return (each.outcome.adjusted, each.outcome.p, name(each, True))


def _p(p: float) -> str:
    return "<0.0001" if p < 0.0001 else f"{p:.2g}"


def _statistics(count: int) -> str:
    return f"{count} statistics" if count != 1 else "1 statistic"
