"""`verify`: compute published rows again, and say whether they come out as they were published."""

import time
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from ticketbench.cli.known import known_methods, known_tasks
from ticketbench.cli.processes import processes_for
from ticketbench.errors import TicketbenchError
from ticketbench.task import TIERS

if TYPE_CHECKING:
    from ticketbench.harness.search import Job
    from ticketbench.report.verify.choosing import Choice
    from ticketbench.report.verify.holding import Held
    from ticketbench.report.verify.preparing import Prepared
    from ticketbench.report.verify.recompute import Told

_HEARTBEAT = 30.0  # seconds without a line before a long search gets one
_STOPPED = 130


@click.command()
@click.argument("results", type=click.Path(path_type=Path))
@click.option("--sample", "count", type=click.IntRange(min=1), help="Recompute so many rows, drawn so that every method has its turn: half with equal chances, half favouring cheap ones. Default: all rows, cheap ones first.")  # fmt: skip # noqa: E501
@click.option("--seed", default=0, show_default=True, help="Of the sample: the same draws the same rows.")
@click.option("--tier", "tiers", type=click.Choice(TIERS), multiple=True, help="Draw the sample from tasks of this tier alone. May be repeated.")  # fmt: skip # noqa: E501
@click.option("--row", "ids", multiple=True, metavar="ID", help="Recompute this row alone: its id, or the first eight hexadecimal digits or more. May be repeated.")  # fmt: skip # noqa: E501
@click.option("--task", "task_files", multiple=True, help="A task of your own that rows are of, a TOML file. May be repeated.")  # fmt: skip # noqa: E501
@click.option("--method", "-m", "selectors", multiple=True, help="A method of your own that rows are of, path.py. May be repeated.")  # fmt: skip # noqa: E501
@click.option("--device", default="auto", show_default=True, help="cpu, cuda, or auto.")
@click.option("--jobs", type=click.IntRange(min=1), help="Processes side by side. Default: one a core; one on a GPU.")
@click.option("--store", type=click.Path(path_type=Path), help="A new or empty folder for checkpoints. Default: a temporary one, removed at the end.")  # fmt: skip # noqa: E501
def verify(
    results: Path,
    count: int | None,
    seed: int,
    tiers: tuple[str, ...],
    ids: tuple[str, ...],
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
    from ticketbench.report.verify.choosing import choose
    from ticketbench.report.verify.preparing import prepare
    from ticketbench.report.verify.sampling import seconds_of
    from ticketbench.report.verify.text import rows_in_words, searches_in_words

    if count and ids:
        raise TicketbenchError("--sample and --row: expected one of them; --row names its rows itself.")
    if tiers and not count:
        raise TicketbenchError("--tier: expected --sample beside it, which is drawn from these tiers.")
    check_store(store)
    device = pick_device(device)
    prepared = prepare(results, known_tasks(task_files), known_methods(selectors), device)
    if prepared.damaged:
        return _tell_damaged(prepared, results)
    within = prepared.of_tiers(tiers) if tiers else prepared
    if tiers and not within.ready:
        raise TicketbenchError(f"--tier {' '.join(tiers)}: {results} has no rows of such a task to compute again.")
    choice = choose(within, count, seed, ids)
    for line in choice.barred:
        click.echo(f"cannot be recomputed here: {line}")
    if not choice.rows:
        for line in () if choice.barred else prepared.barred:
            click.echo(f"cannot be recomputed here: {line}")
        none = rows_in_words(choice.lost or prepared.lost)
        click.echo(f"unverified: none of {none} can be recomputed here as it was published.")
        return 2
    if count and prepared.lost:
        click.echo(
            f"The sample is drawn from {len(prepared.ready)} of {rows_in_words(len(prepared.published.rows))}: "
            f"{prepared.lost} cannot be recomputed here as they were published (without --sample it is said why)."
        )
    if tiers:
        many = rows_in_words(len(within.ready))
        click.echo(f"Of these it is drawn from {many} of tier {' or '.join(tiers)} alone.")
    searches = jobs_for(choice.rows, prepared.here, seconds_of(prepared.ready))
    of = f" of {len(within.ready)}" if len(choice.rows) < len(within.ready) else ""
    sampled = f", sampled with seed {seed}" if of and count else ""
    click.echo(
        f"{results}: nothing in {rows_in_words(len(prepared.published.rows))} contradicts itself. Recomputing "
        f"{len(choice.rows)}{of}{sampled}, by {searches_in_words(len(searches))} from nothing."
    )
    processes = jobs or processes_for(device)
    return _verify(prepared, choice, searches, store, device, processes)


def _verify(
    prepared: "Prepared", choice: "Choice", searches: Sequence["Job"], store: Path | None, device: str, processes: int
) -> int:
    """Compute, tell of every search as it ends, and sum up: also what was done before Ctrl-C or a mistake."""
    from ticketbench.report.verify.recompute import recompute
    from ticketbench.report.verify.text import of_row, rows_in_words, summary

    found = recompute(prepared, searches, choice.alone, store, device, processes, _progress(len(searches)))
    verified, stopped = found.verified, found.stopped
    click.echo("")
    for each in (each for each in verified.held if each.verdict == "parted"):
        click.echo(of_row(each))
    for line in summary(verified):
        click.echo(line)
    if choice.lost:
        were = "it was" if choice.lost == 1 else "they were"
        click.echo(f"unverified: {rows_in_words(choice.lost)} cannot be recomputed here as {were} published.")
    if isinstance(stopped, KeyboardInterrupt):
        click.echo("Stopped before all were recomputed; another call begins from nothing again.", err=True)
        return _STOPPED
    if stopped and verified.verdict != "parted":
        raise stopped
    if stopped:
        click.echo(f"ticketbench: {stopped}", err=True)
    return 1 if verified.verdict == "parted" else 2 if choice.lost else 0


def _progress(total: int) -> "Told":
    """Says what came of the rows of every search that ends."""
    from ticketbench.report.verify.text import of_search

    done, said = 0, time.monotonic()

    def told(job: "Job", held: "Sequence[Held] | None") -> None:
        nonlocal done, said
        if held is None:
            if time.monotonic() - said > _HEARTBEAT:
                said = time.monotonic()
                click.echo(f"[{done}/{total}] {job.task.id} {job.method.called}, seed {job.seed}: under way")
            return
        done, said = done + 1, time.monotonic()
        click.echo(f"[{done}/{total}] {of_search(job, held)}")

    return told


def _tell_damaged(prepared: "Prepared", results: Path) -> int:
    for line in prepared.damaged:
        click.echo(f"damaged: {line}")
    for line in prepared.barred:
        click.echo(f"cannot be recomputed here: {line}")
    many = len(prepared.damaged)
    click.echo(f"damaged: {results}: {many} problem{'' if many == 1 else 's'}; nothing was recomputed.")
    return 2
