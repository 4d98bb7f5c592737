"""Whether a row can be computed again here as it was published: task, method, engine and data are the same."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import torch

from ticketbench.errors import TicketbenchError
from ticketbench.harness.bench import undisturbed
from ticketbench.harness.rows import parameters_text
from ticketbench.harness.search import DENSE_METHOD, Job
from ticketbench.harness.training import ENGINE_VERSION
from ticketbench.harness.training.determinism import NUMERICS
from ticketbench.harness.workloads import workloads_of
from ticketbench.methods import Method
from ticketbench.networks import source_digest
from ticketbench.report.printable import plain
from ticketbench.report.verify.shapes import Shape, shape_of
from ticketbench.results import CONTROLS, DENSE, Row, control_of
from ticketbench.task import Task

_SHOWN = 12  # hexadecimal digits of a digest


@dataclass(frozen=True)
class Here:
    """What rows are made of here: tasks and methods by name, and of each task and setting the digest of its data and
    the shape of its network.

    `missing` says of a task why its data or network cannot be had.
    """

    tasks: Mapping[str, Task]
    methods: Mapping[str, Method]
    data: Mapping[str, Mapping[str, str]]
    shapes: Mapping[str, Mapping[str, Shape]]
    missing: Mapping[str, str]

    def method(self, row: Row) -> Method | None:
        """The method of a row, without its parameters; None for one that is not known here."""
        return DENSE_METHOD if row["method"] == DENSE else self.methods.get(row["method"])


def look_around(tasks: Mapping[str, Task], methods: Mapping[str, Method], wanted: set[str], device: str) -> Here:
    """What there is here for the tasks that are wanted, their data loaded for its digest."""
    data: dict[str, dict[str, str]] = {}
    shapes: dict[str, dict[str, Shape]] = {}
    missing: dict[str, str] = {}
    for name in sorted(wanted & set(tasks)):
        try:
            with undisturbed():
                found = workloads_of(tasks[name], torch.device(device))
                shapes[name] = {setting: shape_of(tasks[name], workload) for setting, workload in found.items()}
            data[name] = {setting: workload.data_digest for setting, workload in found.items()}
        except TicketbenchError as error:
            missing[name] = str(error).rstrip(".")
    return Here(tasks, methods, data, shapes, missing)


def reasons(row: Row, here: Here) -> Iterator[str]:
    """Why a row cannot be computed again here as it was published; nothing where it can."""
    task, method = here.tasks.get(row["task"]), here.method(row)
    if task is None:
        yield f"task {plain(row['task'])} is not known here (--task FILE.toml names one of your own)"
    else:
        yield from _of_the_task(row, task, here)
    if method is None:
        yield f"method {plain(row['method'])} is not known here (--method FILE.py names one of your own)"
    else:
        if row["method_digest"] != method.digest:
            name = method.source.name if method.source else DENSE
            yield f"method_digest: {_digests(row['method_digest'], method.digest)}, that of {name}"
        else:
            yield from _of_the_parameters(row, method)
    if task is not None and method is not None and row["rung"] not in _rungs(row["kind"], task, method):
        yield f"rung: {row['rung']} is none of the task's that a row of its kind has"
    for column, value in (("engine_version", ENGINE_VERSION), ("numerics", NUMERICS)):
        if row[column] != value:
            yield f"{column}: {plain(row[column])} published, {value} here"
    if row["kind"] == "control" and control_of(row)[0] not in CONTROLS:
        yield f"label: there is no control {plain(row['label'])}"


def _of_the_task(row: Row, task: Task, here: Here) -> Iterator[str]:
    if row["task_version"] != task.version:
        yield f"task_version: {row['task_version']} published, {task.version} here"
    elif row["task_digest"] != task.digest:
        yield f"task_digest: {_digests(row['task_digest'], task.digest)}"
    if strange := [name for name in ("found_on", "trained_on") if row[name] not in task.setting_names]:
        yield f"{' and '.join(strange)}: no setting of the task"
    if why := here.missing.get(task.id):
        yield f"what {task.id} needs is not here: {plain(why, 500)}"
        return
    digest = here.data[task.id].get(row["trained_on"])
    if digest is not None and row["data_digest"] != digest:
        yield f"data_digest: {_digests(row['data_digest'], digest)}"
    source = source_digest(task.network) or None
    if row["network_digest"] != source:
        yield f"network_digest: {_digests(row['network_digest'], source)}"


def _rungs(kind: str, task: Task, method: Method) -> range:
    """The rungs that rows of a kind have: a method that is run once a rung probes there, any other at rung 0."""
    if kind == DENSE or (kind == "probe" and not method.per_rung):
        return range(1)
    return range(1, task.ladder.rounds + 1)


def _of_the_parameters(row: Row, method: Method) -> Iterator[str]:
    try:
        again = parameters_text(method.with_parameters(**json.loads(row["method_params"])))
    except (TicketbenchError, ValueError, TypeError, RecursionError) as error:
        yield f"method_params: {plain(str(error).rstrip('.'))}"
        return
    if again != row["method_params"]:
        yield f"method_params: {plain(row['method_params'])} would be published as {again}"


def job_of(row: Row, here: Here) -> Job:
    """The search that a row comes of, for a row that can be computed again here; without what is enough of it."""
    method = here.method(row)
    assert method is not None
    given: dict[str, Any] = json.loads(row["method_params"])
    method = method.with_parameters(**given) if given else method
    rung = row["rung"] if method.per_rung else None
    return Job(here.tasks[row["task"]], method, row["found_on"], row["seed"], rung)


def _digests(published: Any, here: str | None) -> str:
    return f"{plain(published, _SHOWN)} published, {plain(here, _SHOWN)} here"
