"""What became of a change: every statistic tested, every row that failed, and what a reader must know."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import groupby
from pathlib import Path
from typing import Literal

import numpy as np

from ticketbench.errors import TicketbenchError
from ticketbench.report.compare.changes import changes
from ticketbench.report.compare.entries import TESTED, Entry, Narrowing, method_text, read_entries
from ticketbench.report.compare.pairing import Pair, pair_up
from ticketbench.report.compare.scale import WIDE, Place, Scale, place_of, scales, tasks_of
from ticketbench.report.compare.untested import controls, other_columns
from ticketbench.report.statistics.gate import Outcome, Statistic, outcomes, verdict
from ticketbench.report.statistics.intervals import LEAST_SEEDS, Floats
from ticketbench.report.units import signed, unit_of
from ticketbench.report.wording import seeds_text
from ticketbench.results import DENSE, SCORED, describe

Verdict = Literal["identical", "regression", "no worse", "not shown"]

EVERYTHING = Narrowing()


@dataclass(frozen=True)
class Tested:
    """One statistic: a method's curve (`rung` None), one of its rungs, or the dense network (rung 0).

    Attributes:
        method: with its parameters and label.
        setting: found on and trained on; empty where the task has none.
        base, new: mean scores over the seeds, on the scale that differences are taken on; of the curve, over its
            rungs too.
        compression: at the rung, geometric mean over BASE's seeds; None for the curve.
        outcome: None where no seed's score changed.
    """

    task: str
    version: int
    numerics: str
    setting: str
    method: str
    rung: int | None
    metric: str
    compression: float | None
    seeds: tuple[int, ...]
    base: float
    new: float
    outcome: Outcome | None


@dataclass(frozen=True)
class Comparison:
    """What became of a change.

    Attributes:
        verdict: `identical`, `regression`, `no worse` than the margin, or a difference `not shown`.
        rows: how many pairs.
        tested: every statistic, those that are unchanged too; empty where all is identical.
        failed: rows that failed where BASE's was done: each is a regression.
        warnings, notes: in sentences.
        wide: whether a task declares a margin that lets pass what nobody would call noise.
    """

    verdict: Verdict
    rows: int
    tested: tuple[Tested, ...]
    failed: tuple[str, ...]
    warnings: tuple[str, ...]
    notes: tuple[str, ...]
    wide: bool = False

    @property
    def regressions(self) -> list[Tested]:
        """The statistics that got worse, significantly and by more than the margin."""
        return [each for each in self.tested if each.outcome and each.outcome.regression]

    @property
    def exit_code(self) -> int:
        """0 no regression, 1 regression; 2, unusable, is a `TicketbenchError`."""
        return int(self.verdict == "regression")


def compare(base: Path, new: Path, files: Sequence[Path] = (), narrowing: Narrowing = EVERYTHING) -> Comparison:
    """Hold NEW's results against BASE's: the protocol's section 9.

    Args:
        base, new: result files, or folders of them.
        files: task files, for margin and chance value of tasks that do not come with ticketbench.

    Raises `TicketbenchError`, naming the thing, where the two cannot be compared.
    """
    ours, theirs = (read_entries(path, side, narrowing) for path, side in ((base, "BASE"), (new, "NEW")))
    pairs, notes = pair_up(ours, theirs)
    tasks, said = tasks_of(files, ours.values())
    dearer, others = other_columns(pairs)
    warnings, beside = [*dearer, *_quarrels(pairs)], [*notes, *said, *others, *changes(pairs)]
    if all(pair.identical for pair in pairs):
        return Comparison("identical", len(pairs), (), (), tuple(warnings), tuple(beside))
    scale = scales(ours.values(), tasks)
    tested = _tested(pairs, scale)
    failed = [pair for pair in pairs if pair.new.row["status"] == "failed" and pair.base.row["status"] == "done"]
    found = verdict([each.outcome for each in tested])
    return Comparison(
        verdict="regression" if failed else found,
        rows=len(pairs),
        tested=tuple(tested),
        failed=tuple(f"{describe(pair.row)}: {pair.new.row['reason'] or 'no reason is given'}" for pair in failed),
        warnings=(*_wide(tested, scale), *_statuses(pairs, scale, failed), *warnings),
        notes=(*_margins(tested, scale), *controls(pairs, scale), *beside),
        wide=bool(_wide(tested, scale)),
    )


def _tested(pairs: Sequence[Pair], scale: Mapping[Place, Scale]) -> list[Tested]:
    """Every statistic of the call. Raises `TicketbenchError` where one that changed has too few paired seeds."""
    drafts: list[tuple[Tested, Statistic]] = []
    scored = [pair for pair in pairs if pair.row["kind"] in TESTED]
    for _, group in groupby(sorted(scored, key=lambda pair: (_series(pair), *_cell(pair))), _series):
        drafts += _of_series(list(group), scale)
    found = outcomes([statistic for _, statistic in drafts])
    return [replace(draft, outcome=outcome) for (draft, _), outcome in zip(drafts, found, strict=True)]


def _of_series(pairs: Sequence[Pair], scale: Mapping[Place, Scale]) -> list[tuple[Tested, Statistic]]:
    """The statistics of one method on one pair of settings; of the dense network, its one."""
    mine = scale[place_of(pairs[0].row)]
    rungs = {rung: list(cell) for rung, cell in groupby(pairs, lambda pair: int(pair.row["rung"]))}
    for cell in rungs.values():
        if len(cell) < LEAST_SEEDS and not all(pair.identical for pair in cell):
            raise TicketbenchError(_too_few(cell[0], len(cell)))
    found = [_draft(cell, rung, [cell], mine) for rung, cell in rungs.items()]
    if pairs[0].row["kind"] == DENSE:
        return found
    common = set.intersection(*({pair.row["seed"] for pair in cell} for cell in rungs.values()))
    whole = [[pair for pair in cell if pair.row["seed"] in common] for cell in rungs.values()]
    if len(common) < LEAST_SEEDS and not all(pair.identical for pair in pairs):
        raise TicketbenchError(_too_few(pairs[0], len(common), " that all its rungs have"))
    return [_draft(whole[0], None, whole, mine), *found] if common else found


def _draft(
    named: Sequence[Pair], rung: int | None, cells: Sequence[Sequence[Pair]], scale: Scale
) -> tuple[Tested, Statistic]:
    """One statistic over cells of equal seeds: a rung's own, or the curve over all of them."""
    row = named[0].row
    place = tuple(row[name] for name in ("task", "task_version", "found_on", "trained_on", "numerics"))
    differences = np.array([[scale.difference(p.base.row, p.new.row) for p in cell] for cell in cells])
    kept = [row["prunable"] / row["kept"] for row in (p.row for p in named) if row["prunable"] and row["kept"]]
    draft = Tested(
        task=row["task"],
        version=row["task_version"],
        numerics=row["numerics"],
        setting=_setting(row["found_on"], row["trained_on"]),
        method=method_text(row),
        rung=rung,
        metric=scale.metric,
        compression=float(np.exp(np.mean(np.log(kept)))) if kept and rung is not None else None,
        seeds=tuple(pair.row["seed"] for pair in named),
        base=_mean([pair.base for cell in cells for pair in cell], scale),
        new=_mean([pair.new for cell in cells for pair in cell], scale),
        outcome=None,
    )
    values: Floats = differences.mean(axis=0)
    return draft, Statistic(values, (place, "dense" if row["kind"] == DENSE else rung), scale.margin)


def _mean(entries: Iterable[Entry], scale: Scale) -> float:
    """The mean score; not a number where one counts as a chance value that nobody knows (both sides alike)."""
    rows = [entry.row for entry in entries]
    if scale.chance is None and any(row["status"] not in SCORED for row in rows):
        return float("nan")
    return float(np.mean([scale.value(row) for row in rows]))


def _statuses(pairs: Sequence[Pair], scale: Mapping[Place, Scale], failed: Sequence[Pair]) -> list[str]:
    """What newly collapsed, diverged or failed, and what it counts as where it is tested."""
    new: dict[tuple[str, ...], list[Pair]] = {}
    for pair in pairs:
        before, after = pair.base.row["status"], pair.new.row["status"]
        if after not in ("done", before) and pair not in failed:
            new.setdefault((*map(str, _series(pair)), f"{pair.row['rung']:>6}", after), []).append(pair)
    said = []
    for (*_, status), which in sorted(new.items()):
        row = which[0].row
        counted = _counted(which, status, scale[place_of(row)]) if row["kind"] in TESTED else ""
        seeds = seeds_text([pair.row["seed"] for pair in which])
        said.append(f"{describe(row, seed=False)}: {status} in NEW with {seeds}{counted}.")
    return said


def _counted(which: Sequence[Pair], status: str, scale: Scale) -> str:
    """What these rows of NEW count as, in words."""
    if status != "collapsed" and scale.chance is None:
        return ", as BASE's are no scores either"
    values = sorted({scale.value(pair.new.row) for pair in which})
    guess = "" if scale.declared or status == "collapsed" else ", the lowest there is: no chance value is known"
    unit = unit_of(scale.metric)
    counted = ", ".join(signed(f"{value * unit.factor:.4g}") for value in values)
    return f", counted as {counted}{unit.sign}{guess}"


def _quarrels(pairs: Sequence[Pair]) -> list[str]:
    return [
        f"{side}: the {what} of {describe(pair.row)} disagree with its score: {entry.quarrel}. `ticketbench verify` "
        "refuses such a row."
        for pair in pairs
        for side, entry in (("BASE", pair.base), ("NEW", pair.new))
        for what in ("test scores" if pair.row["metric"] == "perplexity" else "bits",)
        if entry.quarrel
    ]


def _margins(tested: Sequence[Tested], scale: Mapping[Place, Scale]) -> list[str]:
    """How large each margin is, and where it comes from; and which score counts where that is not the last."""
    best = "; its scores are those of the best step"
    return [
        f"Margin of {where}: {mine.source}{best if mine.column == 'test_best' else ''}."
        for where, mine in _used(tested, scale)
    ]


def _wide(tested: Sequence[Tested], scale: Mapping[Place, Scale]) -> list[str]:
    """What a generous task lets pass: whoever changes its file could pass anything."""
    return [
        f"The margin of {where} is wide: {mine.source}. Smaller drops pass, however significant; more than "
        f"{WIDE:g} of the way is no longer noise."
        for where, mine in _used(tested, scale)
        if mine.wide
    ]


def _used(tested: Sequence[Tested], scale: Mapping[Place, Scale]) -> list[tuple[str, Scale]]:
    """The scales that statistics were read on, with the place of each in words."""
    there = {(each.task, each.version, each.numerics) for each in tested}
    return [
        (place_text(task, version, _setting(on, on), numerics), mine)
        for (task, version, on, numerics), mine in sorted(scale.items(), key=lambda item: item[0])
        if (task, version, numerics) in there
    ]


def _too_few(pair: Pair, seeds: int, which: str = "") -> str:
    return (
        f"{describe(pair.row, seed=False)}: {seeds} paired {'seeds' if seeds != 1 else 'seed'}{which}, and at least "
        f"{LEAST_SEEDS} are needed to tell a change from noise; 5 are advised. Run both sides with --seeds 5."
    )


def _series(pair: Pair) -> tuple[str | int, ...]:
    row = pair.row
    names = ("task", "task_version", "numerics", "found_on", "trained_on", "method", "method_params", "label")
    return (row["kind"], *(row[name] for name in names))


def _cell(pair: Pair) -> tuple[int, int]:
    return int(pair.row["rung"]), int(pair.row["seed"])


def place_text(task: str, version: int, setting: str, numerics: str) -> str:
    """A task and setting in words, its version and numerics where they are not the usual ones."""
    unusual = (f"version {version}" if version != 1 else "", numerics if numerics != "fp32" else "")
    return " ".join(filter(None, (task, setting, *unusual)))


def _setting(found_on: str, trained_on: str) -> str:
    if found_on == trained_on:
        return "" if found_on == "default" else found_on
    return f"{found_on} to {trained_on}"
