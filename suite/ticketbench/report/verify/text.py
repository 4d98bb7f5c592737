"""What `verify` says, as lines: of one row, and of all that was computed again."""

from collections import Counter
from collections.abc import Iterator, Sequence

from ticketbench.harness.search import Job
from ticketbench.report.printable import plain
from ticketbench.report.statistics.recomputing import LEVEL, POWER
from ticketbench.report.units import unit_of
from ticketbench.report.verify.holding import Held, others
from ticketbench.report.verify.verdict import Verified
from ticketbench.results import Row, describe

_LONGEST = 500
_SHOWN = 6  # columns that differ


def of_row(held: Held) -> str:
    """What became of one row."""
    row = held.published
    return plain(f"{held.verdict}: {describe(row)} (row {row['row_id'][:12]}){_detail(held)}", _LONGEST)


def of_search(job: Job, held: Sequence[Held]) -> str:
    """What became of the rows of one search, before those made elsewhere are tested together."""
    counts = Counter(
        "not exact, to be tested" if each.verdict == "within tolerance" else each.verdict for each in held
    )
    rungs = sorted({each.published["rung"] for each in held})
    where = f"rung {rungs[0]}" if len(rungs) == 1 else f"rungs {rungs[0]} to {rungs[-1]}"
    said = ", ".join(f"{count} {verdict}" if len(held) > 1 else verdict for verdict, count in counts.items())
    return f"{job.task.id} {job.method.name}, seed {job.seed}, {where}: {said}"


def _detail(held: Held) -> str:
    if not held.why:
        return ""
    more = f" and {len(held.fields) - _SHOWN} more" if len(held.fields) > _SHOWN else ""
    columns = [f"differs in {', '.join(held.fields[:_SHOWN])}{more}"] if held.fields else []
    return ": " + "; ".join([*held.why, *(columns if held.verdict == "parted" else [])])


def summary(verified: Verified) -> Iterator[str]:
    """All rows together; the last line begins with the verdict."""
    yield from _places(verified)
    yield from _others(verified)
    if verified.outcome is not None:
        yield from _tested(verified)
    if verified.alone:
        yield (
            f"{were(verified.alone)} made elsewhere with another score, which is held against nothing: fewer than 3 "
            "seeds of it are published, and nothing tells its test items."
        )
    for column, outcome in verified.beside.items():
        if outcome.p_shift <= outcome.level:
            yield f"parted: {column} of all of these together lies too far from what was published."
    counts = ", ".join(
        f"{verified.count(verdict)} {verdict}"
        for verdict in ("bit-identical", "within tolerance", "parted")
        if verified.count(verdict)
    )
    recomputed = f"{rows_in_words(len(verified.held))} recomputed"
    yield f"{verified.verdict or 'nothing'}: {recomputed}{f', {counts}' if counts else ''}."


def _tested(verified: Verified) -> Iterator[str]:
    outcome = verified.outcome
    assert outcome is not None
    mean = sum(each.difference for each in outcome.distances) / len(outcome.distances)
    farthest = min(outcome.p_row, outcome.p_others)
    unit = _unit(verified)
    shifted = "apart" if unit is None else f"{mean:+.4f}{unit}"  # no mean of numbers of several units
    yield (
        f"{were(verified.tested)} made elsewhere and held against the spread of the published seeds: they come out "
        f"{shifted} here on average (p = {outcome.p_shift:.2g}), the farthest with p = {farthest:.2g} of so many."
    )
    if outcome.p_shift <= LEVEL:
        yield "parted: all of these together lie too far from what was published."
    elif outcome.unseen is not None and unit is not None:
        yield (
            f"What this could not have seen: a file that is {outcome.unseen:.4f}{unit} too high or too low "
            f"throughout is caught with probability {POWER}, a smaller shift or a single changed row less often. "
            "Every bit is held only of rows of the same device kind, software and threads."
        )


def _unit(verified: Verified) -> str | None:
    """In what differences are: nothing for shares, None where rows are of several metrics."""
    if len(verified.measured) > 1:
        return None
    metric = next(iter(verified.measured), "accuracy")
    return "" if metric == "accuracy" else unit_of(metric).difference("")


def _places(verified: Verified) -> Iterator[str]:
    """Where rows were made that were made elsewhere."""
    there = Counter(difference(each.published, each.again) for each in verified.held if each.elsewhere and each.again)
    for said, count in there.most_common():
        yield plain(f"{were(count)} made elsewhere: {said}.", _LONGEST)


def _others(verified: Verified) -> Iterator[str]:
    """In what rows differ though nothing contradicts them."""
    if found := list(others(verified.held)):
        total = sum(each.elsewhere for each in verified.held)
        (count, what), *more = found
        said = "".join(f", {few} with {which}" for few, which in more)
        yield f"{count} of {rows_in_words(total)} made elsewhere came out with {what}{said}."


def rows_in_words(count: int) -> str:
    """So many rows."""
    return f"{count} row{'' if count == 1 else 's'}"


def searches_in_words(count: int) -> str:
    """So many searches."""
    return f"{count} search{'' if count == 1 else 'es'}"


def were(count: int) -> str:
    """So many rows, and their verb."""
    return f"{rows_in_words(count)} {'was' if count == 1 else 'were'}"


def difference(published: Row, again: Row) -> str:
    """In what the place that made a row differs from here."""
    said = [
        f"{name} {published[name]}, here {again[name]}"
        for name in ("device", "threads")
        if published[name] != again[name]
    ]
    theirs, ours = ({each["name"]: each["version"] for each in row["packages"] or ()} for row in (published, again))
    for name in (*ours, *(name for name in theirs if name not in ours)):
        if theirs.get(name) != ours.get(name):
            said.append(f"{name} {theirs.get(name, 'none')}, here {ours.get(name, 'none')}")
    return "; ".join(said) or "packages in another order"
