"""Classes of cost and the frontier: worked numbers and edges."""

import numpy as np
import pytest

from ticketbench.report.statistics.costs import Point, cost_class, frontier


def points(worked):
    listed = worked.units["cost"]["points"]
    return [Point(each["compression"], each["metric"], each["total"]) for each in listed], listed


def test_classes_and_the_frontier_are_the_worked_ones(worked):
    found, listed = points(worked)

    assert [cost_class(each.total) for each in found] == [f"{each['class']}x" for each in listed]
    assert [each == "on" for each in frontier(found)] == [each["on_frontier"] for each in listed]


@pytest.mark.parametrize(
    ("total", "name"),
    [(0, "1x"), (1.1, "1x"), (1.11, "2x"), (2.2, "2x"), (5.5, "5x"), (5.6, "20x"), (22, "20x"), (22.1, "more")],
)
def test_a_class_holds_its_upper_end(total, name):
    assert cost_class(total) == name


def test_a_point_is_hollow_where_none_that_dominates_it_separates_from_it():
    best, near, far = Point(10, 0.95, 2), Point(10, 0.94, 2), Point(10, 0.90, 2)
    better = np.zeros((3, 3), dtype=bool)
    better[0, 2] = True

    assert frontier([best, near, far], better) == ["on", "not clearly beaten", "off"]
    assert frontier([best, near, far]) == ["on", "off", "off"]


def test_what_separates_must_dominate_too():
    cheap, good = Point(10, 0.90, 1), Point(10, 0.95, 10)

    assert frontier([cheap, good], [[False, False], [True, False]]) == ["on", "on"]


def test_points_that_are_alike_do_not_beat_each_other():
    assert frontier([Point(10, 0.9, 1), Point(10, 0.9, 1)]) == ["on", "on"]
    assert frontier([]) == []


def test_numbers_that_are_none_are_refused():
    for total in (-1.0, float("nan"), float("inf")):
        with pytest.raises(ValueError, match="at least 0"):
            cost_class(total)
    with pytest.raises(ValueError, match="finite"):
        frontier([Point(10, float("nan"), 1)])
    with pytest.raises(ValueError, match="1 x 1"):
        frontier([Point(10, 0.9, 1)], np.zeros((2, 2)))
