"""A training whose loss is not finite stops at the next evaluation and says so."""

from math import isfinite

import pytest

from ticketbench.harness.training import Member, advance
from ticketbench.task import SGD

HUGE = SGD(name="sgd", lr=1e30)


@pytest.fixture
def diverging(workload):
    work = workload()
    return work, Member(work.initial(0), 0, optimizer=HUGE)


def test_it_stops_at_the_evaluation_and_says_so(diverging):
    work, member = diverging
    (state,) = advance([member], 24, work)
    assert state.history.diverged
    assert state.step == 5
    assert [point.step for point in state.history.points] == [0, 5]
    assert not isfinite(state.history.points[-1].training_loss)


@pytest.mark.parametrize("cuts", [[1], [3, 5], [2, 3, 4], [5, 10, 15], [20]])
def test_it_is_the_same_however_it_is_split(cuts, diverging, assert_same):
    work, member = diverging
    (whole,) = advance([member], 24, work)
    state = member.start
    for cut in [*cuts, 24]:
        (state,) = advance([Member(state, 0, optimizer=HUGE)], cut, work)
    assert_same(state, whole)


def test_other_members_go_on(diverging, assert_same):
    work, member = diverging
    sound = Member(work.initial(0), 0)
    _, beside, _ = advance([member, sound, member], 12, work)
    assert_same(beside, advance([sound], 12, work)[0])
    assert not beside.history.diverged


def test_a_network_that_only_the_last_step_broke_is_seen(workload):
    """The losses are finite, and what they led to is not."""
    work = workload(evaluate_every="1", steps="4")
    (state,) = advance([Member(work.initial(0), 0, optimizer=HUGE)], 4, work)
    assert state.history.diverged
    assert state.step == 1
    assert isfinite(state.history.points[-1].training_loss)
    assert not isfinite(state.history.points[-1].validation_loss)
