"""Writing a submission's folder: the method's file, its rows and the manifest, whole, from results that are there."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from ticketbench import __version__
from ticketbench.errors import TicketbenchError
from ticketbench.harness.rows import parameters_text
from ticketbench.harness.training import ENGINE_VERSION
from ticketbench.report.submission.folder import content, listing, manifest_place, method_place, sha256
from ticketbench.report.submission.manifest import FORM, Declared, Manifest, Ran, read_table, to_toml
from ticketbench.results import Row, read_rows, result_file, write_rows
from ticketbench.task import Task

if TYPE_CHECKING:
    from ticketbench.methods import Method


def check_place(out: Path, method_file: str) -> dict[str, object]:
    """The table of an earlier manifest in the folder, empty where there is none.

    Raises `TicketbenchError` where the folder holds what is no part of a submission: it would be mixed up with it.
    """
    there = next((each for each in (out, *out.parents) if each.exists()), out)
    if there.exists() and not there.is_dir():
        raise TicketbenchError(f"--out {out}: {there} is a file; expected a folder, or a place for one.")
    if not out.exists():
        return {}
    found = listing(out)
    if found.problems:
        raise TicketbenchError(f"--out {out}: holds other things than a submission ({found.problems[0]}).")
    place = manifest_place(method_file)
    if others := [each for each in found.manifests if each != place]:
        raise TicketbenchError(f"--out {out}: holds another submission, {others[0]}; give each a folder of its own.")
    if place not in found.sizes:
        return {}
    table, why = read_table(content(out, place))
    if why:
        raise TicketbenchError(f"{out / place}: {why}.")
    return table


def collect(results: Path, task: Task, method: "Method", seeds: Sequence[int]) -> list[Row]:
    """The rows of a method on a task that belong to a submission: of these seeds, and made by what is here now."""
    path = result_file(results, task.id, method.name)
    wanted = {"task_digest": task.digest, "method_digest": method.digest, "engine_version": ENGINE_VERSION}
    wanted |= {"method_params": parameters_text(method), "task_version": task.version}
    found = read_rows(path) if path.exists() else []
    return [
        row for row in found if row["seed"] in seeds and all(row[name] == value for name, value in wanted.items())
    ]


def write_submission(
    out: Path, source: Path, declared: Declared, tasks: Mapping[str, tuple[Task, Sequence[int]]], rows: Sequence[Row]
) -> Manifest:
    """Write the folder anew. Files of this method's earlier submission that the new one lacks are taken away.

    Args:
        tasks: those that were run, by id, with their seeds.
        rows: those of the method's file on these tasks, any order.

    Raises `TicketbenchError` where the folder cannot be written, or holds other things.
    """
    names = check_place(out, source.name).get("files")
    code, place = source.read_bytes(), method_place(source.name)
    parts: dict[tuple[str, str], list[Row]] = {}
    for row in rows:
        parts.setdefault((row["task"], row["method"]), []).append(row)
    try:
        earlier = set(listing(out).sizes) & set(names if isinstance(names, dict) else ()) if out.exists() else set()
        (out / place).parent.mkdir(parents=True, exist_ok=True)
        (out / place).write_bytes(code)
        written = {place: sha256(code)}
        for (task, method), which in sorted(parts.items()):
            path = result_file(out / "results", task, method)
            write_rows(path, which)
            written[path.relative_to(out).as_posix()] = sha256(path.read_bytes())
        manifest = Manifest(
            **dict(declared),
            manifest=FORM,
            suite_version=__version__,
            engine_version=ENGINE_VERSION,
            methods=tuple(sorted({method for _, method in parts})),
            tasks=tuple(
                Ran(id=task.id, version=task.version, digest=task.digest, seeds=tuple(seeds))
                for task, seeds in tasks.values()
            ),
            files=written,
        )
        (out / manifest_place(source.name)).write_text(to_toml(manifest), "utf-8")
        for stale in earlier - set(written):
            (out / stale).unlink()
    except OSError as error:
        raise TicketbenchError(f"--out {out}: cannot be written: {error.strerror or error}.") from None
    return manifest
