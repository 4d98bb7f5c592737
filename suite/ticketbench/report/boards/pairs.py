"""All paired differences of one score at once, over the seeds that each two methods share, and the ranks of them."""

from collections.abc import Mapping, Sequence
from itertools import combinations

import numpy as np

from ticketbench.report.boards.curves import Score
from ticketbench.report.statistics.differences import Tested
from ticketbench.report.statistics.intervals import Floats, Interval
from ticketbench.report.statistics.pairs import pairwise
from ticketbench.report.statistics.ranks import Rank, ranks

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


def ranked(means: Sequence[float], pairs: Mapping[Pair, Tested]) -> list[Rank]:
    """Ranks of what stands in the order of its means, best first, by which pairs of places separate.

    Over common seeds a worse mean can come out better; that says nothing for a table of means over all seeds.
    """
    better = np.zeros((len(means), len(means)), dtype=bool)
    for (i, j), tested in pairs.items():
        better[i, j] = tested.separates > 0 and means[i] > means[j]
    return ranks(means, better)


def _of_seeds(score: Score, seeds: Sequence[int], examples: int | None) -> Floats:
    places = [score.seeds.index(seed) for seed in seeds]
    return score.values[places] if examples is None else score.matrix(places)
