"""Contract: what a result holds. One row a scored ticket, one Parquet file a task and method.

The Arrow schema is the reference: every field carries its description, unit and direction as metadata, and
whether it is *compared*, that is, whether two runs on the same machine and software must agree in every bit.
"""

from ticketbench.results.finding import find_row, may_be_id
from ticketbench.results.labels import CONTROLS, control_label, control_of
from ticketbench.results.merging import merge
from ticketbench.results.reading import (
    read_rows,
    result_file,
    result_files,
    rows_of,
    tables_of,
    validated,
)
from ticketbench.results.schema import (
    ADDED,
    COMPARED,
    DENSE,
    KEY,
    KINDS,
    LOST,
    SCHEMA,
    SCHEMA_VERSION,
    SCORED,
    STATUSES,
    UNSCORED,
    Row,
    describe,
    parameters,
    row_id,
)
from ticketbench.results.streaming import merge_files
from ticketbench.results.writing import add_rows, as_stored, whole, write_rows

__all__ = [
    "ADDED",
    "COMPARED",
    "CONTROLS",
    "DENSE",
    "KEY",
    "KINDS",
    "LOST",
    "SCHEMA",
    "SCHEMA_VERSION",
    "SCORED",
    "STATUSES",
    "UNSCORED",
    "Row",
    "add_rows",
    "as_stored",
    "control_label",
    "control_of",
    "describe",
    "find_row",
    "may_be_id",
    "merge",
    "merge_files",
    "parameters",
    "read_rows",
    "result_file",
    "result_files",
    "row_id",
    "rows_of",
    "tables_of",
    "validated",
    "whole",
    "write_rows",
]
