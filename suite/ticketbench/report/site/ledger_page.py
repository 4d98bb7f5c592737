"""What a task's page says of its references, ready for the template."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from ticketbench.bibliography import Entry
from ticketbench.report.boards.ledger import Held, Side
from ticketbench.report.measures import METRIC_COLUMNS
from ticketbench.report.statistics.intervals import Interval
from ticketbench.report.statistics.normalising import on_scale
from ticketbench.report.units import Unit, signed
from ticketbench.report.wording import difference_line, interval_line, seed_count, times
from ticketbench.results import parameters
from ticketbench.task import Reference

SYMBOLS = {"reproduced": "✓", "not reproduced": "✗", "not comparable": "≠", "undecided": "?", "not tested": "·"}


@dataclass(frozen=True)
class Published:
    """One line of the ledger.

    Attributes:
        settings: found on and trained on; empty where the task has no settings.
        ours: our number, and what it is set against if that is ours too, each with where it stands.
        alarms: what must not be missed about those numbers.
    """

    source: str
    key: str
    where: str
    method: str
    settings: str
    at: str
    published: str
    tested: str
    ours: Sequence[tuple[str, str]]
    alarms: Sequence[str]
    difference: str
    margin: str
    symbol: str
    verdict: str
    says: str
    note: str


def published(
    held: Held, unit: Unit, sources: Mapping[str, Entry], *, settings: bool, chance: float | None
) -> Published:
    """A reference and what is said of it, as printed.

    Args:
        settings: whether the task has any.
        chance: of the setting that the reference is about, on the scale.
    """
    reference = held.reference
    entry = sources.get(reference.cite)
    metric = unit
    unit = unit if (reference.column or "test_final") in METRIC_COLUMNS else Unit(1.0, "", reference.column or "")
    if reference.claim is not None:
        stated = reference.claim
    else:
        spread = f" ± {_as_said(reference.plus_minus, unit)}" if reference.plus_minus is not None else ""
        stated = _with_unit(f"{_as_said(reference.value or 0.0, unit)}{spread}", reference.value or 0.0, unit)
    return Published(
        source=entry.short if entry else reference.cite,
        key=reference.cite,
        where=reference.where,
        method=reference.method + parameters(held.params),
        settings=f"{reference.found_on} → {reference.trained_on}" if settings else "",
        at=times(1 / reference.density) if reference.density else "",
        published=stated,
        tested=_tested(reference, unit),
        ours=[*_side(held.ours, unit, ""), *_side(held.theirs, unit, "against ")],
        alarms=list(_alarms(held, metric, chance)),
        difference=_difference(held.difference, unit) if held.difference else "",
        margin=f"margin {held.margin * unit.factor:.2g}" if held.difference and held.margin is not None else "",
        symbol=SYMBOLS[held.verdict],
        verdict=held.verdict,
        says=held.says,
        note=reference.note or "",
    )


def _side(side: Side | None, unit: Unit, before: str) -> list[tuple[str, str]]:
    if side is None or side.interval is None:
        return []
    pruned = side.compression is not None and side.compression > 1
    at = f"at {times(side.compression or 1)}, " if pruned else ""
    seeds = seed_count(side.interval.seeds)
    return [(f"{before}{interval_line(side.interval, unit)}{unit.sign}", f"{at}{seeds}{_kind(side.interval)}")]


def _difference(interval: Interval, unit: Unit) -> str:
    return unit.difference(difference_line(interval, unit)) + _kind(interval)


def _kind(interval: Interval) -> str:
    """The name of an interval that is not the joint one (section 2)."""
    return "" if interval.kind in ("joint", "none") else f", {interval.kind}"


def _alarms(held: Held, unit: Unit, chance: float | None) -> Iterator[str]:
    """Which side collapsed in some seeds; that of a claim on another setting has another chance value."""
    against = held.reference.against
    elsewhere = against is not None and against.trained_on not in (None, held.reference.trained_on)
    if held.ours and held.ours.collapsed:
        yield _alarm(held.ours, unit, chance)
    if against and held.theirs and held.theirs.collapsed:
        yield f"against {against.method}: {_alarm(held.theirs, unit, None if elsewhere else chance)}"


def _alarm(side: Side, unit: Unit, chance: float | None) -> str:
    rate = f"; {unit.chance_rate} is {unit.alone(chance)}" if chance is not None else ""
    which = "every seed" if side.collapsed == side.seeds else f"{side.collapsed} of {side.seeds} seeds"
    return f"{which} collapsed{f' to {unit.one_answer}' if unit.one_answer else ''}{rate}"


def _tested(reference: Reference, unit: Unit) -> str:
    """What a claim with a sign comes to, in words."""
    if reference.sign is None:
        return ""
    of = "" if reference.column in (None, "test_final") else f"{reference.column} "
    if reference.bound is not None:
        bound = _with_unit(_as_said(reference.bound, unit), reference.bound, unit)
        return f"tested: {of}{_than(reference.sign)} {bound}"
    other = reference.against
    assert other is not None
    at = f" at {times(1 / other.density)}" if other.density < 1 else ""
    there = (other.found_on or reference.found_on, other.trained_on or reference.trained_on)
    elsewhere = f", {there[0]} → {there[1]}" if there != (reference.found_on, reference.trained_on) else ""
    return f"tested: {of}{_than(reference.sign)} {other.method}{at}{elsewhere}"


def _with_unit(said: str, value: float, unit: Unit) -> str:
    """A published number with its unit; one whose logarithm is compared, as it is and with that."""
    if unit.exponential:
        return f"{unit.exponential} {said} ({unit.alone(on_scale(value, unit.exponential))})"
    return f"{said}{unit.sign}"


def _than(sign: str) -> str:
    return "equal to" if sign == "equal" else f"{sign} than"


def _as_said(value: float, unit: Unit) -> str:
    """A published number in the page's unit with the places that its source printed: one at least."""
    text = signed(f"{round(value * unit.factor, 10):g}")
    return text if "." in text or unit.factor == 1 else f"{text}.0"
