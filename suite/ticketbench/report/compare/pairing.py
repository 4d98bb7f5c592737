"""Which rows are compared with which, and what makes two sets of results incomparable."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from ticketbench.errors import TicketbenchError
from ticketbench.report.compare.entries import Entry
from ticketbench.report.wording import seeds_text
from ticketbench.results import KEY, Row, describe

_EQUAL = (
    *(("task_digest", "task"), ("data_digest", "data"), ("metric", "metric"), ("higher_is_better", "metric")),
    ("metric_signature", "signature"),
)
_PLURAL = {"task": "tasks", "task_version": "task versions", "method": "methods"}
_TOLD = 3  # of many rows that are wrong in one way


@dataclass(frozen=True)
class Pair:
    """One row of BASE and the row of NEW that has the same key."""

    base: Entry
    new: Entry

    @property
    def identical(self) -> bool:
        """Whether mask, test answers, scores, curve and status are equal in every bit."""
        return self.base.content == self.new.content

    @property
    def row(self) -> Row:
        """The base's row, for the key that both have."""
        return self.base.row


def pair_up(base: Mapping[str, Entry], new: Mapping[str, Entry]) -> tuple[list[Pair], list[str]]:
    """The pairs, in the order of their keys, and notes on what of NEW stands outside.

    Raises `TicketbenchError` where the two cannot be compared: no common key, another task, data or numerics, or rows
    of BASE that NEW lacks.
    """
    pairs = [Pair(base[each], new[each]) for each in sorted(base.keys() & new.keys(), key=lambda i: _key(base[i]))]
    if not pairs:
        raise TicketbenchError(_nothing_in_common(base, new))
    for name, what in _EQUAL:
        differing = [pair for pair in pairs if pair.base.row[name] != pair.new.row[name]]
        if differing:
            one, other = differing[0].base, differing[0].new
            raise TicketbenchError(
                f"{what} {one.row['task']}: BASE and NEW were made with another {name} "
                f"({_short(one.row[name])} and {_short(other.row[name])}), so their scores measure different things. "
                f"{_REMEDIES[what]}"
            )
    _refuse_missing(base, new, pairs)
    notes = _extra([new[each] for each in new.keys() - base.keys()], base)
    inapplicable = [pair for pair in pairs if not pair.base.applicable]
    if inapplicable:
        notes.append(f"Not applicable in BASE, so not compared: {_these(pair.row for pair in inapplicable)}.")
    return [pair for pair in pairs if pair.base.applicable], notes


_REMEDIES = {
    "task": "Run BASE anew with the task as it is now.",
    "data": "Run both on the same data.",
    "metric": "Run BASE anew with the task as it is now.",
    "signature": "Run BASE anew with the software as it is now.",
}


def _refuse_missing(base: Mapping[str, Entry], new: Mapping[str, Entry], pairs: Sequence[Pair]) -> None:
    missing = [base[each] for each in sorted(base.keys() - new.keys(), key=lambda i: _key(base[i]))]
    if missing:
        if said := _elsewhere(missing[0], new):
            raise TicketbenchError(said)
        many = len(missing)
        rows, it = ("rows", "them") if many > 1 else ("row", "it")
        raise TicketbenchError(
            f"NEW lacks {many} {rows} that BASE has: {_missing(missing, new)}. Make {it} with `ticketbench run`, or "
            "leave them out of both sides: --only METHOD, --seeds N, --without-controls, or the folder of one task "
            "for BASE and NEW."
        )
    lost = [pair for pair in pairs if pair.base.applicable and not pair.new.applicable]
    if lost:
        reason = lost[0].new.row["reason"] or "no reason is given"
        raise TicketbenchError(
            f"NEW says not applicable where BASE has a score: {_these(pair.row for pair in lost)} ({reason})."
        )


def _missing(missing: Sequence[Entry], new: Mapping[str, Entry]) -> str:
    """Whole tasks or methods where it is those, and else some of the rows."""
    for name in ("task", "method"):
        lacking = {entry.row[name] for entry in missing}
        if not lacking & {entry.row[name] for entry in new.values()}:
            more = f" and {len(lacking) - _TOLD} more" if len(lacking) > _TOLD else ""
            return f"all of the {name}{'s' * (len(lacking) > 1)} {', '.join(sorted(lacking)[:_TOLD])}{more}"
    return _these(entry.row for entry in missing)


def _nothing_in_common(base: Mapping[str, Entry], new: Mapping[str, Entry]) -> str:
    if said := _elsewhere(next(iter(base.values())), new):
        return said
    for name in ("task", "method", "seed"):
        ours, theirs = (sorted({entry.row[name] for entry in side.values()}) for side in (base, new))
        if not set(ours) & set(theirs):
            shown = [", ".join(map(str, each[:5])) + (", ..." if len(each) > 5 else "") for each in (ours, theirs)]
            return f"BASE and NEW have no {name} in common: BASE has {shown[0]}, NEW has {shown[1]}."
    return "BASE and NEW have no row in common: no kind, task, method, setting, seed and rung that both have."


def _elsewhere(missing: Entry, new: Mapping[str, Entry]) -> str:
    """What is to be said if NEW has the row in another version of the task or other arithmetic."""
    for name, said in (("numerics", "numerics"), ("task_version", "version of the task")):
        others = [key for key in KEY if key != name]
        for entry in new.values():
            if all(entry.row[key] == missing.row[key] for key in others):
                return (
                    f"task {missing.row['task']}: BASE and NEW have another {said} ({missing.row[name]} and "
                    f"{entry.row[name]}); these never meet in one comparison."
                )
    return ""


def _extra(rows: Iterable[Entry], base: Mapping[str, Entry]) -> list[str]:
    """Notes on what only NEW has: tasks, methods or seeds that BASE has not, and else how many rows."""
    left = sorted(rows, key=_key)
    notes = []
    for name in ("task", "task_version", "method", "seed"):
        known = {entry.row[name] for entry in base.values()}
        new = sorted({entry.row[name] for entry in left} - known)
        if new:
            what = seeds_text(new) if name == "seed" else f"the {_PLURAL[name]} {', '.join(map(str, new))}"
            notes.append(f"Only NEW has {what}: ignored.")
            left = [entry for entry in left if entry.row[name] in known]
    if left:
        notes.append(f"Only NEW has {_these(entry.row for entry in left)}: ignored.")
    return notes


def _these(rows: Iterable[Row]) -> str:
    every = [describe(row) for row in rows]
    more = f" and {len(every) - _TOLD} more" if len(every) > _TOLD else ""
    return "; ".join(every[:_TOLD]) + more


def _key(entry: Entry) -> tuple[str, ...]:
    return tuple(f"{entry.row[name]:>12}" for name in KEY)


def _short(value: object) -> str:
    return str(value)[:12]
