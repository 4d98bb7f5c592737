"""`run`: make the rows that are missing."""

import os
import shlex
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from ticketbench.cli.processes import processes_for
from ticketbench.errors import TicketbenchError
from ticketbench.extras import install, missing_extras
from ticketbench.paths import default_store
from ticketbench.task import Task, find_tasks

if TYPE_CHECKING:
    from ticketbench.cli.progress import Account
    from ticketbench.harness.plan import Plan
    from ticketbench.methods import Method
    from ticketbench.results import Row

_FIRST_TASK, _FIRST_SEEDS = "digits/mlp", 3


@click.command()
@click.argument("selectors", metavar="[TASK]...", nargs=-1)
@click.option("--method", "-m", "wanted", multiple=True, help="A name, a pattern, path.py or path.py:name; with parameters as in 'name(key=value)'. May be repeated. Default: those tagged core.")  # fmt: skip # noqa: E501
@click.option("--seeds", type=click.IntRange(min=1), help="Seeds 0 to N-1. Default: the task's own number.")
@click.option("--device", default="auto", show_default=True, help="cpu, cuda, or auto.")
@click.option("--jobs", type=click.IntRange(min=1), help="Processes side by side. Default: one a core; one on a GPU, or with --latency.")  # fmt: skip # noqa: E501
@click.option("--results", type=click.Path(path_type=Path), default=Path("results"), show_default=True, help="Where rows go.")  # fmt: skip # noqa: E501
@click.option("--store", type=click.Path(path_type=Path), help="Where checkpoints go. Default: $TICKETBENCH_STORE, or the user's cache folder.")  # fmt: skip # noqa: E501
@click.option("--store-limit", type=click.FloatRange(min=0), default=10.0, show_default=True, help="GiB of checkpoints beyond those kept for good.")  # fmt: skip # noqa: E501
@click.option("--controls", is_flag=True, help="Train every control beside every ticket.")
@click.option("--control", "controlled", multiple=True, help="Train this control: shuffled, reinitialized, random-layer, small-dense or long-dense. May be repeated.")  # fmt: skip # noqa: E501
@click.option("--latency", is_flag=True, help="Measure how long each network takes for a batch of test inputs, in the rows that this run makes; those there already are not made again for it.")  # fmt: skip # noqa: E501
@click.option("--dry-run", is_flag=True, help="Say what would be done and what it would cost.")
def run(
    selectors: tuple[str, ...],
    wanted: tuple[str, ...],
    seeds: int | None,
    device: str,
    jobs: int | None,
    results: Path,
    store: Path | None,
    store_limit: float,
    controls: bool,
    controlled: tuple[str, ...],
    latency: bool,
    dry_run: bool,
) -> int:
    """Find tickets with methods on tasks, score them, and write the rows that are missing.

    TASK is an id, a pattern such as 'mnist/*', or a TOML file; with none, digits/mlp and 3 seeds. What is there
    already is not made again; a run that was stopped goes on where it stopped.
    """
    tasks = _distinct([task for selector in selectors or (_FIRST_TASK,) for task in find_tasks(selector)])
    seeds = _FIRST_SEEDS if seeds is None and not selectors else seeds

    from ticketbench.harness.controls import chosen
    from ticketbench.harness.plan import make_plan
    from ticketbench.results import CONTROLS

    methods = _methods(wanted)
    plan = make_plan(tasks, methods, seeds, results, chosen(tuple(CONTROLS) if controls else controlled))
    if plan.stale:
        click.echo(
            f"{plan.stale} rows were made by another version of their task, game, method or engine: made anew."
        )
    if dry_run:
        _tell(plan, tasks)
        return 0

    from ticketbench.cli.progress import Account, watching
    from ticketbench.harness.runner import run_plan
    from ticketbench.harness.shard import Place, pick_device

    device = pick_device(device)
    processes = jobs or (1 if latency else processes_for(device))
    if latency and processes > 1:
        click.echo("--latency: other processes run beside what is timed; --jobs 1 times it alone.", err=True)
    _make_folder(results)
    place = Place(store or default_store(), int(store_limit * 2**30), device, latency)
    account = Account(plan)
    try:
        with watching(account) as display:
            run_plan(plan, results, place, processes, display)
    except KeyboardInterrupt:
        raise KeyboardInterrupt("Nothing is lost: the same command goes on where it stopped.") from None
    code = _sum_up(account, plan, results, tasks)
    click.echo(f"See the leaderboard: {_leaderboard(results, selectors)}")
    return code


def _methods(wanted: Sequence[str]) -> "list[Method]":
    from ticketbench.methods import find_methods, shipped_methods

    if wanted:
        return find_methods(wanted)
    return [method for method in shipped_methods().values() if "core" in method.tags]


def _make_folder(results: Path) -> None:
    """Before anything is trained for it."""
    try:
        results.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        said = "is a file; results go into a folder" if results.is_file() else f"cannot be made: {error.strerror}"
        raise TicketbenchError(f"--results {results}: {said}.") from None
    if not os.access(results, os.W_OK | os.X_OK):
        raise TicketbenchError(f"--results {results}: cannot be written to.")


def _distinct(tasks: list[Task]) -> list[Task]:
    found: dict[str, Task] = {}
    for task in tasks:
        if found.setdefault(task.id, task).digest != task.digest:
            raise TicketbenchError(f"Two tasks are named {task.id!r}; give yours an id of its own.")
    return list(found.values())


def _tell(plan: "Plan", tasks: Sequence[Task]) -> None:
    """The plan and its cost. What methods train for themselves is up to them; each is asked what it adds."""
    from ticketbench.cli.browse import columns

    rows = []
    for task in tasks:
        for name in dict.fromkeys(shard.method.called for shard in plan.shards if shard.task.id == task.id):
            mine = [s for s in plan.shards if s.task.id == task.id and s.method.called == name]
            scored = sum(shard.rows for shard in mine)
            rows.append((task.id, name, f"{len(mine)} seeds", f"{scored} rows", f"{scored} dense trainings at most"))
    columns(rows)
    click.echo(
        f"{plan.rows} rows to make, {plan.there} there already. Cost: at most {plan.rows} times a dense training, "
        "plus what methods train to search with; what the store has costs nothing."
    )
    if extras := missing_extras(shard.task.data.kind for shard in plan.shards):
        click.echo(f"Packages that this needs are not installed: {install(*extras)}")


def _sum_up(account: "Account", plan: "Plan", results: Path, tasks: Sequence[Task]) -> int:
    """What was done and where it is; 1 where a search failed, now or before."""
    made = ", ".join(f"{number} {status}" for status, number in account.statuses.items())
    there = f", {plan.there} were there already" if plan.there else ""
    click.echo(
        f"{account.rows} rows made{f' ({made})' if made else ''}{there}; {account.ran} trainings run, "
        f"{account.stored} found in the store."
    )
    failures = [*plan.failed, *account.failures]
    for line in _failed(failures):
        click.echo(f"failed: {line}", err=True)
    click.echo(f"Results of {', '.join(task.id for task in tasks)} are in {results}.")
    return 1 if failures else 0


def _leaderboard(results: Path, selectors: Sequence[str]) -> str:
    """The command that shows the rows; only with a task file of one's own does it know what that declares."""
    folder = [] if results == Path("results") else ["--results", str(results)]
    files = [part for each in dict.fromkeys(selectors) if each.endswith(".toml") for part in ("--task", each)]
    return shlex.join(["ticketbench", "leaderboard", *folder, *files, "--open"])


def _failed(rows: "Sequence[Row]") -> list[str]:
    """What failed and why: equal reasons of one method in one line, with the rungs at which they ended it."""
    from ticketbench.harness.search import ended_at
    from ticketbench.results import parameters

    rungs: dict[tuple[str, str], list[str]] = {}
    for row in rows:
        where, why = ended_at(row["reason"])
        at = rungs.setdefault((f"{row['task']} {row['method']}{parameters(row['method_params'])}", why), [])
        if where and where not in at:
            at.append(where)
    return [f"{whose}: {_at(where)}{why}" for (whose, why), where in rungs.items()]


def _at(rungs: Sequence[str]) -> str:
    ordered = sorted(rungs, key=int)
    return f"ended at rung{'s' if len(ordered) > 1 else ''} {', '.join(ordered)}: " if ordered else ""
