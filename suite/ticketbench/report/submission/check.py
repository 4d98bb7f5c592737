"""A submission checked as data: nothing of it is imported or run, and whatever its files hold is said in lines."""

import os
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from ticketbench.errors import TicketbenchError
from ticketbench.harness.training import ENGINE_VERSION
from ticketbench.report.printable import plain
from ticketbench.report.submission.declaration import Declaration, read_declaration
from ticketbench.report.submission.folder import (
    REPORT,
    Listing,
    content,
    is_method_file,
    listing,
    listing_of,
    manifest_place,
    sha256,
    task_and_method,
    told,
)
from ticketbench.report.submission.grid import grid_problems, some
from ticketbench.report.submission.manifest import Manifest, Ran, read_manifest, read_table
from ticketbench.report.submission.shipped import taken
from ticketbench.report.submission.tables import rows_of
from ticketbench.results import Row
from ticketbench.task import Task, load_task, shipped_tasks

_SHOWN = 5  # labels in a note


@dataclass(frozen=True)
class Findings:
    """What came of a check. A submission is valid where there are no problems; notes are for a reader to judge."""

    manifest: Manifest | None
    declaration: Declaration | None
    rows: Mapping[str, list[Row]]
    problems: tuple[str, ...]
    notes: tuple[str, ...]

    @property
    def statuses(self) -> Counter[str]:
        """How many rows have each status."""
        return Counter(row["status"] for rows in self.rows.values() for row in rows)


def check_submission(path: Path) -> Findings:
    """Check a submission against this installation's tasks: a folder, or the manifest of one in a checkout.

    A folder holds the submission and nothing else; in a checkout only what the manifest names is looked at.
    Raises `TicketbenchError` where there is no submission to check: no folder, no manifest, or one that is not TOML.
    """
    # Absolute, since the root is its folder's folder wherever it is named from; no link is followed for that.
    found = _named(Path(os.path.abspath(path))) if path.suffix == ".toml" else listing(path)  # noqa: PTH100
    root = found.root
    if not found.manifests:
        for_all = "".join(f"\n  {line}" for line in found.problems)
        raise TicketbenchError(f"{root}: holds no manifest, baselines/FILE.toml; expected a submission.{for_all}")
    problems = list(found.problems)
    place = found.manifests[0]
    problems += [f"{other}: is a second manifest; a submission has one" for other in found.manifests[1:]]
    table, why = read_table(content(root, place))
    if why:
        raise TicketbenchError(f"{root / place}: {plain(why)}.")
    manifest, wrong = read_manifest(table)
    problems += [f"{place}: {plain(line)}" for line in wrong]
    if manifest is None:
        return Findings(None, None, {}, tuple(told(problems)), ())
    problems += [f"{place}: {line}" for line in _files(found, manifest, place)]
    method_file = next((name for name in manifest.files if is_method_file(name)), "")
    if method_file not in found.sizes:
        return Findings(manifest, None, {}, tuple(told(problems)), ())
    source = content(root, method_file)
    declaration = read_declaration(source)
    problems += [f"{method_file}: {plain(line)}" for line in declaration.problems]
    notes = [f"{method_file}: {plain(line)}" for line in declaration.notes]
    problems += [f"{place}: {line}" for line in _methods(manifest, declaration, method_file)]
    rows: dict[str, list[Row]] = {}
    for name in (name for name in manifest.files if task_and_method(name) and name in found.sizes):
        try:
            rows[name] = rows_of(root, name)
        except TicketbenchError as error:
            said = plain(error)
            problems.append(said if said.startswith(f"{name}: ") else f"{name}: {said}")
            continue
        problems += [f"{name}: {line}" for line in _rows(name, rows[name], manifest, declaration, sha256(source))]
        notes += [f"{name}: {line}" for line in _remarks(rows[name])]
    problems += [f"{place}: {line}" for line in _coverage(manifest, rows)]
    return Findings(manifest, declaration, rows, tuple(told(problems)), tuple(told(notes)))


def _named(path: Path) -> Listing:
    """What lies where the manifest at this path says, and the manifest itself."""
    root, place = path.parent.parent, f"{path.parent.name}/{path.name}"
    own = listing_of(root, [place])
    table, _ = read_table(content(root, place)) if own.sizes else ({}, "")
    names = table.get("files")
    places = (
        [name for name in names if is_method_file(name) or task_and_method(name)] if isinstance(names, dict) else []
    )
    others = listing_of(root, places)
    return Listing(root, own.sizes | others.sizes, own.problems + others.problems)


def _files(found: Listing, manifest: Manifest, place: str) -> Iterator[str]:
    """The files there are those that the manifest names, byte for byte."""
    named = set(manifest.files)
    for name in sorted(named):
        if not (is_method_file(name) or task_and_method(name)):
            yield f"files names {plain(name)}, which is neither a method's file nor rows"
        elif name not in found.sizes:
            yield f"files names {name}, which is not there"
        elif sha256(content(found.root, name)) != manifest.files[name]:
            yield f"files: {name} has another sha256; it was changed after the manifest was written"
    for name in sorted(set(found.sizes) - named - {*found.manifests, REPORT}):
        yield f"files does not name {name}, which is there"
    methods = [name for name in named if is_method_file(name)]
    if len(methods) != 1:
        yield f"files should name one method's file, names {len(methods)}"
    elif manifest_place(methods[0]) != place:
        yield f"expected the manifest of {methods[0]} to be {manifest_place(methods[0])}"


def _methods(manifest: Manifest, declaration: Declaration, method_file: str) -> Iterator[str]:
    if manifest.engine_version != ENGINE_VERSION:
        yield f"expected engine_version to be {ENGINE_VERSION}, as it is here, got {manifest.engine_version}"
    names = set(manifest.methods)
    for name in sorted(names - set(declaration.methods)):
        yield f"methods names {name!r}, which {method_file} does not declare where it can be read without running it"
    for name in sorted(each for each in names if taken(each, Path(method_file).name)):
        yield f"methods names {name!r}, which comes with ticketbench already; a method has a name of its own"


def _rows(place: str, rows: list[Row], manifest: Manifest, declaration: Declaration, digest: str) -> Iterator[str]:
    task_id, method = task_and_method(place) or ("", "")
    ran = next((each for each in manifest.tasks if each.id == task_id), None)
    task = known_tasks().get(task_id)
    if method not in manifest.methods:
        yield f"expected rows of a method that the manifest names, not of {method!r}"
    if wrong := [row for row in rows if (row["task"], row["method"]) != (task_id, method)]:
        yield f"{some(wrong)}: expected task {task_id} and method {method}, as the file's place says"
    if wrong := [row for row in rows if row["suite_version"] != manifest.suite_version]:
        yield f"{some(wrong)}: expected suite_version {plain(manifest.suite_version)}, as the manifest says"
    if ran is None:
        yield f"expected the manifest to have a [[tasks]] of {task_id}"
    elif task is None:
        yield f"expected a task that comes with ticketbench; {task_id} is none"
    else:
        yield from _same_task(ran, task)
        said = declaration.methods.get(method)
        yield from grid_problems(rows, task, ran.seeds, digest, said is None or said.density == "exact")


def _same_task(ran: Ran, task: Task) -> Iterator[str]:
    if (ran.version, ran.digest) != (task.version, task.digest):
        yield (
            f"expected version {task.version} of {task.id} with digest {task.digest}, as it is here; the manifest "
            f"has version {ran.version}, digest {ran.digest}"
        )


def _remarks(rows: list[Row]) -> Iterator[str]:
    """What makes no submission invalid, but weakens what it says."""
    if any(row["dirty"] for row in rows):
        yield "some rows were made in a checkout of ticketbench with uncommitted changes"
    if any(row["commit"] is None for row in rows):
        yield "some rows name no commit of ticketbench; they were made by an installed version, not by a clone"
    if len({row["commit"] for row in rows}) > 1:
        yield "rows were made by several commits of ticketbench"
    if len(machines := {(row["device"], repr(row["packages"])) for row in rows}) > 1:
        yield f"rows were made by {len(machines)} different sets of device and software"
    for status, count in sorted(Counter(row["status"] for row in rows).items()):
        if status != "done":
            yield f"{count} of {len(rows)} rows are {status}"
    yield from _labelled(rows)
    if (edited := sum(row["edited"] is True for row in rows)) > 0:
        yield f"{edited} of {len(rows)} tickets hold a weight or buffer that the harness did not make (edited)"


def _labelled(rows: list[Row]) -> Iterator[str]:
    """Several tickets of a rung are as many entries: how many, and at how many places each."""
    tickets = [row for row in rows if row["kind"] == "ticket"]
    places = {
        label: {_place(row) for row in tickets if row["label"] == label} for label in {r["label"] for r in tickets}
    }
    if len(places) < 2:
        return
    every = len(set().union(*places.values()))
    counts = ", ".join(f"{plain(label, 40) or 'none'!r} at {len(places[label])}" for label in sorted(places)[:_SHOWN])
    more = f" and {len(places) - _SHOWN} more" if len(places) > _SHOWN else ""
    yield f"tickets have {len(places)} labels: {counts}{more} of {every} places; each label is an entry of its own"


def _place(row: Row) -> tuple[object, ...]:
    return tuple(row[name] for name in ("method_params", "found_on", "trained_on", "seed", "rung"))


def _coverage(manifest: Manifest, rows: Mapping[str, list[Row]]) -> Iterator[str]:
    """The manifest names each task once, and every task has rows of every method."""
    there = {task_and_method(place) for place in rows}
    for ran in manifest.tasks:
        for method in manifest.methods:
            if (ran.id, method) not in there:
                yield f"expected results/{ran.id}/{method}.parquet"
    ids = [ran.id for ran in manifest.tasks]
    if len(set(ids)) < len(ids):
        yield "tasks names a task twice"


@cache
def known_tasks() -> Mapping[str, Task]:
    """The tasks of this installation, by id."""
    return {name: load_task(path) for name, path in shipped_tasks().items()}
