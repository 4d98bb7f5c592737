"""The tickets themselves: one for every rung, of the right size, and pruned to the end."""

from ticketbench.harness.requests import MASK_KEEPS
from ticketbench.harness.search import ASKED_FOR_NOTHING_MORE
from ticketbench.results import UNSCORED, Row
from ticketbench.testing.finding import Finding, failed, not_applicable, ok, warning
from ticketbench.testing.following import Run
from ticketbench.testing.trial import Trial

NO_TICKETS = "its search did not end well; see counts"


def counts(trial: Trial) -> Finding:
    """Every rung got a ticket. `exact`: with exactly its count; `nearest`: nearer to it than to a neighbour's.

    Of `outcome` nothing is asked but that something is pruned and something is kept.
    """
    run = trial.first
    if run.trouble:
        return _explained(run)
    ladder = {row["rung"]: row for row in run.scored}
    kept = ", ".join(str(row["kept"]) for row in ladder.values())
    where = f"{len(ladder)} rungs of {run.task.id}, of {run.scored[0]['prunable']} weights kept {kept}"
    density = trial.method.density
    off = [row for row in run.scored if not _fits(row, density, ladder)]
    if off:
        return failed(
            f"rung {off[0]['rung']} asks for density {off[0]['density_asked']:.4f}, its ticket has "
            f"{off[0]['density']:.4f}",
            f"density={density!r}: {_RULES[density]}",
            "take the mask from keep_largest(scores, rung), or declare the density that it has",
        )
    if density == "outcome" and all(row["kept"] == row["prunable"] for row in run.scored):
        return warning(
            "no ticket has anything pruned", "densities that come of the method, below 1", "look at its threshold"
        )
    return ok(f"{where}, {_RULES[density]}")


def pruned_stay_zero(trial: Trial) -> Finding:
    """At the end of every ticket's training, all that its mask prunes is exactly zero."""
    trained = [ticket for ticket in trial.first.tickets if ticket.loose is not None]
    if not trained:
        return not_applicable(NO_TICKETS)
    loose = [(number, ticket.loose) for number, ticket in enumerate(trained, start=1) if ticket.loose]
    if loose:
        number, many = loose[0]
        return failed(
            f"ticket {number} has {many} pruned weights that are not zero after its training",
            "pruned weights stay exactly zero: the mask that was submitted is the one that is scored",
            "leave the network that the harness trains alone: no hooks on it, no patched torch or ticketbench",
        )
    return ok(f"{len(trained)} tickets trained, all they prune exactly zero at the end")


_RULES = {
    "exact": "exactly what was asked",
    "nearest": "each nearer to its rung than to a neighbour",
    "outcome": "as it came out, above none",
}


def _fits(row: Row, density: str, ladder: dict[int, Row]) -> bool:
    if density == "outcome":
        return bool(row["kept"] > 0)
    if density == "nearest":
        asked = {1.0, *(other["density_asked"] for other in ladder.values())}
        return bool(min(asked, key=lambda each: abs(each - row["density"])) == row["density_asked"])
    return bool(row["density"] == row["density_asked"])


def _explained(run: Run) -> Finding:
    """Why rungs are without a ticket, in the words of the harness, with what mostly helps."""
    bad = next(row for row in run.scored if row["status"] in UNSCORED)
    seen = f"on {run.task.id}, {run.trouble}"
    if bad["status"] == "not applicable":
        return not_applicable(seen)
    change = "mend what is named; a line number is one of your file"
    if MASK_KEEPS in bad["reason"]:
        change = (
            'take the mask from keep_largest(scores, rung), which counts; or declare density="nearest" or "outcome"'
        )
    elif ASKED_FOR_NOTHING_MORE in bad["reason"]:
        change = (
            "yield a Ticket for every rung of search.ladder; a method that takes (search, rung), one for its rung"
        )
    elif "refused" not in bad["reason"] and "failed" in bad["status"]:
        change += (
            '; where a network lacks what the method counts on, declare it: needs=["convolutions"] or ["batch norm"]'
        )
    elif bad["status"] == "diverged":
        change = "catch ticketbench.Diverged at the yield and go on, or train more gently"
    return failed(seen, "a ticket for every rung of the ladder", change)
