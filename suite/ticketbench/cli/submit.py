"""`submit`: a method's file, its rows and a manifest in one folder; and the check of such a folder, as data."""

import shlex
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from ticketbench.cli.run import run
from ticketbench.errors import TicketbenchError
from ticketbench.task import TIERS, Task, find_tasks, load_task, shipped_tasks

if TYPE_CHECKING:
    from ticketbench.methods import Method
    from ticketbench.report.submission.check import Findings
    from ticketbench.results import Row


@click.command()
@click.argument("selector", metavar="[METHOD]", required=False)
@click.option("--check", "checked", type=click.Path(path_type=Path), metavar="FOLDER", help="Check a submission, or the manifest of one in a checkout, as data: nothing of it is run. Exit code: 0 valid, 1 problems, 2 unreadable.")  # fmt: skip # noqa: E501
@click.option("--tier", "tiers", type=click.Choice(TIERS), multiple=True, help="Run all tasks of this tier. May be repeated. Default, if no --task is given: smoke.")  # fmt: skip # noqa: E501
@click.option("--task", "selectors", multiple=True, help="Run this task, an id or a pattern. May be repeated.")
@click.option("--seeds", type=click.IntRange(min=1), help="Seeds 0 to N-1. Default: the task's own number.")
@click.option("--compare", "-c", "compared", multiple=True, help="Run this method beside it, for the report. May be repeated. What is in --results already is compared with in any case.")  # fmt: skip # noqa: E501
@click.option("--author", "authors", multiple=True, help="A name. May be repeated.")
@click.option("--paper", help="none, 'TITLE, https://...', 'TITLE, arXiv:1803.03635', or a .bib file.")
@click.option("--licence", help="SPDX id of the method file's licence, such as Apache-2.0 or MIT.")
@click.option("--extra-data", help="none, or what was used beyond a task's training split.")
@click.option("--tuning", help="none, or as in '12 on digits/mlp, digits/conv by validation'.")
@click.option("--out", type=click.Path(path_type=Path), help="Where the submission goes. Default: submission/NAME.")
@click.option("--results", type=click.Path(path_type=Path), default=Path("results"), show_default=True, help="Where rows are made, and what the report compares with.")  # fmt: skip # noqa: E501
@click.option("--report", type=click.Path(path_type=Path), help="With --check: write the report there.")
@click.option("--device", default="auto", show_default=True, help="cpu, cuda, or auto.")
@click.option("--jobs", type=click.IntRange(min=1), help="Processes side by side. Default: one a core; one on a GPU.")
@click.option("--store", type=click.Path(path_type=Path), help="Where checkpoints go, as for run.")
@click.pass_context
def submit(
    context: click.Context,
    /,
    selector: str | None,
    checked: Path | None,
    tiers: tuple[str, ...],
    selectors: tuple[str, ...],
    seeds: int | None,
    compared: tuple[str, ...],
    out: Path | None,
    results: Path,
    report: Path | None,
    device: str,
    jobs: int | None,
    store: Path | None,
    **fields: Any,
) -> int:
    """Run METHOD, a Python file, and make the folder that is submitted: the file, its rows, a manifest, a report.

    The folder is laid out as the repository is: copy its baselines/ and results/ into a checkout and open a pull
    request. What the manifest has to say is asked for before anything is run; rows that are there are not made again.
    """
    if (checked is None) == (selector is None):
        raise TicketbenchError(
            "Say either the method's file, as in `ticketbench submit my_method.py`, or --check FOLDER."
        )
    if report is not None and checked is None:
        raise TicketbenchError("--report goes with --check; the report of a new submission lies in its folder.")
    if checked is not None:
        return _check(checked, results, report)
    methods, source = _methods(str(selector))
    from ticketbench.report.submission.declared import declared, from_options
    from ticketbench.report.submission.folder import manifest_place, method_place
    from ticketbench.report.submission.pack import check_place

    method_place(source.name)
    out = out or Path("submission") / source.stem
    tasks = _tasks(tiers or (() if selectors else ("smoke",)), selectors)
    said = declared(from_options(**fields), check_place(out, source.name), str(out / manifest_place(source.name)))
    _conform(methods, str(selector))
    failed = context.invoke(
        run, selectors=tuple(task.id for task in tasks), wanted=(str(selector), *compared), seeds=seeds,
        device=device, jobs=jobs, results=results, store=store,
    )  # fmt: skip
    return _pack(out, source, said, tasks, methods, seeds, results) or failed


def _conform(methods: Iterable["Method"], selector: str) -> None:
    """Raises `TicketbenchError` where a method fails the conformance suite: before hours are spent on it."""
    from ticketbench.testing import examine

    for method in methods:
        found = [(name.replace("_", " "), finding) for name, finding in examine(method)]
        if failed := [f"  {name}: {finding.seen}" for name, finding in found if finding.status == "failed"]:
            told = "\n".join(failed)
            raise TicketbenchError(
                f"{method.name} fails {len(failed)} of {len(found)} checks; nothing was run.\n{told}\n"
                f"`ticketbench check {shlex.quote(selector)}` says what was expected and what to change."
            )
        worth = sum(finding.status == "warning" for _, finding in found)
        said = f", {worth} warnings: see `ticketbench check {shlex.quote(selector)}`" if worth else ""
        click.echo(f"{method.name} passes the conformance checks{said}.")


def _pack(
    out: Path,
    source: Path,
    said: Any,
    tasks: Sequence[Task],
    methods: Iterable["Method"],
    seeds: int | None,
    results: Path,
) -> int:
    """Write the folder, check it as everyone will, and tell what it says and what is next."""
    from ticketbench.report.submission.check import check_submission
    from ticketbench.report.submission.folder import REPORT
    from ticketbench.report.submission.pack import collect, write_submission
    from ticketbench.report.submission.text import report_text

    ran = {task.id: (task, range(seeds if seeds is not None else task.replicates.seeds)) for task in tasks}
    rows = [
        row for method in methods for task, which in ran.values() for row in collect(results, task, method, which)
    ]
    write_submission(out, source, said, ran, rows)
    found = check_submission(out)
    _write(out / REPORT, report_text(found, _published(results)))
    click.echo("")
    code = _tell(found)
    click.echo(f"The submission is in {out}; what it says is in {out / REPORT}.")
    if code == 0:
        click.echo(
            f"Next, in a checkout of ticketbench: cp -r {out}/baselines {out}/results . and open a pull request."
        )
    return code


def _check(folder: Path, results: Path, report: Path | None) -> int:
    from ticketbench.report.submission.check import check_submission
    from ticketbench.report.submission.text import report_text

    found = check_submission(folder)
    if report is not None:
        _write(report, report_text(found, _published(results)))
    return _tell(found)


def _tell(found: "Findings") -> int:
    for problem in found.problems:
        click.echo(f"problem: {problem}")
    for note in found.notes:
        click.echo(f"note: {note}")
    counts = ", ".join(f"{count} {status}" for status, count in sorted(found.statuses.items()))
    rows = f"{sum(found.statuses.values())} rows ({counts})" if counts else "no rows"
    verdict = "not valid" if found.problems else "valid"
    click.echo(f"{verdict}: {rows}; problems: {len(found.problems)}, notes for a reader: {len(found.notes)}.")
    return 1 if found.problems else 0


def _methods(selector: str) -> tuple[list["Method"], Path]:
    """The methods of the file that is submitted, and the file."""
    from ticketbench.methods import find_methods, parse_selector

    if parse_selector(selector).file is None:
        raise TicketbenchError(f"{selector}: expected a method's file, as in `ticketbench submit my_method.py`.")
    from ticketbench.report.submission.declaration import read_declaration
    from ticketbench.report.submission.shipped import taken

    methods = find_methods([selector])
    (source,) = {method.source for method in methods}
    assert source is not None
    if problems := read_declaration(source.read_bytes()).problems:
        listed = "".join(f"\n  {problem}" for problem in problems)
        raise TicketbenchError(f"{source}: cannot be submitted as it is; nothing was run.{listed}")
    for method in methods:
        if taken(method.name, source.name):
            raise TicketbenchError(
                f"{source}: a method named {method.name!r} comes with ticketbench; name yours otherwise."
            )
    return methods, source


def _tasks(tiers: Sequence[str], selectors: Sequence[str]) -> list[Task]:
    """The tasks asked for, each once, in the order of their ids. Only those that come with ticketbench."""
    found = {name: task for name, path in shipped_tasks().items() if (task := load_task(path)).tier in tiers}
    for selector in selectors:
        if selector.endswith(".toml"):
            raise TicketbenchError(
                f"--task {selector}: a submission is of tasks that come with ticketbench, which others can run too; "
                "propose the task first, or run it with `ticketbench run`."
            )
        found |= {task.id: task for task in find_tasks(selector)}
    if not found:
        raise TicketbenchError(f"No task is of tier {', '.join(tiers)}. `ticketbench tasks` lists them.")
    return [found[name] for name in sorted(found)]


def _published(results: Path) -> list["Row"]:
    """The rows below a folder, which need not be there."""
    from ticketbench.results import read_rows, result_files

    return [row for path in result_files(results) for row in read_rows(path)] if results.is_dir() else []


def _write(path: Path, text: str) -> None:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, "utf-8")
    except OSError as error:
        raise TicketbenchError(f"{path}: cannot be written: {error.strerror}.") from None
