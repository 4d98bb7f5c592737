"""How the numbers of a board were made: the command that makes them again, and what rows say of themselves."""

import json
import shlex
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from ticketbench.report.board import NOT_APPLICABLE, Board, Series
from ticketbench.results import Row
from ticketbench.task import Task, shipped_tasks

if TYPE_CHECKING:
    from ticketbench.methods import Method

Fact = tuple[str, list[tuple[str, int]]]


def commands(board: Board, methods: Mapping[str, "Method"]) -> list[str]:
    """The `ticketbench run` lines that make these rows: one for each number of seeds.

    A method or task that does not come with ticketbench is named by a file, whose path no row knows: FILE.
    """
    task = board.task if board.task in shipped_tasks() else "TASK.toml"
    by_seeds: dict[int, list[str]] = {}
    for series in sorted(board.series, key=lambda each: (each.method, each.params)):
        chosen = by_seeds.setdefault(max(series.seeds) + 1, [])
        selector = _selector(series, methods)
        if selector not in chosen:
            chosen.append(selector)
    return [
        _command(["ticketbench run", shlex.quote(task), *(f"--method {s}" for s in chosen), f"--seeds {seeds}"])
        for seeds, chosen in sorted(by_seeds.items())
    ]


def facts(rows: Sequence[Row]) -> list[Fact]:
    """What made the rows, name by name: every value there is and how many rows have it, the most frequent first."""
    found = [(name, _counted(rows, read)) for name, read in _FACTS]
    return [(name, values) for name, values in found if values]


def notices(board: Board, task: Task | None) -> list[str]:
    """What a reader must know before believing the table, in sentences."""
    said = []
    digests = {row["task_digest"] for row in board.rows}
    if task and task.version != board.version:
        said.append(
            f"These are results of version {board.version} of the task; its file here is version {task.version}."
        )
    elif task and (others := digests - {task.digest}):
        stale = sum(row["task_digest"] in others for row in board.rows)
        said.append(
            f"{stale} of {len(board.rows)} rows were made under another wording of this task than its file here."
        )
    elif len(digests) > 1:
        said.append(f"Rows of {len(digests)} different wordings of this task stand in one table.")
    mixed = sorted({s.method for s in board.series if len({row["method_digest"] for row in s.rows}) > 1})
    if mixed:
        said.append(f"Rows of one method were made by different versions of its file: {', '.join(mixed)}.")
    if len({row["engine_version"] for row in board.rows}) > 1:
        said.append("Rows were made by different versions of the training engine.")
    if any(cell.score is None and cell.why != NOT_APPLICABLE for s in board.series for cell in s.cells.values()):
        said.append(
            "Seeds that diverged or failed count as chance, but the task declares no chance value: their cells, "
            "marked ?, have no mean."
        )
    if board.unused:
        kinds = ", ".join(f"{kind} ({count})" for kind, count in sorted(board.unused.items()))
        said.append(f"Rows of other kinds are not shown here: {kinds}.")
    return said


def parameters(params: str) -> str:
    """Parameters (JSON) as the command line takes them: `(interval=50)`; empty where there are none."""
    try:
        given: Any = json.loads(params or "{}")
    except ValueError:
        return f"({params})"
    if not isinstance(given, dict):
        return f"({params})"
    return f"({', '.join(f'{name}={value!r}' for name, value in given.items())})" if given else ""


def _command(parts: Sequence[str]) -> str:
    """One shell command, continued over lines where it is long."""
    lines = [parts[0]]
    for part in parts[1:]:
        if len(lines[-1]) + len(part) > 92:
            lines.append("   ")
        lines[-1] += f" {part}"
    return " \\\n".join(lines)


def _selector(series: Series, methods: Mapping[str, "Method"]) -> str:
    ours = series.method in methods or not methods
    name = series.method if ours else f"FILE.py:{series.method}"
    text = name + parameters(series.params)
    readable = "'" in text and not set(text) & set('"$`\\!')
    return f'"{text}"' if readable else shlex.quote(text)


def _counted(rows: Sequence[Row], read: Callable[[Row], Any]) -> list[tuple[str, int]]:
    counts = Counter(str(value) for row in rows if (value := read(row)) not in (None, ""))
    return sorted(counts.items(), key=lambda item: (-item[1], item[0]))


def _packages(row: Row) -> str:
    return ", ".join(f"{each['name']} {each['version']}" for each in row["packages"] or ())


def _commit(row: Row) -> str:
    return f"{row['commit']}{', with changes' if row['dirty'] else ''}" if row["commit"] else ""


def _day(row: Row) -> str:
    return str(row["finished_at"] or "")[:10]


_FACTS: tuple[tuple[str, Callable[[Row], Any]], ...] = (
    ("ticketbench", lambda row: row["suite_version"]),
    ("Training engine", lambda row: row["engine_version"]),
    ("Commit", _commit),
    ("Packages", _packages),
    ("Device", lambda row: row["device"]),
    ("Threads a training", lambda row: row["threads"]),
    ("Arithmetic", lambda row: row["numerics"]),
    ("Task digest", lambda row: row["task_digest"]),
    ("Data digest", lambda row: row["data_digest"]),
    ("Finished (UTC)", _day),
)
