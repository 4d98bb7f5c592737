"""All differences of a table at once are those taken one by one."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from ticketbench.report.statistics.intervals import joint_interval, seeds_interval
from ticketbench.report.statistics.pairs import pairwise

shapes = st.tuples(st.integers(1, 4), st.integers(3, 6), st.integers(2, 20))


@settings(deadline=None)
@given(hnp.arrays(np.float64, shapes, elements=st.sampled_from([0.0, 0.25, 1.0])))
def test_every_pair_has_the_interval_of_its_own_difference(scores):
    found = pairwise(scores)

    assert list(found) == [(i, j) for i in range(len(scores)) for j in range(i + 1, len(scores))]
    for (i, j), each in found.items():
        alone = joint_interval(scores[i] - scores[j])
        assert (each.seeds, each.kind) == (alone.seeds, "joint")
        assert (each.mean, each.v_seed) == pytest.approx((alone.mean, alone.v_seed), abs=1e-14)
        assert each.v_example == pytest.approx(alone.v_example, abs=1e-14)
        assert each.h == pytest.approx(alone.h, abs=1e-6)


def test_without_examples_they_are_over_seeds_alone():
    values = np.array([[0.9, 0.8, 0.85], [0.7, 0.75, 0.7]])

    assert pairwise(values) == {(0, 1): seeds_interval(values[0] - values[1])}


def test_two_seeds_have_differences_without_intervals():
    found = pairwise(np.array([[[1, 0, 1], [1, 1, 1]], [[0, 0, 1], [1, 1, 1]]]))[0, 1]

    assert (found.kind, found.h, found.v_seed) == ("none", None, None)
    assert found.mean == pytest.approx(1 / 6)


@pytest.mark.parametrize("scores", [np.zeros(3), np.zeros((2, 3, 1)), np.zeros((0, 3)), np.full((2, 3), np.nan)])
def test_impossible_tables_are_refused(scores):
    with pytest.raises(ValueError, match="methods by seeds"):
        pairwise(scores)
