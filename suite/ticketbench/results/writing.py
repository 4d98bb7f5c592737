"""Result files written whole or not at all, also where several processes add to one."""

import fcntl
import os
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from ticketbench.errors import TicketbenchError
from ticketbench.results.merging import merge
from ticketbench.results.reading import read_rows
from ticketbench.results.schema import SCHEMA, Row, order

GROUP = 4096  # rows of a row group: what a writer holds, and a reader can skip
STORED: dict[str, Any] = {"compression": "zstd", "write_page_checksum": True}


def write_rows(path: Path, rows: Iterable[Row]) -> None:
    """Write one file, whole or not at all. Raises `TicketbenchError` where the disk refuses."""
    table = pa.Table.from_pylist(sorted(rows, key=order), schema=SCHEMA)
    with whole(path) as temporary:
        pq.write_table(table, temporary, row_group_size=GROUP, **STORED)


def add_rows(path: Path, new: Iterable[Row], replacing: Iterable[str] = ()) -> None:
    """Merge rows into a file, those in `replacing` (row ids) taken out first; safe beside other processes.

    Raises `TicketbenchError` for a conflict, a damaged file or a full disk; the file then stays as it was.
    """
    with locked(path):
        dropped = set(replacing)
        old = [row for row in read_rows(path) if row["row_id"] not in dropped] if path.exists() else []
        write_rows(path, merge(old, as_stored(new)))


@contextmanager
def whole(path: Path) -> Iterator[Path]:
    """A temporary file that takes the path's place once all is written; where it is not, nothing is left of it."""
    temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        yield temporary
        temporary.replace(path)
    except OSError as error:
        raise TicketbenchError(
            f"{path}: cannot be written: {error.strerror or error}. Nothing was changed."
        ) from None
    finally:
        with suppress(OSError):
            temporary.unlink(missing_ok=True)


@contextmanager
def locked(path: Path) -> Iterator[None]:
    """Held by one process at a time for a file that is read, changed and written again."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.with_name(f".{path.name}.lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield
    except OSError as error:
        raise TicketbenchError(f"{path}: cannot be written: {error.strerror}.") from None


def as_stored(rows: Iterable[Row]) -> list[Row]:
    """Rows as they come back from a file: a tuple or an integer in place of a list or a float is no conflict."""
    stored: list[Row] = pa.Table.from_pylist(list(rows), schema=SCHEMA).to_pylist()
    return stored
