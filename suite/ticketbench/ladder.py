"""The ladder: how many weights every rung keeps, exactly, in whole numbers."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from fractions import Fraction

from ticketbench.errors import TicketbenchError
from ticketbench.task import Ladder


@dataclass(frozen=True)
class Rung:
    """One density at which tickets are scored. Rung 0 is dense and never on a method's ladder.

    `kept` is the total over the prunable weights; `kept_per_layer` follows network order and sums to it.
    `scope` is the task's own: what `keep_largest` uses unless told otherwise.
    """

    index: int
    kept: int
    prunable: int
    kept_per_layer: Mapping[str, int] = field(hash=False)
    scope: str

    @property
    def density(self) -> float:
        """Kept weights over prunable weights."""
        return self.kept / self.prunable


def kept_after(size: int, prune: float, rounds: int) -> int:
    """`round_half_even(N (1 - p)^r)`: never iterated, so no rounding error grows from rung to rung."""
    return round(size * (1 - Fraction(str(prune))) ** rounds)


def apportion(total: int, shares: Sequence[int | Fraction], caps: Sequence[int]) -> list[int]:
    """Divide `total` in proportion to `shares`, none above its cap, by largest remainders; ties go to the earlier.

    A share that would pass its cap is filled to it and the rest divided anew, which is how Evci et al. 2020
    (RigL, section 3) solve for the Erdős–Rényi-kernel densities.
    """
    if not 0 <= total <= sum(caps):
        raise ValueError(f"cannot divide {total} among places for {sum(caps)}")
    full: set[int] = set()
    while True:
        left = total - sum(caps[i] for i in full)
        weight = sum(Fraction(shares[i]) for i in range(len(caps)) if i not in full)
        scale = left / weight if weight else Fraction(0)
        over = {i for i in range(len(caps)) if i not in full and shares[i] * scale > caps[i]}
        if not over:
            break
        full |= over
    exact = [Fraction(caps[i]) if i in full else shares[i] * scale for i in range(len(caps))]
    return _by_remainders(total, exact, caps)


def _by_remainders(total: int, exact: Sequence[Fraction], caps: Sequence[int]) -> list[int]:
    """These numbers rounded down, then one more at a time where most is lacking and the cap leaves room."""
    counts = [min(int(value), cap) for value, cap in zip(exact, caps, strict=True)]
    while missing := total - sum(counts):
        most_lacking_first = sorted(range(len(caps)), key=lambda i: (counts[i] - exact[i], i))
        for i in [i for i in most_lacking_first if counts[i] < caps[i]][:missing]:
            counts[i] += 1
    return counts


def rungs(ladder: Ladder, sizes: Mapping[str, int]) -> tuple[Rung, ...]:
    """The ladder of a network whose prunable weights have these sizes, in network order; rung 0 (dense) first.

    Under scope `layer` each layer follows its own rate and a rung's total is their sum. Under `global` the
    total follows the formula and the layers' counts divide it at the same rate everywhere, by largest remainders.
    These alone may ask more of a layer than the rung above left of it, while its share shrinks (the Alabama paradox
    of apportionment); there it keeps what it had, so that masks with these counts can be nested.

    Raises `TicketbenchError` where a layer is named that the network lacks, a total repeats, or a layer empties.
    """
    if foreign := set(ladder.layers) - set(sizes):
        raise TicketbenchError(
            f"ladder.layers names {', '.join(sorted(foreign))}, which the network does not have; "
            f"its prunable weights are {', '.join(sizes)}."
        )
    prunable = sum(sizes.values())
    above = list(sizes.values())
    result: list[Rung] = []
    for index in range(ladder.rounds + 1):
        if ladder.scope == "layer":
            per_layer = {n: kept_after(s, ladder.layers.get(n, ladder.prune), index) for n, s in sizes.items()}
        else:
            total = kept_after(prunable, ladder.prune, index)
            above = _by_remainders(total, [Fraction(size * total, prunable) for size in sizes.values()], above)
            per_layer = dict(zip(sizes, above, strict=True))
        kept = sum(per_layer.values())
        if result and kept == result[-1].kept:
            raise TicketbenchError(f"ladder: rung {index} keeps {kept} weights, as many as rung {index - 1}.")
        for name, count in per_layer.items():
            if ladder.scope == "layer" and count == 0:
                raise TicketbenchError(f"ladder: rung {index} leaves nothing of {name} ({sizes[name]} weights).")
        if kept == 0:
            raise TicketbenchError(f"ladder: rung {index} keeps no weight at all.")
        result.append(Rung(index, kept, prunable, per_layer, ladder.scope))
    return tuple(result)
