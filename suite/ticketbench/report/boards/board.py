"""Rows into boards: what one table says of one task, method by method and rung by rung."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from math import log2
from typing import Any

from ticketbench.errors import TicketbenchError
from ticketbench.report.boards.costs import dense_steps
from ticketbench.report.boards.scores import paired, score
from ticketbench.report.statistics.intervals import Interval, seeds_interval
from ticketbench.report.statistics.normalising import on_scale
from ticketbench.results import DENSE, STATUSES, Row, control_of
from ticketbench.task import Scoring, Task

NOT_APPLICABLE = "not applicable"
NEAR = 0.02  # a compression farther than that from where it stands is named, and orders nothing
_BOARD = ("task", "task_version", "found_on", "trained_on", "numerics")


@dataclass(frozen=True)
class Trouble:
    """A status other than `done`, for which seeds, and why."""

    status: str
    reason: str
    seeds: tuple[int, ...]


@dataclass(frozen=True)
class Cell:
    """All rows that differ only in seed.

    Attributes:
        compression: prunable / kept as counted, its geometric mean over seeds; None where nothing was counted.
        score: the interval of the primary metric, on the scale that differences are taken on (`measures.scaled`);
            None where there is no mean, and then `why` says why.
        learning: the t-interval over seeds of the early-stop step; None where a seed has none, or none trained.
        missing: the method's seeds that have no row here.
    """

    rung: int
    compression: float | None
    score: Interval | None
    why: str
    learning: Interval | None
    seeds: tuple[int, ...]
    missing: tuple[int, ...]
    troubles: tuple[Trouble, ...]

    def count(self, *statuses: str) -> int:
        """How many seeds have one of these statuses."""
        return sum(len(trouble.seeds) for trouble in self.troubles if trouble.status in statuses)

    @property
    def collapsed(self) -> bool:
        """Whether every seed's network gives one answer to everything."""
        return self.count("collapsed") == len(self.seeds) > 0


@dataclass(frozen=True)
class Series:
    """A method with its parameters (JSON) and the label of its tickets, over the rungs, or a control of it.

    Attributes:
        control: which control this is; empty for the tickets themselves.
        carried: whether these are tickets trained on another setting than they were found on, and start from
            weights that were trained where they were found.
    """

    method: str
    params: str
    label: str
    control: str
    carried: bool
    seeds: tuple[int, ...]
    cells: Mapping[int, Cell]
    rows: Sequence[Row]

    @property
    def key(self) -> tuple[str, str, str]:
        """What the same series has on every board, and its controls have with it."""
        return (self.method, self.params, self.label)

    def at(self, rung: int) -> list[Row]:
        """The rows of a rung: one a seed."""
        return [row for row in self.rows if row["rung"] == rung]


@dataclass(frozen=True)
class Board:
    """One table: rows of one task version, pair of settings and numerics track, which never meet another's.

    Attributes:
        column: the primary metric's.
        chance: the setting's chance value on the scale, where the task declares one.
        batch_size: of the setting found on; None where the task is not at hand.
        steps: of one dense training, as rows tell (`dense_steps`); None where none does.
        rungs: index and compression of each column.
        dense: the dense network of the setting trained on; None where it has no rows.
        series: in the order of the table, those that carry weights of another setting last.
        controls: beside the series whose key they have, in the order of their names.
        ordered_by: the rung whose means order the table; None where no method has a mean anywhere.
        unused: rows of other kinds (probes), counted.
        rows: the board's own; those of the dense network are `dense_rows`, which a diagonal board has among its own.
    """

    task: str
    version: int
    found_on: str
    trained_on: str
    numerics: str
    metric: str
    higher_is_better: bool
    column: str
    chance: float | None
    batch_size: int | None
    steps: int | None
    rungs: tuple[tuple[int, float], ...]
    dense: Cell | None
    series: tuple[Series, ...]
    controls: tuple[Series, ...]
    ordered_by: int | None
    unused: Mapping[str, int]
    rows: Sequence[Row]
    dense_rows: Sequence[Row]

    @property
    def task_at_hand(self) -> bool:
        """Whether what the task declares is known: its file is there, of the rows' version and settings."""
        return self.batch_size is not None

    @property
    def diagonal(self) -> bool:
        """Whether tickets are trained on the setting that they were found on."""
        return self.found_on == self.trained_on


def boards(rows: Iterable[Row], tasks: Mapping[str, Task]) -> list[Board]:
    """The boards of these rows: by task, the newest version first, then settings and numerics.

    A task is used for its chance value and primary metric where its version is the rows' own.
    Raises `TicketbenchError` for a row whose values contradict its test items or its status, and for rows of two
    metrics in one table.
    """
    ordered = sorted(rows, key=_order)
    dense: dict[tuple[Any, ...], list[Row]] = {}
    for row in ordered:
        if row["kind"] == DENSE:
            dense.setdefault(_dense_key(row), []).append(row)
    grouped = [list(group) for _, group in groupby(ordered, lambda row: [row[name] for name in _BOARD])]
    return [_board(group, dense.get(_dense_key(group[0]), ()), _same_version(tasks, group[0])) for group in grouped]


def chance_on(task: Task | None, setting: str) -> float | None:
    """The chance value of a setting on the scale that differences are taken on (`on_scale`).

    None where the task is not at hand, or declares none, or no such setting. Raises `TicketbenchError` for a value
    that its metric cannot have.
    """
    if task is None or (task.settings and setting not in task.settings):
        return None
    chance = task.in_setting(setting).scoring.chance
    try:
        return on_scale(chance, task.metric) if chance is not None else None
    except ValueError as error:
        raise TicketbenchError(f"{task.id}: scoring.chance: {error}.") from None


def _batch_size(task: Task | None, setting: str) -> int | None:
    if task is None or (task.settings and setting not in task.settings):
        return None
    return task.in_setting(setting).training.batch_size


def _board(rows: list[Row], dense: Sequence[Row], task: Task | None) -> Board:
    first = rows[0]
    metric = _metric([*rows, *dense])
    chance = chance_on(task, first["trained_on"])
    column = (task.scoring if task else Scoring()).column
    tickets = _by_nature([row for row in rows if row["kind"] == "ticket"])
    controls = [row for row in rows if row["kind"] == "control"]
    series = [_series(list(group), column, chance) for _, group in groupby(tickets, _series_key)]
    higher = first["higher_is_better"] is not False
    columns = _rungs(tickets)
    by = _ordering_rung((each for each in series if not each.carried), dict(columns))
    return Board(
        task=first["task"],
        version=first["task_version"],
        found_on=first["found_on"],
        trained_on=first["trained_on"],
        numerics=first["numerics"],
        metric=metric,
        higher_is_better=higher,
        column=column,
        chance=chance,
        batch_size=_batch_size(task, first["found_on"]),
        steps=dense_steps([*tickets, *dense]),
        rungs=columns,
        dense=_cell(0, dense, (), column, chance) if dense else None,
        series=tuple(sorted(series, key=lambda each: _standing(each, by, dict(columns), higher))),
        controls=tuple(_series(list(group), column, chance) for _, group in groupby(controls, _series_key)),
        ordered_by=by,
        unused=Counter(row["kind"] for row in rows if row["kind"] not in ("ticket", "dense", "control")),
        rows=rows,
        dense_rows=dense,
    )


def _by_nature(tickets: Sequence[Row]) -> list[Row]:
    """Tickets of which "not applicable" is true of a method on a rung whatever the seed, or else read as failed.

    Whether a method applies to a task is no matter of the seed; one that has tickets of some has failed on the rest.
    """

    def cell(row: Row) -> tuple[Any, ...]:
        return (*_series_key(row), row["rung"])

    applied = {cell(row) for row in tickets if row["status"] != NOT_APPLICABLE}
    return [
        row | {"status": "failed", "reason": f"not applicable to this seed alone: {row['reason']}"}
        if row["status"] == NOT_APPLICABLE and cell(row) in applied
        else row
        for row in tickets
    ]


def _metric(rows: Iterable[Row]) -> str:
    """What all rows of a table measure."""
    named = {row["metric"]: row for row in rows if row["metric"]}
    if len(named) > 1:
        (one, _), (other, row) = sorted(named.items())[:2]
        raise TicketbenchError(
            f"row {row['row_id']} is damaged: its metric is {other}, and other rows of {row['task']} have {one}."
        )
    return next(iter(named), "accuracy")


def _series(rows: list[Row], column: str, chance: float | None) -> Series:
    seeds = tuple(sorted({row["seed"] for row in rows}))
    cells = {rung: _cell(rung, list(group), seeds, column, chance) for rung, group in groupby(rows, _rung)}
    first = rows[0]
    carried = first["found_on"] != first["trained_on"] and any(row["carried"] for row in rows)
    method, params, control, label = _series_key(first)
    return Series(method, params, label, control, carried, seeds, cells, rows)


def _cell(rung: int, rows: Sequence[Row], expected: Sequence[int], column: str, chance: float | None) -> Cell:
    applicable = [row for row in rows if row["status"] != NOT_APPLICABLE]
    interval, why = score(applicable, column, chance) if applicable else (None, NOT_APPLICABLE)
    x = [log2(row["prunable"] / row["kept"]) for row in rows if row["prunable"] and row["kept"]]
    steps = [row["best_step"] for row in applicable if row["best_step"] is not None and row["training_steps"]]
    seeds = tuple(row["seed"] for row in rows)
    return Cell(
        rung=rung,
        compression=2 ** (sum(x) / len(x)) if x else None,
        score=interval,
        why=why,
        learning=seeds_interval(steps) if steps and len(steps) == len(applicable) else None,
        seeds=seeds,
        missing=tuple(seed for seed in expected if seed not in seeds),
        troubles=_troubles(rows),
    )


def _troubles(rows: Iterable[Row]) -> tuple[Trouble, ...]:
    seeds: dict[tuple[str, str], list[int]] = {}
    for row in rows:
        if row["status"] != "done":
            seeds.setdefault((row["status"], row["reason"] or ""), []).append(row["seed"])
    ordered = sorted(seeds.items(), key=lambda item: (STATUSES.index(item[0][0]), item[0][1]))
    return tuple(Trouble(status, reason, tuple(which)) for (status, reason), which in ordered)


def _rungs(tickets: Iterable[Row]) -> tuple[tuple[int, float], ...]:
    """Each rung's compression: of the density asked for, or else of the count kept most often."""
    found: list[tuple[int, float]] = []
    for rung, group in groupby(sorted(tickets, key=_rung), _rung):
        rows = list(group)
        asked = Counter(1 / row["density_asked"] for row in rows if row["density_asked"])
        counted = Counter(row["prunable"] / row["kept"] for row in rows if row["prunable"] and row["kept"])
        usual = asked or counted
        found.append((rung, min(usual, key=lambda c: (-usual[c], c)) if usual else float("nan")))
    return tuple(found)


def near(compression: float | None, column: float) -> bool:
    """Whether a compression is as good as its column's: what has another density stands with nothing there."""
    return compression is not None and abs(compression / column - 1) <= NEAR


def _ordering_rung(series: Iterable[Series], columns: Mapping[int, float]) -> int | None:
    """The sparsest rung with means of at least three quarters as many methods as the rung that has the most."""
    covered = Counter(
        rung for each in series for rung, cell in each.cells.items() if score_in_column(cell, columns.get(rung))
    )
    return max((rung for rung in covered if 4 * covered[rung] >= 3 * max(covered.values())), default=None)


def better_by(board: Board, one: Sequence[Row], other: Sequence[Row]) -> Interval | None:
    """By how much the one's score on a board is better, over the seeds that both have; None where there are none."""
    found = paired(one, other, board.column, board.chance)
    return found if found is None or board.higher_is_better else found.reversed


def score_in_column(cell: Cell | None, column: float | None) -> Interval | None:
    """The score of a cell that has a mean, at its column's compression or at none that was counted."""
    if cell is None or column is None or not (cell.compression is None or near(cell.compression, column)):
        return None
    return cell.score


def _standing(
    series: Series, rung: int | None, columns: Mapping[int, float], higher_is_better: bool
) -> tuple[Any, ...]:
    score = score_in_column(series.cells.get(rung), columns.get(rung)) if rung is not None else None
    if series.carried or score is None:
        return (series.carried, 1, 0.0, *series.key)
    return (False, 0, -score.mean if higher_is_better else score.mean, *series.key)


def _same_version(tasks: Mapping[str, Task], row: Row) -> Task | None:
    task = tasks.get(row["task"])
    return task if task and task.version == row["task_version"] else None


def _dense_key(row: Row) -> tuple[Any, ...]:
    return tuple(row[name] for name in ("task", "task_version", "trained_on", "numerics"))


def _series_key(row: Row) -> tuple[str, str, str, str]:
    """Method, parameters, control, and the label of the ticket."""
    return (row["method"], row["method_params"], *control_of(row))


def _rung(row: Row) -> int:
    return int(row["rung"])


def _order(row: Row) -> tuple[Any, ...]:
    place = (row["task"], -row["task_version"], row["found_on"], row["trained_on"], row["numerics"])
    return (*place, *_series_key(row), row["rung"], row["seed"])
