"""What is compared and not tested: controls and probes, and columns beside masks, scores and curves."""

from collections.abc import Mapping, Sequence

from ticketbench.report.compare.entries import EQUAL, TESTED
from ticketbench.report.compare.pairing import Pair
from ticketbench.report.compare.scale import Place, Scale, place_of
from ticketbench.report.units import change_text, unit_of
from ticketbench.results import COMPARED, KEY, SCHEMA, SCORED, describe

# Columns that say what came of a training: where scores differ, these do too, and to list them would say nothing.
_OUTCOMES = (
    "validation_final",
    "validation_best",
    "loss_validation_best",
    "best_step",
    "early_losses",
    "path_length",
    "distance_moved",
    "reason",
)
# Refused, noted as what is under test, or no more than the mask's digest says.
_ELSEWHERE = (
    "task_digest",
    "data_digest",
    "metric",
    "metric_signature",
    "higher_is_better",
    "method_digest",
    "network_digest",
    "engine_version",
    "kept_per_layer",
)
_OTHERS = [name for name in COMPARED if name not in (*KEY, "row_id", *EQUAL, *_ELSEWHERE)]
_COSTS = [name for name in _OTHERS if (SCHEMA.field(name).metadata or {}).get(b"better") == b"lower"]
_SEARCH = ("search_steps", "search_examples")


def other_columns(pairs: Sequence[Pair]) -> tuple[list[str], list[str]]:
    """A warning where searches became dearer, and a note on every other compared column that differs."""
    differing = {name: which for name in _OTHERS if (which := [pair for pair in pairs if _differs(pair, name)])}
    warnings, said = [], []
    for name, which in differing.items():
        times = _times(which, name) if name in _COSTS else None
        text = f"{name} in {_rows(len(which))}"
        said.append(f"{text} ({times:.3g} times BASE's there)" if times is not None else text)
        if name in _SEARCH and times is not None and times > 1:
            warnings.append(f"Searches became dearer: {name} is {times:.3g} times BASE's, over {_rows(len(which))}.")
    return warnings, [f"Not tested, and not the same: {', '.join(said)}."] if said else []


def controls(pairs: Sequence[Pair], scale: Mapping[Place, Scale]) -> list[str]:
    """A note on controls and probes: how many there are, how many changed, and where a score changed most."""
    others = [pair for pair in pairs if pair.row["kind"] not in TESTED]
    if not others:
        return []
    same = sum(pair.identical for pair in others)
    said = [f"{len(others)} controls and probes are paired and not tested; {same} of them are identical."]
    changed = [pair for pair in others if _scored(pair, scale) and _difference(pair, scale)]
    if changed:
        most = max(changed, key=lambda pair: abs(_difference(pair, scale)))
        change, unit = _difference(most, scale), unit_of(scale[place_of(most.row)].metric)
        sign = "+" if change > 0 else ""
        said.append(
            f"The largest change of a control or probe is {sign}{unit.difference(change_text(change, unit))}, "
            f"{describe(most.row)}."
        )
    return said


def _differs(pair: Pair, name: str) -> bool:
    if name in _OUTCOMES and not pair.identical:
        return False
    return repr(pair.base.row[name]) != repr(pair.new.row[name])  # a number that is none equals itself


def _times(pairs: Sequence[Pair], name: str) -> float | None:
    base, new = (
        sum(entry.row[name] or 0 for entry in side) for side in zip(*((p.base, p.new) for p in pairs), strict=True)
    )
    return new / base if base else None


def _scored(pair: Pair, scale: Mapping[Place, Scale]) -> bool:
    """Whether both sides have a score: what has none is told as a failure or a warning."""
    if place_of(pair.row) not in scale:
        return False
    column = scale[place_of(pair.row)].column
    return all(e.row["status"] in SCORED and e.row[column] is not None for e in (pair.base, pair.new))


def _difference(pair: Pair, scale: Mapping[Place, Scale]) -> float:
    return scale[place_of(pair.row)].difference(pair.base.row, pair.new.row)


def _rows(count: int) -> str:
    return f"{count} rows" if count != 1 else "1 row"
