"""From a scored ticket to a row."""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass

from ticketbench.errors import TicketbenchError
from ticketbench.harness.charges import Charge
from ticketbench.harness.provenance import code, now, packages
from ticketbench.harness.store import Measured
from ticketbench.harness.training import ENGINE_VERSION
from ticketbench.harness.training.determinism import NUMERICS, device_kind
from ticketbench.harness.trainings import Training, Trainings
from ticketbench.harness.workloads import Domain
from ticketbench.ladder import Rung
from ticketbench.masks import Mask, count, count_per_layer
from ticketbench.methods import Checkpoint, Method
from ticketbench.methods.state import State, Tensors, mask_digest
from ticketbench.networks import source_digest
from ticketbench.results import SCHEMA, Row, row_id
from ticketbench.task import SGD, AnyOptimizer, Task


@dataclass(frozen=True)
class Identity:
    """Whose row it is: everything in the key but the kind, the setting trained on, the rung and the label."""

    task: Task
    method: str
    method_params: str
    method_digest: str
    found_on: str
    seed: int


def parameters_text(method: Method) -> str:
    """A method's parameters, where not at their defaults, as canonical JSON: as they stand in a row.

    Raises `TicketbenchError` for what JSON does not hold: its text might differ from run to run, and with it the row.
    """
    try:
        return json.dumps(method.given, sort_keys=True, separators=(",", ":"), allow_nan=False)
    except (TypeError, ValueError):
        given = ", ".join(f"{name}={value!r}" for name, value in method.parameters.items())
        raise TicketbenchError(
            f"method {method.name!r}: parameters are finite numbers, texts, truths, None, and lists and dicts of "
            f"these; got {given}."
        ) from None


def blank_row(
    identity: Identity, kind: str, trained_on: str, rung: int, label: str, workload: Domain, status: str, reason: str
) -> Row:
    """A row that says what was asked and of what became of it only the status; the rest null."""
    row: Row = dict.fromkeys(SCHEMA.names)
    row |= {
        "kind": kind,
        "task": identity.task.id,
        "task_version": identity.task.version,
        "task_digest": identity.task.digest,
        "method": identity.method,
        "method_params": identity.method_params,
        "method_digest": identity.method_digest,
        "network_digest": source_digest(identity.task.network) or None,
        "found_on": identity.found_on,
        "trained_on": trained_on,
        "seed": identity.seed,
        "rung": rung,
        "label": label,
        "numerics": NUMERICS,
        "status": status,
        "reason": reason,
        "metric": workload.metric,
        "higher_is_better": workload.higher_is_better,
        "metric_signature": workload.metric_signature,
        "test_examples": workload.test_examples,
        "suite_version": code().suite_version,
        "engine_version": ENGINE_VERSION,
        "commit": code().commit,
        "dirty": code().dirty,
        "packages": [{"name": name, "version": version} for name, version in packages(workload.packages)],
        "device": device_kind(workload.device),
        "threads": 1,
        "data_digest": workload.data_digest,
        "finished_at": now(),
    }
    return row | {"row_id": row_id(row)}


def trained_row(
    identity: Identity,
    kind: str,
    rung: Rung,
    label: str,
    start: Checkpoint,
    training: Training,
    trainings: Trainings,
    charge: Charge,
) -> Row:
    """The row of a ticket or control that was trained from `start`."""
    setting = training.course.setting
    workload, began, state = trainings.workloads[setting], start.state(), trainings.state(training)
    row = blank_row(identity, kind, setting, rung.index, label, workload, "done", "")
    trainings.scored(row["row_id"], workload, state)
    row |= sparsity_columns(rung, began.mask, began.weights)
    row |= {"start_step": start.step, "optimizer_state": _optimizer_state(began, workload.optimizer)}
    row |= quality_columns(state, workload.one_answer)
    row |= cost_columns(charge, state.step - start.step, trainings.measured(training))
    row |= deployment_columns(workload.flops, began.weights, count_per_layer(began.mask))
    return row | latency_column(workload, state, trainings)


def sparsity_columns(rung: Rung, mask: Mask, weights: Tensors) -> Row:
    """What the harness counted of a mask."""
    kept, sizes = count_per_layer(mask), {name: m.numel() for name, m in mask.items()}
    total, prunable = count(mask), sum(sizes.values())
    return {
        "density_asked": rung.density,
        "density": total / prunable,
        "kept": total,
        "prunable": prunable,
        "parameters": sum(weight.numel() for weight in weights.values()),
        "kept_per_layer": [{"layer": n, "kept": kept[n], "prunable": sizes[n]} for n in mask],
        "mask_digest": mask_digest(mask),
    }


def quality_columns(state: State, one_answer: str) -> Row:
    """What was measured of a trained network. Test data chooses nothing: best is of lowest validation loss.

    `one_answer` is what is said of a network that answers everything alike.
    """
    history = state.history
    row: Row = {
        "curve": [asdict(point) for point in history.points],
        "early_losses": list(history.early_losses),
        "path_length": history.path_length,
        "distance_moved": history.distance_moved,
    }
    if history.diverged:
        return row | {"status": "diverged", "reason": f"the loss was not finite at step {state.step}"}
    final = history.points[-1]
    best = min(history.points, key=lambda point: point.validation_loss)
    row |= {
        "status": "collapsed" if history.one_answer else "done",
        "reason": one_answer if history.one_answer else "",
        "test_final": final.test,
        "test_best": best.test,
        "validation_final": final.validation,
        "validation_best": best.validation,
        "loss_validation_best": best.validation_loss,
        "best_step": best.step,
        "test_correct": history.test_correct or None,
        "test_scores": list(history.test_scores) or None,
    }
    return row


def cost_columns(charge: Charge, steps: int, measured: Measured) -> Row:
    """What the search and the ticket's own training took."""
    return {
        "search_steps": charge.steps,
        "search_examples": charge.examples,
        "search_seconds": charge.seconds,
        "training_steps": steps,
        **asdict(measured),
    }


def deployment_columns(flops: tuple[float, Mapping[str, float]], weights: Tensors, kept: Mapping[str, int]) -> Row:
    """What the network would take to run and to store.

    Args:
        flops: of an example, dense: in all, and of what every prunable tensor does.
        weights: all parameters; only their shapes and types are looked at.
        kept: how many weights a mask keeps of every prunable one.
    """
    dense, per_layer = flops
    saved = sum(per_layer[name] * (1 - left / weights[name].numel()) for name, left in kept.items())
    bytes_dense, bytes_sparse = stored_bytes(weights, kept)
    return {
        "flops": dense - saved,
        "flops_dense": dense,
        "bytes_dense": bytes_dense,
        "bytes_sparse": bytes_sparse,
    }


def latency_column(workload: Domain, state: State, trainings: Trainings) -> Row:
    """How long a network that was trained to its end takes, where the run was asked to measure it."""
    measured = trainings.timed and not state.history.diverged
    return {"latency": workload.latency(state) if measured else None}


def _optimizer_state(state: State, optimizer: AnyOptimizer) -> str:
    if state.optimizer is None:
        return "fresh"
    keeps_state = not isinstance(optimizer, SGD) or optimizer.momentum > 0
    return "carried" if keeps_state and state.optimizer_name == optimizer.name else "dropped"


def stored_bytes(weights: Tensors, kept: Mapping[str, int]) -> tuple[int, int]:
    """Bytes of all parameters stored dense, and with every masked one compressed by rows where that is smaller.

    Compressed by rows (CSR): the kept values, an int32 column for each, and an int32 offset for every row and
    one more; a convolution's rows are its filters, and a single number is one row.
    """
    dense = {name: weight.numel() * weight.element_size() for name, weight in weights.items()}
    sparse = dict(dense)
    for name, left in kept.items():
        weight = weights[name]
        compressed = left * (weight.element_size() + 4) + 4 * ((weight.shape[0] if weight.ndim else 1) + 1)
        sparse[name] = min(dense[name], compressed)
    return sum(dense.values()), sum(sparse.values())
