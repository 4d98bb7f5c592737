"""The whole of the protocol on its worked board: from bits to p-values, ranks and seeds to add."""

from itertools import combinations

import numpy as np
import pytest

from ticketbench.report.statistics.curves import area, at
from ticketbench.report.statistics.differences import corrected, p_of, seeds_needed, sign_flip
from ticketbench.report.statistics.intervals import joint_interval
from ticketbench.report.statistics.normalising import anchors
from ticketbench.report.statistics.pairs import pairwise
from ticketbench.report.statistics.ranks import ranks


def close(value):
    return pytest.approx(value, rel=1e-6, abs=1e-12)


@pytest.fixture(scope="module", name="tables")
def _tables(worked):
    """Methods x seeds x examples at 8x: the metric, and the normalised area."""
    target = np.log2(worked.board["score_compression"])
    curves = [worked.curves(method) for method in worked.methods]
    between = anchors([float(bits[0].mean()) for _, bits in curves[0]], worked.board["chance"])

    def read(score):
        return np.array([[score(x, target) @ bits for x, bits in each] for each in curves])

    return {"pairs_rung_3": read(at), "pairs_area_8": between.g(read(area))}


@pytest.mark.parametrize("name", ["pairs_area_8", "pairs_rung_3"])
def test_every_pair_has_the_worked_difference_p_value_and_sign_flip(worked, tables, name):
    expected = {(each["a"], each["b"]): each for each in worked.expected[name]}
    scores = dict(zip(worked.methods, tables[name], strict=True))
    assert list(expected) == list(combinations(worked.methods, 2))

    for (a, b), pair in expected.items():
        found = joint_interval(scores[a] - scores[b])
        assert (found.mean, found.h) == (close(pair["mean"]), close(pair["half"]))
        assert (found.v_seed, found.v_example) == (close(pair["V_seed"]), close(pair["V_example"]))
        assert p_of(found) == close(pair["p"])
        assert sign_flip((scores[a] - scores[b]).mean(axis=1))[0] == close(pair["p_sign_flip"])


def test_the_family_of_areas_has_the_worked_correction_ranks_and_seeds_to_add(worked, tables):
    expected = worked.expected["pairs_area_8"]
    scores = tables["pairs_area_8"]
    differences = pairwise(scores)
    family = corrected(list(differences.values()))
    better = np.zeros((3, 3), dtype=bool)
    for (i, j), tested in zip(differences, family, strict=True):
        if tested.separates:
            better[(i, j) if tested.separates > 0 else (j, i)] = True

    found = ranks(scores.mean(axis=(1, 2)).tolist(), better)

    assert [each.adjusted for each in family] == close([each["p_holm"] for each in expected])
    for method, rank in zip(worked.methods, found, strict=True):
        said = worked.expected["ranks_area_8"][method]
        assert (rank.rank, [rank.low, rank.high]) == (said["rank"], said["interval"])
    for tested, pair in zip(family, expected, strict=True):
        if pair["seeds_needed"] is None:
            assert tested.separates == 1
        else:
            # The example names the seeds in all, of which there are five.
            assert not tested.separates
            assert 5 + seeds_needed(tested.interval, len(expected)).more == pair["seeds_needed"]
