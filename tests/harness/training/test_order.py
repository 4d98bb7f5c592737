"""The order of examples and every other draw are closed functions of what they are for."""

import hashlib
import json

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from ticketbench.harness.training import Member, advance
from ticketbench.harness.training.determinism import generator, seed_global, seed_of
from ticketbench.harness.training.order import DataOrder

CPU = torch.device("cpu")


def drawn(*purpose):
    """The generator of a purpose: SHA-256 of its JSON, the first 63 bits as a seed."""
    digest = hashlib.sha256(json.dumps(list(purpose)).encode()).hexdigest()
    return torch.Generator().manual_seed(int(digest[:16], 16) // 2)


def batches(examples, batch_size, steps, seed, data_order):
    """Permutations of all examples one after another, cut into batches: int64 (steps, batch_size)."""
    epochs = -(-steps * batch_size // examples)
    each = [torch.randperm(examples, generator=drawn("order", seed, data_order, e)) for e in range(epochs)]
    return torch.cat(each)[: steps * batch_size].view(steps, batch_size)


SIZES = st.tuples(st.integers(1, 40), st.integers(1, 60), st.integers(0, 3), st.integers(0, 2))


@settings(deadline=None)
@given(SIZES, st.data())
def test_batches_are_epochs_run_on_end_whatever_was_asked_before(sizes, data):
    examples, batch_size, seed, data_order = sizes
    expected = batches(examples, batch_size, 12, seed, data_order)
    order = DataOrder(examples, batch_size, seed, data_order, CPU)
    for step in data.draw(st.lists(st.integers(0, 11), max_size=20)):
        assert torch.equal(order.batch(step), expected[step])


def test_an_epoch_has_every_example_once():
    order = DataOrder(30, 10, 0, 0, CPU)
    for epoch in range(3):
        whole = torch.cat([order.batch(3 * epoch + i) for i in range(3)])
        assert sorted(whole.tolist()) == list(range(30))


@pytest.mark.parametrize(("one", "other"), [((0, 0), (1, 0)), ((0, 0), (0, 1)), ((0, 1), (1, 0))])
def test_seeds_and_data_orders_differ(one, other):
    first, second = (
        torch.cat([DataOrder(500, 50, *which, CPU).batch(i) for i in range(10)]) for which in (one, other)
    )
    assert (first == second).float().mean() < 0.05


@pytest.mark.parametrize(("seed", "data_order", "start"), [(0, 0, 0), (7, 2, 0), (7, 0, 11)])
def test_the_engine_trains_on_these_batches_from_wherever_it_starts(seed, data_order, start, workload, watched):
    work = workload()
    expected = batches(work.examples, 170, 24, seed, data_order)
    (state,) = advance([Member(work.initial(seed), seed)], start, work)
    advance([Member(work.initial(9), 9, data_order=5)], 8, work)  # something else in between
    seen = []
    advance([Member(state, seed, data_order=data_order)], 24, watched(work, seen.append))
    assert torch.equal(torch.stack(seen), expected[start:])


def test_a_generator_is_a_function_of_its_purpose_alone():
    first = torch.rand(5, generator=generator("order", 0, 1, 2))
    torch.rand(100)
    assert torch.equal(torch.rand(5, generator=generator("order", 0, 1, 2)), first)
    assert torch.equal(torch.rand(5, generator=drawn("order", 0, 1, 2)), first)
    seed_global(CPU, "step", 3, 0, 1)
    assert torch.equal(torch.rand(5), torch.rand(5, generator=drawn("step", 3, 0, 1)))


PURPOSES = st.lists(st.one_of(st.integers(0, 99), st.text(max_size=3)), min_size=1, max_size=4)


@settings(deadline=None, max_examples=50)
@given(st.lists(PURPOSES, min_size=2, max_size=5, unique_by=repr))
def test_purposes_are_told_apart(purposes):
    seeds = {seed_of(*each) for each in purposes}
    assert len(seeds) == len(purposes)
    assert all(0 <= seed < 2**63 for seed in seeds)
