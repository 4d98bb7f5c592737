"""What the ledger's lines say beside their numbers."""

import pytest

from ticketbench.report.boards.ledger import Held, Side
from ticketbench.report.site.ledger_page import published
from ticketbench.report.statistics.intervals import joint_interval, seeds_interval, single_run
from ticketbench.report.units import unit_of
from ticketbench.task import Reference


@pytest.mark.parametrize(
    ("collapsed", "says"),
    [
        (0, []),
        (1, ["1 of 3 seeds collapsed to one class; the majority-class rate is 11.35 %"]),
        (3, ["every seed collapsed to one class; the majority-class rate is 11.35 %"]),
    ],
)
def test_a_number_of_collapsed_networks_says_of_how_many(collapsed, says):
    reference = Reference(cite="x", where="Table 1", method="imp", column="test_final", density=0.1, value=0.9)
    ours = Side(10.0, seeds_interval([0.96, 0.95, 0.97]), None, seeds=3, collapsed=collapsed)
    held = Held("own/task", reference, "", ours, None, None, None, "not reproduced", "")

    assert published(held, unit_of("accuracy"), {}, settings=False, chance=0.1135).alarms == says


JOINT = joint_interval([[0.96, 0.94], [0.95, 0.97], [0.97, 0.99]])
SEEDS_ONLY = seeds_interval([0.96, 0.95, 0.97])


@pytest.mark.parametrize(
    ("interval", "at", "beside"),
    [
        (JOINT, "at 10.0×, 3 seeds", "points"),
        (SEEDS_ONLY, "at 10.0×, 3 seeds, seeds only", "points, seeds only"),
        (single_run(96, 100), "at 10.0×, 1 seed, examples only", "points, examples only"),
        (seeds_interval([0.96, 0.95]), "at 10.0×, 2 seeds", "points"),
    ],
)
def test_an_interval_that_is_not_joint_is_named_beside_our_number_and_the_difference(interval, at, beside):
    reference = Reference(cite="x", where="Table 1", method="imp", column="test_best", density=0.1, value=0.9)
    side = Side(10.0, interval, None, seeds=interval.seeds)
    held = Held("own/task", reference, "", side, side, interval, 0.004, "not reproduced", "")
    line = published(held, unit_of("accuracy"), {}, settings=False, chance=0.1135)

    assert [said for _, said in line.ours] == [at, at]
    assert line.difference.endswith(f" {beside}")
