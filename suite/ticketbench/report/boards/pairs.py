"""All paired differences of one score at once, over the seeds that each two methods have in common."""

from collections.abc import Sequence
from itertools import combinations

import numpy as np

from ticketbench.report.boards.curves import Score
from ticketbench.report.statistics.intervals import Floats, Interval
from ticketbench.report.statistics.pairs import pairwise

Pair = tuple[int, int]


def differences(scores: Sequence[Score]) -> dict[Pair, Interval]:
    """First minus second of every pair that shares a seed, over their common seeds (protocol, section 3.1).

    It has an example part where both are of the same test examples.
    """
    groups: dict[tuple[tuple[int, ...], int | None], list[Pair]] = {}
    for one, other in combinations(range(len(scores)), 2):
        common = tuple(sorted(set(scores[one].seeds) & set(scores[other].seeds)))
        same = scores[one].examples == scores[other].examples
        groups.setdefault((common, scores[one].examples if same else None), []).append((one, other))
    found: dict[Pair, Interval] = {}
    for (seeds, examples), pairs in groups.items():
        if not seeds:
            continue
        members = sorted({place for pair in pairs for place in pair})
        every = pairwise(np.stack([_of_seeds(scores[member], seeds, examples) for member in members]))
        found |= {(i, j): every[members.index(i), members.index(j)] for i, j in pairs}
    return dict(sorted(found.items()))


def _of_seeds(score: Score, seeds: Sequence[int], examples: int | None) -> Floats:
    places = [score.seeds.index(seed) for seed in seeds]
    return score.values[places] if examples is None else score.matrix(places)
