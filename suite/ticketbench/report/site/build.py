"""Results into a static site: pages that open from a file, need no network, and read without scripts."""

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from itertools import groupby
from pathlib import Path
from typing import TYPE_CHECKING, Any

import jinja2
from markupsafe import Markup, escape

import ticketbench
from ticketbench.errors import TicketbenchError
from ticketbench.paths import shipped
from ticketbench.report.site import charts
from ticketbench.report.bibliography import read_bibliography
from ticketbench.report.boards.board import Board, boards
from ticketbench.report.site.families import family_of
from ticketbench.report.site.figures import series_name
from ticketbench.report.site.looks import looks
from ticketbench.report.site.task_page import editions
from ticketbench.results import Row, merge, read_rows, result_files
from ticketbench.task import Task

if TYPE_CHECKING:
    from ticketbench.methods import Method

_ASSETS = ("style.css", "page.js")
_TASK_ID = re.compile(Task.model_json_schema()["properties"]["id"]["pattern"])  # also keeps addresses in the site
_MAKE_SOME = "`ticketbench run digits/mlp` makes some in seconds."


def build_site(
    results: Sequence[Path],
    out: Path,
    tasks: Mapping[str, Task],
    methods: Mapping[str, "Method"] | None = None,
) -> Path:
    """Write the leaderboard of all results below some folders, and return its first page.

    Equal results give equal bytes: nothing here reads the clock or the machine.

    Args:
        results: folders with result files; rows of one id that agree are shown once.
        out: the folder to write; what it holds of an earlier site is overwritten.
        tasks: by id: titles, chance values, recipes and references. A task that is not here is shown from its rows.
        methods: by name: titles, citations and which come with ticketbench.

    Raises `TicketbenchError` where there are no results, a file is damaged or no result file, rows of one id
    conflict, or `out` cannot be written.
    """
    rows = read_results(results)
    pages = _pages(boards(rows, tasks), tasks, methods or {})
    try:
        for name, text in pages:
            path = out / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, "utf-8", newline="\n")
    except OSError as error:
        raise TicketbenchError(f"{out}: the site cannot be written: {error.strerror or error}.") from None
    return out / "index.html"


def read_results(folders: Sequence[Path]) -> list[Row]:
    """The rows of all result files below these folders. Raises `TicketbenchError` as `build_site` does."""
    for folder in folders:
        if not folder.is_dir():
            raise TicketbenchError(f"{folder}: there is no such folder of results. {_MAKE_SOME}")
    files = [path for folder in folders for path in result_files(folder)]
    rows = merge((), (row for path in files for row in _read(path)))
    if not rows:
        named = ", ".join(str(folder) for folder in folders)
        raise TicketbenchError(f"{named}: there are no results. {_MAKE_SOME}")
    return rows


def _pages(
    found: Sequence[Board], tasks: Mapping[str, Task], methods: Mapping[str, "Method"]
) -> Iterator[tuple[str, str]]:
    """Names below the site's folder and texts, the first page last."""
    folder = shipped("leaderboard")
    render = _templates(folder)
    by_task = {name: list(group) for name, group in groupby(found, lambda board: board.task)}
    look = looks({series_name(each): family_of(each, methods) for board in found for each in board.series})
    sources = read_bibliography()
    for name in _ASSETS:
        yield f"assets/{name}", (folder / name).read_text("utf-8")
    yield "assets/vega.js", charts.script()
    for name, own in by_task.items():
        parts = editions(own, tasks, methods, look, sources)
        keys = dict.fromkeys(key for part in parts for key in part["cites"])
        yield (
            _address(name),
            render(
                "task.html",
                root="../" * _address(name).count("/"),
                editions=parts,
                sources=[(key, sources.get(key)) for key in keys],
                **_listed(name, own, tasks.get(name)),
            ),
        )
    listed = [_listed(name, own, tasks.get(name)) for name, own in by_task.items()]
    waiting = [task for name, task in sorted(tasks.items()) if name not in by_task]
    yield "index.html", render("index.html", root="", tasks=listed, waiting=waiting)


def _templates(folder: Path) -> Callable[..., str]:
    """Templates in which every value is escaped: titles and reasons come from strangers."""
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(folder),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.globals["version"] = ticketbench.__version__
    environment.filters["ticks"] = _ticks
    return lambda template, **said: charts.with_own_clips(environment.get_template(template).render(**said))


def _ticks(text: str) -> Markup:
    """Text with what stands between backticks as code, everything escaped."""
    return Markup(re.sub(r"`([^`]+)`", r"<code>\1</code>", str(escape(text))))


def _read(path: Path) -> Iterator[Row]:
    for row in read_rows(path):
        if not _TASK_ID.fullmatch(row["task"]):
            raise TicketbenchError(
                f"{path}: row {row['row_id']} names a task {row['task']!r}, which is no task's id."
            )
        yield row


def _listed(name: str, own: Iterable[Board], task: Task | None) -> dict[str, Any]:
    rows = [row for board in own for row in board.rows]
    return {
        "id": name,
        "task": task,
        "address": _address(name),
        "title": task.title if task else "",
        "tier": task.tier if task else "",
        "methods": len({row["method"] for row in rows if row["kind"] == "ticket"}),
        "seeds": len({row["seed"] for row in rows}),
        "rows": len(rows),
    }


def _address(task: str) -> str:
    return f"tasks/{task}.html"
