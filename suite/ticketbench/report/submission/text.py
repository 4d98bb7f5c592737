"""The report that a submission gets, in Markdown. What its author wrote stands in code spans: nothing in it acts."""

from collections.abc import Collection, Iterable, Sequence

from ticketbench.errors import TicketbenchError
from ticketbench.report.boards.board import Board, Series, better_by, boards
from ticketbench.report.boards.costs import total_cost
from ticketbench.report.printable import plain
from ticketbench.report.statistics.differences import RANK_SEEDS
from ticketbench.report.statistics.intervals import LEAST_SEEDS, Kind
from ticketbench.report.submission.check import Findings, known_tasks
from ticketbench.report.submission.manifest import Manifest, Paper, Tuning
from ticketbench.report.submission.rows import marks
from ticketbench.report.submission.shipped import has_own_recipe
from ticketbench.report.units import Unit, unit_of
from ticketbench.report.wording import difference_line, interval_line, seeds_text, times
from ticketbench.results import DENSE, Row, parameters

BESIDE = ("imp", "one-shot", "random-layer")  # what a method is held against, where there are rows
_ALONE = "over test examples alone"  # of one run of accuracy: Wilson's interval knows nothing of other seeds


def report_text(found: Findings, published: Iterable[Row]) -> str:
    """The report of a checked submission beside published rows. Call it with what `check_submission` found."""
    if found.manifest is None:
        return "\n".join(["# Submission", "", *_findings(found)]) + "\n"
    lines = [f"# Submission of {_code(', '.join(found.manifest.methods))}", "", *_declared(found), ""]
    lines += _findings(found)
    if found.problems:
        lines += ["", "Its numbers are shown once there are no problems."]
        return "\n".join(lines) + "\n"
    tasks = known_tasks()
    rows = [row for rows in found.rows.values() for row in rows]
    beside = _comparable(published, found.manifest)
    try:
        for board in boards([*rows, *beside], {task: tasks[task] for task in {row["task"] for row in rows}}):
            lines += ["", *_board(board, found)]
    except TicketbenchError as error:
        lines += ["", f"No table can be made: {_code(error)}"]
    return "\n".join(lines) + "\n"


def _comparable(published: Iterable[Row], manifest: Manifest) -> list[Row]:
    """Published rows of other methods on the same tasks, at the same digests."""
    digests = {ran.id: ran.digest for ran in manifest.tasks}
    return [
        row
        for row in published
        if row["kind"] in ("ticket", DENSE)
        and row["method"] not in manifest.methods
        and digests.get(row["task"]) == row["task_digest"]
    ]


def _declared(found: Findings) -> list[str]:
    manifest = found.manifest
    assert manifest is not None
    said = {
        "Authors": ", ".join(manifest.authors),
        "Paper": _paper(manifest.paper),
        "Licence": manifest.licence,
        "Extra data": manifest.extra_data,
        "Tuning": _tuning(manifest.tuning),
        "Made with": f"ticketbench {manifest.suite_version}, engine {manifest.engine_version}",
    }
    lines = [f"- {name}: {_code(value)}" for name, value in said.items()]
    declared = found.declaration.methods.values() if found.declaration else ()
    return lines + [f"- {_code(each.name)}: {_code(each.title)}, density {each.density}" for each in declared]


def _paper(said: str | Paper) -> str:
    if isinstance(said, str):
        return said
    return f"{said.title} ({said.url or (f'arXiv:{said.arxiv}' if said.arxiv else 'with BibTeX')})"


def _tuning(said: str | Tuning) -> str:
    if isinstance(said, str):
        return said
    tried = f"{said.configurations} configurations on {', '.join(said.tasks)}"
    return f"{tried}, chosen by {said.chosen_by} scores"


def _findings(found: Findings) -> list[str]:
    if found.problems:
        lines = ["## Problems", "", *(f"- {_code(line)}" for line in found.problems)]
    else:
        counts = ", ".join(f"{count} {status}" for status, count in sorted(found.statuses.items()))
        lines = [f"Valid: {sum(found.statuses.values())} rows ({counts})."]
    if found.notes:
        lines += ["", "For a reader to judge:", "", *(f"- {_code(note)}" for note in found.notes)]
    return lines


def _board(board: Board, found: Findings) -> list[str]:
    names = found.manifest.methods if found.manifest else ()
    own = [series for series in board.series if series.method in names]
    if not own:
        return []
    unit = unit_of(board.metric)
    ends = "" if board.found_on == board.trained_on == "default" else f", {board.found_on} to {board.trained_on}"
    lines = [f"## {board.task} (version {board.version}){ends}", ""]
    seeds = sorted({seed for series in own for seed in series.seeds})
    dense = board.dense.score if board.dense else None
    said = interval_line(dense, unit) + unit.sign if dense else "no rows here"
    if dense and dense.kind == "examples only":
        said += f", {_ALONE}"
    few = _few(len(seeds), {cell.score.kind for series in own for cell in series.cells.values() if cell.score})
    lines += [f"Test {unit.name}, {seeds_text(seeds)}. Dense network: {said}. {few}".rstrip(), ""]
    beside = [s for name in BESIDE for s in board.series if s.method == name and s.params == "{}" and not s.label]
    for series in own:
        lines += [*_table(series, board, beside, unit, found), ""]
    return lines[:-1]


def _few(seeds: int, kinds: Collection[Kind]) -> str:
    if seeds < LEAST_SEEDS:
        interval = f"an interval {_ALONE}" if "examples only" in kinds else "no interval"
        return f"Fewer than {LEAST_SEEDS} seeds: {interval}."
    return f"Fewer than {RANK_SEEDS} seeds: an interval, but no rank." if seeds < RANK_SEEDS else ""


def _table(series: Series, board: Board, beside: Sequence[Series], unit: Unit, found: Findings) -> list[str]:
    """A line a rung: the score, its cost in dense trainings, its marks, and others with the paired difference."""
    name = series.method + parameters(series.params) + (f", {series.label}" if series.label else "")
    head = ["compression", _cell(name), "cost", "marks", *(f"{each.method} (difference)" for each in beside)]
    lines = [f"| {' | '.join(head)} |", f"|{' --- |' * len(head)}"]
    own_recipe = found.declaration is not None and has_own_recipe(found.declaration)
    for rung, compression in board.rungs:
        cell, rows = series.cells.get(rung), series.at(rung)
        if cell is None:
            continue
        shown = interval_line(cell.score, unit) if cell.score else plain(cell.why)
        line = [
            times(cell.compression or compression),
            shown,
            f"{cost:.2f}" if (cost := total_cost(rows, board.batch_size, board.steps)) is not None else "–",
            _cell(_marks(rows, own_recipe)),
        ]
        for other in beside:
            there = other.cells.get(rung)
            gap = better_by(board, rows, other.at(rung)) if there and there.score else None
            said = interval_line(there.score, unit) if there and there.score else "–"
            line.append(f"{said} ({difference_line(gap, unit)})" if gap else said)
        lines.append(f"| {' | '.join(line)} |")
    return lines


def _marks(rows: Sequence[Row], own_recipe: bool) -> str:
    """Statuses and marks with how many seeds have them."""
    counted: dict[str, int] = {}
    for row in rows:
        for mark in marks(row, own_recipe) + ([row["status"]] if row["status"] != "done" else []):
            counted[mark] = counted.get(mark, 0) + 1
    return ", ".join(
        mark if count == len(rows) else f"{mark} ({count} of {len(rows)})" for mark, count in counted.items()
    )


def _code(text: object) -> str:
    """A stranger's text in a code span, where neither markup, links, mentions nor HTML mean anything."""
    return f"`{plain(text, 500).replace('`', chr(39)) or ' '}`"


def _cell(text: str) -> str:
    """The same within a table, whose columns a bar would part even there."""
    return _code(text).replace("|", "\\|") if text else ""
