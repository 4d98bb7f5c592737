"""Result files into what is compared of their rows: keys, scores, and one digest of all that must be equal."""

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from ticketbench.errors import TicketbenchError, unknown
from ticketbench.report.measures import items, scaled
from ticketbench.results import DENSE, SCHEMA, SCORED, Row, describe, parameters, result_files, tables_of

_SAME = ("mask_digest", "test_correct", "test_final", "test_best", "status")
TESTED = ("ticket", DENSE)  # kinds; controls and probes are compared and not tested
_LISTS = ("curve", "test_scores")
_LOSSES = "early_losses"
EQUAL = (*_SAME, *_LISTS)  # in rows that are called identical
_READ = [name for name in SCHEMA.names if name != "kept_per_layer"]  # which the mask's digest says too


@dataclass(frozen=True)
class Entry:
    """A row without its lists and bits; a digest stands for its early losses.

    Attributes:
        content: digest of mask, test answers, scores, curve and status, the columns of `EQUAL`.
        quarrel: how its test items disagree with its `test_final`; empty where they agree or there are none.
        file: where it was read.
    """

    row: Row
    content: str
    quarrel: str
    file: Path

    @property
    def id(self) -> str:
        """Digest of the row's key."""
        return str(self.row["row_id"])

    @property
    def applicable(self) -> bool:
        """Whether the method could be run there at all."""
        return bool(self.row["status"] != "not applicable")


@dataclass(frozen=True)
class Narrowing:
    """What the caller leaves out of both sides.

    Attributes:
        only: patterns of methods, `imp*` or `rigl(interval=50)`; all where empty. The dense network always stays.
        seeds: only seeds below this; all where None.
        controls: whether controls and probes are looked at.
    """

    only: tuple[str, ...] = ()
    seeds: int | None = None
    controls: bool = True

    def __call__(self, row: Row) -> bool:
        """Whether a row stays."""
        return (
            (self.seeds is None or row["seed"] < self.seeds)
            and (self.controls or row["kind"] in TESTED)
            and (not self.only or row["kind"] == DENSE or any(map(_naming(row), self.only)))
        )


def read_entries(path: Path, side: str, narrowing: Narrowing) -> dict[str, Entry]:
    """The rows of a result file or of all below a folder, narrowed, by row id.

    Args:
        side: what messages call it, BASE or NEW.

    Raises `TicketbenchError` where there are none, a file cannot be read, or two differ under one key.
    """
    found: dict[str, Entry] = {}
    methods: set[str] = set()
    for file in _files(path, side):
        for entry in _entries(file):
            row = entry.row
            methods.add(row["method"])
            if not narrowing(row):
                continue
            known = found.setdefault(entry.id, entry)
            if known.content != entry.content:
                raise TicketbenchError(
                    f"{side}: {describe(row)} is in {known.file} and in {file}, and the two differ. "
                    "One folder holds one set of results."
                )
    for wanted in narrowing.only:
        if not any(_naming(entry.row)(wanted) for entry in found.values()):
            raise unknown(f"method in {side}", wanted, methods)
    if not found:
        why = " below that number of seeds" if methods else ""
        raise TicketbenchError(f"{side} {path}: holds no rows{why}.")
    return found


def method_text(row: Row) -> str:
    """A method with its parameters as the command line takes them, and the ticket's label."""
    label = f", {row['label']}" if row["label"] else ""
    return f"{row['method']}{parameters(row['method_params'])}{label}"


def _files(path: Path, side: str) -> Sequence[Path]:
    if not path.is_dir():
        return [path]
    files = list(result_files(path))
    if not files:
        raise TicketbenchError(f"{side} {path}: holds no result files (*.parquet); `ticketbench run` makes them.")
    return files


def _entries(file: Path) -> Iterator[Entry]:
    """The rows of a file. Curves are hashed as Arrow has them: as Python's lists they would take most of the time."""
    for table in tables_of(file, _READ):
        rows = table.drop_columns([*_LISTS, _LOSSES]).to_pylist()
        lists = [_bytes(table[name].combine_chunks()) for name in (_LOSSES, *_LISTS)]
        scores = table["test_scores"].to_pylist()
        for row, told, losses, *values in zip(rows, scores, *lists, strict=True):
            content = hashlib.sha256(repr([row[name] for name in _SAME]).encode())
            for each in values:
                content.update(each)
            quarrel = _quarrel(row | {"test_scores": told})
            held = {**row, "test_correct": None, _LOSSES: hashlib.sha256(losses).hexdigest()}
            yield Entry(held, content.hexdigest(), quarrel, file)


def _bytes(lists: pa.ListArray) -> Iterator[bytes]:
    """Each list's numbers, or those of each field of its structs, as bytes that only an equal list has."""
    flat = lists.flatten()
    fields = flat.flatten() if pa.types.is_struct(flat.type) else [flat]
    numbers = [field.to_numpy(zero_copy_only=False) for field in fields]
    ends = np.cumsum(pc.fill_null(pc.list_value_length(lists), 0).to_numpy(zero_copy_only=False))
    for start, end, null in zip([0, *ends], ends, lists.is_null().to_pylist(), strict=False):
        yield b"null" if null else b"%d:" % (end - start) + b"".join(each[start:end].tobytes() for each in numbers)


def _quarrel(row: Row) -> str:
    """How test items and score disagree: what `measures.items` refuses."""
    if row["status"] not in SCORED or scaled(row, "test_final") is None:
        return ""
    try:
        items(row)
    except ValueError as error:
        return str(error)
    return ""


def _naming(row: Row) -> Any:
    """Whether a pattern names the row's method: by its name alone, or with its parameters."""
    names = (row["method"], row["method"] + parameters(row["method_params"]))
    return lambda pattern: any(name == pattern or fnmatchcase(name, pattern) for name in names)
