"""One published row against the one that was computed: in every bit, or by what other machines keep of it.

The definitions are those of the project's protocol, sections 10.2 and 10.3.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from math import isclose
from typing import Any, Literal

from ticketbench.report.verify.shapes import Shape
from ticketbench.results import COMPARED, Row

Verdict = Literal["bit-identical", "within tolerance", "parted"]

START_LOSS, EARLY_LOSSES = 1e-5, 1e-4  # relative
OUTCOME = 0.02  # of a density that is an outcome, relative
_SUMS = 1e-9  # relative, of the same terms added in another order
_OWN = ("failed", "not applicable")  # statuses that no rounding brings about
# What the task alone decides, what follows from a mask, and what a method decides with it.
_OF_THE_TASK = ("density_asked", "prunable", "parameters", "metric", "higher_is_better", "test_examples", "flops_dense", "bytes_dense")  # fmt: skip # noqa: E501
_OF_THE_MASK = ("kept_per_layer", "flops", "bytes_sparse")
_OF_THE_SEARCH = ("start_step", "optimizer_state", "carried", "edited", "search_steps", "search_examples", "training_steps")  # fmt: skip # noqa: E501
_SORTS = (
    ("another mask", {"mask_digest"}),
    ("another count", {"kept"}),
    ("another search cost", {"search_steps", "search_examples"}),
    ("another start", {"start_step", "optimizer_state", "carried", "edited", "training_steps"}),
)


@dataclass(frozen=True)
class Held:
    """A row after it was computed again.

    Attributes:
        again: the computed row; None where the search gave none of its key.
        elsewhere: whether it was made by other software, or on another kind of machine.
        verdict: `within tolerance` is, for a single row, only that nothing exact contradicts it.
        fields: the compared columns that differ.
        why: what parted it, as sentences' parts; or what differs although it may.
    """

    published: Row
    again: Row | None
    elsewhere: bool
    verdict: Verdict
    fields: tuple[str, ...]
    why: tuple[str, ...]


def hold(published: Row, again: Row | None, exact: bool, shape: Shape) -> Held:
    """What became of a published row.

    Args:
        again: the computed row; None where the search gave none of its key.
        exact: whether its method keeps exactly a rung's count.
        shape: of the network that it trains.
    """
    if again is None:
        return Held(published, None, False, "parted", (), ("its search gave no such row",))
    elsewhere = any(published[name] != again[name] for name in ("device", "packages", "threads"))
    fields = tuple(name for name in COMPARED if repr(published[name]) != repr(again[name]))
    if not fields:
        return Held(published, again, elsewhere, "bit-identical", (), ())
    if not elsewhere:
        return Held(published, again, False, "parted", fields, (first_difference(published, again, fields),))
    if broken := tuple(_contradictions(published, again, exact, shape)):
        return Held(published, again, True, "parted", fields, broken)
    return Held(published, again, True, "within tolerance", fields, tuple(_notes(published, again)))


def first_difference(published: Row, again: Row, fields: tuple[str, ...]) -> str:
    """Where two rows part: the first entry of the curve that differs, or else the first columns."""
    if published["status"] != again["status"]:
        return f"status is {published['status']} published, {again['status']} here"
    if "curve" not in fields:
        named = [name for name in fields if name not in ("test_correct", "early_losses", "kept_per_layer")]
        shown = "; ".join(f"{name} {published[name]!r} published, {again[name]!r} here" for name in named[:2])
        return f"its curve is equal throughout{f'; {shown}' if shown else ''}"
    ours, theirs = again["curve"] or [], published["curve"] or []
    for point, other in zip(theirs, ours, strict=False):
        if differing := [name for name in point if repr(point[name]) != repr(other[name])]:
            name = differing[0]
            step = point["step"] if name != "step" else min(point["step"], other["step"])
            return f"its curve parts at step {step}: {name} {point[name]!r} published, {other[name]!r} here"
    return f"its curve has {len(theirs)} entries published, {len(ours)} here"


def _contradictions(published: Row, again: Row, exact: bool, shape: Shape) -> Iterator[str]:
    """What differs that no rounding explains."""
    statuses = published["status"], again["status"]
    if statuses[0] != statuses[1] and any(status in _OWN for status in statuses):
        yield f"status is {statuses[0]} published, {statuses[1]} here"
        return
    if differing := [name for name in _OF_THE_TASK if repr(published[name]) != repr(again[name])]:
        yield _both(differing[0], published, again)
    kept = published["kept"], again["kept"]
    if None in kept:
        if kept[0] != kept[1]:
            yield _both("kept", published, again)
        return
    if exact and kept[0] != kept[1]:
        yield _both("kept", published, again)
    elif not exact and not isclose(published["density"], again["density"], rel_tol=OUTCOME):
        yield f"{_both('density', published, again)}, which is more than {OUTCOME:.0%} apart"
    masks = published["mask_digest"], again["mask_digest"]
    only = again["kept"] == again["prunable"] or None in masks  # no search chooses among masks of so many weights
    if only and masks[0] != masks[1]:
        yield f"{_both('mask_digest', published, again)}, where there is only one mask"
    if only or masks[0] == masks[1]:
        for name in (name for name in (*_OF_THE_MASK, *_OF_THE_SEARCH) if repr(published[name]) != repr(again[name])):
            yield f"{_both(name, published, again)}, of one mask"
        if not again["carried"] and not again["edited"]:
            yield from _early(published, again)
    else:
        yield from _of_another_mask(published, again, shape)


def _of_another_mask(published: Row, again: Row, shape: Shape) -> Iterator[str]:
    """What the counts of a mask decide, whichever weights it keeps."""
    kept, ours = ({each["layer"]: each["kept"] for each in row["kept_per_layer"]} for row in (published, again))
    if kept.keys() != shape.sizes.keys():
        yield f"kept_per_layer names {', '.join(kept)}, here {', '.join(shape.sizes)}"
        return
    for name, value in shape.deployment(kept).items():
        if not isclose(published[name], value, rel_tol=_SUMS):
            yield f"{name} {published[name]!r} published, {value!r} of what it keeps of each layer"
    asked = shape.ladder[again["rung"]] if again["rung"] < len(shape.ladder) else {}
    if len(asked) > 1 and ours == asked != kept:
        yield "kept_per_layer is not what the ladder asks of each layer, which this method keeps here"


def _early(published: Row, again: Row) -> Iterator[str]:
    """Losses of a network that starts from equal weights, before rounding has had time to grow.

    Weights that were trained before are not equal: digits/mlp's fine-tune, seed 0, rung 1 came out with another
    instruction set with its own mask, and 3e-5 off at its start.
    """
    theirs, ours = ((row["curve"] or [None])[0] for row in (published, again))
    if theirs is not None and ours is not None:
        for name in ("step", "validation_loss", "test_loss"):
            if not _close(theirs[name], ours[name], START_LOSS):
                yield f"at its start, {name} {theirs[name]!r} published, {ours[name]!r} here"
                return
    losses = published["early_losses"] or [], again["early_losses"] or []
    if len(losses[0]) != len(losses[1]):
        yield f"early_losses has {len(losses[0])} entries published, {len(losses[1])} here"
        return
    for place, (one, other) in enumerate(zip(*losses, strict=True)):
        if not _close(one, other, EARLY_LOSSES):
            yield f"training loss {place + 1} of early_losses is {one!r} published, {other!r} here"
            return


def others(held: Sequence[Held]) -> Iterator[tuple[int, str]]:
    """What differs of rows made elsewhere though nothing contradicts them: of how many, and what."""
    mine = [set(each.fields) for each in held if each.elsewhere and each.verdict == "within tolerance"]
    for said, names in _SORTS:
        if count := sum(not names.isdisjoint(fields) for fields in mine):
            yield count, said


def _notes(published: Row, again: Row) -> Iterator[str]:
    """What may differ elsewhere, since another mask may take another search; but a reader should know."""
    for name in (name for name in _OF_THE_SEARCH if published[name] != again[name]):
        yield _both(name, published, again)


def _close(one: Any, other: Any, relative: float) -> bool:
    if one is None or other is None:
        return one is other
    return isclose(one, other, rel_tol=relative) or repr(one) == repr(other)


def _both(name: str, published: Row, again: Row) -> str:
    return f"{name} {published[name]!r} published, {again[name]!r} here"
