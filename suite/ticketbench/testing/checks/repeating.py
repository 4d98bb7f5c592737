"""The same again, and another seed."""

from dataclasses import replace

from ticketbench.results import COMPARED
from ticketbench.testing.checks.tickets import NO_TICKETS
from ticketbench.testing.finding import Finding, failed, not_applicable, ok, warning
from ticketbench.testing.following import Run, digest_of, same
from ticketbench.testing.trial import Trial


def determinism(trial: Trial) -> Finding:
    """Run again, and run after another method and with other global random numbers, it asks and gets the same.

    Three fresh searches of one seed agree in every request, every mask and every column of a row that is compared. A
    method that is run once a rung asks and gets the same where its rungs are run in reverse order, its file loaded
    anew: no rung leaves another what it has paid for.
    """
    first = trial.first
    if not first.asked:
        return not_applicable(NO_TICKETS)
    for how, other in (("run once more", trial.again), ("run after another method", trial.in_company)):
        if parted := _parted(first, other):
            return failed(
                f"{how}, with the same seed, {parted}",
                "one seed, one outcome: in any process, any order and any company",
                "draw from search.rng alone; keep nothing in global variables; take nothing from clocks, sets, "
                "generators of your own without a seed, or files",
            )
    if trial.method.per_rung and (parted := _parted(first, in_order(trial.backwards))):
        return failed(
            f"run with its last rung first, with the same seed, {parted}",
            "rungs that are run apart and charged apart: each asks for all that it needs",
            "keep nothing between rungs in global variables; a method whose rungs build on each other takes (search)",
        )
    return ok(f"three searches alike in {len(first.asked)} requests and {len(first.rows)} rows")


def seeds(trial: Trial) -> Finding:
    """Another seed gives other tickets: other masks, or other starting weights."""
    one, other = trial.first.tickets, trial.other_seed.tickets
    if trial.first.trouble or trial.other_seed.trouble:
        return not_applicable(NO_TICKETS)
    if digest_of(one) == digest_of(other):
        return failed(
            "seeds 0 and 1 gave the same tickets, mask for mask and weight for weight",
            "a seed is a replicate: other initial weights, other draws, so other tickets",
            "start from search.initial or search.reinitialized(draw), and draw from search.rng, not from a "
            "generator with a seed of your own",
        )
    pairs = list(zip(one, other, strict=False))
    if len(one) == len(other) and all(same(a.mask, b.mask) for a, b in pairs):
        return warning(
            "seeds 0 and 1 gave the same masks; only the starting weights differ",
            "masks that differ, unless the method's masks depend on neither weights nor chance",
            "if they are drawn, draw them from search.rng",
        )
    return ok("seeds 0 and 1 gave other masks and other starting weights" if one else "no tickets to compare")


def in_order(run: Run) -> Run:
    """The run as if its rungs had been run in order."""
    asked, rows = sorted(run.asked, key=lambda each: each.rung), sorted(run.rows, key=lambda row: int(row["rung"]))
    return replace(run, asked=asked, rows=rows)


def _parted(first: Run, other: Run) -> str:
    """Where two runs that should be equal part; empty where nowhere."""
    for number, (one, two) in enumerate(zip(first.asked, other.asked, strict=False), start=1):
        if one.identity != two.identity:
            return f"request {number}, {one.told}, is {'another' if one.told == two.told else two.told}"
    if len(first.asked) != len(other.asked):
        return f"it makes {len(other.asked)} requests, not {len(first.asked)}"
    for row, twin in zip(first.rows, other.rows, strict=True):
        if differing := [name for name in COMPARED if repr(row[name]) != repr(twin[name])]:
            return f"the row of rung {row['rung']} differs in {', '.join(differing)}"
    return ""
