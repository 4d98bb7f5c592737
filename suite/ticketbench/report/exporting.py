"""The network behind a row as safetensors: computed again or taken from the store, and held against the row."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

import torch
from safetensors.torch import save_file

from ticketbench.errors import TicketbenchError
from ticketbench.harness.search import run_search
from ticketbench.harness.store import Store
from ticketbench.harness.training import load
from ticketbench.harness.trainings import Trainings
from ticketbench.harness.workloads import Domain, workloads_of
from ticketbench.methods import Method
from ticketbench.methods.state import State, Tensors
from ticketbench.report.printable import plain
from ticketbench.report.submission.rows import row_problems
from ticketbench.report.verify.again import jobs_for
from ticketbench.report.verify.here import look_around, reasons
from ticketbench.results import SCORED, Row, control_of, describe, whole
from ticketbench.task import Task

MASK = "mask/"  # stands before a parameter's name where a tensor is its mask
_HELD = ("status", "kept", "mask_digest", "test_final", "test_correct")
_SAID = (
    *("row_id", "kind", "task", "task_version", "method", "method_params", "found_on", "trained_on", "seed", "rung"),
    *("label", "density", "kept", "prunable", "mask_digest", "metric", "test_final", "numerics", "data_digest"),
)


@dataclass(frozen=True)
class Exported:
    """A written file, and of how many weights it keeps how many."""

    path: Path
    kept: int
    prunable: int


def export(
    row: Row, out: Path, tasks: Mapping[str, Task], methods: Mapping[str, Method], store: Path, device: str
) -> Exported:
    """Write the mask and the final weights of a row to `out`/ROW_ID.safetensors.

    Weights and buffers are the network's own state dict, a tied weight under each of its names, and are exactly zero
    outside the mask; masks are bool, named `mask/` and the parameter. The file's metadata says which row it is.

    Args:
        row: as published, of any kind.
        out: a folder.
        tasks, methods: what is known here, by name.
        store: where checkpoints are looked up, and go. What is there is not trained again.
        device: to compute on what the store lacks.

    Raises `TicketbenchError` where the row has no network, cannot be computed again here, comes out differently, or
    the disk refuses.
    """
    if problems := list(row_problems(row)):
        raise TicketbenchError(f"{_named(row)}: is damaged: {'; '.join(problems)}.")
    if row["status"] not in SCORED:
        why = f": {plain(row['reason'])}" if row["reason"] else ""
        raise TicketbenchError(f"{_named(row)}: has no final weights, it is {row['status']}{why}.")
    workload, state = _scored(row, tasks, methods, store, device)
    tensors = {**_state_dict(workload, state), **{f"{MASK}{name}": mask for name, mask in state.mask.items()}}
    path = out / f"{row['row_id']}.safetensors"
    _write(path, tensors, _metadata(row, tasks[row["task"]]))
    return Exported(path, row["kept"], row["prunable"])


def _scored(
    row: Row, tasks: Mapping[str, Task], methods: Mapping[str, Method], store: Path, device: str
) -> tuple[Domain, State]:
    """What a row scored, by the search it came of, and the workload it is of. Raises as `export` does."""
    here = look_around(tasks, methods, {row["task"]}, device)
    if why := list(reasons(row, here)):
        raise TicketbenchError(f"{_named(row)}: cannot be computed again here: {'; '.join(why)}.")
    (job,) = jobs_for([row], here, {row["row_id"]: 1.0})
    scored: dict[str, tuple[Domain, State]] = {}

    def keep(row_id: str, workload: Domain, state: State) -> None:
        if row_id == row["row_id"]:
            scored[row_id] = workload, state

    workloads = workloads_of(job.task, torch.device(device))
    rows = run_search(job, Trainings(workloads, Store(store), scored=keep))
    again = next((each for each in rows if each["row_id"] == row["row_id"]), None)
    if again is None or row["row_id"] not in scored:
        raise TicketbenchError(f"{_named(row)}: {row['method']} made no such row here.")
    if differing := [_difference(name, row, again) for name in _HELD if row[name] != again[name]]:
        raise TicketbenchError(
            f"{_named(row)}: came out differently here: {'; '.join(differing)}. Its weights are those of the machine "
            "and software that made it, and only such as have the published score are exported."
        )
    return scored[row["row_id"]]


def _state_dict(workload: Domain, state: State) -> Tensors:
    """The state dict of a network in this state. A file has room for a tensor once, so each is a copy of its own."""
    network = workload.fresh_module()
    load(network, replace(state, memory={}))
    return {name: tensor.detach().to("cpu", copy=True) for name, tensor in network.state_dict().items()}


def _difference(name: str, row: Row, again: Row) -> str:
    if name == "test_correct":
        return "other test examples are right"
    if name == "mask_digest" and None not in (row[name], again[name]):
        return f"the mask is another ({row[name][:12]} published, {again[name][:12]} here)"
    return f"{name} {row[name]} published, {again[name]} here"


def _metadata(row: Row, task: Task) -> dict[str, str]:
    """A safetensors header holds texts only."""
    said = {name: str(row[name]) for name in _SAID if row[name] not in (None, "")}
    if control_of(row)[0] != "small-dense":  # which is another network, of its tensors' shapes
        said["network"] = json.dumps(task.network.model_dump(mode="json", exclude_defaults=True))
    return {"format": "pt", "made_by": f"ticketbench {row['suite_version']}", **said}


def _write(path: Path, tensors: Mapping[str, torch.Tensor], metadata: Mapping[str, str]) -> None:
    """Whole or not at all."""
    with whole(path) as temporary:
        save_file({name: tensor.contiguous() for name, tensor in tensors.items()}, temporary, dict(metadata))


def _named(row: Row) -> str:
    return f"row {row['row_id']} ({plain(describe(row))})"
