"""All of the site that one task makes: its page, its rows as scripts, and its downloads."""

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from threadpoolctl import threadpool_limits

from ticketbench.bibliography import read_bibliography
from ticketbench.paths import shipped
from ticketbench.report.boards.board import Board, boards
from ticketbench.report.boards.headline import Headline
from ticketbench.report.citing import cite_papers, cite_row, cite_suite
from ticketbench.report.origin import names_of, row_command
from ticketbench.report.site.addresses import download, root, task_page
from ticketbench.report.site.csv_tables import csv_ranking, csv_table
from ticketbench.report.site.downloads import alone, figures_of, frontier_alone, variables
from ticketbench.report.site.editions import wanting
from ticketbench.report.site.latex_tables import latex_ranking, latex_table
from ticketbench.report.site.looks import Look
from ticketbench.report.site.method_page import Standing, standings
from ticketbench.report.site.ranking_page import Ranks
from ticketbench.report.site.reading import board_rows, write_task
from ticketbench.report.site.rows_data import Parts, write_parts
from ticketbench.report.site.task_page import parts_of
from ticketbench.report.site.templates import templates
from ticketbench.task import Task

if TYPE_CHECKING:
    from ticketbench.methods import Method

Write = Callable[[str, str], None]
_COMMAND = ("task", "kind", "method", "method_params", "label", "seed")  # what a row's command is made of
Download = tuple[str, str, str]  # what it is of, its name, what kind of file it is


@dataclass(frozen=True)
class Job:
    """A task to make, from result files, in the folder `out`.

    Attributes:
        mixed: those of the files that hold rows of other tasks too.
        looks: those of the whole site.
        own_recipes: by method, whether its file trains with an objective or a recipe of its own.
    """

    task: str
    paths: Sequence[Path]
    mixed: Collection[Path]
    out: Path
    tasks: Mapping[str, Task]
    methods: Mapping[str, "Method"]
    looks: Mapping[str, Look]
    own_recipes: Mapping[str, bool]


@dataclass(frozen=True)
class Made:
    """What the other pages need of a task that was made.

    Attributes:
        listed: its line in the list of tasks.
        versions: of which it has rows.
        standings: what every method scored.
        headlines: how the methods stand on every diagonal board.
        wanting: what keeps it out of a frozen edition.
    """

    task: str
    listed: Mapping[str, Any]
    versions: Sequence[int]
    parts: Parts
    standings: Mapping[str, Sequence[Standing]]
    headlines: Sequence[Headline]
    wanting: Sequence[str]


def make_task(job: Job) -> Made:
    """Make a task's part of the site, and return what the other pages need of it.

    Raises `TicketbenchError` where rows conflict, contradict themselves, or a file is damaged.
    """
    # Small products of matrices: more threads would mostly wait for one another, and give other last digits.
    with threadpool_limits(limits=1):
        return _made(job)


def _made(job: Job) -> Made:
    parquet = job.out / download(job.task, "rows.parquet")
    write_task(job.task, job.paths, job.mixed, parquet)
    found = boards(board_rows(parquet), job.tasks)
    write = writer(job.out)
    task = job.tasks.get(job.task)
    sources = read_bibliography()
    parts = parts_of(found, job.tasks, job.methods, job.looks, sources, job.own_recipes)
    keys = list(dict.fromkeys(key for part in parts for key in part["cites"]))
    listed = listing(job.task, found, task)
    text = templates()(
        "task.html",
        root=root(task_page(job.task)),
        editions=parts,
        sources=[(key, sources.get(key)) for key in keys],
        bibtex=(cite_suite() + cite_papers(keys, sources, job.task)).bibtex,
        downloads=_downloads(job.task, parts, write),
        **listed,
    )
    write(task_page(job.task), text)
    return Made(
        task=job.task,
        listed=listed,
        versions=sorted({board.version for board in found}),
        parts=write_parts(parquet, job.task, write, lambda columns: _added(columns, job.methods)),
        standings=standings(page for part in parts for page in (*part["diagonal"], *part["others"])),
        headlines=[page["headline"] for part in parts for page in part["diagonal"]],
        wanting=wanting(found, task),
    )


def listing(name: str, own: Iterable[Board], task: Task | None) -> dict[str, Any]:
    """A task's line in the list of tasks."""
    own = list(own)
    rows = [row for board in own for row in board.rows]
    return {
        "id": name,
        "task": task,
        "address": task_page(name),
        "title": task.title if task else "",
        "tier": task.tier if task else "",
        "metrics": sorted({board.metric for board in own}),
        "methods": len({row["method"] for row in rows if row["kind"] == "ticket"}),
        "seeds": len({row["seed"] for row in rows}),
        "declared_seeds": task.replicates.seeds if task else 0,
        "rows": len(rows),
    }


def writer(out: Path) -> Write:
    """A function that writes a text at an address in this folder."""

    def write(address: str, text: str) -> None:
        path = out / address
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, "utf-8", newline="\n")

    return write


def _downloads(task: str, parts: Sequence[Mapping[str, Any]], write: Write) -> list[Download]:
    """Write the tables and figures of every board of a page, numbered in its order."""
    colours = variables((shipped("leaderboard") / "style.css").read_text("utf-8"))
    found: list[Download] = [("Every row, with every column", "rows.parquet", "Parquet")]
    pages = [(part, page) for part in parts for page in (*part["diagonal"], *part["others"])]
    for number, (part, page) in enumerate(pages, start=1):
        board: Board = page["board"]
        n = f"-{number}" if len(pages) > 1 else ""
        said = [f"version {board.version}, {board.numerics}"] if len(parts) > 1 else []
        if part["several"]:
            said.append(f"found on {board.found_on}, trained on {board.trained_on}")
        of = f" ({'; '.join(said)})" if said else ""
        write(download(task, f"table{n}.csv"), csv_table(board))
        write(download(task, f"table{n}.tex"), latex_table(board))
        found += [(f"The table{of}", f"table{n}.csv", "CSV"), (f"The table{of}", f"table{n}.tex", "LaTeX")]
        ranks: Ranks = page["ranks"]
        if ranks.groups and ranks.compression is not None:
            write(download(task, f"ranking{n}.csv"), csv_ranking(ranks, board))
            write(download(task, f"ranking{n}.tex"), latex_ranking(ranks, board))
            found += [
                (f"The ranking{of}", f"ranking{n}.csv", "CSV"),
                (f"The ranking{of}", f"ranking{n}.tex", "LaTeX"),
            ]
        if ranks.frontier:
            write(download(task, f"frontier{n}.svg"), frontier_alone(ranks.frontier, colours))
            found.append((f"Figure: cost frontier{of}", f"frontier{n}.svg", "SVG"))
        for name, shows, figure in figures_of(page):
            write(download(task, f"{name}{n}.svg"), alone(figure, colours))
            found.append((f"Figure: {shows}{of}", f"{name}{n}.svg", "SVG"))
    return found


def _added(columns: Mapping[str, Sequence[Any]], methods: Mapping[str, "Method"]) -> dict[str, list[Any]]:
    """What the row page shows beside a row's own columns: the command that makes it, and its BibTeX."""
    rows = [dict(zip(columns, each, strict=True)) for each in zip(*columns.values(), strict=True)]
    names = names_of(methods)
    known: dict[tuple[Any, ...], str] = {}  # rungs and settings of one search have one command
    for row in rows:
        key = tuple(row[name] for name in _COMMAND)
        known[key] = known.get(key) or row_command(row, names)
    commands = [known[tuple(row[name] for name in _COMMAND)] for row in rows]
    return {"command": commands, "bibtex": [cite_row(row).bibtex for row in rows]}
