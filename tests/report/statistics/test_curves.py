"""Scores of a curve: worked numbers, and what must hold for any points."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ticketbench.report.statistics.curves import TOLERANCE, area, at, covers
from ticketbench.report.statistics.intervals import joint_interval
from ticketbench.report.statistics.normalising import anchors


def close(value):
    return pytest.approx(value, rel=1e-6, abs=1e-12)


@pytest.mark.parametrize("target", [2, 4, 8, 16, 32, 64])
@pytest.mark.parametrize("method", ["alpha", "beta", "gamma"])
def test_the_metric_at_a_compression_is_the_worked_one_seed_by_seed(worked, as_worked, method, target):
    curves = worked.curves(method)
    weights = [at(x, np.log2(target)) for x, _ in curves]
    expected = worked.expected["at"][f"{method}|{target}"]

    if expected is None:
        assert any(each is None for each in weights)
    else:
        scores = np.stack([w @ bits for w, (_, bits) in zip(weights, curves, strict=True)])
        as_worked(joint_interval(scores), scores.mean(axis=1), expected)


@pytest.mark.parametrize("target", [8, 16])
@pytest.mark.parametrize("method", ["alpha", "beta", "gamma"])
def test_the_area_is_the_worked_one_seed_by_seed(worked, as_worked, method, target):
    curves = worked.curves(method)
    dense = [float(bits[0].mean()) for _, bits in curves]
    between = anchors(dense, worked.board["chance"])
    weights = [area(x, np.log2(target)) for x, _ in curves]
    expected = worked.expected["area"][f"{method}|{target}"]

    assert between.dense == close(worked.expected["dense_mean"])
    if expected is None:
        assert any(each is None for each in weights)
    else:
        scores = np.stack([between.g(w @ bits) for w, (_, bits) in zip(weights, curves, strict=True)])
        as_worked(joint_interval(scores), scores.mean(axis=1), expected)


@pytest.mark.parametrize("place", range(4))
def test_interpolation_is_the_worked_one_at_and_beyond_the_edges(worked, place):
    example = worked.units["interpolation"][place]
    x, target = np.log2(example["compression"]), np.log2(example["target"])

    for score, name in ((at, "at"), (area, "area")):
        weights = score(x, target)
        assert (weights is None) == (example[name] is None)
        assert weights is None or weights @ example["value"] == close(example[name])


def test_a_target_a_little_beyond_the_last_point_takes_its_value_and_one_farther_has_none():
    x, y = [0.0, 1.0, 2.0], np.array([0.9, 0.8, 0.5])

    assert at(x, 2 + TOLERANCE) @ y == 0.5
    assert area(x, 2 + TOLERANCE) @ y == close((0.85 + 0.65 + TOLERANCE * 0.5) / (2 + TOLERANCE))
    assert at(x, 2 + TOLERANCE + 1e-6) is None
    assert area(x, 2 + TOLERANCE + 1e-6) is None
    assert covers(x, 2.03)
    assert not covers(x, 2.031)


def test_one_point_is_a_curve_that_covers_dense_alone():
    assert at([0.0], 0.0).tolist() == [1.0]
    assert at([0.0], TOLERANCE).tolist() == [1.0]
    assert at([0.0], 1.0) is None
    assert area([0.0], 1.0) is None


def test_points_of_equal_compression_count_as_their_average():
    x, y = [0.0, 1.0, 1.0, 2.0], np.array([0.9, 0.8, 0.6, 0.5])

    assert at(x, 1.0) @ y == close(0.7)
    assert at(x, 1.5) @ y == close(0.6)
    assert area(x, 2.0) @ y == close(0.7)
    assert at([0.0, 0.0], 0.0).tolist() == [0.5, 0.5]


@pytest.mark.parametrize(
    "x", [[0.0, 2.0, 1.0], [1.0, 2.0], [], [0.0, float("nan")], [0.0, float("inf")], [[0.0, 1.0]], [-1.0, 0.0]]
)
def test_points_that_are_no_ascending_curve_from_dense_are_refused(x):
    for score in (at, area, covers):
        with pytest.raises(ValueError, match="log2 compression"):
            score(x, 1.0)


@pytest.mark.parametrize("target", [-1.0, float("nan"), float("inf")])
def test_a_target_that_is_no_compression_is_refused(target):
    for score in (at, area):
        with pytest.raises(ValueError, match="logarithm of a compression"):
            score([0.0, 1.0], target)
    with pytest.raises(ValueError, match="above 1"):
        area([0.0, 1.0], 0.0)


steps = st.lists(st.floats(0.0, 2.0), min_size=1, max_size=12)


@settings(deadline=None)
@given(steps, st.floats(0.001, 1.0), st.floats(-2, 2), st.floats(-2, 2))
def test_a_straight_line_has_its_own_height_and_that_of_its_middle(steps, share, start, slope):
    x = np.cumsum([0.0, *steps])
    target = share * x[-1]
    if target <= 0:
        return
    line = start + slope * x

    assert at(x, target) @ line == pytest.approx(start + slope * target, abs=1e-9)
    assert area(x, target) @ line == pytest.approx(start + slope * target / 2, abs=1e-9)


@settings(deadline=None)
@given(steps, st.floats(0.001, 1.02))
def test_weights_are_shares_so_the_score_of_a_constant_is_the_constant(steps, share):
    x = np.cumsum([0.0, *steps])
    target = share * x[-1]

    for score in (at, area):
        weights = score(x, target) if target > 0 else None
        if weights is not None:
            assert weights.shape == x.shape
            assert (weights >= 0).all()
            assert weights.sum() == pytest.approx(1.0)


@settings(deadline=None)
@given(steps, st.floats(0.001, 1.0), st.randoms(use_true_random=False))
def test_the_area_is_that_of_a_fine_sum_under_the_curve(steps, share, random):
    x = np.cumsum([0.0, *(step + 1e-3 for step in steps)])
    target = share * x[-1]
    y = np.array([random.random() for _ in x])
    fine = np.linspace(0, target, 20_001)

    assert area(x, target) @ y == pytest.approx(np.interp(fine, x, y).mean(), abs=2e-3)
    assert at(x, target) @ y == pytest.approx(np.interp(target, x, y), abs=1e-9)
