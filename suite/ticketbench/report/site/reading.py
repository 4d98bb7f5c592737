"""Result files gathered by task, each task's rows in one file: never more than one task in memory."""

import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from ticketbench.errors import TicketbenchError
from ticketbench.results import SCHEMA, Row, merge_files, result_files, rows_of, tables_of
from ticketbench.task import Task

MAKE_SOME = "`ticketbench run digits/mlp` makes some in seconds."
SERIES = ("kind", "method", "method_params", "label")  # what a series is called by

_TASK_ID = re.compile(Task.model_json_schema()["properties"]["id"]["pattern"])  # also keeps addresses in the site
_LONG = ("curve", "early_losses")  # what no table or figure of a board needs
_BOARD_COLUMNS = [name for name in SCHEMA.names if name not in _LONG]


@dataclass(frozen=True)
class Found:
    """Result files, looked through once.

    Attributes:
        files: by task, those that hold rows of it, in order.
        mixed: those that hold rows of several tasks.
        series: the values of `SERIES` that occur.
    """

    files: Mapping[str, Sequence[Path]]
    mixed: frozenset[Path]
    series: frozenset[tuple[str, ...]]


def find_results(folders: Sequence[Path]) -> Found:
    """The result files below these folders.

    Raises `TicketbenchError` where a folder is missing, there are no results, a file is damaged or no result file,
    or a row's task is no task's id.
    """
    for folder in folders:
        if not folder.is_dir():
            raise TicketbenchError(f"{folder}: there is no such folder of results. {MAKE_SOME}")
    files: dict[str, list[Path]] = {}
    mixed: set[Path] = set()
    series: set[tuple[str, ...]] = set()
    for path in (path for folder in folders for path in result_files(folder)):
        tasks: dict[str, str] = {}
        for table in tables_of(path, ["row_id", "task", *SERIES]):
            tasks = dict(zip(*(table[name].to_pylist() for name in ("task", "row_id")), strict=True)) | tasks
            series.update(zip(*(table[name].to_pylist() for name in SERIES), strict=True))
        for task, row in sorted(tasks.items()):
            if not _TASK_ID.fullmatch(task):
                raise TicketbenchError(f"{path}: row {row} names a task {task!r}, which is no task's id.")
            files.setdefault(task, []).append(path)
        if len(tasks) > 1:
            mixed.add(path)
    if not files:
        raise TicketbenchError(f"{', '.join(map(str, folders))}: there are no results. {MAKE_SOME}")
    return Found(dict(sorted(files.items())), frozenset(mixed), frozenset(series))


def write_task(task: str, paths: Sequence[Path], mixed: Collection[Path], out: Path) -> None:
    """Write the rows of one task from these files into one, rows of one id that agree once, in a fixed order.

    `mixed` are the files that hold rows of other tasks too. Raises `TicketbenchError` as `merge_files` does.
    """
    with TemporaryDirectory() as folder:
        own = [_only(task, path, Path(folder)) if path in mixed else path for path in paths]
        merge_files(own, out, named=paths)


def board_rows(path: Path) -> list[Row]:
    """The rows of a file without the columns that grow with the length of a training."""
    return list(rows_of(path, _BOARD_COLUMNS))


def _only(task: str, path: Path, folder: Path) -> Path:
    """A copy of a file in this folder, with the rows of one task alone."""
    copy = folder / str(len(list(folder.iterdir()))) / path.name
    copy.parent.mkdir()
    with pq.ParquetWriter(copy, SCHEMA) as writer:
        for table in tables_of(path):
            writer.write_table(table.filter(pc.equal(table["task"], pa.scalar(task))))
    return copy
