"""The first page's tables over sets of tasks, ready for the template."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from ticketbench.report.boards.board import Series
from ticketbench.report.boards.eligible import TRAINED
from ticketbench.report.boards.headline import Headline, Key
from ticketbench.report.boards.overview import Group, Overview, Partial, overview
from ticketbench.report.boards.task_sets import TaskSet
from ticketbench.report.site.addresses import method_page, task_page
from ticketbench.report.site.figures import series_name
from ticketbench.report.site.looks import Look
from ticketbench.report.site.rank_words import AREA, MODEL_BASED
from ticketbench.report.site.ranking_page import ALONE, HEADINGS, rank_bar
from ticketbench.report.statistics.costs import cost_class
from ticketbench.report.statistics.differences import EXACT_SEEDS
from ticketbench.report.statistics.intervals import Interval
from ticketbench.report.statistics.ranks import Rank
from ticketbench.report.wording import Shown, interval_text

if TYPE_CHECKING:
    from ticketbench.methods import Method

PROFILE_AT = (0.0, 0.005, 0.01, 0.02, 0.05)  # tau: how far behind the best still counts


@dataclass(frozen=True)
class Complete:
    """A method that is complete on the set.

    Attributes:
        rank: None where it is alone in its family, as `apart` says.
        first: whether it begins a tie group.
        bar: the rank interval as two shares of the table's length.
        areas: on every task of the set.
        mean_rank: the mean of its rank intervals on the tasks.
        profile: on how many of the tasks it is at most tau behind the best, for `PROFILE_AT`.
    """

    name: str
    title: str
    page: str
    look: Look
    rank: Rank | None
    bar: tuple[float, float]
    first: bool
    apart: str
    area: Shown
    cost: str
    cost_class: str
    areas: Sequence[Shown]
    mean_rank: str
    profile: Sequence[str]


@dataclass(frozen=True)
class Missing:
    """A method that is not complete on the set: where it is ranked, and why not elsewhere."""

    name: str
    page: str
    complete: int
    missing: Sequence[tuple[str, str]]


@dataclass(frozen=True)
class SetPage:
    """A set of tasks. `without` names the tasks that keep all of it from being ranked, and why."""

    tasks: TaskSet
    members: Sequence[tuple[str, str, int]]
    without: Sequence[tuple[str, str]]
    says: str
    groups: Sequence[tuple[str, Sequence[Complete]]]
    missing: Sequence[Missing]
    taus: Sequence[str]


def set_pages(
    sets: Sequence[TaskSet],
    headlines: Sequence[Headline],
    methods: Mapping[str, "Method"],
    looks: Mapping[str, Look],
) -> list[SetPage]:
    """The sets of which some task has rows here, in the order of their file."""
    here = {headline.task for headline in headlines}
    known = [each for each in sets if any(member.id in here for member in each.tasks)]
    return [_page(overview(each, headlines), here, methods, looks) for each in known]


def _page(found: Overview, here: set[str], methods: Mapping[str, "Method"], looks: Mapping[str, Look]) -> SetPage:
    return SetPage(
        tasks=found.tasks,
        members=[
            (member.called, task_page(member.id) if member.id in here else "", member.version)
            for member in found.tasks.tasks
        ],
        without=[(member.called, why) for member, why in found.without],
        says=" ".join([*map(_says, found.groups), *([MODEL_BASED] if _model_based(found.groups) else [])]),
        groups=[(HEADINGS[group.family], _complete(group, found, methods, looks)) for group in found.groups],
        missing=[_missing(each) for each in found.partial],
        taus=[f"{tau:g}" for tau in PROFILE_AT],
    )


def _complete(
    group: Group, found: Overview, methods: Mapping[str, "Method"], looks: Mapping[str, Look]
) -> list[Complete]:
    places = [int(np.argmin(np.abs(found.taus - tau))) for tau in PROFILE_AT]
    count = len(found.tasks.tasks)
    alone = len(group.whole) == 1
    lines = []
    for place, each in enumerate(group.whole):
        name = _called(each.key)
        method = methods.get(each.key[0])
        lines.append(
            Complete(
                name=name,
                title=method.title if method else "",
                page=method_page(each.key[0]),
                look=looks[name],
                rank=None if alone else each.rank,
                bar=rank_bar(each.rank, len(group.whole)),
                apart=ALONE if alone else "",
                first=place > 0 and each.rank.rank != group.whole[place - 1].rank.rank,
                area=_shown(each.area),
                cost=f"{each.cost:.1f}" if each.cost is not None else "",
                cost_class=cost_class(each.cost) if each.cost is not None else "",
                areas=[_shown(area) for area in each.areas],
                mean_rank=f"{each.mean_rank[0]:.1f}–{each.mean_rank[1]:.1f}",
                profile=[f"{round(count * each.profile[p])} of {count}" for p in places],
            )
        )
    return lines


def _says(group: Group) -> str:
    """Which of the complete methods stand at the top of a set."""
    who = "methods" if group.family == TRAINED else "methods that are scored as they are"
    if len(group.whole) == 1:
        return f"Among {who}, only {_called(group.whole[0].key)} is complete."
    if not any(each.separates for each in group.pairs.values()):
        return f"None of the {len(group.whole)} {who} that are complete separates from another."
    best = [_called(each.key) for each in group.whole if each.rank.rank == 1]
    shared = f"{', '.join(best[:-1])} and {best[-1]} share" if len(best) > 1 else f"{best[0]} alone has"
    return f"Of {len(group.whole)} {who} that are complete, {shared} rank 1."


def _model_based(groups: Sequence[Group]) -> bool:
    """Whether some methods separate on fewer seeds of some task than an exact test takes (section 3.3)."""
    pairs = [each for group in groups for each in group.pairs.values()]
    return any(each.separates and each.interval.seeds < EXACT_SEEDS for each in pairs)


def _missing(found: Partial) -> Missing:
    return Missing(
        _called(found.key),
        method_page(found.key[0]),
        found.complete,
        [(why, ", ".join(member.called for member, each in found.missing if each == why)) for why in _reasons(found)],
    )


def _reasons(found: Partial) -> list[str]:
    return list(dict.fromkeys(why for _, why in found.missing))


def _called(key: Key) -> str:
    method, params, label = key
    return series_name(Series(method, params, label, "", False, (), {}, ()))


def _shown(interval: Interval) -> Shown:
    main, below = interval_text(interval, AREA)
    return Shown(main, below, order=interval.mean)
