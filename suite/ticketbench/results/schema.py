"""What a row holds: the Arrow schema, a row's id, and a row in words."""

import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import pyarrow as pa

SCHEMA_VERSION = 3
KEY = (
    "kind",
    "task",
    "task_version",
    "method",
    "method_params",
    "found_on",
    "trained_on",
    "seed",
    "rung",
    "label",
    "numerics",
)
# The order of rows in a file. The id comes last, so that it never depends on which rows came first.
ORDER = ("method_params", "found_on", "trained_on", "kind", "seed", "rung", "label", "row_id")
KINDS = ("ticket", "dense", "control", "probe")
DENSE = "dense"  # the kind and the method of an unpruned network
STATUSES = ("done", "collapsed", "diverged", "failed", "not applicable")
SCORED = ("done", "collapsed")  # those that count as their own metric
LOST = ("diverged", "failed")  # those that count as chance
UNSCORED = (*LOST, "not applicable")

Row = dict[str, Any]

_S, _I, _F, _B = pa.string(), pa.int64(), pa.float64(), pa.bool_()
_CURVE = pa.list_(
    pa.struct(
        [
            ("step", _I),
            ("training_loss", _F),
            ("validation_loss", _F),
            ("validation", _F),
            ("test_loss", _F),
            ("test", _F),
        ]
    )
)
_LAYERS = pa.list_(pa.struct([("layer", _S), ("kept", _I), ("prunable", _I)]))
_PACKAGES = pa.list_(pa.struct([("name", _S), ("version", _S)]))


def _field(
    name: str, kind: pa.DataType, description: str, *, unit: str = "", better: str = "", compared: bool = True
) -> pa.Field:
    said = {"description": description, "compared": "yes" if compared else "no"}
    if unit:
        said["unit"] = unit
    if better:
        said["better"] = better
    return pa.field(name, kind, metadata=said)


SCHEMA = pa.schema(
    [
        # identity
        _field("row_id", _S, "digest of the row's key"),
        _field("kind", _S, "ticket, dense, control or probe"),
        _field("task", _S, "task id"),
        _field("task_version", _I, "version of the task; versions never mix"),
        _field("task_digest", _S, "digest of all in the task that changes a training or its score"),
        _field("method", _S, "method name; dense for the unpruned network"),
        _field("method_params", _S, "the method's parameters that are not at their defaults, as JSON"),
        _field("method_digest", _S, "digest of the method's file"),
        _field("network_digest", _S, "digest of the file of a network of one's own; null for those of ticketbench"),
        _field("found_on", _S, "setting the method searched on"),
        _field("trained_on", _S, "setting the ticket was trained and scored on"),
        _field("seed", _I, "replicate: fixes initial weights, data order and augmentation"),
        _field("rung", _I, "step of the ladder; 0 is dense"),
        _field("label", _S, "distinguishes tickets of one rung, probes and controls"),
        _field("numerics", _S, "arithmetic track; tracks never mix"),
        _field("status", _S, "done, collapsed, diverged, failed or not applicable"),
        _field("reason", _S, "why the status is not done"),
        # sparsity
        _field("density_asked", _F, "density of the rung", unit="kept / prunable"),
        _field("density", _F, "density of the ticket, counted by the harness", unit="kept / prunable"),
        _field("kept", _I, "prunable weights kept", unit="weights"),
        _field("prunable", _I, "weights that masks cover", unit="weights"),
        _field("parameters", _I, "all parameters of the dense network", unit="weights"),
        _field("kept_per_layer", _LAYERS, "weights kept of every prunable parameter, in network order"),
        _field("mask_digest", _S, "digest of the mask's bits"),
        _field("start_step", _I, "step of the submitted checkpoint", unit="steps"),
        _field("optimizer_state", _S, "fresh, carried or dropped (another optimizer wrote it)"),
        _field("carried", _B, "whether the ticket starts from other weights than a draw of initial ones"),
        _field("edited", _B, "whether a kept weight or buffer equals none that the harness made"),
        # quality
        _field("metric", _S, "what test and validation columns measure"),
        _field("higher_is_better", _B, "direction of the metric"),
        _field("metric_signature", _S, "how exactly the metric was computed, where its name leaves that open"),
        _field("test_final", _F, "metric on the test set at the last step", better="see higher_is_better"),
        _field("test_best", _F, "the same at best_step", better="see higher_is_better"),
        _field("validation_final", _F, "metric on the validation set at the last step"),
        _field("validation_best", _F, "the same at best_step"),
        _field(
            "loss_validation_best", _F, "lowest validation loss: nats, or for games minus the return", better="lower"
        ),
        _field("best_step", _I, "step of lowest validation loss, of the schedule; the first of equals", unit="steps"),
        _field("curve", _CURVE, "evaluations under the submitted mask; test is drawn, never used"),
        _field("early_losses", pa.list_(_F), "the first 16 training losses, for verify"),
        _field("test_correct", pa.binary(), "test examples right at the end, packed bits in canonical order"),
        _field("test_examples", _I, "size of the test set", unit="examples"),
        _field("test_scores", pa.list_(_F), "per-item scores where there is no right and wrong"),
        _field("path_length", _F, "sum of L2 distances between weights at successive evaluations", unit="L2"),
        _field("distance_moved", _F, "distance of weights from start to end", unit="L2"),
        # cost
        _field("search_steps", _I, "training steps charged to the search", unit="steps", better="lower"),
        _field("search_examples", _I, "examples charged to the search, scoring included", better="lower"),
        _field("search_seconds", _F, "time the method itself took", unit="s", compared=False),
        _field("training_steps", _I, "steps the ticket was trained for", unit="steps"),
        _field("wall_seconds", _F, "time the ticket's training took", unit="s", compared=False),
        _field("device_seconds", _F, "time the device computed on it", unit="s", compared=False),
        _field("peak_memory_bytes", _I, "most memory the process or device held", unit="bytes", compared=False),
        # deployment
        _field("flops", _F, "floating-point operations an example at measured density", better="lower"),
        _field("flops_dense", _F, "the same of the dense network"),
        _field("bytes_dense", _I, "parameters stored dense", unit="bytes"),
        _field(
            "bytes_sparse", _I, "parameters stored compressed by rows where smaller", unit="bytes", better="lower"
        ),
        _field(
            "latency",
            _F,
            "median time of a pass over a batch of test inputs, where asked for (run --latency); pruned weights are "
            "stored and multiplied as zeros",
            unit="s",
            compared=False,
            better="lower",
        ),
        # provenance
        _field("suite_version", _S, "version of ticketbench", compared=False),
        _field("engine_version", _I, "version of all code that can change a bit of a training"),
        _field("commit", _S, "commit of the suite's checkout, if it was one", compared=False),
        _field("dirty", _B, "whether that checkout had changes", compared=False),
        _field("packages", _PACKAGES, "versions of what computes", compared=False),
        _field("device", _S, "kind of processor or accelerator", compared=False),
        _field("threads", _I, "threads a training used", compared=False),
        _field(
            "data_digest", _S, "digest of the data set's content, and of how its images were resized, if they were"
        ),
        _field("finished_at", _S, "when the row was made, UTC", compared=False),
    ],
    metadata={"ticketbench_schema": str(SCHEMA_VERSION)},
)
# Columns by the schema version that brought them; null in rows of earlier ones.
ADDED = {"network_digest": 2, "metric_signature": 3}
COMPARED = tuple(f.name for f in SCHEMA if f.metadata[b"compared"] == b"yes")

_compact = json.JSONEncoder(separators=(",", ":")).encode


def row_id(row: Mapping[str, Any]) -> str:
    """Digest of the row's key and nothing else."""
    return id_of([row[name] for name in KEY])


def id_of(key: Sequence[Any]) -> str:
    """The row id of a key: the values of `KEY`, in its order."""
    return hashlib.sha256(_compact(key).encode()).hexdigest()[:32]


def order(row: Mapping[str, Any]) -> tuple[Any, ...]:
    """Where a row stands in a file: by `ORDER`, of which no two rows agree in all."""
    return tuple(row[name] for name in ORDER)


def describe(row: Mapping[str, Any], *, seed: bool = True) -> str:
    """A row's key in words, or without its seed that of its cell."""
    method = f"{row['method']}{parameters(row['method_params'])}"
    kind = row["kind"] if row["kind"] in ("control", "probe") else ""
    named = " ".join(filter(None, (row["task"], method, kind, row["label"])))
    of_seed = [f"seed {row['seed']}"] if seed else []
    return ", ".join([named, *of_seed, f"rung {row['rung']}", *_unusual(row)])


def _unusual(row: Mapping[str, Any]) -> Iterator[str]:
    """Settings, version and numerics, where they are not what they are in most rows."""
    found_on, trained_on = row["found_on"], row["trained_on"]
    if (found_on, trained_on) != ("default", "default"):
        yield f"on {found_on}" if found_on == trained_on else f"{found_on} to {trained_on}"
    if row["task_version"] != 1:
        yield f"version {row['task_version']}"
    if row["numerics"] != "fp32":
        yield row["numerics"]


def parameters(params: str) -> str:
    """Parameters (JSON) as the command line takes them: `(interval=50)`; empty where there are none."""
    try:
        given: Any = json.loads(params or "{}")
    except ValueError:
        return f"({params})"
    if not isinstance(given, dict):
        return f"({params})"
    return f"({', '.join(f'{name}={value!r}' for name, value in given.items())})" if given else ""
