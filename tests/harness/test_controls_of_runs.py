"""The controls of a run: which it makes, which it finds among its results, and what its plan says is to come."""

import pytest

from ticketbench.errors import TicketbenchError
from ticketbench.harness.controls import chosen
from ticketbench.harness.plan import make_plan
from ticketbench.methods import shipped_methods
from ticketbench.results import CONTROLS

HALVES = {"low": {"data": {"labels": [0, 1, 2, 3, 4]}}, "high": {"data": {"labels": [5, 6, 7, 8, 9]}}}
MINE = """
    @method("mine", title="Mine")
    def mine(search):
        yield [Ticket(mask, search.initial) for mask in masks_of(search, search.initial)]
"""


def test_a_run_that_asks_for_controls_later_adds_them_and_trains_nothing_else(lab, imp):
    task = lab.task()
    before = lab.run([task], [imp], 2)
    lab.asked.clear()
    after = lab.run([task], [imp], 2, controls=("shuffled",))
    assert [row["row_id"] for row in after if row["kind"] != "control"] == [row["row_id"] for row in before]
    assert sum(row["kind"] == "control" for row in after) == lab.asked.count(True) == 6
    plan = make_plan([task], [imp], 2, lab.folder / "results", ("shuffled",))
    assert (plan.rows, plan.there) == (0, 14)
    assert make_plan([task], [imp], 2, lab.folder / "results").rows == 0


@pytest.mark.parametrize("method", ["imp", "fine-tune"])
def test_asking_for_another_control_keeps_those_that_are_there(lab, method):
    task, found = lab.task(), shipped_methods()[method]
    lab.run([task], [found], controls=("shuffled",))
    labels = {row["label"] for row in lab.run([task], [found], controls=("random-layer",))}
    assert labels == {"", "shuffled", "random-layer"}
    lab.run([task], [found], 2)
    assert make_plan([task], [found], 1, lab.folder / "results", ("shuffled",)).rows == 0


def test_a_changed_method_makes_its_controls_anew_too(lab):
    task = lab.task()
    lab.run([task], [lab.method(MINE)], controls=("shuffled",))
    rows = lab.run([task], [lab.method(MINE + "        # changed")])
    assert sum(row["label"] == "shuffled" for row in rows) == 3
    assert len({row["method_digest"] for row in rows if row["method"] == "mine"}) == 1


def test_a_ticket_that_is_called_like_a_control_is_none(lab):
    source = """
        @method("mine", title="Mine")
        def mine(search):
            for mask in masks_of(search, search.initial):
                yield [Ticket(mask, search.initial), Ticket(mask, search.reinitialized(2), label="shuffled")]
    """
    task, mine = lab.task(), lab.method(source)
    lab.run([task], [mine])
    plan = make_plan([task], [mine], 1, lab.folder / "results", ("shuffled",))
    assert plan.rows > 0


def test_what_is_to_come_counts_the_controls(lab, imp):
    plan = make_plan([lab.task(settings=HALVES)], [imp], 1, lab.folder / "results", chosen(tuple(CONTROLS)))
    tickets, everywhere, at_home = 2 * 3 * 2, 2 * 3 * 3 * 2, 2 * 3 * 2
    assert plan.rows == 2 + tickets + everywhere + at_home


def test_an_unknown_control_is_told_with_those_there_are(lab):
    with pytest.raises(TicketbenchError, match=r"Unknown control 'shufled'\. Did you mean 'shuffled'"):
        chosen(("shufled",))
