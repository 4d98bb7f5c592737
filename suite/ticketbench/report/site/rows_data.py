"""Rows as scripts that the row page asks for: a page opened from a file may load scripts, and nothing else.

Every part stays well under two megabytes, however many rows there are. Numbers of curves and early losses are
rounded to six digits, and of what grows with the test set only its size is told: the Parquet file has all of it.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from math import isfinite
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from ticketbench.report.site.templates import script_json
from ticketbench.results import SCHEMA, tables_of

PART = 400_000  # bytes that a part of rows is meant to have
IDS = 2_000  # ids that a part of the index of all rows is meant to have
EXACT = 2**53  # integers from here on are another number in JavaScript
ORDER = ("task_version", "numerics", "method", "method_params", "kind", "label", "found_on", "trained_on")
_SIZES = ("test_correct", "test_scores")  # as long as the test set: told by their size
_ROUNDED = ("early_losses",)
_OTHERS = [name for name in SCHEMA.names if name not in (*_SIZES, *_ROUNDED, "curve")]
CURVE = [field.name for field in SCHEMA.field("curve").type.value_type]
_ABOUT = {"curve": 56, "early_losses": 10, "kept_per_layer": 60, "packages": 45}  # bytes for each entry
_BASE = 1_800  # bytes of all else in a row

Added = Callable[[dict[str, list[Any]]], dict[str, list[Any]]]


@dataclass(frozen=True)
class Parts:
    """The scripts of a task.

    Attributes:
        ids: of every row, with the number of the part that holds it.
        cells: methods, each with its rungs, each with the parts that hold rows of them.
    """

    ids: Sequence[tuple[str, int]]
    cells: Sequence[tuple[str, Sequence[tuple[int, Sequence[int]]]]]


def write_parts(path: Path, task: str, write: Callable[[str, str], None], added: Added) -> Parts:
    """Write the rows of a task's file as scripts, and an index of them.

    Args:
        path: a file with rows of one task.
        write: takes an address in the site and a text.
        added: further columns, from those of a part.
    """
    table = pa.concat_tables(tables_of(path))
    table = table.take(pc.sort_indices(table, [(name, "ascending") for name in (*ORDER, "rung", "seed", "row_id")]))
    table = table.combine_chunks()
    ids: list[tuple[str, int]] = []
    cells: dict[str, dict[int, list[int]]] = {}
    for number, (start, stop) in enumerate(_cuts(table)):
        part = table.slice(start, stop - start)
        write(part_address(task, number), part_script(part, added))
        ids += [(row, number) for row in part["row_id"].to_pylist()]
        for method, rung in zip(part["method"].to_pylist(), part["rung"].to_pylist(), strict=True):
            at = cells.setdefault(method, {}).setdefault(rung, [])
            if not at or at[-1] != number:
                at.append(number)
    found = [(method, sorted(rungs.items())) for method, rungs in sorted(cells.items())]
    write(f"rows/{task}/index.js", f"ticketbench.index({script_json([task, found])});\n")
    return Parts(ids, found)


def part_address(task: str, number: int) -> str:
    """The script with a task's rows of this number."""
    return f"rows/{task}/{number}.js"


def part_script(table: pa.Table, added: Added) -> str:
    """Rows as a script: `same` holds the columns that are equal in all of them, `columns` a list for each other."""
    columns: dict[str, list[Any]] = {name: table[name].to_pylist() for name in _OTHERS}
    columns |= added(columns)
    columns = {name: _plain(values) for name, values in columns.items()}
    columns |= {name: _size(table[name]) for name in _SIZES}
    same = {name: values[0] for name, values in columns.items() if all(value == values[0] for value in values)}
    texts = [f'"same":{script_json(same)}', f'"count":{len(table)}']
    listed = [f'"{name}":{script_json(values)}' for name, values in columns.items() if name not in same]
    listed += [f'"{name}":[{",".join(_rounded(table[name]))}]' for name in _ROUNDED]
    listed.append(f'"curve":[{",".join(_curves(table["curve"]))}]')
    return f'ticketbench.rows({{{",".join(texts)},"columns":{{{",".join(listed)}}}}});\n'


def id_digits(rows: int) -> int:
    """How many leading digits of a row's id name the part of the index of all rows that knows it."""
    digits = 1
    while rows > IDS * 16**digits:
        digits += 1
    return digits


def id_scripts(parts: Mapping[str, Parts]) -> Iterator[tuple[str, str]]:
    """The index of all rows: addresses and texts. One for each start of an id, also where no row has it."""
    digits = id_digits(sum(len(each.ids) for each in parts.values()))
    found: dict[str, list[tuple[str, str, int]]] = {f"{n:0{digits}x}": [] for n in range(16**digits)}
    for task, each in sorted(parts.items()):
        for row, number in each.ids:
            found[row[:digits]].append((row, task, number))
    for start, rows in found.items():
        yield f"rows/ids/{start}.js", f"ticketbench.ids({script_json(sorted(rows))});\n"


def _cuts(table: pa.Table) -> Iterator[tuple[int, int]]:
    """Where parts begin and end: by about how many bytes their rows take."""
    sizes = np.full(len(table), float(_BASE))
    for name, each in _ABOUT.items():
        lengths = pc.fill_null(pc.list_value_length(table[name]), 0)
        sizes += each * np.asarray(lengths.to_numpy(), dtype=np.float64)
    for name in ("reason", "label", "method_params", "method"):
        sizes += np.asarray(pc.fill_null(pc.binary_length(table[name]), 0).to_numpy(), dtype=np.float64)
    start, held = 0, 0.0
    for place, size in enumerate(sizes):
        if held and held + size > PART:
            yield start, place
            start, held = place, 0.0
        held += size
    if len(table):
        yield start, len(table)


def _plain(values: Any) -> Any:
    """Values as JSON and JavaScript have them: a number that is not one, or too large to be exact, as text."""
    if isinstance(values, list):
        return [_plain(each) for each in values]
    if isinstance(values, dict):
        return {name: _plain(each) for name, each in values.items()}
    if isinstance(values, float) and not isfinite(values):
        return str(values)
    if isinstance(values, int) and abs(values) >= EXACT:
        return str(values)
    return values


def _size(column: pa.ChunkedArray) -> list[Any]:
    length = pc.binary_length if pa.types.is_binary(column.type) else pc.list_value_length
    return list(length(column).to_pylist())


def _rounded(column: pa.ChunkedArray) -> Iterator[str]:
    """JSON of lists of numbers, at six digits."""
    for values in column.to_pylist():
        yield "null" if values is None else _numbers(values)


def _curves(column: pa.ChunkedArray) -> Iterator[str]:
    """JSON of curves, each a list of its fields in the schema's order, each a list of numbers."""
    array = column.combine_chunks()
    array = array.chunk(0) if isinstance(array, pa.ChunkedArray) else array
    start = array.offsets[0].as_py() if len(array) else 0
    fields = {name: array.flatten().field(name).to_pylist() for name in CURVE}
    offsets = (np.asarray(array.offsets) - start).tolist()
    for place, known in enumerate(array.is_valid().to_pylist()):
        if not known:
            yield "null"
            continue
        begin, end = offsets[place], offsets[place + 1]
        yield f"[{','.join(_numbers(fields[name][begin:end]) for name in CURVE)}]"


def _numbers(values: Sequence[Any]) -> str:
    try:
        text = ",".join(["%.6g" % value for value in values])  # noqa: UP031 (three times as fast as a format)
    except TypeError:  # a value is missing
        text = "n"
    if "n" in text:  # nan, inf
        text = ",".join("null" if v is None or not isfinite(v) else f"{v:.6g}" for v in values)
    return f"[{text}]"
