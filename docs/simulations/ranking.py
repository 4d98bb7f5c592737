"""How often all rank intervals of a table are right at once: by this rule, and by bootstrapped ranks."""

from collections.abc import Iterator, Mapping
from itertools import product

import numpy as np
from model import Bits, Floats, draw, rate, resampled, table

from ticketbench.report.statistics.differences import corrected
from ticketbench.report.statistics.pairs import pairwise
from ticketbench.report.statistics.ranks import ranks

REPETITIONS = 60
SEEDS, SIZES = (5, 10), (1_000, 10_000)
RESAMPLES = 200
TRUTHS = {
    "all equal": (0.95,) * 10,
    "five and five, 0.6 points apart": (0.95,) * 5 + (0.944,) * 5,
    "steps of 0.2 points": tuple(0.95 - 0.002 * step for step in range(10)),
}


def tables(repetitions: int, rng: np.random.Generator) -> Iterator[str]:
    """Shares of tables in which every interval holds all places of its method; only the middle one; and widths."""
    rows = []
    for (truth, accuracies), size in product(TRUTHS.items(), SIZES):
        found = np.zeros((2, 3, len(SEEDS)))  # by rule: all places, the middle one, width
        again = {n: resampled(rng, n, RESAMPLES) for n in (*SEEDS, size)}
        first, last = _places(np.array(accuracies))
        for _ in range(repetitions):
            bits = draw(rng, accuracies, max(SEEDS), size, own=0.2, shared=0.15).bits
            for place, n in enumerate(SEEDS):
                for rule, (low, high) in enumerate((_ours(bits[:, :n]), _bootstrapped(again, bits[:, :n]))):
                    middle = (first + last) / 2
                    found[rule, :, place] += (
                        ((low <= first) & (last <= high)).all(),
                        ((low <= middle) & (middle <= high)).all(),
                        (high - low).mean(),
                    )
        found /= repetitions
        cells = [" / ".join(rate(share) for share in found[rule, kind]) for kind in (0, 1) for rule in (0, 1)]
        widths = [" / ".join(f"{width:.1f}" for width in found[rule, 2]) for rule in (0, 1)]
        rows.append([truth, f"{size:,}", *cells, *widths])
    heads = [
        f"{what}: {rule}" for what in ("all places", "middle place", "width") for rule in ("this rule", "bootstrap")
    ]
    yield table(["10 methods; n = 5 / 10", "examples", *heads], rows)


def _places(means: Floats) -> tuple[Floats, Floats]:
    """The first and the last place that each may take, along the last axis: those of equal means share theirs."""
    ours, theirs = means[..., :, None], means[..., None, :]
    above = (theirs > ours).sum(axis=-1)
    return above + 1.0, above + (theirs == ours).sum(axis=-1) * 1.0


def _ours(bits: Bits) -> tuple[Floats, Floats]:
    pairs = pairwise(bits)
    better = np.zeros((len(bits), len(bits)), dtype=bool)
    for (i, j), tested in zip(pairs, corrected(list(pairs.values())), strict=True):
        if tested and tested.separates:
            better[(i, j) if tested.separates > 0 else (j, i)] = True
    found = ranks(bits.mean(axis=(1, 2)).tolist(), better)
    return np.array([each.low for each in found]), np.array([each.high for each in found])


def _bootstrapped(again: Mapping[int, Floats], bits: Bits) -> tuple[Floats, Floats]:
    """Percentile intervals of ranks over tables whose seeds and examples are both drawn again."""
    methods, n, size = bits.shape
    by_example = bits.transpose(2, 0, 1).reshape(size, methods * n).astype(np.float32)
    means = ((again[size].astype(np.float32) @ by_example).reshape(RESAMPLES, methods, n) * again[n][:, None, :]).sum(
        axis=2
    )
    low, high = np.percentile(np.add(*_places(means)) / 2, (2.5, 97.5), axis=0)
    return low, high
