"""`tasks`, `methods`, `show`, `schema`: what there is to run. Only methods wait for torch."""

import json
import textwrap
from collections.abc import Iterable, Iterator, Sequence
from collections.abc import Set as AbstractSet
from typing import Any

import click

from ticketbench.errors import TicketbenchError, unknown
from ticketbench.task import (
    Data,
    Images,
    Ladder,
    Network,
    Scoring,
    Spec,
    Task,
    find_task,
    load_task,
    shipped_tasks,
    task_schema,
)

_HEAD_OF_REFERENCE = {"cite", "where", "method", "found_on", "trained_on"}
_TOLD_OF_CLAIMS = {*_HEAD_OF_REFERENCE, "claim"}
_TOLD_OF_VALUES = {*_HEAD_OF_REFERENCE, "column", "value", "density"}


@click.command()
def tasks() -> None:
    """List the tasks, each with its tier.

    The tier says how long one dense training takes on a core of a CPU: smoke seconds, ci up to three minutes, lab
    more than a minute; full is for a GPU. `run --dry-run` tells what a set of results costs, in dense trainings.
    """
    found = [load_task(path) for path in shipped_tasks().values()]
    columns([(t.id, t.tier, f"{t.ladder.rounds} rungs", f"{t.replicates.seeds} seeds", t.title) for t in found])


@click.command()
def methods() -> None:
    """List the methods that come with ticketbench, and those of plugins, family by family."""
    from ticketbench.methods import installed_methods

    found = sorted(installed_methods().values(), key=lambda method: (method.family, method.name))
    columns([(m.family, m.name, ", ".join(m.tags), m.title) for m in found])


@click.command()
@click.argument("name")
@click.option("--chance", is_flag=True, help="Of a task: compute its scoring.chance from its data, as a table of its file.")  # fmt: skip # noqa: E501
@click.option("--games", type=click.IntRange(min=1), default=1000, show_default=True, help="Games of random actions that --chance plays.")  # fmt: skip # noqa: E501
def show(name: str, chance: bool, games: int) -> None:
    """Tell all about a task (an id or a TOML file) or a method (a name or a Python file)."""
    if name not in shipped_tasks() and not name.endswith(".toml"):
        if chance:
            raise TicketbenchError(f"--chance: expected a task, an id or a TOML file, got {name}.")
        _show_method(name)
    elif chance:
        _tell_chance(find_task(name), games)
    else:
        _show_task(find_task(name))


@click.command()
def schema() -> None:
    """Print the JSON Schema of a task file, for editors."""
    click.echo(json.dumps(task_schema(), indent=2))


def columns(rows: Sequence[Sequence[str]]) -> None:
    """Print rows with their columns aligned; the last column is not padded."""
    widths = [max(len(row[i]) for row in rows) for i in range(len(rows[0]))] if rows else []
    for row in rows:
        click.echo("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip())


def _show_task(task: Task) -> None:
    training = task.training
    length = f"{training.steps} steps" if training.steps else f"{training.epochs:g} epochs"
    click.echo(f"{task.id} (version {task.version}, tier {task.tier})\n{task.title}\n")
    if task.description:
        click.echo(f"{textwrap.fill(' '.join(task.description.split()), 100)}\n")
    columns(
        [
            *([("extends", task.extends)] if task.extends is not None else []),
            ("data", _data(task.data)),
            ("network", _network(task.network)),
            ("training", f"{length} of {training.batch_size} examples, {_said(training.optimizer)}"),
            ("schedule", _schedule(task)),
            *([("agent", _said(training.agent))] if training.agent is not None else []),
            *([("gradients", f"clipped to a norm of {training.clip:g}")] if training.clip is not None else []),
            *([("label smoothing", f"{training.label_smoothing:g}")] if training.label_smoothing else []),
            ("metric", task.metric),
            ("scoring", _scoring(task.scoring)),
            ("evaluated", f"every {training.evaluate_every} steps; rewinds go to step {training.rewind_step}"),
            ("ladder", _ladder(task.ladder)),
            *((f"setting {name}", _said(setting) or "as it is") for name, setting in task.settings.items()),
            ("seeds", str(task.replicates.seeds)),
            ("cites", ", ".join(task.cites)),
            ("digest", task.digest),
        ]
    )
    for reference in task.references:
        said = reference.claim or f"{reference.column} = {reference.value} at density {reference.density}"
        cell = f" ({reference.found_on} to {reference.trained_on})" if task.settings else ""
        click.echo(f"\n  {reference.cite}, {reference.where}: {reference.method}{cell}: {said}")
        if others := _said(reference, but=_TOLD_OF_CLAIMS if reference.claim else _TOLD_OF_VALUES):
            click.echo(f"    {others}")


def _tell_chance(task: Task, games: int) -> None:
    """The table of TOML that says it, or one for every setting, for a task file that has no such table yet."""
    from ticketbench.harness.workloads.chance import chance_of

    for setting in task.setting_names:
        found = chance_of(task.in_setting(setting), games)
        table = f"settings.{setting}.scoring" if task.settings else "scoring"
        click.echo(f"[{table}]\nchance = {found.value!r}  # {found.why}")


def _data(data: Data) -> str:
    if isinstance(data, Images):
        whole = f"{data.title}, {data.validation} of the training examples for validation"
        return _listed(whole, _said(data, but={"name", "hub", "folder", "validation"}))
    return _listed(f"{data.title} ({data.kind})", _said(data, but={"kind", "name"}))


def _network(network: Network) -> str:
    return _listed(
        f"{network.title}, initialized {network.init}",
        *(f"{key} = {value}" for key, value in network.options.items()),
        f"each setting has its own {_joined(network.unshared)}" if network.unshared else "",
    )


def _scoring(scoring: Scoring) -> str:
    when = {"final": "at the last step", "best": "at the step of lowest validation loss"}[scoring.primary]
    return _listed(when, _said(scoring, but={"primary", "metric"}))


def _ladder(ladder: Ladder) -> str:
    rates = "".join(f", {name} {rate:g}" for name, rate in ladder.layers.items())
    return _listed(
        f"{ladder.rounds} rungs, each pruning {ladder.prune:g} of what is left{rates}, scope {ladder.scope}",
        "of all parameters" if ladder.cover == "parameters" else "",
        f"without {_joined(ladder.exclude)}" if ladder.exclude else "",
    )


def _listed(*parts: str) -> str:
    return ", ".join(part for part in parts if part)


def _said(spec: Spec, but: AbstractSet[str] = frozenset()) -> str:
    """What a part of a task says beside its defaults and these keys: `adam, lr 0.0012`."""
    return ", ".join(_flat(spec.model_dump(exclude_defaults=True, exclude=set(but))))


def _flat(said: dict[str, Any], before: str = "") -> Iterator[str]:
    for key, value in said.items():
        if isinstance(value, dict):
            yield from _flat(value, f"{before}{key}.")
        else:
            yield f"{before}{key} {_joined(value) if isinstance(value, tuple) else value}"


def _joined(values: Iterable[object]) -> str:
    return ", ".join(map(str, values))


def _schedule(task: Task) -> str:
    schedule = task.training.schedule
    parts = [f"warm-up over {schedule.warmup} steps"] if schedule.warmup else []
    if schedule.decay == "inverse-sqrt":
        parts.append("then 1 / sqrt(step)")
    if schedule.milestones:
        parts.append(f"times {schedule.factor:g} at steps {', '.join(map(str, schedule.milestones))}")
    return "; ".join(parts) or "constant"


def _show_method(name: str) -> None:
    from ticketbench.methods import find_methods, installed_methods, parse_selector

    selector = parse_selector(name)
    if selector.file is None and selector.name not in installed_methods():
        raise unknown("task or method", name, [*shipped_tasks(), *installed_methods()], "See `tasks` and `methods`.")
    for method in find_methods([name]):
        click.echo(f"{method.name}\n{method.title}\n")
        if method.description:
            click.echo(f"{method.description}\n")
        said = [
            ("family", method.family),
            ("tags", ", ".join(method.tags)),
            ("needs", ", ".join(method.needs)),
            ("density", method.density),
            ("parameters", ", ".join(f"{key}={value!r}" for key, value in method.parameters.items())),
            ("runs", "once a rung" if method.per_rung else "once for the whole ladder"),
            ("file", str(method.source)),
            ("digest", method.digest),
        ]
        columns([(key, value) for key, value in said if value])
        for cite in method.cites:
            click.echo(f"\n{_cited(cite)}")


def _cited(cite: str) -> str:
    """A publication as in a list of references, with where it is; BibTeX of the method's own as it stands."""
    from ticketbench.bibliography import read_bibliography

    entry = read_bibliography().get(cite)
    if entry is None:
        return cite
    return f"{cite}: {entry.sentence}{f' {entry.link[0]}' if entry.link else ''}"
