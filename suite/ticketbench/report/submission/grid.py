"""The rows of one file together: whether they are of its method and task, whole, and of the counts asked for."""

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from itertools import product

import torch

from ticketbench.data.sources import SOURCES
from ticketbench.errors import TicketbenchError
from ticketbench.harness.training import ENGINE_VERSION
from ticketbench.harness.training.determinism import NUMERICS
from ticketbench.ladder import Rung, rungs
from ticketbench.networks import build, prunable
from ticketbench.report.printable import plain
from ticketbench.report.submission.rows import row_problems
from ticketbench.results import CONTROLS, SCORED, Row, control_of
from ticketbench.task import Images, Task

_SHOWN = 3


def ladder_on(task: Task) -> tuple[Rung, ...] | None:
    """The ladder of a task on its own network, rung 0 first; None where only its data tell the network's size."""
    data = task.in_setting(task.setting_names[0]).data
    source = SOURCES.get(data.name or "")
    if not isinstance(data, Images) or source is None or task.network.factory is not None:
        return None
    classes = len(data.labels or ()) if data.relabel else source.classes
    with torch.random.fork_rng(devices=[]):
        network = build(task.network, data.shape or source.shape, classes)
    sizes = {name: weight.numel() for name, weight in network.named_parameters()}
    covered = prunable(network, (*task.ladder.exclude, *task.network.unshared), task.ladder.cover)
    return rungs(task.ladder, {name: sizes[name] for name in covered})


def grid_problems(rows: Sequence[Row], task: Task, seeds: Sequence[int], digest: str, exact: bool) -> Iterator[str]:
    """What is wrong with the rows of a method on a task of this checkout, one line each.

    Args:
        seeds: those that the manifest names.
        digest: sha256 of the method's file.
        exact: whether the method declares that it keeps exactly a rung's count.
    """
    if not rows:
        yield "expected rows"
        return
    yield from _said_once(rows, "suite_version", "version of ticketbench")
    yield from _of_each_row(rows, task, digest)
    yield from _whole(rows, task, seeds)
    yield from _data(rows, task)
    yield from _controls(rows)
    yield from task_problems(rows, task, exact)


def task_problems(rows: Sequence[Row], task: Task, exact: bool) -> Iterator[str]:
    """What of these rows of a method cannot be of this task: where they end, what they cost, what they keep."""
    yield from _length(rows, task)
    yield from _costs(rows, task)
    yield from _kept(rows, task, exact)


def _of_each_row(rows: Sequence[Row], task: Task, digest: str) -> Iterator[str]:
    expected = {
        "task_version": task.version,
        "task_digest": task.digest,
        "method_digest": digest,
        "network_digest": None,
        "engine_version": ENGINE_VERSION,
        "numerics": NUMERICS,
        "metric": task.metric,
    }
    meanings = {
        "task_digest": f"digest of the task as it is here, {task.digest}",
        "method_digest": f"sha256 of the method's file, {digest}",
    }
    for name, value in expected.items():
        wrong = [row for row in rows if row[name] != value]
        if wrong:
            meant = meanings.get(name, str(value))
            yield f"{some(wrong)}: expected {name} to be {meant}, got {plain(wrong[0][name])}"
    if wrong := [row for row in rows if row["kind"] == "dense"]:
        yield f"{some(wrong)}: expected no rows of the dense network, which is no method's"
    found: dict[str, list[Row]] = {}
    for row in rows:
        for problem in row_problems(row):
            found.setdefault(problem, []).append(row)
    for problem, which in found.items():
        yield f"{some(which)}: {problem}"


def _whole(rows: Sequence[Row], task: Task, seeds: Sequence[int]) -> Iterator[str]:
    """Every seed, rung and pair of settings has its ticket, and nothing lies outside of them."""
    settings = task.setting_names
    asked = set(product(settings, settings, seeds, range(1, task.ladder.rounds + 1)))
    for params in sorted({row["method_params"] for row in rows}):
        tickets = [row for row in rows if row["kind"] == "ticket" and row["method_params"] == params]
        there = {(row["found_on"], row["trained_on"], row["seed"], row["rung"]) for row in tickets}
        if missing := sorted(asked - there):
            found, trained, seed, rung = missing[0]
            where = "" if len(settings) == 1 else f", found on {found}, trained on {trained}"
            said = f" of parameters {plain(params)}" if params != "{}" else ""
            yield (
                f"expected a ticket of every seed and rung{said}; {len(missing)} are missing, the first of seed "
                f"{seed}, rung {rung}{where}"
            )
    inside = {(found, trained, seed) for found, trained, seed, _ in asked}
    strange = [row for row in rows if (row["found_on"], row["trained_on"], row["seed"]) not in inside]
    strange += [row for row in rows if row["kind"] == "ticket" and not 1 <= row["rung"] <= task.ladder.rounds]
    if strange:
        yield f"{some(strange)}: expected only settings and rungs of the task, and seeds that the manifest names"


def _data(rows: Sequence[Row], task: Task) -> Iterator[str]:
    for setting in task.setting_names:
        mine = [row for row in rows if row["trained_on"] == setting]
        data = task.in_setting(setting).data
        source = SOURCES.get(data.name or "")
        if not isinstance(data, Images):
            yield from _said_once(mine, "data_digest", "data set a setting")
            sized = [row for row in mine if row["test_examples"] is not None]
            yield from _said_once(sized, "test_examples", "size of the test set")
            continue
        if source is not None and data.shape is None:
            wrong = [row for row in mine if row["data_digest"] != source.digest]
            if wrong:
                yield f"{some(wrong)}: expected data_digest to be that of {data.name}, {source.digest}"
        else:
            yield from _said_once(mine, "data_digest", "data set a setting")
        size = source.test_examples if source is not None else None
        counted = [row for row in mine if row["test_examples"] is not None]
        if size is not None and data.labels is None:
            if wrong := [row for row in counted if row["test_examples"] != size]:
                yield f"{some(wrong)}: expected test_examples to be {size}, as {data.name} has, got {_size(wrong)}"
        else:
            if wrong := [row for row in counted if size is not None and row["test_examples"] >= size]:
                yield f"{some(wrong)}: expected fewer test_examples than the {size} of all labels, got {_size(wrong)}"
            yield from _said_once(counted, "test_examples", "size of the test set")


def _size(rows: Sequence[Row]) -> int:
    return int(rows[0]["test_examples"])


def _costs(rows: Sequence[Row], task: Task) -> Iterator[str]:
    """Every step of a search is charged a batch of examples, and what is scored comes on top."""
    sizes = {name: task.in_setting(name).training.batch_size for name in task.setting_names}
    wrong = [
        row
        for row in rows
        if row["search_steps"] is not None
        and row["search_examples"] is not None
        and row["search_examples"] < row["search_steps"] * sizes.get(row["found_on"], 0)
    ]
    if wrong:
        yield f"{some(wrong)}: expected search_examples of at least a batch for each of search_steps"


def _controls(rows: Sequence[Row]) -> Iterator[str]:
    """A control is one of those there are, and lies beside the ticket that it is a control of."""
    tickets = {_ticket(row, row["label"]) for row in rows if row["kind"] == "ticket"}
    controls = [(row, *control_of(row)) for row in rows if row["kind"] == "control"]
    if strange := [row for row, name, _ in controls if name not in CONTROLS]:
        yield f"{some(strange)}: expected a control to be one of {', '.join(CONTROLS)}"
    if lone := [row for row, name, of in controls if name in CONTROLS and _ticket(row, of) not in tickets]:
        yield f"{some(lone)}: expected the ticket that it is a control of"


def _ticket(row: Row, label: str) -> tuple[object, ...]:
    return (row["method_params"], row["found_on"], row["seed"], row["rung"], label)


def _length(rows: Sequence[Row], task: Task) -> Iterator[str]:
    """Every ticket ends at the task's last step T, wherever it starts."""
    ends = [(row, row["start_step"] + row["training_steps"]) for row in rows if _ended(row)]
    if not ends:
        return
    last = task.training.steps or Counter(end for _, end in ends).most_common(1)[0][0]
    if wrong := [row for row, end in ends if end != last]:
        yield f"{some(wrong)}: expected start_step + training_steps to be {last}"


def _ended(row: Row) -> bool:
    scored = row["kind"] == "ticket" and row["status"] in SCORED
    return scored and row["start_step"] is not None and row["training_steps"] is not None


def _kept(rows: Sequence[Row], task: Task, exact: bool) -> Iterator[str]:
    """The layers are those of one network, and the counts those of its ladder.

    The network is the task's own; where only data tell its size, it is the one that most of the rows name.
    """
    tickets = [row for row in rows if row["kind"] == "ticket" and 1 <= row["rung"] <= task.ladder.rounds]
    counted = [row for row in tickets if row["kept"] is not None]
    ladder, whose = ladder_on(task), "the task's network"
    if ladder is None and counted:
        try:
            ladder, whose = _ladder_said(counted, task), "one network"
        except TicketbenchError as error:
            yield f"expected kept_per_layer to name layers of the task's network: {str(error).rstrip('.')}"
    if ladder is None:
        return
    sizes = tuple(ladder[0].kept_per_layer.items())
    if other := [row for row in counted if _sizes(row) != sizes]:
        yield f"{some(other)}: expected kept_per_layer to name the layers of {whose}, with their sizes"
    if wrong := [row for row in tickets if row["density_asked"] != ladder[row["rung"]].density]:
        yield f"{some(wrong)}: expected density_asked to be its rung's"
    off = [row for row in counted if exact and row["kept"] != ladder[row["rung"]].kept]
    if off:
        rung = ladder[off[0]["rung"]]
        yield f"{some(off)}: expected {rung.kept} weights at rung {rung.index}, got {off[0]['kept']}"


def _ladder_said(counted: Sequence[Row], task: Task) -> tuple[Rung, ...]:
    """The ladder on the layers that most of the rows name. Raises `TicketbenchError` where there is none."""
    ((sizes, _),) = Counter(map(_sizes, counted)).most_common(1)
    return rungs(task.ladder, dict(sizes))


def _sizes(row: Row) -> tuple[tuple[str, int], ...]:
    return tuple((each["layer"], each["prunable"]) for each in row["kept_per_layer"] or ())


def _said_once(rows: Iterable[Row], column: str, what: str) -> Iterator[str]:
    values = sorted({plain(row[column], 40) for row in rows})
    if len(values) > 1:
        yield f"expected one {what}, got {', '.join(values[:_SHOWN])}"


def some(rows: Sequence[Row]) -> str:
    """Which rows, by the first of them."""
    first = rows[0]
    many = f"{len(rows)} rows, the first of" if len(rows) > 1 else "the row of"
    label = f", label {plain(first['label'], 40)}" if first["label"] else ""
    return f"{many} seed {first['seed']}, rung {first['rung']}{label}"
