"""Result files merged into one, a bounded part of each in memory at a time."""

from bisect import bisect_right
from collections.abc import Iterable, Iterator, Sequence
from contextlib import ExitStack
from itertools import count, islice, pairwise
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from ticketbench.errors import TicketbenchError
from ticketbench.results.comparing import differing
from ticketbench.results.merging import conflict
from ticketbench.results.reading import batches, checked, opened, tables_of
from ticketbench.results.schema import COMPARED, ORDER, SCHEMA
from ticketbench.results.writing import GROUP, STORED, locked, whole

_HELD = 4096  # rows that lie decoded at a time, of all files together
_FEWEST = 64  # of one file
_OPEN = 256  # files at a time, well below what a process may open

Place = tuple[Any, ...]  # a row's values of `ORDER`
Part = tuple[pa.Table, list[Place]]  # rows in order, and where each stands
Indices = npt.NDArray[np.int64]


def merge_files(paths: Sequence[Path], out: Path, named: Sequence[Path] = ()) -> int:
    """Write the union of result files into one, as `merge` has it, and return the number of its rows.

    Of two rows that agree, the one of the earlier path stays. Files may be larger than memory: beside some thousand
    rows, only one file's ids are held. A file that is not in order is sorted first, into a copy beside `out`.

    Args:
        named: where `paths` are copies, the files that they are of: a conflict names these.

    Raises `TicketbenchError` where a file is damaged, rows of one id conflict (naming row and files) or the disk
    refuses; `out` then stays as it was.
    """
    with (
        locked(out),
        whole(out) as temporary,
        TemporaryDirectory(prefix=f".{out.name}.", dir=out.parent) as folder,
    ):
        free = (Path(folder) / f"{number}.parquet" for number in count())
        return _merge([_ordered(path, free) for path in paths], temporary, free, named or paths)


def _ordered(path: Path, free: Iterator[Path]) -> Path:
    """A file whose rows are in order, every one checked: itself, or a copy under the next free name."""
    with opened(path) as file:
        if _in_order(map(_places, checked(file, path, ORDER))):
            return path
        parts = []
        for table in _groups(checked(file, path), _HELD):
            parts.append(next(free))
            pq.write_table(table.take(_sorted(_places(table))), parts[-1], **STORED)
    copy = next(free)
    _merge(parts, copy, free, [path])
    return copy


def _merge(files: Sequence[Path], out: Path, free: Iterator[Path], named: Sequence[Path]) -> int:
    """Merge files whose rows are in order; `named` are those in which a conflict is looked up."""
    if len(files) > _OPEN:
        rounds = [files[start : start + _OPEN] for start in range(0, len(files), _OPEN)]
        files = list(islice(free, len(rounds)))
        for some, part in zip(rounds, files, strict=True):
            _merge(some, part, free, named)
        return _merge(files, out, free, named)
    written = 0
    held = max(_HELD // max(len(files), 1), _FEWEST)
    with ExitStack() as stack:
        streams = [_parts(stack.enter_context(opened(path)), path, held) for path in files]
        writer = stack.enter_context(pq.ParquetWriter(out, SCHEMA, **STORED))
        for table in _groups(_united(streams, named), GROUP):
            writer.write_table(table)
            written += len(table)
    return written


def _parts(file: pq.ParquetFile, path: Path, rows: int) -> Iterator[Part]:
    for table in batches(file, path, SCHEMA.names, rows):
        places = _places(table)
        if not _in_order([places]):
            raise TicketbenchError(f"{path}: was changed while it was merged; nothing was written.")
        yield table, places


def _united(streams: Sequence[Iterator[Part]], named: Sequence[Path]) -> Iterator[pa.Table]:
    """The rows of all streams in order, each id once, as far as every stream has been read."""
    waiting = {number: part for number, stream in enumerate(streams) if (part := next(stream, None))}
    while waiting:
        end = min(places[-1] for _, places in waiting.values())
        ready = []
        for number, (table, places) in list(waiting.items()):
            at = bisect_right(places, end)
            if at:
                ready.append((table.slice(0, at), places[:at]))
            rest = (table.slice(at), places[at:]) if at < len(places) else next(streams[number], None)
            if rest:
                waiting[number] = rest
            else:
                del waiting[number]
        yield _union(ready, named)


def _union(parts: Sequence[Part], named: Sequence[Path]) -> pa.Table:
    """Rows of several files in order, of equal ones the first. Raises `TicketbenchError` for a conflict."""
    if len(parts) == 1:
        return parts[0][0]
    table = pa.concat_tables([table for table, _ in parts]).combine_chunks()
    places = [place for _, own in parts for place in own]
    order = _sorted(places)
    again = np.array([False, *(places[one] == places[other] for one, other in pairwise(order))])
    first = order[np.maximum.accumulate(np.where(again, 0, np.arange(len(order))))]
    if again.any():
        _compare(table.take(first[again]), table.take(order[again]), named)
    return table.take(order[~again])


def _compare(one: pa.Table, other: pa.Table, named: Sequence[Path]) -> None:
    """Two tables with the same ids, row by row. Raises `TicketbenchError` for a pair that is not equal."""
    differs = {name: differing(one, other, name) for name in COMPARED}
    wrong = np.flatnonzero(np.any(list(differs.values()), axis=0))
    if len(wrong):
        at = int(wrong[0])
        (row,) = one.slice(at, 1).to_pylist()
        raise conflict(row, [name for name, rows in differs.items() if rows[at]], _where(row["row_id"], named))


def _where(row_id: str, paths: Sequence[Path]) -> str:
    """The first file that has this row, and the first of those whose row differs from its."""
    known: pa.Table | None = None
    for path in paths:
        for table in tables_of(path):
            here = table.filter(pc.equal(table["row_id"], row_id))
            if known is None and len(here):
                known, first = here, path
            elif len(here) and any(differing(known, here, name)[0] for name in COMPARED):
                return f" ({first}, {path})"
    return ""


def _in_order(parts: Iterable[list[Place]]) -> bool:
    last: list[Place] = []
    for places in parts:
        if any(one > other for one, other in pairwise(last + places)):
            return False
        last = places[-1:]
    return True


def _groups(tables: Iterable[pa.Table], rows: int) -> Iterator[pa.Table]:
    """The same rows in tables of this many, the last with what is left."""
    waiting: list[pa.Table] = []
    for table in tables:
        waiting.append(table)
        while sum(map(len, waiting)) >= rows:
            joined = pa.concat_tables(waiting)
            yield joined.slice(0, rows).combine_chunks()
            waiting = [joined.slice(rows)]
    if any(map(len, waiting)):
        yield pa.concat_tables(waiting).combine_chunks()


def _places(table: pa.Table) -> list[Place]:
    return list(zip(*(table[name].to_pylist() for name in ORDER), strict=True))


def _sorted(places: Sequence[Place]) -> Indices:
    """Their indices in order; of equal ones the first comes first."""
    return np.array(sorted(range(len(places)), key=places.__getitem__), np.int64)
