"""What there is to do: the searches whose rows are missing or stale, in shards of one seed and method."""

from collections.abc import Sequence, Set
from dataclasses import dataclass, replace
from pathlib import Path

from ticketbench.errors import TicketbenchError
from ticketbench.extras import missing_extras
from ticketbench.harness.controls import control_settings
from ticketbench.harness.rows import parameters_text
from ticketbench.harness.search import DENSE_METHOD, Job
from ticketbench.harness.training import ENGINE_VERSION
from ticketbench.harness.training.determinism import NUMERICS
from ticketbench.harness.workloads.environments import own_game
from ticketbench.methods import Method
from ticketbench.networks import source_digest
from ticketbench.results import CONTROLS, DENSE, Row, control_label, control_of, read_rows, result_file
from ticketbench.task import Environment, Task


@dataclass(frozen=True)
class Shard:
    """What one process does in one go: the searches of one method with one seed."""

    task: Task
    method: Method
    seed: int
    jobs: tuple[Job, ...]

    @property
    def dense(self) -> bool:
        """Whether it is the dense network, for which the methods of its seed wait."""
        return self.method.name == DENSE

    @property
    def rows(self) -> int:
        """How many rows are still to come, if no method yields several tickets a rung."""
        if self.dense:
            return len(self.jobs)
        return sum((1 if job.rung is not None else self.task.ladder.rounds) * len(_cells(job)) for job in self.jobs)


@dataclass(frozen=True)
class Plan:
    """Shards in the order they are begun, dense networks first.

    `there` counts rows that need no work; `failed` are those of them that say so, and are not tried again. `stale`
    counts rows that another version of task, method or engine made, and that will be replaced.
    """

    shards: tuple[Shard, ...]
    there: int
    failed: tuple[Row, ...] = ()
    stale: int = 0

    @property
    def rows(self) -> int:
        """How many rows are still to come."""
        return sum(shard.rows for shard in self.shards)


def make_plan(
    tasks: Sequence[Task],
    methods: Sequence[Method],
    seeds: int | None,
    results: Path,
    controls: tuple[str, ...] = (),
) -> Plan:
    """What is missing from the results for these tasks and methods; `seeds` None takes each task's own number.

    Raises `TicketbenchError` where a result file cannot be read, or a row cannot hold a method's parameters.
    """
    for method in methods:
        parameters_text(method)
    shards: list[Shard] = []
    there = 0
    failed: list[Row] = []
    stale = 0
    for wave in ([DENSE_METHOD], methods):
        for task in tasks:
            for method in wave:
                rows = _rows(results, task, method.name)
                old = {row["row_id"] for row in rows if not _current(row, task, method.digest)}
                for seed in range(seeds if seeds is not None else task.replicates.seeds):
                    jobs = []
                    for job in _jobs(task, method, seed):
                        mine = [row for row in rows if _belongs(row, job)]
                        job = _with_controls(job, controls, mine)
                        if _finished(job, mine, old):
                            there += len(mine)
                            failed += [row for row in mine if row["status"] == "failed"]
                        else:
                            jobs.append(replace(job, replaces=frozenset(row["row_id"] for row in mine)))
                            stale += sum(row["row_id"] in old for row in mine)
                    if jobs:
                        shards.append(Shard(task, method, seed, tuple(jobs)))
    return Plan(tuple(shards), there, tuple(failed), stale)


def _jobs(task: Task, method: Method, seed: int) -> list[Job]:
    rungs = range(1, task.ladder.rounds + 1) if method.per_rung else (None,)
    return [Job(task, method, setting, seed, rung) for setting in task.setting_names for rung in rungs]


def _with_controls(job: Job, asked: tuple[str, ...], rows: list[Row]) -> Job:
    """The job with the controls asked for, and those that its rows have: a new one takes the place of no other."""
    if job.method.name == DENSE:
        return job
    there = {control_of(row)[0] for row in rows}
    return replace(job, controls=tuple(name for name in CONTROLS if name in asked or name in there))


def _cells(job: Job) -> list[tuple[str, str]]:
    """The setting trained on, and the label of the control or none, of every row that a ticket of the job gets."""
    tickets = [(setting, "") for setting in job.task.setting_names]
    return tickets + [(s, name) for name in job.controls for s in control_settings(name, job.task, job.found_on)]


def _rows(results: Path, task: Task, method: str) -> list[Row]:
    path = result_file(results, task.id, method)
    found = read_rows(path) if path.exists() else []
    return [row for row in found if row["task_version"] == task.version]


def _current(row: Row, task: Task, method_digest: str) -> bool:
    return bool(
        row["task_digest"] == task.digest
        and row["method_digest"] == method_digest
        and row["network_digest"] == (source_digest(task.network) or None)
        and row["engine_version"] == ENGINE_VERSION
        and row["numerics"] == NUMERICS
        and _same_game(row, task)
    )


def _same_game(row: Row, task: Task) -> bool:
    """Whether a game of one's own is still the one that the row is of; that of a package is as of any version."""
    data = task.in_setting(row["trained_on"]).data
    if not isinstance(data, Environment) or missing_extras([data.kind]):
        return True
    try:
        return own_game(data) in (None, row["data_digest"])
    except TicketbenchError:  # it cannot be made here, which matters once it has to be played
        return True


def _belongs(row: Row, job: Job) -> bool:
    return (
        row["seed"] == job.seed
        and row["found_on"] == job.found_on
        and row["method_params"] == parameters_text(job.method)
        and (job.rung is None or row["rung"] == job.rung)
    )


def _finished(job: Job, rows: list[Row], old: Set[str]) -> bool:
    """A search's rows appear together, so it is finished where every rung and setting has a row, none of them old."""
    if any(row["row_id"] in old for row in rows):
        return False
    if job.method.name == DENSE:
        return bool(rows)
    scored = {(row["rung"], row["trained_on"]) for row in rows if row["kind"] == "ticket"}
    rungs = range(1, job.task.ladder.rounds + 1) if job.rung is None else (job.rung,)
    whole = all((rung, setting) in scored for rung in rungs for setting in job.task.setting_names)
    return whole and all(_has_controls(job, ticket, rows) for ticket in rows)


def _has_controls(job: Job, ticket: Row, rows: list[Row]) -> bool:
    """Whether every control that the job asks for stands beside a ticket that was trained."""
    if ticket["kind"] != "ticket" or ticket["start_step"] is None:
        return True
    controls = [row for row in rows if row["kind"] == "control" and row["rung"] == ticket["rung"]]
    beside = {(row["trained_on"], row["label"]) for row in controls}
    asked = [(setting, control_label(name, ticket["label"])) for setting, name in _cells(job) if name]
    return all(each in beside for each in asked)
