"""Methods over a set of tasks: the mean of headline areas, and two second views (protocol, section 7)."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from statistics import fmean

import numpy as np

from ticketbench.report.boards.eligible import FAMILIES
from ticketbench.report.boards.headline import Headline, Headliners, Key
from ticketbench.report.boards.pairs import Pair, ranked
from ticketbench.report.boards.task_sets import Member, TaskSet
from ticketbench.report.statistics.differences import Tested, corrected
from ticketbench.report.statistics.intervals import Floats, Interval
from ticketbench.report.statistics.ranks import Rank
from ticketbench.report.statistics.tasks import (
    corrected_over_tasks,
    mean_ranks,
    over_tasks,
    performance_profile,
    steps_of_tau,
)


@dataclass(frozen=True)
class Whole:
    """A series that is complete on every task of a set.

    Attributes:
        area: the mean of its headline areas, every task weighted the same.
        areas: by task, in the order of the set.
        mean_rank: the mean of its rank intervals, `(lo, hi)`, each among the complete series of that task.
        profile: the share of tasks on which it is at most tau behind the best, at `Overview.taus`.
        cost: the mean over tasks of what its sparsest ticket cost; None where that is not known everywhere.
    """

    key: Key
    rank: Rank
    area: Interval
    areas: Sequence[Interval]
    mean_rank: tuple[float, float]
    profile: Floats
    cost: float | None


@dataclass(frozen=True)
class Partial:
    """A series that is not complete on a set: on how many tasks it is ranked, and why it is not on the others."""

    key: Key
    complete: int
    missing: Sequence[tuple[Member, str]]


@dataclass(frozen=True)
class Group:
    """The complete series of one family, best first.

    Attributes:
        pairs: by two places, the difference over tasks, corrected over the group.
    """

    family: str
    whole: Sequence[Whole]
    pairs: Mapping[Pair, Tested]


@dataclass(frozen=True)
class Overview:
    """A set of tasks and what it says.

    Attributes:
        without: the tasks of the set on which nothing can be ranked, and why; then nothing is ranked over the set.
        taus: where the profiles are taken.
    """

    tasks: TaskSet
    without: Sequence[tuple[Member, str]]
    groups: Sequence[Group]
    partial: Sequence[Partial]
    taus: Floats


def overview(tasks: TaskSet, headlines: Sequence[Headline]) -> Overview:
    """The table of a set, from the headlines of all boards at hand."""
    found = [_headline_of(member, headlines) for member in tasks.tasks]
    without = [(member, why) for member, each in zip(tasks.tasks, found, strict=True) if (why := _lacking(each))]
    taus = steps_of_tau()
    known = [each for each in found if each is not None]
    if without:
        return Overview(tasks, without, (), (), taus)
    groups = [_group(name, known, taus) for name in FAMILIES]
    complete = {each.key for group in groups for each in group.whole}
    every = {key for each in known for own in each.families.values() for key in own.keys}
    every |= {key for each in known for key in each.unranked}
    partial = [_partial(key, tasks.tasks, known) for key in sorted(every - complete)]
    partial.sort(key=lambda each: -each.complete)
    return Overview(tasks, (), [group for group in groups if group.whole], partial, taus)


def _headline_of(member: Member, headlines: Sequence[Headline]) -> Headline | None:
    wanted = (member.id, member.version, member.setting, member.setting, member.numerics)
    return next(
        (h for h in headlines if (h.task, h.version, h.found_on, h.trained_on, h.numerics) == wanted),
        None,
    )


def _lacking(found: Headline | None) -> str:
    if found is None:
        return "no rows"
    return found.why if found.compression is None else ""


def _group(name: str, headlines: Sequence[Headline], taus: Floats) -> Group:
    tables = [each.families.get(name, Headliners((), (), (), {})) for each in headlines]
    keys = set.intersection(*(set(each.keys) for each in tables))
    areas = {key: [each.areas[each.keys.index(key)] for each in tables] for key in keys}
    mean = {key: over_tasks(each) for key, each in areas.items()}
    ordered = sorted(keys, key=lambda key: (-mean[key].mean, key))
    family: dict[Pair, list[Interval]] = {}
    for i, j in combinations(range(len(ordered)), 2):
        both = [table.difference(ordered[i], ordered[j]) for table in tables]
        known = [each for each in both if each is not None]
        if len(known) == len(both):
            family[i, j] = known
    pairs = dict(zip(family, corrected_over_tasks(list(family.values())), strict=True))
    given = ranked([mean[key].mean for key in ordered], pairs)
    of_tasks = [_among(ordered, table) for table in tables]
    values = np.array([[each.mean for each in areas[key]] for key in ordered])
    profiles = performance_profile(values, taus) if ordered else np.zeros((0, len(taus)))
    whole = [
        Whole(
            key=key,
            rank=given[place],
            area=mean[key],
            areas=areas[key],
            mean_rank=mean_ranks([each[key] for each in of_tasks]),
            profile=profiles[place],
            cost=_mean([each.costs[each.keys.index(key)] for each in tables]),
        )
        for place, key in enumerate(ordered)
    ]
    return Group(name, whole, pairs)


def _among(keys: Sequence[Key], table: Headliners) -> dict[Key, Rank]:
    """The ranks on one task among these series alone."""
    here = [key for key in table.keys if key in keys]
    every = {(i, j): table.difference(here[i], here[j]) for i, j in combinations(range(len(here)), 2)}
    tested = zip(every, corrected(list(every.values())), strict=True)
    means = [table.areas[table.keys.index(key)].mean for key in here]
    return dict(zip(here, ranked(means, {pair: each for pair, each in tested if each}), strict=True))


def _partial(key: Key, members: Sequence[Member], headlines: Sequence[Headline]) -> Partial:
    missing = []
    for member, found in zip(members, headlines, strict=True):
        ranked = any(key in own.keys for own in found.families.values())
        if not ranked:
            missing.append((member, found.unranked.get(key, "not run")))
    return Partial(key, len(members) - len(missing), missing)


def _mean(costs: Sequence[float | None]) -> float | None:
    known = [each for each in costs if each is not None]
    return fmean(known) if known and len(known) == len(costs) else None
