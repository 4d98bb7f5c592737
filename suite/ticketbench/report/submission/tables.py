"""Rows from a stranger's Parquet file: bounded before it is decoded, and then held against the schema."""

from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from ticketbench.errors import TicketbenchError
from ticketbench.report.submission.folder import content, plain
from ticketbench.results import KEY, SCHEMA, Row, validated

# A small file can say that it decodes to more than a machine holds. Published files stay a hundred times below these.
MOST_ROWS = 20_000
_ALWAYS = (*KEY, "row_id", "status", "task_digest", "method_digest", "suite_version", "engine_version", "metric")
_MOST_VALUES, _MOST_BYTES = 2_000_000, 1 << 27  # of a column, and of all columns, decompressed
_LONGEST_TEXT, _LONGEST_BITS = 5_000, 1 << 14  # bytes of one value


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
    layers = row["kept_per_layer"] or []
    whole = all(each is not None and None not in each.values() for each in layers)
    return [name for name in _ALWAYS if row[name] is None] + ([] if whole else ["part of kept_per_layer"])


def _bound(found: bytes) -> None:
    """Raises `TicketbenchError` where decoding would take more than a result file can need."""
    with pq.ParquetFile(pa.BufferReader(found)) as file:
        about, names = file.metadata, file.schema_arrow.names
        if strange := sorted(set(names) - set(SCHEMA.names)):
            raise TicketbenchError(f"has columns that results do not have: {plain(', '.join(strange))}")
        chunks = [about.row_group(g).column(c) for g in range(about.num_row_groups) for c in range(about.num_columns)]
        values = max((chunk.num_values for chunk in chunks), default=0)
        size = sum(chunk.total_uncompressed_size for chunk in chunks)
        if about.num_rows > MOST_ROWS or values > _MOST_VALUES or size > _MOST_BYTES:
            raise TicketbenchError(
                f"has {about.num_rows} rows, {values} values in a column and {size} bytes; at most {MOST_ROWS}, "
                f"{_MOST_VALUES} and {_MOST_BYTES} are read"
            )
    texts = [field.name for field in SCHEMA if field.type in (pa.string(), pa.binary()) and field.name in names]
    # As dictionaries, in which a value that a million rows repeat stands once.
    with pq.ParquetFile(pa.BufferReader(found), read_dictionary=texts) as file:
        table = file.read(columns=texts)
    for name in table.schema.names:
        longest = _LONGEST_BITS if SCHEMA.field(name).type == pa.binary() else _LONGEST_TEXT
        for chunk in table.column(name).chunks:
            each = chunk.dictionary if isinstance(chunk, pa.DictionaryArray) else chunk
            if any(len(value) > longest for value in each.cast(pa.binary()).to_pylist() if value is not None):
                raise TicketbenchError(f"has a value of {name} longer than {longest} bytes")
