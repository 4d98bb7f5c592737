"""Published rows as data: what can be seen to be wrong with them before anything is trained."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from ticketbench.errors import TicketbenchError
from ticketbench.report.printable import plain
from ticketbench.report.submission.grid import some, task_problems
from ticketbench.report.submission.rows import row_problems
from ticketbench.results import COMPARED, Row, read_rows, result_files
from ticketbench.task import Task


@dataclass(frozen=True)
class Published:
    """Rows by the name of their file, in its order, and one line for everything that is wrong with them."""

    files: Mapping[str, Sequence[Row]]
    problems: tuple[str, ...]

    @property
    def rows(self) -> dict[str, Row]:
        """Every row once, by its id."""
        return {row["row_id"]: row for rows in self.files.values() for row in rows}


def read_published(path: Path, names: Iterable[str]) -> Published:
    """The rows of a file, or of all files below a folder.

    Args:
        path: the file or folder.
        names: methods that are known here: a file that is named for one holds no other's rows.

    Raises `TicketbenchError` where there is nothing to read.
    """
    paths = list(result_files(path)) if path.is_dir() else [path]
    if not paths:
        raise TicketbenchError(f"{path}: holds no result files; expected TASK/METHOD.parquet, as `run` writes them.")
    known = {"dense", *names}
    files: dict[str, list[Row]] = {}
    problems: list[str] = []
    for each in paths:
        name = plain(each, 500)
        try:
            files[name] = read_rows(each)
        except TicketbenchError as error:
            problems.append(plain(str(error).rstrip("."), 500))
            continue
        problems += [f"{name}: {line}" for line in _of_a_file(files[name], each.stem if each.stem in known else "")]
    problems += _twice(files)
    return Published(files, tuple(problems))


def _of_a_file(rows: Sequence[Row], method: str) -> Iterator[str]:
    if not rows:
        yield "expected rows"
    found: dict[str, list[Row]] = {}
    for row in rows:
        misplaced = [f"expected method to be {method}, as the file is named, got {plain(row['method'])}"]
        for problem in (*(misplaced if method not in ("", row["method"]) else []), *row_problems(row)):
            found.setdefault(problem, []).append(row)
    for problem, which in found.items():
        yield f"{some(which)}: {problem}"


def _twice(files: Mapping[str, Sequence[Row]]) -> Iterator[str]:
    """A row may lie in two files, but says one thing."""
    seen: dict[str, tuple[str, Row]] = {}
    for name, rows in files.items():
        for row in rows:
            where, other = seen.setdefault(row["row_id"], (name, row))
            if differing := [column for column in COMPARED if repr(row[column]) != repr(other[column])]:
                yield f"{name}: {some([row])}: is in {where} too, where {', '.join(differing)} differ"


def misfits(rows: Sequence[Row], task: Task, exact: bool) -> list[str]:
    """What cannot be of this task, where the rows are of its digest and of one method.

    `exact` says whether the method keeps exactly a rung's count.
    """
    try:
        return list(task_problems(rows, task, exact))
    except (TypeError, KeyError, OverflowError):  # a value that is missing has been told of its row
        return []
