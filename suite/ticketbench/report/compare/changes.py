"""What is under test: in what the makers of the two sides differ."""

from collections.abc import Callable, Sequence

from ticketbench.report.compare.pairing import Pair
from ticketbench.report.origin import packages_of
from ticketbench.results import Row


def changes(pairs: Sequence[Pair]) -> list[str]:
    """A note on everything that is not compared, but may be why scores differ: code, packages, machine."""
    said = []
    for name, read in _MADE_WITH:
        before, after = ({read(row) for row in rows} - {""} for rows in _sides(pairs))
        if before != after:
            said.append(f"{name}: {_listed(before)} in BASE, {_listed(after)} in NEW.")
    methods = sorted({p.row["method"] for p in pairs if p.base.row["method_digest"] != p.new.row["method_digest"]})
    if methods:
        said.append(f"The file of {', '.join(methods)} is not the same.")
    if any(pair.base.row["network_digest"] != pair.new.row["network_digest"] for pair in pairs):
        said.append("The network's file is not the same.")
    return said


def _sides(pairs: Sequence[Pair]) -> tuple[list[Row], list[Row]]:
    return [pair.base.row for pair in pairs], [pair.new.row for pair in pairs]


def _listed(found: set[str]) -> str:
    return " and ".join(sorted(found)) or "nothing"


_MADE_WITH: tuple[tuple[str, Callable[[Row], str]], ...] = (
    ("ticketbench", lambda row: str(row["suite_version"] or "")),
    ("Training engine", lambda row: str(row["engine_version"] or "")),
    ("Packages", packages_of),
    ("Device", lambda row: str(row["device"] or "")),
    ("Threads of a training", lambda row: str(row["threads"] or "")),
)
