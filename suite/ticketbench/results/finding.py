"""One row by its id, from the files below a folder."""

import re
from pathlib import Path

import pyarrow.compute as pc

from ticketbench.errors import TicketbenchError
from ticketbench.results.merging import merge
from ticketbench.results.reading import result_files, rows_of, tables_of
from ticketbench.results.schema import Row

FEWEST = 8  # digits of an id that are enough, where only one row's begins with them
WHOLE = 32
_ID = re.compile(f"[0-9a-f]{{1,{WHOLE}}}")


def may_be_id(text: str) -> bool:
    """Whether a text can be a row's id or the beginning of one, in capitals or not."""
    return _ID.fullmatch(text.lower()) is not None and len(text) >= FEWEST


def find_row(folder: Path, wanted: str) -> Row:
    """The row below a folder whose id is or begins with `wanted`, in capitals or not.

    Raises `TicketbenchError` where there is none or more than one, the beginning is too short, a file is damaged, or
    files disagree about the row.
    """
    if not may_be_id(wanted):
        raise TicketbenchError(
            f"{wanted!r} is no row's id: expected its {WHOLE} hexadecimal digits (0-9, a-f), or the first {FEWEST} "
            "of them or more."
        )
    wanted = wanted.lower()
    if not folder.is_dir():
        raise TicketbenchError(f"{folder}: there is no such folder of results to look for row {wanted} in.")
    found: list[Row] = []
    for path in result_files(folder):
        if any(pc.any(pc.starts_with(table["row_id"], wanted)).as_py() for table in tables_of(path, ["row_id"])):
            found += [row for row in rows_of(path) if row["row_id"].startswith(wanted)]
    rows = merge((), found)
    if not rows:
        raise TicketbenchError(f"{folder}: no row's id begins with {wanted}.")
    if len(rows) > 1:
        some = ", ".join(sorted(row["row_id"] for row in rows)[:3])
        raise TicketbenchError(
            f"{folder}: the ids of {len(rows)} rows begin with {wanted}: {some}{', ...' if len(rows) > 3 else ''}. "
            "Give more digits."
        )
    return rows[0]
