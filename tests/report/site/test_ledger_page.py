"""What the ledger's lines say beside their numbers."""

import pytest

from ticketbench.report.boards.ledger import Held, Side
from ticketbench.report.site.ledger_page import published
from ticketbench.report.statistics.intervals import seeds_interval
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
