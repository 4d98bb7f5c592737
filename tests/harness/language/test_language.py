"""Language modelling: in which order a text is read, and that a training split anywhere remembers where it was."""

from dataclasses import replace

import pytest
import torch

from ticketbench.errors import TicketbenchError
from ticketbench.harness.workloads import workloads_of
from ticketbench.methods.state import derive

CPU = torch.device("cpu")


def test_every_batch_goes_on_where_the_one_before_ended_through_all_epochs(workload):
    work = workload()
    ring = work.order(0, 0)
    for step in range(3 * work.examples // 4):
        assert torch.equal(ring.batch(step)[1][:, -1], ring.batch(step + 1)[0][:, 0])


def test_the_place_to_begin_depends_on_seed_and_data_order_alone(workload):
    one = workload()
    begins = {(seed, order): one.order(seed, order).begin for seed in range(3) for order in range(3)}
    assert begins == {key: workload().order(*key).begin for key in begins}
    assert len(set(begins.values())) > 5


def test_a_sample_is_of_sequences_of_the_text_none_twice(workload, texts):
    work = workload()
    train, _, _ = texts(work)
    assert work.examples == len(train) // 5
    inputs, targets = work.sample(work.examples, 3, "batches", 0)
    chunks = train[: 5 * work.examples].view(-1, 5).tolist()
    assert sorted(inputs.tolist()) == sorted(chunks)
    last = train.roll(-5)[: 5 * work.examples].view(-1, 5)[:, 0].tolist()  # of a ring: what follows the end begins it
    assert sorted(zip(inputs.tolist(), targets[:, -1].tolist(), strict=True)) == sorted(
        zip(chunks, last, strict=True)
    )
    assert torch.equal(inputs[:, 1:], targets[:, :-1])
    again, _ = work.sample(7, 3, "batches", 0)
    assert torch.equal(again, inputs[:7])
    assert not torch.equal(work.sample(7, 3, "batches", 1)[0], again)


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"batch_size": 5000}, "training.batch_size 5,000 is more columns than the training text has tokens, 750."),
        ({"sequence": 800}, "data.sequence 800 is longer than the training text, 750 tokens."),
        ({"streams": 20}, "the validation text, 100 tokens, has no 20 streams (data.streams) of 5 tokens"),
    ],
)
def test_a_text_too_short_for_its_task_is_told(task, changes, said):
    with pytest.raises(TicketbenchError) as error:
        workloads_of(task(**changes), CPU)
    assert said in str(error.value)


@pytest.mark.parametrize("places", [[1], [7, 8], [10], [3, 10, 20, 23]])
def test_a_training_that_is_split_is_the_one_that_is_not(workload, trained, places):
    """With dropout, which is drawn anew at every step, and a hidden state that goes on across the split."""
    whole = trained(workload(), 24)
    state = None
    for until in (*places, 24):
        state = trained(workload(), until, state)  # a new network every time, as in another process
        shapes = {name: tuple(tensor.shape) for name, tensor in state.memory.items()}
        assert shapes == {"/hidden": (2, 4, 12), "/cell": (2, 4, 12)}
    assert state.digest() == whole.digest()
    assert state.history == whole.history


def test_what_is_carried_decides_the_training(workload, trained):
    work = workload()
    half = trained(work, 12)
    forgotten = trained(work, 24, replace(half, memory={}))
    assert forgotten.digest() != trained(work, 24, half).digest()
    assert trained(work, 24).digest() != trained(work, 24, data_order=1).digest()


def test_a_rewound_network_begins_to_read_from_nothing(workload, trained):
    work = workload()
    half = trained(work, 12)
    assert half.memory
    mask = {name: torch.rand(kept.shape) < 0.5 for name, kept in half.mask.items()}
    assert derive(half, mask=mask).memory == {}
    assert derive(half, step=6).memory == {}
    assert derive(half).memory == half.memory
