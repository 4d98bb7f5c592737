"""The union of rows: what was made again is one row, and what differs is refused."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from ticketbench.errors import TicketbenchError
from ticketbench.results.schema import COMPARED, Row, describe, order


def merge(old: Iterable[Row], new: Iterable[Row]) -> list[Row]:
    """Union on `row_id`; of two rows that agree in every compared field the older stays.

    Rows are as `read_rows` gives them. Raises `TicketbenchError` for two of one id that differ in a compared field.
    """
    merged = {row["row_id"]: row for row in old}
    for row in new:
        known = merged.setdefault(row["row_id"], row)
        if differing := [name for name in COMPARED if not _equal(known[name], row[name])]:
            raise conflict(row, differing)
    return sorted(merged.values(), key=order)


def conflict(row: Mapping[str, Any], differing: Sequence[str], where: str = "") -> TicketbenchError:
    """The error for two rows of one id that differ."""
    return TicketbenchError(
        f"Two rows of {describe(row)} differ in {', '.join(differing)}{where}; neither was taken. Results that "
        "conflict come from different software or machines: keep them in different folders."
    )


def _equal(one: Any, other: Any) -> bool:
    """Equality in every bit, under which a number that is not one equals itself, inside lists too."""
    return repr(one) == repr(other)
