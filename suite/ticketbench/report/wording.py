"""Cells and intervals in words and digits: what the pages print."""

from collections.abc import Sequence
from dataclasses import dataclass

from ticketbench.report.boards.board import NOT_APPLICABLE, Cell, near
from ticketbench.report.printable import plain
from ticketbench.report.statistics.intervals import Interval, decimals_for, plus_minus
from ticketbench.report.units import Unit, signed

_SAME = 0.005  # what two decimals do not tell apart
_MARKS = {"collapsed": "×", "diverged": "○", "failed": "○"}


@dataclass(frozen=True)
class Shown:
    """A cell as printed: a figure, what stands under it, remarks, and the long form for a tooltip.

    `sign` says which way a difference separates from zero; `alarm` marks a number that is no score of a working
    network; `order` is the number itself, by which a table can be sorted, and `off` marks one that belongs to another
    compression than its column's, which sorting leaves last. `also` is the metric itself where `main` is its
    logarithm.
    """

    main: str
    below: str = ""
    notes: tuple[str, ...] = ()
    long: str = ""
    alarm: bool = False
    sign: str = ""
    order: float | None = None
    off: bool = False
    also: str = ""


def interval_text(interval: Interval, unit: Unit) -> tuple[str, str]:
    """The mean, and what stands beside it: `± h`, Wilson's ends for one run, or nothing."""
    mean = interval.mean * unit.factor
    if interval.h is not None:
        if interval.h == 0:
            return _minus(f"{mean:.{unit.places}f}", unit), "± 0"
        shown, half = plus_minus(mean, interval.h * unit.factor)
        return _minus(shown, unit), f"± {half}"
    if interval.low is not None and interval.high is not None:
        low, high = interval.low * unit.factor, interval.high * unit.factor
        places = decimals_for((high - low) / 2)
        return f"{mean:.{places}f}", f"{low:.{places}f}–{high:.{places}f}"
    return _minus(f"{mean:.{unit.places}f}", unit), ""


def _minus(text: str, unit: Unit) -> str:
    """A score below zero, as a return may be."""
    return signed(text) if unit.differences else text


def interval_line(interval: Interval, unit: Unit) -> str:
    """The same in one line."""
    return " ".join(part for part in interval_text(interval, unit) if part)


def difference_text(interval: Interval, unit: Unit) -> tuple[str, str]:
    """A difference as printed: its mean with its sign, and what stands beside it."""
    main, below = interval_text(interval, unit)
    sign = "+" if interval.mean > 0 else ""
    return signed(sign + main), signed(below.replace("–", " to "))


def difference_line(interval: Interval, unit: Unit) -> str:
    """The same in one line."""
    return " ".join(part for part in difference_text(interval, unit) if part)


def one_class(cell: Cell, unit: Unit, chance: float | None) -> str:
    """What must be said of a cell in which every seed's network gives one answer to everything; else nothing."""
    if not cell.collapsed:
        return ""
    if not unit.one_answer:
        return _one_answer(cell, unit, chance)
    count = len(cell.seeds)
    seeds = f"{all_seeds(count)} answer{'s' if count == 1 else ''}"
    if chance is None:
        return f"{seeds} {unit.one_answer}"
    its = f"this is {unit.chance_rate}," if _at_chance(cell, unit, chance) else f"{unit.chance_rate} is"
    return f"{seeds} {unit.one_answer}; {its} {unit.alone(chance)}"


def _one_class_short(cell: Cell, unit: Unit, chance: float | None) -> str:
    all_collapsed = "the one seed collapsed" if len(cell.seeds) == 1 else f"all {len(cell.seeds)} collapsed"
    if not unit.one_answer:
        level = f"; {unit.chance_rate} is {unit.alone(chance)}" if chance is not None else ""
        return f"{all_collapsed}{level}"
    said = f"{all_collapsed} to {unit.one_answer}"
    if chance is None:
        return said
    if _at_chance(cell, unit, chance):
        return f"{said}: {unit.chance_rate}, {unit.alone(chance)}"
    return f"{said}; {unit.chance_rate.removeprefix('the ')}: {unit.alone(chance)}"


def _one_answer(cell: Cell, unit: Unit, chance: float | None) -> str:
    """The same where only the rows' reasons tell what one answer is."""
    reasons = "; ".join(dict.fromkeys(plain(each.reason) for each in cell.troubles if each.reason))
    level = f"; {unit.chance_rate} is {unit.alone(chance)}" if chance is not None else ""
    return f"{all_seeds(len(cell.seeds))} collapsed{f' ({reasons})' if reasons else ''}{level}"


def _at_chance(cell: Cell, unit: Unit, chance: float) -> bool:
    return cell.score is not None and abs(cell.score.mean - chance) * unit.factor < _SAME


def shown(
    cell: Cell, unit: Unit, *, kind: str, seeds: int, column: float | None, chance: float | None = None
) -> Shown:
    """A cell of the table.

    Args:
        kind: the table's usual kind of interval; another is named.
        seeds: the method's usual number of seeds; another is named.
        column: compression in the column's head; one off by more than `NEAR` is named.
        chance: the setting's on the scale, named where every network gives one answer.
    """
    notes = [f"{_MARKS[status]} {count} {status}" for status in _MARKS if (count := cell.count(status))]
    if cell.collapsed:
        notes = [f"{_MARKS['collapsed']} {_one_class_short(cell, unit, chance)}"]
    if cell.missing:
        notes.append(f"{len(cell.seeds)} of {len(cell.seeds) + len(cell.missing)} seeds")
    elif len(cell.seeds) != seeds:
        notes.append(seed_count(len(cell.seeds)))
    off = bool(cell.compression and column and not near(cell.compression, column))
    if off and cell.compression:
        notes.append(f"at {times(cell.compression)}")
    if cell.score is None:
        long = "; ".join(filter(None, [cell.why if cell.why != NOT_APPLICABLE else "", _reasons(cell)]))
        return Shown("–", "", (), long) if cell.why == NOT_APPLICABLE else Shown("?", "no mean", tuple(notes), long)
    main, below = interval_text(cell.score, unit)
    if cell.score.kind == "none" and cell.score.seeds > 1:
        below = "no interval"
    if cell.score.kind not in (kind, "none"):
        notes.append(cell.score.kind)
    long = "; ".join(filter(None, [_long(cell.score, unit), _reasons(cell)]))
    order = None if off else cell.score.mean
    also = unit.also(cell.score.mean)
    return Shown(main, below, tuple(notes), long, cell.collapsed, order=order, off=off, also=also)


def times(compression: float) -> str:
    """A compression as printed: 1.67×, 59.5×, 1,024×."""
    places = 2 if compression < 9.995 else 1 if compression < 99.95 else 0
    return f"{compression:,.{places}f}×"


def share(density: float) -> str:
    """A density as printed, in percent at two or three significant digits."""
    return f"{100 * density:.3g} %" if density >= 0.1 else f"{100 * density:.2g} %"


def seed_count(count: int) -> str:
    """How many seeds: `1 seed`, `5 seeds`."""
    return f"{count} seed{'' if count == 1 else 's'}"


def all_seeds(count: int) -> str:
    """All of so many seeds: `the one seed`, `all 5 seeds`."""
    return "the one seed" if count == 1 else f"all {count} seeds"


def seeds_text(seeds: Sequence[int]) -> str:
    """Seeds as a person lists them: `seeds 0–9`, `seed 3`, `seeds 0, 4, 7`."""
    ordered = sorted(seeds)
    if len(ordered) == 1:
        return f"seed {ordered[0]}"
    if ordered == list(range(ordered[0], ordered[-1] + 1)):
        return f"seeds {ordered[0]}–{ordered[-1]}"
    return f"seeds {', '.join(map(str, ordered))}"


def _long(interval: Interval, unit: Unit) -> str:
    mean = f"mean {_minus(f'{interval.mean * unit.factor:.{max(unit.places + 1, 3)}f}', unit)}{unit.sign}"
    itself = f", a {unit.exponential} of {unit.itself(interval.mean)}" if unit.exponential else ""
    mean += f" over {seed_count(interval.seeds)}{itself}"
    if interval.kind == "examples only":
        return f"one run: {interval.mean * unit.factor:.3f}{unit.sign}, Wilson interval over test examples only"
    if interval.h is None or interval.h_seed is None or interval.h_example is None:
        return f"{mean}; fewer than 3 seeds make no interval"
    parts = f"other seeds ± {interval.h_seed * unit.factor:.2g}"
    if interval.kind == "joint":
        parts += f", other test examples ± {interval.h_example * unit.factor:.2g}"
    return f"{mean}; {parts}"


def _reasons(cell: Cell) -> str:
    said = [f"{t.status} ({seeds_text(t.seeds)}): {t.reason}" if t.reason else t.status for t in cell.troubles]
    return "; ".join(said)
