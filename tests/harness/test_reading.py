"""How a text is read, on texts whose tokens are their own places."""

import torch

from ticketbench.harness.workloads.reading import Ring, blocks_of, in_reading_order, sampled


def test_columns_read_the_ring_each_on_its_own_part():
    """By hand: 23 tokens, four columns 23 // 4 = 5 apart, three tokens a step."""
    text = torch.arange(100, 123)
    ring = Ring(text, 3, 4, seed=0, data_order=0)
    for step in (0, 1, 7, 1000):
        inputs, targets = ring.batch(step)
        for column in range(4):
            places = [(ring.begin + 5 * column + 3 * step + k) % 23 for k in range(4)]
            assert inputs[column].tolist() == [100 + place for place in places[:3]]
            assert targets[column].tolist() == [100 + place for place in places[1:]]


def test_as_many_steps_as_an_epoch_has_read_every_token_once():
    ring = Ring(torch.arange(60), 5, 4, seed=0, data_order=0)
    read = torch.cat([ring.batch(step)[0].flatten() for step in range(7, 10)])
    assert sorted(read.tolist()) == list(range(60))


def test_blocks_are_cut_from_equal_streams():
    """By hand: 24 tokens in two streams of 23 // 2 = 11, which hold two blocks of four; the rest is left over."""
    blocks = blocks_of(torch.arange(24), streams=2, sequence=4)
    assert [inputs.tolist() for inputs, _ in blocks] == [
        [[0, 1, 2, 3], [11, 12, 13, 14]],
        [[4, 5, 6, 7], [15, 16, 17, 18]],
    ]
    assert torch.equal(blocks.targets, blocks.inputs + 1)
    assert len(blocks) == 4
    assert blocks_of(torch.arange(8), 2, 4) is None
    assert len(blocks_of(torch.arange(9), 2, 4)) == 2


def test_values_of_blocks_come_back_in_the_order_of_the_text():
    blocks = blocks_of(torch.arange(24), streams=2, sequence=4)
    assert in_reading_order(blocks.inputs[..., 0]).tolist() == [0, 4, 11, 15]


def test_a_sample_of_all_sequences_has_each_once_and_the_ring_closes():
    inputs, targets = sampled(torch.arange(12), 4, 3, "sample", 0)
    assert sorted(inputs[:, 0].tolist()) == [0, 4, 8]
    assert torch.equal(targets, (inputs + 1) % 12)
