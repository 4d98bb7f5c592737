"""`verify`: compute published rows again, and say whether they come out as they were published."""

import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from ticketbench.cli.run import cores
from ticketbench.errors import TicketbenchError
from ticketbench.task import Task, find_tasks, load_task, shipped_tasks

if TYPE_CHECKING:
    from ticketbench.harness.search import Job
    from ticketbench.methods import Method
    from ticketbench.report.verify.holding import Held
    from ticketbench.report.verify.preparing import Prepared
    from ticketbench.results import Row

_HEARTBEAT = 30.0  # seconds without a line before a long search gets one
_STOPPED = 130


@click.command()
@click.argument("results", type=click.Path(path_type=Path))
@click.option("--sample", "count", type=click.IntRange(min=1), help="Recompute so many rows, drawn so that cheap ones are likelier and every method has its turn. Default: all rows, cheap ones first.")  # fmt: skip # noqa: E501
@click.option("--seed", default=0, show_default=True, help="Of the sample: the same draws the same rows.")
@click.option("--task", "task_files", multiple=True, help="A task of your own that rows are of, a TOML file. May be repeated.")  # fmt: skip # noqa: E501
@click.option("--method", "-m", "selectors", multiple=True, help="A method of your own that rows are of, path.py. May be repeated.")  # fmt: skip # noqa: E501
@click.option("--device", default="auto", show_default=True, help="cpu, cuda, or auto.")
@click.option("--jobs", type=click.IntRange(min=1), help="Processes side by side. Default: one a core; one on a GPU.")
@click.option("--store", type=click.Path(path_type=Path), help="A new or empty folder for checkpoints. Default: a temporary one, removed at the end.")  # fmt: skip # noqa: E501
def verify(
    results: Path,
    count: int | None,
    seed: int,
    task_files: tuple[str, ...],
    selectors: tuple[str, ...],
    device: str,
    jobs: int | None,
    store: Path | None,
) -> int:
    """Compute the rows of RESULTS, a file or a folder, again from nothing and compare them with what is published.

    Methods are run to do so: verify files only of methods that you trust. Exit code: 0 bit-identical or within
    tolerance, 1 parted, 2 damaged, unreadable, or made by what is not here. See docs/verify.md.
    """
    from ticketbench.harness.shard import pick_device
    from ticketbench.report.verify.again import check_store, jobs_for
    from ticketbench.report.verify.preparing import prepare
    from ticketbench.report.verify.sampling import sample, seconds_of

    check_store(store)
    device = pick_device(device)
    prepared = prepare(results, _tasks(task_files), _methods(selectors), device)
    if prepared.damaged:
        return _tell_damaged(prepared, results)
    for line in prepared.barred:
        click.echo(f"cannot be recomputed here: {line}")
    if not prepared.ready:
        click.echo(f"unverified: none of {prepared.lost} rows can be recomputed here as it was published.")
        return 2
    seconds = seconds_of(prepared.ready)
    rows = sample(prepared.ready, seconds, count, seed) if count else prepared.ready
    searches = jobs_for(rows, prepared.here, seconds)
    of = f" of {len(prepared.ready)}, sampled with seed {seed}" if len(rows) < len(prepared.ready) else ""
    click.echo(
        f"{results}: nothing in {len(prepared.published.rows)} rows contradicts itself. Recomputing {len(rows)}{of}, "
        f"by {len(searches)} searches from nothing."
    )
    processes = jobs or (1 if device.startswith("cuda") else cores())
    return _verify(prepared, searches, store, device, processes)


def _verify(prepared: "Prepared", searches: Sequence["Job"], store: Path | None, device: str, processes: int) -> int:
    """Compute, tell of every search as it ends, and sum up: also what was done before Ctrl-C."""
    from ticketbench.report.verify.again import compute
    from ticketbench.report.verify.text import of_row, summary
    from ticketbench.report.verify.verdict import judge

    held: list[Held] = []
    stopped: KeyboardInterrupt | TicketbenchError | None = None
    try:
        compute(searches, store, device, processes, _progress(prepared, len(searches), held))
    except (KeyboardInterrupt, TicketbenchError) as error:
        stopped = error
    verified = judge(held, prepared.published.rows.values(), prepared.here.tasks)
    click.echo("")
    for each in (each for each in verified.held if each.verdict == "parted"):
        click.echo(of_row(each))
    for line in summary(verified):
        click.echo(line)
    if prepared.lost:
        click.echo(f"unverified: {prepared.lost} rows cannot be recomputed here as they were published.")
    if isinstance(stopped, TicketbenchError):
        raise stopped
    if stopped:
        click.echo("Stopped before all were recomputed; another call begins from nothing again.", err=True)
        return _STOPPED
    return 1 if verified.verdict == "parted" else 2 if prepared.lost else 0


def _progress(prepared: "Prepared", total: int, held: list["Held"]) -> "Callable[[Job, list[Row] | None], None]":
    """Holds the rows of every search that ends, and says what came of them."""
    from ticketbench.report.verify.holding import hold
    from ticketbench.report.verify.text import of_search

    published = {row["row_id"]: row for row in prepared.ready}
    done, said = 0, time.monotonic()

    def told(job: "Job", rows: "list[Row] | None") -> None:
        nonlocal done, said
        if rows is None:
            if time.monotonic() - said > _HEARTBEAT:
                said = time.monotonic()
                click.echo(f"[{done}/{total}] {job.task.id} {job.method.name}, seed {job.seed}: under way")
            return
        made = {row["row_id"]: row for row in rows}
        wanted = [*job.enough, *(row_id for row_id in made if row_id in published and row_id not in job.enough)]
        exact = job.method.density == "exact"
        mine = [hold(published[row_id], made.get(row_id), exact) for row_id in wanted]
        held.extend(sorted(mine, key=lambda each: each.published["rung"]))
        done, said = done + 1, time.monotonic()
        click.echo(f"[{done}/{total}] {of_search(job, mine)}")

    return told


def _tell_damaged(prepared: "Prepared", results: Path) -> int:
    for line in prepared.damaged:
        click.echo(f"damaged: {line}")
    for line in prepared.barred:
        click.echo(f"cannot be recomputed here: {line}")
    click.echo(f"damaged: {results}: {len(prepared.damaged)} problems; nothing was recomputed.")
    return 2


def _tasks(files: Sequence[str]) -> Mapping[str, Task]:
    """The tasks that come with ticketbench, by id, and those of these files, which go before."""
    found = {name: load_task(path) for name, path in shipped_tasks().items()}
    return found | {task.id: task for file in files for task in find_tasks(file)}


def _methods(selectors: Sequence[str]) -> "Mapping[str, Method]":
    """The methods that have a name here, and those of these files, which go before."""
    from ticketbench.methods import find_methods
    from ticketbench.methods.loading import installed_methods

    for selector in selectors:
        if "(" in selector.rpartition(".py")[2]:
            raise TicketbenchError(f"--method {selector}: expected a file; parameters are those of the rows.")
    return installed_methods() | {method.name: method for method in find_methods(selectors)}
