"""Rows from a stranger's Parquet file: bounded before it is decoded, and then held against the schema."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from ticketbench.errors import TicketbenchError
from ticketbench.report.printable import plain
from ticketbench.report.submission.folder import content
from ticketbench.results import KEY, SCHEMA, Row, validated

# A small file can say that it decodes to more than a machine holds. Published files stay a hundred times below these.
MOST_ROWS = 20_000
_ALWAYS = (*KEY, "row_id", "status", "task_digest", "method_digest", "suite_version", "engine_version", "metric")
_MOST_VALUES, _MOST_BYTES = 2_000_000, 1 << 27  # of a column, and of all columns, decompressed
_LONGEST_TEXT, _LONGEST_BITS, _LONGEST_NAME = 5_000, 1 << 14, 500  # bytes of one value; names stand in lists
_LISTS = tuple(field.name for field in SCHEMA if pa.types.is_list(field.type))
_MAY_LACK = ("training_loss",)  # of a curve's point: none before the first step


def rows_of(root: Path, place: str) -> list[Row]:
    """The rows of a listed file. Raises `TicketbenchError`, in one line, for whatever is not a table of results."""
    found = content(root, place)
    try:
        _bound(found)
        with pq.ParquetFile(pa.BufferReader(found), page_checksum_verification=True) as file:
            rows: list[Row] = validated(file.read(), Path(place)).to_pylist()
        for number, row in enumerate(rows):
            if lacking := _lacking(row):
                raise TicketbenchError(f"{place}: row {number} lacks {', '.join(lacking)}")
        return rows
    except TicketbenchError as error:
        raise TicketbenchError(plain(error)) from None
    except Exception as error:  # whatever a stranger's bytes make of a decoder is the file's fault
        said = plain(str(error).partition("\n")[0] or type(error).__name__)
        raise TicketbenchError(f"{place}: is not a readable Parquet file ({said})") from None


def _lacking(row: Row) -> list[str]:
    """What no row of any status is without; null where a schema allows it but nothing that reads rows does."""
    lacking = [name for name in _ALWAYS if row[name] is None]
    return lacking + [f"part of {name}" for name in _LISTS if any(_in_part(each) for each in row[name] or ())]


def _in_part(element: Any) -> bool:
    """Whether an element of a list, or a value in it that is always there, is null."""
    values = element.items() if isinstance(element, dict) else [("", element)]
    return any(value is None for name, value in values if name not in _MAY_LACK)


def _bound(found: bytes) -> None:
    """Raises `TicketbenchError` where decoding would take more than a result file can need."""
    with pq.ParquetFile(pa.BufferReader(found)) as file:
        about, names = file.metadata, file.schema_arrow.names
        if strange := sorted(set(names) - set(SCHEMA.names)):
            raise TicketbenchError(f"has columns that results do not have: {plain(', '.join(strange))}")
        values: dict[str, int] = {}
        size = 0
        for chunk in (
            about.row_group(g).column(c) for g in range(about.num_row_groups) for c in range(about.num_columns)
        ):
            values[chunk.path_in_schema] = values.get(chunk.path_in_schema, 0) + chunk.num_values
            size += chunk.total_uncompressed_size
        most = max(values.values(), default=0)
        if about.num_rows > MOST_ROWS or most > _MOST_VALUES or size > _MOST_BYTES:
            raise TicketbenchError(
                f"has {about.num_rows} rows, {most} values in a column and {size} bytes; at most {MOST_ROWS}, "
                f"{_MOST_VALUES} and {_MOST_BYTES} are read"
            )
        texts = [c.path for c in map(file.schema.column, range(len(file.schema))) if c.physical_type == "BYTE_ARRAY"]
    # As dictionaries, in which a value that a million rows repeat stands once.
    with pq.ParquetFile(pa.BufferReader(found), read_dictionary=texts) as file:
        table = file.read(columns=texts)
    size = sum(_written_out(table, name) for name in table.schema.names)
    if size > _MOST_BYTES:
        raise TicketbenchError(f"has {size} bytes of text and bits; at most {_MOST_BYTES} are read")


def _written_out(table: pa.Table, name: str) -> int:
    """How many bytes all values of a column take. Raises `TicketbenchError` where one of them is too long."""
    size = 0
    for leaf in (each for chunk in table.column(name).chunks for each in _leaves(chunk)):
        coded = isinstance(leaf, pa.DictionaryArray)
        values = leaf.dictionary if coded else leaf
        if not (pa.types.is_binary(values.type) or pa.types.is_string(values.type)):
            continue
        lengths = pc.binary_length(values.cast(pa.binary()))
        kind = SCHEMA.field(name).type
        longest = _LONGEST_BITS if kind == pa.binary() else _LONGEST_TEXT if kind == pa.string() else _LONGEST_NAME
        if (pc.max(lengths).as_py() or 0) > longest:
            raise TicketbenchError(f"has a value of {name} longer than {longest} bytes")
        size += pc.sum(lengths.take(leaf.indices) if coded else lengths).as_py() or 0
    return size


def _leaves(array: pa.Array) -> Iterator[pa.Array]:
    """The arrays that an array of lists and structs is of."""
    if isinstance(array, (pa.ListArray, pa.LargeListArray, pa.FixedSizeListArray)):
        yield from _leaves(array.flatten())
    elif isinstance(array, pa.StructArray):
        for each in array.flatten():
            yield from _leaves(each)
    else:
        yield array
