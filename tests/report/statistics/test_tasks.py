"""Over tasks: the worked aggregate, and what must hold for any set."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from ticketbench.report.statistics.differences import p_of
from ticketbench.report.statistics.intervals import Interval, joint_interval, seeds_interval
from ticketbench.report.statistics.ranks import Rank
from ticketbench.report.statistics.tasks import (
    corrected_over_tasks,
    mean_ranks,
    over_tasks,
    p_over_tasks,
    performance_profile,
    steps_of_tau,
)


def close(value):
    return pytest.approx(value, rel=1e-6, abs=1e-12)


def interval(mean, v_seed, v_example, seeds):
    """A task's interval from its variances."""
    h_seed = stats.t.ppf(0.975, seeds - 1) * np.sqrt(v_seed)
    h_example = stats.norm.ppf(0.975) * np.sqrt(v_example)
    h = float(np.hypot(h_seed, h_example))
    return Interval(mean, 0.0, seeds, v_seed, v_example, h_seed, h_example, h, mean - h, mean + h, "joint")


def test_the_mean_over_tasks_its_half_width_and_p_value_are_the_worked_ones(worked):
    example = worked.units["aggregate"]
    tasks = [interval(each["mean"], each["V_seed"], each["V_example"], each["seeds"]) for each in example["tasks"]]

    found = over_tasks(tasks)

    assert (found.mean, found.h) == (close(example["mean"]), close(example["half_95"]))
    assert (found.low, found.high) == (close(found.mean - found.h), close(found.mean + found.h))
    assert p_over_tasks(tasks) == close(example["p"])
    assert (found.seeds, found.kind) == (5, "joint")


def test_one_task_is_itself():
    alone = joint_interval(np.random.default_rng(0).integers(0, 2, (5, 40)))

    found = over_tasks([alone])

    assert (found.mean, found.h, found.v_seed) == close((alone.mean, alone.h, alone.v_seed))
    assert p_over_tasks([alone]) == close(p_of(alone))


def test_a_task_with_too_few_seeds_leaves_the_mean_without_an_interval_and_out_of_the_family():
    two, five = seeds_interval([0.1, 0.3]), seeds_interval([0.1, 0.2, 0.3, 0.2, 0.1])

    assert over_tasks([two, five]).mean == close(0.19)
    assert (over_tasks([two, five]).h, p_over_tasks([two, five])) == (None, None)
    lone, whole = corrected_over_tasks([[two, five], [five, five]])
    assert (lone.p, lone.adjusted, lone.separates) == (None, None, 0)
    assert whole.adjusted == whole.p == p_over_tasks([five, five])
    assert whole.separates == 1


def test_mean_ranks_are_the_means_of_both_ends():
    assert mean_ranks([Rank(1, 1, 2), Rank(3, 3, 8)]) == (2.0, 5.0)


def test_the_profile_is_the_share_of_tasks_within_tau_of_the_best():
    scores = [[1.00, 0.90, 0.95], [0.98, 0.92, 0.95]]

    found = performance_profile(scores, [0.0, 0.02, 0.05])

    assert found.tolist() == [[2 / 3, 1.0, 1.0], [2 / 3, 1.0, 1.0]]
    assert performance_profile(scores, [0.019]).tolist() == [[2 / 3], [2 / 3]]
    assert (steps_of_tau()[0], steps_of_tau()[-1]) == (0.0, 0.05)


def test_no_tasks_and_scores_that_are_none_are_refused():
    for nothing in (over_tasks, p_over_tasks, mean_ranks):
        with pytest.raises(ValueError, match="at least one task"):
            nothing([])
    with pytest.raises(ValueError, match="finite scores"):
        performance_profile([[float("nan")]], [0.0])


parts = st.tuples(st.floats(-1, 1), st.floats(1e-8, 1e-2), st.floats(0, 1e-2), st.integers(3, 12))


@settings(deadline=None)
@given(st.lists(parts, min_size=1, max_size=6))
def test_p_is_at_most_a_level_exactly_where_the_interval_of_the_mean_excludes_zero(tasks):
    found = [interval(*each) for each in tasks]
    mean = over_tasks(found)
    if abs(abs(mean.mean) - mean.h) > 1e-9:
        assert (p_over_tasks(found) <= 0.05) == (abs(mean.mean) > mean.h)


@settings(deadline=None)
@given(st.lists(st.lists(st.floats(0, 1), min_size=3, max_size=3), min_size=1, max_size=5))
def test_a_profile_never_falls_and_some_method_is_best_on_every_task(scores):
    found = performance_profile(scores, steps_of_tau(11))

    assert (np.diff(found, axis=1) >= 0).all()
    assert found[:, 0].sum() >= 1 - 1e-9
