"""Losses of a method's own over running text: passes beside the plain one, and a loss that sees half the batch."""

from dataclasses import dataclass

import pytest
import torch
from torch.func import functional_call

from ticketbench.harness.training import Member
from ticketbench.methods.requests import Refused


@dataclass(frozen=True)
class WithTeacher:
    """The plain loss, a network with other weights answering the batch before or after it, unheard."""

    before: bool

    def __call__(self, network, weights, extra, inputs, targets, step, rng, loss):
        def teacher():
            network.eval()
            with torch.no_grad():
                functional_call(network, {name: 2 * weight for name, weight in weights.items()}, (inputs,))
            network.train()

        if self.before:
            teacher()
        learnt = loss(network, None, inputs, targets)
        if not self.before:
            teacher()
        return learnt


@dataclass(frozen=True)
class Half:
    """The plain loss of half the batch."""

    def __call__(self, network, weights, extra, inputs, targets, step, rng, loss):
        return loss(network, None, inputs[::2], targets[::2])


@dataclass(frozen=True)
class Penalised:
    """The plain loss with a pass over half the batch beside it, where there is nothing to remember."""

    def __call__(self, network, weights, extra, inputs, targets, step, rng, loss):
        return 0.1 * loss(network, None, inputs[::2], targets[::2]) + loss(network, None, inputs, targets)


@pytest.mark.parametrize("before", [True, False])
def test_a_teacher_s_pass_leaves_the_student_where_it_was_in_the_text(workload, trained, before):
    work = workload()
    (taught,) = work.advance([Member(work.initial(0), 0, objective=WithTeacher(before))], 24)
    alone = trained(work, 24)
    for part in ("weights", "optimizer", "memory"):
        found, expected = getattr(taught, part), getattr(alone, part)
        assert all(torch.equal(found[name], tensor) for name, tensor in expected.items()), part
        assert list(found) == list(expected)


def test_a_loss_of_half_the_batch_is_the_method_s_failure_at_once(workload, trained):
    """Else its two columns would be what the plain training after it goes on from, with four."""
    work = workload()
    with pytest.raises(Refused, match=r"objective Half at step 0: no pass with gradients over the whole batch"):
        work.advance([Member(work.initial(0), 0, objective=Half())], 1)
    half = trained(work, 12)
    with pytest.raises(
        Refused, match="objective Half raised ValueError at step 12: the lstm goes on from a batch of 4"
    ):
        work.advance([Member(half, 0, objective=Half())], 13)
    (first,) = work.advance([Member(work.initial(0), 0, objective=Penalised())], 1)
    assert {tuple(tensor.shape) for tensor in first.memory.values()} == {(2, 4, 12)}
    assert trained(work, 24, first).step == 24


HALF = """
from dataclasses import dataclass

@dataclass(frozen=True)
class Half:
    def __call__(self, network, weights, extra, inputs, targets, step, rng, loss):
        return loss(network, None, inputs[::2], targets[::2])

@method("half", title="A loss of half the batch")
def half(search):
    begun = yield Train(search.initial, 1, objective=Half())
    found = yield Train(begun, search.steps)
    for rung in search.ladder:
        yield Ticket(keep_largest(scores_of(found), rung, scope="global"), search.initial)
"""


def test_a_loss_of_half_the_batch_makes_failed_rows(lab, task):
    for row in lab.search(HALF, task()):
        assert row["status"] == "failed"
        assert "objective Half at step 0: no pass with gradients over the whole batch" in row["reason"]
