"""The ledger of references: published numbers and orderings beside ours, and what may be said of them."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TypeVar

from ticketbench.errors import TicketbenchError
from ticketbench.report.boards.board import NOT_APPLICABLE, Board, Series, chance_on
from ticketbench.report.boards.matched import margin_of
from ticketbench.report.boards.recipes import ancestors, same_recipe, setting_recipe
from ticketbench.report.boards.scores import Scores, difference, scores
from ticketbench.report.measures import METRIC_COLUMNS
from ticketbench.report.statistics.intervals import Interval
from ticketbench.report.statistics.normalising import on_scale
from ticketbench.report.statistics.verdicts import Verdict, clear_of_chance, of_claim, of_value
from ticketbench.results import DENSE, Row
from ticketbench.task import Against, Reference, Task

NEAR = 0.02  # a rung stands for a published density that it is within 2 % of

Cells = Mapping[tuple[str, str], Board]
_Said = TypeVar("_Said", Reference, Against)


@dataclass(frozen=True)
class Side:
    """What stands on one side of a comparison: our rows at one density.

    Attributes:
        interval: of the column that the reference names, a metric on the scale that differences are taken on; None
            where there is none, and then `why` says why.
        seeds: how many there are.
        collapsed: in how many of them the network gives one answer to everything.
        clear: whether not in all of them, and the metric separates from chance as the better, as far as a chance
            value is declared.
    """

    compression: float | None
    interval: Interval | None
    scores: Scores | None
    why: str = ""
    seeds: int = 0
    collapsed: int = 0
    clear: bool = True


@dataclass(frozen=True)
class Held:
    """One reference and what we have beside it.

    Attributes:
        task: id of the task that lists it.
        params: parameters (JSON) of our method, where several variants stand beside one reference.
        ours, theirs: our side, and what a claim sets it against if that is ours too; None where there is nothing.
        difference: ours minus the published value, the other side or the bound.
        margin: what counts as no difference, on that scale; None where it is not defined.
        says: why the verdict is what it is, in words.
    """

    task: str
    reference: Reference
    params: str
    ours: Side | None
    theirs: Side | None
    difference: Interval | None
    margin: float | None
    verdict: Verdict
    says: str


def ledger(cells: Cells, task: Task, tasks: Mapping[str, Task]) -> Iterator[Held]:
    """The task's own references, then those of the tasks that it extends, nearest first.

    A reference to a setting that the task lacks stands in the one that has its recipe, if one has.

    Args:
        cells: the boards of one version and numerics of the task, by the settings found on and trained on.
    """
    for listing in (task, *ancestors(task, tasks)):
        known_as = _known_as(task, listing)
        for reference in listing.references:
            yield from _held(cells, task, listing, reference, known_as)


def _known_as(task: Task, listing: Task) -> dict[str, str]:
    """The settings of a listing that the task lacks, by the first of its own that has the same recipe."""
    return {
        foreign: own
        for foreign in listing.setting_names
        if foreign not in task.setting_names
        for own in reversed(task.setting_names)
        if setting_recipe(task, own) == setting_recipe(listing, foreign)
    }


def _in_settings(reference: Reference, known_as: Mapping[str, str]) -> Reference:
    """The reference, and what it is set against, with the names that the task has for their settings."""
    against = _renamed(reference.against, known_as) if reference.against else None
    return _renamed(reference, known_as).model_copy(update={"against": against})


def _renamed(said: _Said, known_as: Mapping[str, str]) -> _Said:
    names = {key: getattr(said, key) for key in ("found_on", "trained_on")}
    return said.model_copy(update={key: known_as.get(name, name) for key, name in names.items()})


def _held(
    cells: Cells, task: Task, listing: Task, reference: Reference, known_as: Mapping[str, str]
) -> Iterator[Held]:
    settings = (reference.found_on, reference.trained_on)
    foreign = [name for name in settings if name not in (*task.setting_names, *known_as)]
    unlike = _joined(
        "" if same_recipe(task, listing, settings) else "another recipe",
        f"the source’s recipe differs: {reference.differs.removesuffix('.')}" if reference.differs else "",
        f"this task has no setting {foreign[0]}" if foreign else "",
    )
    reference = _in_settings(reference, known_as)
    variants = _variants(cells, reference)
    either: Sequence[Series | None] = variants or [None]
    for series in either:
        held = _compared(cells, task, listing.id, reference, series)
        if unlike:
            missing = held.says if held.ours is None and held.verdict == "not comparable" else ""
            held = replace(held, verdict="not comparable", says=_joined(unlike, missing))
        yield replace(held, params=series.params if series and len(variants) > 1 else "")


def _compared(cells: Cells, task: Task, listing: str, reference: Reference, series: Series | None) -> Held:
    """One variant of our method beside a reference, as if the recipes were one."""
    held = Held(listing, reference, "", None, None, None, None, "not tested", "a claim in words: shown, not tested")
    if reference.claim is not None and reference.sign is None:
        return held
    column = reference.column or "test_final"
    settings = (reference.found_on, reference.trained_on)
    ours = _side(cells, task, listing, settings, reference.method, series, reference.density or 1.0, column)
    held = replace(held, ours=ours if ours.scores else None, verdict="not comparable", says=ours.why)
    if ours.scores is None or ours.interval is None:
        return held
    share = _margin(cells, task, reference.trained_on, column)
    held = replace(held, margin=share)
    against = reference.against
    if against is None:
        return _judged(replace(held, difference=_shifted(ours.interval, _stated(reference, column, listing, task))))
    there = (against.found_on or reference.found_on, against.trained_on or reference.trained_on)
    other = _like(cells.get(there), against.method, series)
    theirs = _side(cells, task, listing, there, against.method, other, against.density, column)
    if theirs.scores is None:
        return replace(held, says=f"{theirs.why} to set it against")
    same = _same_test_set(task, reference.trained_on, there[1])
    between = difference(ours.scores, theirs.scores, same_examples=same)
    if between is None:
        return replace(held, theirs=theirs, says="the two have no seed in common")
    return _judged(replace(held, theirs=theirs, difference=between))


def _judged(held: Held) -> Held:
    assert held.ours is not None and held.difference is not None
    if held.reference.sign is not None:
        clear = held.ours.clear or held.theirs is None or held.theirs.clear
        verdict, says = of_claim(held.reference.sign, held.difference, held.margin, clear=clear)
    else:
        verdict, says = of_value(held.difference, held.margin)
    return replace(held, verdict=verdict, says=says)


def _side(
    cells: Cells,
    task: Task,
    listing: str,
    settings: tuple[str, str],
    method: str,
    series: Series | None,
    density: float,
    column: str,
) -> Side:
    rows: Sequence[Row] = ()
    why = "no results"
    if method == DENSE:
        board = _trained_on(cells, settings[1])
        rows = board.dense_rows if board else ()
    elif series is not None:
        rows = _at_density(series, density)
        why = "no rung within 2 % of that density"
    rows = [row for row in rows if row["status"] != NOT_APPLICABLE]
    if not rows:
        return Side(None, None, None, why)
    if column not in rows[0]:
        raise TicketbenchError(f"{listing}: a reference names the column {column!r}, which results do not have.")
    chance = chance_on(task, settings[1])
    found, why = scores(rows, column, chance if column in METRIC_COLUMNS else None)
    kept = [row["prunable"] / row["kept"] for row in rows if row["prunable"] and row["kept"]]
    return Side(
        compression=kept[0] if kept else None,
        interval=found.interval if found else None,
        scores=found,
        why=why,
        seeds=len(rows),
        collapsed=sum(row["status"] == "collapsed" for row in rows),
        clear=_clear(rows, column if column in METRIC_COLUMNS else task.scoring.column, chance),
    )


def _clear(rows: Sequence[Row], column: str, chance: float | None) -> bool:
    """Whether networks are better than chance, as far as a chance value is known; one that collapsed never is."""
    if all(row["status"] == "collapsed" for row in rows):
        return False
    found, _ = scores(rows, column, chance)
    if found is None or chance is None:
        return True
    return clear_of_chance(found.interval, chance, higher_is_better=rows[0]["higher_is_better"] is not False)


def _margin(cells: Cells, task: Task, setting: str, column: str) -> float | None:
    """M of a setting, from its dense networks; None for a column that is not the metric's."""
    board = _trained_on(cells, setting)
    return margin_of(board, task) if board and column in METRIC_COLUMNS else None


def _stated(reference: Reference, column: str, listing: str, task: Task) -> float:
    """The number that a reference states, which is of the metric as rows have it, on the scale."""
    point = reference.value if reference.value is not None else reference.bound or 0.0
    try:
        return on_scale(point, task.metric) if column in METRIC_COLUMNS else point
    except ValueError as error:
        raise TicketbenchError(f"{listing}: a reference of {reference.cite}: {error}.") from None


def _trained_on(cells: Cells, setting: str) -> Board | None:
    """Any board of what was trained on a setting: they have its dense networks in common."""
    return next((each for each in cells.values() if each.trained_on == setting), None)


def _variants(cells: Cells, reference: Reference) -> list[Series]:
    board = cells.get((reference.found_on, reference.trained_on))
    return [series for series in board.series if series.method == reference.method] if board else []


def _like(board: Board | None, method: str, series: Series | None) -> Series | None:
    """The variant of a method that a claim is set against: of the same parameters and label, or else the plainest."""
    variants = [each for each in board.series if each.method == method] if board else []
    same = [each for each in variants if series and (each.params, each.label) == (series.params, series.label)]
    return min(same or variants, key=lambda each: each.key, default=None)


def _at_density(series: Series, density: float) -> list[Row]:
    """The rows of the rung whose achieved density is nearest to this one, if it is near enough."""
    off = {rung: abs(1 / (cell.compression * density) - 1) for rung, cell in series.cells.items() if cell.compression}
    nearest = min(off, key=lambda rung: (off[rung], rung), default=None)
    if nearest is None or off[nearest] > NEAR:
        return []
    return series.at(nearest)


def _same_test_set(task: Task, one: str, other: str) -> bool:
    """Whether two settings are scored on the same test examples: their data differ in what is trained on alone."""
    aside = {"part", "relabel", "mean", "std", "validation", "shape"}
    ours, theirs = (task.in_setting(name).data.model_dump(exclude=aside) for name in (one, other))
    return ours == theirs


def _shifted(interval: Interval, by: float) -> Interval:
    """The interval of a difference from a number that has no spread."""
    low, high = ((end - by if end is not None else None) for end in (interval.low, interval.high))
    return replace(interval, mean=interval.mean - by, low=low, high=high)


def _joined(*parts: str) -> str:
    return "; ".join(part for part in parts if part)
