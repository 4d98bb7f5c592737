"""Between chance and dense: the normalised metric, its anchors and the margin."""

import numpy as np
import pytest

from ticketbench.report.statistics.normalising import Anchors, anchors, default_margin, margin, normalised, on_scale


@pytest.mark.worked_examples("normalised", ids=lambda e: e["metric"])
def test_a_value_is_normalised_between_chance_and_dense_as_worked(example):
    found = normalised(example["value"], example["dense"], example["chance"], example["metric"])

    assert found == pytest.approx(example["g"], rel=1e-6)


def test_dense_at_chance_cannot_be_normalised_by():
    with pytest.raises(ValueError, match="nothing lies between"):
        normalised(0.5, 0.1, 0.1)


def test_the_default_margin_is_half_a_percent_or_the_dense_networks_own_spread_rounded_up():
    assert default_margin([0.98, 0.98, 0.98], 0.1135) == 0.005
    spread = [0.90, 0.92, 0.94]  # sd 0.02 on a way of 0.82: 0.02439
    assert default_margin(spread, 0.1) == 0.025
    assert default_margin([0.1 + 0.8, 0.1 + 0.8 + 1e-15], 0.1) == 0.005


def test_there_is_no_default_margin_without_spread_or_where_dense_is_not_clear_of_chance():
    assert default_margin([0.98], 0.1) is None
    assert default_margin([0.1, 0.1, 0.1], 0.1) is None
    assert default_margin([0.2, 0.4, 0.6], 0.1) is None


def test_the_margin_in_units_of_the_metric_is_a_share_of_the_way_from_dense_to_chance():
    # The protocol's own example: 0.43 points for MNIST at 98 %.
    assert margin([0.98, 0.98], 0.1135, None) == pytest.approx(0.0043325)
    assert margin([0.98], 0.1135, 0.01) == pytest.approx(0.008665)
    assert margin([], 0.1135, 0.01) is None


def test_anchors_are_chance_and_the_mean_of_all_dense_networks_on_the_scale_of_differences():
    found = anchors([80.0, 82.0], 650.0, "perplexity")

    assert (found.chance, found.dense) == pytest.approx((np.log(650), (np.log(80) + np.log(82)) / 2))
    assert found.way < 0  # lower is better, and g rises all the same
    assert found.g([found.dense, found.chance, np.log(100)]).tolist() == pytest.approx(
        [1.0, 0.0, normalised(100, np.exp(found.dense), 650, "perplexity")]
    )


def test_what_is_at_chance_or_unclear_of_it_is_kept_apart():
    assert anchors([0.5, 0.7], None) is None
    assert anchors([], 0.1) is None
    assert anchors([0.2, 0.4, 0.6], 0.1) is None
    assert anchors([0.1], 0.1) is None
    assert anchors([0.9], 0.1) == Anchors(0.1, 0.9)
    # Five standard deviations are clear: sd 0.1 on a way of 0.5.
    assert anchors([0.5, 0.6, 0.7], 0.1) is not None
    assert anchors([0.49, 0.59, 0.69], 0.1) is None


@pytest.mark.parametrize(("value", "metric"), [(0.0, "perplexity"), (-1.0, "perplexity"), (float("nan"), "accuracy")])
def test_what_is_no_value_of_a_metric_is_refused(value, metric):
    with pytest.raises(ValueError, match="is no"):
        on_scale(value, metric)
