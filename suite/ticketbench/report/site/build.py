"""Results into a static site: pages that open from a file, need no network, and read without scripts."""

import shutil
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from multiprocessing import get_context
from pathlib import Path
from tempfile import mkdtemp
from typing import TYPE_CHECKING, Any

from ticketbench.bibliography import read_bibliography
from ticketbench.errors import TicketbenchError
from ticketbench.paths import shipped
from ticketbench.report.boards.board import Series
from ticketbench.report.boards.task_sets import read_sets
from ticketbench.report.site import charts, library
from ticketbench.report.site.addresses import EDITIONS, ROW_PAGE, method_page, overview_file, root
from ticketbench.report.site.csv_tables import csv_overview
from ticketbench.report.site.editions import Edition, freeze, listed, may_be_frozen, past_editions, refuse
from ticketbench.report.site.families import OTHERS, family_of
from ticketbench.report.site.figures import series_name
from ticketbench.report.site.latex_tables import latex_overview
from ticketbench.report.site.looks import Look, looks
from ticketbench.report.site.method_page import Standing
from ticketbench.report.site.method_page import method_page as said_of
from ticketbench.report.site.one_task import Job, Made, make_task, writer
from ticketbench.report.site.overview import set_pages
from ticketbench.report.site.placing import put_in_place
from ticketbench.report.site.reading import Found, find_results
from ticketbench.report.site.row_page import row_page
from ticketbench.report.site.rows_data import id_scripts
from ticketbench.report.site.templates import Render, templates
from ticketbench.results import DENSE
from ticketbench.task import Task

if TYPE_CHECKING:
    from ticketbench.methods import Method

_ASSETS = ("style.css", "view.js", "tables.js", "page.js", "row.js")


def build_site(
    results: Sequence[Path],
    out: Path,
    tasks: Mapping[str, Task],
    methods: Mapping[str, "Method"] | None = None,
    *,
    jobs: int = 1,
    edition: str = "",
    own_recipes: Mapping[str, bool] | None = None,
) -> Path:
    """Write the leaderboard of all results below some folders, and return its first page.

    Equal results give equal bytes: nothing here reads the clock or the machine. A build that fails leaves what was
    there. Frozen editions that `out` holds stay as they are, and are listed.

    Args:
        results: folders with result files; rows of one id that agree are shown once.
        out: the folder to write. What an earlier build wrote there is overwritten, or removed where this one makes
            it no longer; anything else stays.
        tasks: by id: titles, chance values, recipes and references. A task that is not here is shown from its rows.
        methods: by name: titles, citations, sources and which come with ticketbench.
        jobs: how many processes make tasks at the same time.
        own_recipes: by method, whether its file trains with an objective or a recipe of its own, whose tickets a
            ranking keeps apart; a method that is not there has a file that nobody has read.
        edition: the name of an edition to freeze: the site is kept a second time, for good.

    Raises `TicketbenchError` where there are no results, a file is damaged or no result file, rows of one id
    conflict, an edition is damaged or may not be frozen, or `out` cannot be written.
    """
    past = past_editions(out)
    if edition:
        may_be_frozen(edition, out)
    found = find_results(results)
    staging = None
    waiting = out / EDITIONS / f".{edition}"
    try:
        out.mkdir(parents=True, exist_ok=True)
        staging = Path(mkdtemp(prefix=".building-", dir=out))
        site = staging / "site"
        site.mkdir()
        _make(found, site, tasks, methods or {}, own_recipes or {}, jobs, past, edition)
        if edition:
            waiting.parent.mkdir(exist_ok=True)
            shutil.rmtree(waiting, ignore_errors=True)  # of a build that was killed
            (staging / EDITIONS).rename(waiting)
        put_in_place(site, out)
        if edition:
            waiting.rename(waiting.with_name(edition))
    except OSError as error:
        raise TicketbenchError(f"{out}: the site cannot be written: {error.strerror or error}.") from None
    finally:
        if staging:
            shutil.rmtree(staging, ignore_errors=True)
        if edition:
            shutil.rmtree(waiting, ignore_errors=True)
    return out / "index.html"


def _make(
    found: Found,
    site: Path,
    tasks: Mapping[str, Task],
    methods: Mapping[str, "Method"],
    own_recipes: Mapping[str, bool],
    jobs: int,
    past: Sequence[Edition],
    edition: str,
) -> None:
    """The whole site in a folder of its own; an edition, if one is to be frozen, in `EDITIONS` beside it."""
    look = _looks(found, methods)
    work = [
        Job(task, paths, found.mixed, site, tasks, methods, look, own_recipes) for task, paths in found.files.items()
    ]
    made = _all_made(work, jobs)
    if edition:
        refuse([said for each in made for said in each.wanting])
    write = writer(site)
    for address, text in _shared(made, tasks, methods, look):
        write(address, text)
    frozen = [{"id": each.task, "versions": list(each.versions), "rows": each.listed["rows"]} for each in made]
    every = [freeze(edition, site, site.parent / EDITIONS, frozen), *past] if edition else list(past)
    every.sort(key=lambda each: each.name, reverse=True)
    write("editions.html", templates()("editions.html", root="", editions=every))
    for path in sorted(site.rglob("*.html")):
        address = path.relative_to(site).as_posix()
        write(address, listed(path.read_text("utf-8"), address, [each.name for each in every]))


def _all_made(work: Sequence[Job], jobs: int) -> list[Made]:
    """Every task made, in the order given. The largest begin first, so that none is left over for one process."""
    if jobs <= 1 or len(work) == 1:
        return [make_task(job) for job in work]
    ordered = sorted(work, key=lambda job: -sum(path.stat().st_size for path in job.paths))
    try:
        with ProcessPoolExecutor(min(jobs, len(work)), mp_context=get_context("spawn")) as pool:
            made = {each.task: each for each in pool.map(make_task, ordered)}
    except BrokenProcessPool:
        raise TicketbenchError(
            "A process that made pages was ended from outside, for want of memory perhaps: `--jobs 1` needs least."
        ) from None
    return [made[job.task] for job in work]


def _looks(found: Found, methods: Mapping[str, "Method"]) -> dict[str, Look]:
    """How every series of the site is drawn, the same on all pages."""
    named = [
        Series(method, params, label, "", False, (), {}, ())
        for kind, method, params, label in sorted(found.series)
        if kind == "ticket"
    ]
    return looks({series_name(each): family_of(each, methods) for each in named})


def _shared(
    made: Sequence[Made], tasks: Mapping[str, Task], methods: Mapping[str, "Method"], look: Mapping[str, Look]
) -> Iterator[tuple[str, str]]:
    """The pages that belong to no task, and what all pages load: addresses and texts."""
    render = templates()
    folder = shipped("leaderboard")
    for name in _ASSETS:
        yield f"assets/{name}", (folder / name).read_text("utf-8")
    yield "assets/vega.js", charts.script()
    for name, text in library.assets():
        yield f"assets/{name}", text
    yield from id_scripts({each.task: each.parts for each in made})
    yield ROW_PAGE, render("row.html", root="", **row_page(made, tasks, methods))
    yield from _methods(made, methods, render)
    listings = [each.listed for each in made]
    with_rows = {each.task for each in made}
    waiting = [task for name, task in sorted(tasks.items()) if name not in with_rows]
    headlines = [headline for each in made for headline in each.headlines]
    sets = set_pages(read_sets(folder / "sets.toml"), headlines, methods, look)
    for each in sets:
        if each.groups:
            yield overview_file(each.tasks.name, each.tasks.version, "csv"), csv_overview(each)
            yield overview_file(each.tasks.name, each.tasks.version, "tex"), latex_overview(each)
    yield "index.html", render("index.html", root="", tasks=listings, waiting=waiting, sets=sets)


def _methods(made: Sequence[Made], methods: Mapping[str, "Method"], render: Render) -> Iterator[tuple[str, str]]:
    """A page for each method that is known or has rows, and the list of them."""
    found: dict[str, list[Standing]] = {}
    for each in made:
        for name, own in each.standings.items():
            found.setdefault(name, []).extend(own)
    titles = {each.task: each.listed["title"] for each in made}
    sources = read_bibliography()
    names = sorted(({*found, *methods} | {each for one in made for each, _ in one.parts.cells}) - {DENSE})
    for name in names:
        address = method_page(name)
        said = said_of(name, methods.get(name), found.get(name, []), titles, sources)
        yield address, render("method.html", root=root(address), **said)
    families: dict[str, list[dict[str, Any]]] = {}
    for name in names:
        method = methods.get(name)
        family = (method.family if method else "") or OTHERS
        results = len({each.task for each in found.get(name, [])})
        line = {"name": name, "title": method.title if method else "", "tasks": results}
        families.setdefault(family, []).append(line | {"address": method_page(name)})
    yield "methods.html", render("methods.html", root="", families=sorted(families.items()))
