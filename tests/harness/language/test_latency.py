"""What a language model's latency is taken on."""

import torch

from ticketbench.networks import go_on, memory_of


def test_a_batch_is_so_many_blocks_of_the_test_text_and_the_memory_stays_where_it_was(workload):
    work = workload()
    inputs = work.test_inputs(4)
    assert torch.equal(inputs, work._test.inputs.flatten(0, 1)[:4]) and inputs.shape == (4, 5)
    assert len(work.test_inputs(10**6)) == work.test_examples
    network = work.module().eval()
    with torch.no_grad():
        network(inputs[:2])
    go_on(network)
    before, state = memory_of(network), work.initial(0)
    drawn = torch.get_rng_state()
    assert 0 < work.latency(state) < 10
    assert before and all(after is before[name] for name, after in memory_of(network).items())
    assert torch.equal(torch.get_rng_state(), drawn)
