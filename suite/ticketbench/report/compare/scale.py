"""What a row counts for, and what counts as no difference: the task's own words, or what rows alone can say."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from ticketbench.errors import TicketbenchError
from ticketbench.report.compare.entries import Entry
from ticketbench.report.measures import MEASURES, scaled
from ticketbench.report.statistics.intervals import effective_value
from ticketbench.report.statistics.normalising import margin, on_scale
from ticketbench.report.units import change_text, unit_of
from ticketbench.results import DENSE, SCORED, Row, describe
from ticketbench.task import Scoring, Task, load_task, shipped_tasks

Place = tuple[str, int, str, str]  # task, version, setting trained on, numerics
WIDE = 0.1  # of the way from dense to chance: a task that declares a larger margin is warned of


@dataclass(frozen=True)
class Scale:
    """How the scores of one task version and setting are read.

    Attributes:
        column: the primary metric's.
        chance: what a row counts for that diverged or failed, on the scale that differences are taken on; None
            where that is not known. Where a task declares none, what nothing scores worse than.
        declared: whether the task declares it.
        orientation: 1 if higher is better, else -1.
        margin: in the units of differences; `source` says where it comes from.
        share: of the way from dense to chance, where the task declares its margin.
    """

    metric: str
    column: str
    chance: float | None
    declared: bool
    orientation: int
    margin: float
    source: str
    share: float | None = None

    @property
    def wide(self) -> bool:
        """Whether a declared margin lets pass what nobody would call noise."""
        return self.share is not None and self.share > WIDE

    def value(self, row: Row) -> float:
        """The row's effective score, on the scale that differences are taken on (`measures.scaled`).

        Raises `TicketbenchError` for a damaged row, and for one that counts as a chance value that nobody knows.
        """
        if row["status"] in SCORED:
            return _score(row, self.column)
        found = effective_value(row["status"], None, self.chance)
        if found is None:
            raise TicketbenchError(
                f"{describe(row)}: {row['status']}, which counts as the task's chance value, and none is known: "
                "give --task FILE with scoring.chance."
            )
        return found

    def difference(self, base: Row, new: Row) -> float:
        """New minus base, positive if better. Two that both count as chance are equal."""
        if base["status"] not in SCORED and new["status"] not in SCORED:
            return 0.0
        return self.orientation * (self.value(new) - self.value(base))


@dataclass(frozen=True)
class Given:
    """A task, and where it was read: what messages call the place."""

    task: Task
    origin: str


def tasks_of(files: Iterable[Path], entries: Iterable[Entry]) -> tuple[dict[tuple[str, int], Given], list[str]]:
    """The tasks at hand by id and version, and notes: those of the files given, else shipped ones of equal digest.

    Raises `TicketbenchError` for a file that cannot be used, or whose task has no rows.
    """
    wanted = {(e.row["task"], e.row["task_version"]): e.row["task_digest"] for e in entries}
    found: dict[tuple[str, int], Given] = {}
    notes = []
    shipped = shipped_tasks()
    for id, version in wanted:
        if id in shipped:
            task = load_task(shipped[id])
            if (task.version, task.digest) == (version, wanted[id, version]):
                found[id, version] = Given(task, "the task that comes with ticketbench")
    for file in files:
        task = load_task(file)
        if (task.id, task.version) not in wanted:
            there = ", ".join(f"{id} (version {version})" for id, version in sorted(wanted))
            raise TicketbenchError(
                f"--task {file}: is {task.id} (version {task.version}), which has no rows; there are rows of {there}."
            )
        if task.digest != wanted[task.id, task.version]:
            notes.append(f"{file} has changed since BASE was made; of it, only what it says of scoring is used.")
        found[task.id, task.version] = Given(task, str(file))
    return found, notes


def scales(base: Iterable[Entry], tasks: Mapping[tuple[str, int], Given]) -> dict[Place, Scale]:
    """The scale of every task version, setting and arithmetic that BASE has rows of.

    Raises `TicketbenchError` for a dense row that is damaged.
    """
    grouped: dict[Place, list[Row]] = {}
    for entry in base:
        if entry.applicable:
            grouped.setdefault(place_of(entry.row), []).append(entry.row)
    return {place: _scale(rows, tasks.get(place[:2]), place[2]) for place, rows in grouped.items()}


def place_of(row: Row) -> Place:
    """Where a row's score is held against others."""
    return (row["task"], row["task_version"], row["trained_on"], row["numerics"])


def _scale(rows: Sequence[Row], given: Given | None, setting: str) -> Scale:
    task = given.task if given else None
    metric = next((row["metric"] for row in rows if row["metric"]), "accuracy")
    scoring = task.in_setting(setting).scoring if task and setting in task.setting_names else None
    declared = scoring.chance if scoring else None
    worst = MEASURES[metric].worst if metric in MEASURES else None
    said = declared if declared is not None else worst
    try:
        chance = on_scale(said, metric) if said is not None else None
    except ValueError as error:
        raise TicketbenchError(f"{given.origin if given else ''}: scoring.chance: {error}.") from None
    column = scoring.column if scoring else Scoring().column
    bare = Scale(
        metric=metric,
        column=column,
        chance=chance,
        declared=declared is not None,
        orientation=-1 if any(row["higher_is_better"] is False for row in rows) else 1,
        margin=0.0,
        source="",
    )
    dense = [bare.value(row) for row in rows if row["kind"] == DENSE]
    share = scoring.margin if scoring else None
    found = margin(dense, chance, share) if chance is not None else None
    source = _source(found, share, dense, bare, declared, given.origin if given else "")
    return replace(bare, margin=found or 0.0, source=source, share=share if found is not None else None)


def _source(
    found: float | None,
    share: float | None,
    dense: Sequence[float],
    scale: Scale,
    declared: float | None,
    origin: str,
) -> str:
    """A margin and where it comes from, or why there is none. `declared` is the chance value as the task says it."""
    if found is None:
        if not dense:
            why = "BASE has no dense networks here"
        elif scale.chance is None:
            why = "no chance value is known"
        elif len(dense) < 2:
            why = "BASE has one dense network only"
        else:
            why = "BASE's dense networks are not clear of chance"
        return f"{why}, so any drop that is significant counts"
    unit = unit_of(scale.metric)
    size = unit.difference(change_text(found, unit))
    way = f"chance, {declared:g}" if declared is not None else "0, for no chance value is known"
    said = f", as {origin} says" if origin and (share is not None or scale.declared) else ""
    if share is not None:
        return f"{size}, the task's own, {share:g} of the way from dense to {way}{said}"
    return f"{size}, the default, from {len(dense)} dense networks of BASE and {way}{said}"


def _score(row: Row, column: str) -> float:
    value = scaled(row, column)
    if value is None:
        raise TicketbenchError(f"{describe(row)} is damaged: {row['status']}, but its {column} is {row[column]}.")
    return value
