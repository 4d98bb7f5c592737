"""How the numbers of a board were made: the command that makes them again, and what rows say of themselves."""

import shlex
from collections import Counter
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from ticketbench.report.boards.board import NOT_APPLICABLE, Board, Series
from ticketbench.results import CONTROLS, Row, control_of, parameters
from ticketbench.task import Task, shipped_tasks

if TYPE_CHECKING:
    from ticketbench.methods import Method

_CHEAP = "prune-only"  # scores the dense network's own weights, and no default runs beside it
Fact = tuple[str, list[tuple[str, int]]]


def names_of(methods: Mapping[str, "Method"]) -> set[str]:
    """The methods that `ticketbench run` knows by name: the installed ones, unless `methods` has another file's."""
    from ticketbench.methods import installed_methods

    installed = installed_methods()
    return {name for name, each in installed.items() if methods.get(name, each).digest in ("", each.digest)}


def commands(boards: Sequence[Board], names: Collection[str]) -> list[str]:
    """The `ticketbench run` lines that make the rows of these boards of one task: one for each number of seeds.

    A method that is not one of `names` (`names_of`), or a task that does not come with ticketbench, is named by a
    file, whose path no row knows: FILE.
    """
    task = boards[0].task if boards[0].task in shipped_tasks() else "TASK.toml"
    every = [series for board in boards for series in board.series]
    seeds = {key: max(max(s.seeds) for s in every if _variant(s) == key) + 1 for key in map(_variant, every)}
    beside: dict[tuple[str, str], set[str]] = {}
    for control in (each for board in boards for each in board.controls):
        beside.setdefault(_variant(control), set()).add(control.control)
    runs: dict[tuple[int, tuple[str, ...]], list[str]] = {}
    for series in sorted(every, key=lambda each: (each.method, each.params)):
        key = _variant(series)
        chosen = runs.setdefault((seeds[key], tuple(sorted(beside.get(key, ())))), [])
        selector = _selector(series.method, series.params, names)
        if selector not in chosen:
            chosen.append(selector)
    return [
        _command(
            ["ticketbench run", shlex.quote(task), *(f"--method {s}" for s in chosen), f"--seeds {n}", *_with(c)]
        )
        for (n, c), chosen in sorted(runs.items())
    ]


def row_command(row: Mapping[str, Any], names: Collection[str]) -> str:
    """The `ticketbench run` line that makes one row again, and with it those of the seeds before it.

    `row` needs its task, kind, method, parameters, label and seed; `names` are as for `commands`. The dense network
    comes with whatever is run: the line names a method that trains nothing else.
    """
    task = row["task"] if row["task"] in shipped_tasks() else "TASK.toml"
    selector = _CHEAP if row["kind"] == "dense" else _selector(row["method"], row["method_params"], names)
    parts = ["ticketbench run", shlex.quote(task), f"--method {selector}"]
    parts.append(f"--seeds {row['seed'] + 1}")
    control, _ = control_of(row)
    return _command([*parts, *_with([control] if control else [])])


def _with(controls: Sequence[str]) -> list[str]:
    """The options that train these controls."""
    if set(controls) == set(CONTROLS):
        return ["--controls"]
    return [f"--control {shlex.quote(name)}" for name in controls]


def facts(rows: Sequence[Row]) -> list[Fact]:
    """What made the rows, name by name: every value there is and how many rows have it, the most frequent first."""
    found = [(name, _counted(rows, read)) for name, read in _FACTS]
    return [(name, values) for name, values in found if values]


def notices(boards: Sequence[Board], changed: Sequence[str]) -> list[str]:
    """What a reader must know before believing the tables of one version and numerics of a task, in sentences.

    `changed` is what `changes` says of them.
    """
    said = [*changed]
    every = [series for board in boards for series in (*board.series, *board.controls)]
    if any(cell.score is None and cell.why != NOT_APPLICABLE for each in every for cell in each.cells.values()):
        said.append(
            "Seeds that diverged or failed count as chance, but no chance value is known: their cells, marked ?, "
            "have no mean."
        )
    unused: Counter[str] = sum((Counter(board.unused) for board in boards), Counter())
    if unused:
        kinds = ", ".join(f"{kind} ({count})" for kind, count in sorted(unused.items()))
        said.append(f"Rows of other kinds are not shown here: {kinds}.")
    return said


def changes(boards: Sequence[Board], task: Task | None, methods: Mapping[str, "Method"]) -> list[str]:
    """What is known to have made the rows otherwise than `commands` would make them now, in sentences."""
    rows = [row for board in boards for row in board.rows]
    said = [*_task_changes(boards, rows, task), *_method_changes(boards, methods)]
    if len({row["metric_signature"] for row in rows}) > 1:
        said.append(f"Rows were scored by different signatures of {boards[0].metric}: not quite one metric.")
    return [*said, *_engine_changes(rows)]


def _task_changes(boards: Sequence[Board], rows: Sequence[Row], task: Task | None) -> Iterator[str]:
    version = boards[0].version
    digests = {row["task_digest"] for row in rows}
    if task and task.version != version:
        yield f"These are results of version {version} of the task; its file here is version {task.version}."
    elif task and (others := digests - {task.digest}):
        stale = sum(row["task_digest"] in others for row in rows)
        yield f"{stale} of {len(rows)} rows were made under another wording of this task than its file here."
    elif len(digests) > 1:
        yield f"Rows of {len(digests)} different wordings of this task stand in one table."
    if task and task.settings and task.version == version:
        strange = {name for board in boards for name in (board.found_on, board.trained_on)} - {*task.settings}
        if strange:
            yield f"The task’s file here has no setting {', '.join(sorted(strange))}, which some rows name."


def _method_changes(boards: Sequence[Board], methods: Mapping[str, "Method"]) -> Iterator[str]:
    digests: dict[str, set[str]] = {}
    for series in (each for board in boards for each in (*board.series, *board.controls)):
        digests.setdefault(series.method, set()).update(row["method_digest"] for row in series.rows)
    if mixed := sorted(method for method, found in digests.items() if len(found) > 1):
        yield f"Rows of one method were made by different versions of its file: {', '.join(mixed)}."
    here = {name: method.digest for name, method in methods.items() if method.digest}
    if old := sorted(name for name in digests.keys() & here.keys() if here[name] not in digests[name]):
        yield f"All rows of a method were made by another version of its file than the one here: {', '.join(old)}."


def _engine_changes(rows: Sequence[Row]) -> Iterator[str]:
    from ticketbench.harness.training import ENGINE_VERSION

    versions = {row["engine_version"] for row in rows}
    if len(versions) > 1:
        yield "Rows were made by different versions of the training engine."
    elif versions - {ENGINE_VERSION}:
        made = f"version {versions.pop()} of the training engine"
        yield f"Rows were made by {made}; here it is version {ENGINE_VERSION}."


def _variant(series: Series) -> tuple[str, str]:
    return (series.method, series.params)


def _command(parts: Sequence[str]) -> str:
    """One shell command, continued over lines where it is long."""
    lines = [parts[0]]
    for part in parts[1:]:
        if len(lines[-1]) + len(part) > 92:
            lines.append("   ")
        lines[-1] += f" {part}"
    return " \\\n".join(lines)


def _selector(method: str, params: str, names: Collection[str]) -> str:
    text = (method if method in names else f"FILE.py:{method}") + parameters(params)
    readable = "'" in text and not set(text) & set('"$`\\!')
    return f'"{text}"' if readable else shlex.quote(text)


def _counted(rows: Sequence[Row], read: Callable[[Row], Any]) -> list[tuple[str, int]]:
    counts = Counter(str(value) for row in rows if (value := read(row)) not in (None, ""))
    return sorted(counts.items(), key=lambda item: (-item[1], item[0]))


def packages_of(row: Row) -> str:
    """The packages that a row was computed with, and their versions, in one line."""
    return ", ".join(f"{each['name']} {each['version']}" for each in row["packages"] or ())


def _commit(row: Row) -> str:
    return f"{row['commit']}{', with changes' if row['dirty'] else ''}" if row["commit"] else ""


def _day(row: Row) -> str:
    return str(row["finished_at"] or "")[:10]


_FACTS: tuple[tuple[str, Callable[[Row], Any]], ...] = (
    ("ticketbench", lambda row: row["suite_version"]),
    ("Training engine", lambda row: row["engine_version"]),
    ("Commit", _commit),
    ("Packages", packages_of),
    ("Device", lambda row: row["device"]),
    ("Threads a training", lambda row: row["threads"]),
    ("Arithmetic", lambda row: row["numerics"]),
    ("Metric signature", lambda row: row["metric_signature"]),
    ("Task digest", lambda row: row["task_digest"]),
    ("Data digest", lambda row: row["data_digest"]),
    ("Finished (UTC)", _day),
)
