"""Result files read whole or in parts, and held against the schema as they are read."""

import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from ticketbench.errors import TicketbenchError
from ticketbench.results.schema import ADDED, KEY, KINDS, SCHEMA, SCHEMA_VERSION, STATUSES, Row, id_of

BATCH = 1024  # rows decoded at a time: a few megabytes where curves are long
_TOLD = ("row_id", *KEY, "status")  # what every row is checked by, whichever columns were asked for


def result_file(folder: Path, task: str, method: str) -> Path:
    """Where the rows of a task and method lie."""
    return folder / task / f"{method}.parquet"


def result_files(folder: Path) -> Iterator[Path]:
    """All result files below a folder, in a fixed order; what begins with a dot is left out, being half written.

    Raises `TicketbenchError` for a folder that cannot be read, and for a link to one: what lies behind it may be
    another's, or this folder again, and is not left out in silence.
    """
    found = []
    for place, folders, files in os.walk(folder, onerror=_refuse):
        folders[:] = [name for name in folders if not name.startswith(".")]
        if links := sorted(name for name in folders if (Path(place) / name).is_symlink()):
            raise TicketbenchError(
                f"{Path(place) / links[0]}: is a link to a folder, and expected was a folder of results itself; "
                "name what it points to, or copy it."
            )
        named = (name for name in (*folders, *files) if name.endswith(".parquet") and not name.startswith("."))
        found += [Path(place) / name for name in named]
    return iter(sorted(found))


def _refuse(error: OSError) -> None:
    if not isinstance(error, FileNotFoundError | NotADirectoryError):
        raise TicketbenchError(f"{error.filename}: cannot be read: {error.strerror}.") from None


def read_rows(path: Path) -> list[Row]:
    """The rows of one file. Raises `TicketbenchError` where it is not a result file or is damaged."""
    return list(rows_of(path))


def rows_of(path: Path, columns: Sequence[str] | None = None) -> Iterator[Row]:
    """The rows of one file, one after another, a bounded part of them in memory at a time.

    Args:
        path: the file.
        columns: names of the columns that a row is to have, in this order; all of them where None. What is left
            out is not read from the disk: most of a file is `curve`, `early_losses` and `test_correct`.

    Raises `TicketbenchError` as `read_rows` does, but only on getting to what is damaged: rows may have come before.
    """
    for table in tables_of(path, columns):
        yield from table.to_pylist()


def tables_of(path: Path, columns: Sequence[str] | None = None) -> Iterator[pa.Table]:
    """As `rows_of`, in Arrow tables of at most `BATCH` rows, in today's schema; none for a file without rows."""
    with opened(path) as file:
        yield from checked(file, path, columns)


@contextmanager
def opened(path: Path) -> Iterator[pq.ParquetFile]:
    """A result file, found to have today's columns. What is read of it stays, should another take its place."""
    with _readable(path):
        # Not a data set, which takes a folder for one table of all the files in it. Buffered, because a column of a
        # large group would otherwise be read whole before its first row comes out; not ahead, because what is read
        # ahead is held until the file is closed.
        file = pq.ParquetFile(path, page_checksum_verification=True, buffer_size=1 << 20, pre_buffer=False)
    with file:
        _fitted(file.schema_arrow.empty_table(), path, SCHEMA.names)
        yield file


def batches(file: pq.ParquetFile, path: Path, columns: Sequence[str], rows: int = BATCH) -> Iterator[pa.Table]:
    """Some columns of an opened file, in today's schema, with no look at what the rows say."""
    schema = file.schema_arrow
    known = set(schema.names)
    stored = [name for name in columns if name in known]
    read = file.iter_batches(rows, columns=stored)
    while True:
        with _readable(path):
            batch = next(read, None)
        if batch is None:
            return
        if len(batch):
            yield _fitted(pa.table(batch).replace_schema_metadata(schema.metadata), path, columns)


def checked(file: pq.ParquetFile, path: Path, columns: Sequence[str] | None = None) -> Iterator[pa.Table]:
    """Columns of an opened file (all where None), every row checked. Raises `TicketbenchError` for a damaged one."""
    wanted = SCHEMA.names if columns is None else list(columns)
    if unknown := [name for name in wanted if name not in SCHEMA.names]:
        raise TicketbenchError(f"Rows have no column {', '.join(unknown)}.")
    seen: set[str] = set()
    before = 0
    for table in batches(file, path, list(dict.fromkeys([*wanted, *_TOLD]))):
        _check(table, path, seen, before)
        before += len(table)
        yield table.select(wanted)


def validated(table: pa.Table, path: Path) -> pa.Table:
    """The table in today's schema. Raises `TicketbenchError` where it does not hold results, or damaged ones."""
    table = _fitted(table, path, SCHEMA.names)
    _check(table, path, set(), 0)
    return table


def _fitted(table: pa.Table, path: Path, columns: Sequence[str]) -> pa.Table:
    """Columns of a table in today's schema, nulls for those that its own schema did not know yet."""
    version = (table.schema.metadata or {}).get(b"ticketbench_schema")
    if version is None:
        raise TicketbenchError(f"{path}: is a Parquet file, but does not hold ticketbench results.")
    if not version.isdigit() or int(version) > SCHEMA_VERSION:
        raise TicketbenchError(
            f"{path}: was written by a newer ticketbench (schema {version.decode(errors='replace')}, this one reads "
            f"up to {SCHEMA_VERSION}); upgrade to read it."
        )
    names = set(table.schema.names)
    if len(names) < len(table.schema.names):
        raise TicketbenchError(f"{path}: has two columns of one name.")
    for name in (name for name, since in ADDED.items() if int(version) < since and name not in names):
        table = table.append_column(SCHEMA.field(name), pa.nulls(len(table), SCHEMA.field(name).type))
    if missing := [name for name in columns if name not in table.schema.names]:
        raise TicketbenchError(f"{path}: lacks the columns {', '.join(missing)}.")
    try:
        return table.select(columns).cast(pa.schema([SCHEMA.field(name) for name in columns], SCHEMA.metadata))
    except (pa.ArrowException, ValueError) as error:
        raise TicketbenchError(f"{path}: a column is not of its type: {error}") from None


def _check(table: pa.Table, path: Path, seen: set[str], before: int) -> None:
    """Hold every row's id, kind and status against what they may be; `seen` gathers the ids of a file's rows."""
    for name in (name for name in _TOLD if table[name].null_count):
        number = before + pc.index(table[name].is_null(), pa.scalar(True)).as_py()
        raise TicketbenchError(f"{path}: row {number} has no {name}.")
    ids = table["row_id"].to_pylist()
    for said, key in zip(ids, zip(*(table[name].to_pylist() for name in KEY), strict=True), strict=True):
        if said != id_of(key):
            raise TicketbenchError(f"{path}: row {said} is damaged: its id does not fit its key.")
        if said in seen:
            raise TicketbenchError(f"{path}: row {said} is there twice.")
        seen.add(said)
    for name, allowed in (("status", STATUSES), ("kind", KINDS)):
        known = pc.is_in(table[name], pa.array(allowed))
        if not pc.all(known, min_count=0).as_py():
            at = pc.index(known, pa.scalar(False)).as_py()
            status, kind = table["status"][at], table["kind"][at]
            raise TicketbenchError(f"{path}: row {ids[at]} has status {status.as_py()!r}, kind {kind.as_py()!r}.")


@contextmanager
def _readable(path: Path) -> Iterator[None]:
    try:
        yield
    except FileNotFoundError:
        raise TicketbenchError(f"{path}: there is no such file.") from None
    except (pa.ArrowException, OSError) as error:
        first = str(error).splitlines()[0]
        raise TicketbenchError(f"{path}: is not a readable Parquet file ({first}).") from None
