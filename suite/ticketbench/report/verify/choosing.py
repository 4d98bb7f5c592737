"""Which of the rows are computed again: all, a sample, or those that a person names."""

from collections.abc import Sequence
from dataclasses import dataclass

from ticketbench.errors import TicketbenchError
from ticketbench.report.printable import plain
from ticketbench.report.verify.here import reasons
from ticketbench.report.verify.preparing import Prepared
from ticketbench.report.verify.sampling import sample, seconds_of
from ticketbench.results import Row, describe, may_be_id


@dataclass(frozen=True)
class Choice:
    """What is computed again.

    Attributes:
        rows: those that are ready.
        lost: how many of those asked for cannot be computed again here, and `barred` says why, in lines. A sample
            asks only for such as can.
        alone: whether rows that a search comes past on its way are left as they are.
    """

    rows: Sequence[Row]
    lost: int = 0
    barred: tuple[str, ...] = ()
    alone: bool = False


def choose(prepared: Prepared, count: int | None, seed: int, ids: Sequence[str]) -> Choice:
    """All rows, `count` of them drawn with this seed, or those whose ids begin as these do.

    Raises `TicketbenchError` for an id that is none, or is not that of exactly one row.
    """
    if ids:
        return _named(prepared, ids)
    if count and prepared.ready:
        return Choice(sample(prepared.ready, seconds_of(prepared.ready), count, seed))
    return Choice(prepared.ready, prepared.lost, prepared.barred)


def _named(prepared: Prepared, ids: Sequence[str]) -> Choice:
    named = {row["row_id"]: row for row in (_one(prepared, each) for each in ids)}
    ready = {row["row_id"] for row in prepared.ready}
    lost = [row for row_id, row in named.items() if row_id not in ready]
    barred = [f"row {row['row_id']} ({describe(row)}): {why}" for row in lost for why in reasons(row, prepared.here)]
    rows = [row for row_id, row in named.items() if row_id in ready]
    return Choice(rows, len(lost), tuple(plain(line, 500) for line in barred), alone=True)


def _one(prepared: Prepared, wanted: str) -> Row:
    if not may_be_id(wanted):
        raise TicketbenchError(f"--row {wanted}: expected a row's id: 32 hexadecimal digits, or the first 8 or more.")
    found = [row for row_id, row in prepared.published.rows.items() if row_id.startswith(wanted.lower())]
    if len(found) != 1:
        many = f"the ids of {len(found)} rows begin so; give more digits" if found else "no row's id begins so"
        raise TicketbenchError(f"--row {wanted}: {many}.")
    return found[0]
