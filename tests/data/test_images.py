"""Images brought to one shape, against Pillow's own answer and closed forms; a split that holds none."""

import datasets
import numpy as np
import PIL.Image
import pytest
import torch

from ticketbench.data.examples import Examples
from ticketbench.data.images import brought_to, decode
from ticketbench.data.sources import OwnSource
from ticketbench.errors import TicketbenchError


def some(*shape: int) -> Examples:
    rng = torch.Generator().manual_seed(0)
    inputs = torch.randint(0, 256, (6, *shape), dtype=torch.uint8, generator=rng)
    return Examples(inputs, torch.arange(6))


@pytest.mark.parametrize("shape", [(1, 5, 7), (3, 5, 7)], ids=str)
def test_images_that_fit_are_left_bit_for_bit_as_they_are(shape):
    examples = some(*shape)
    assert torch.equal(brought_to(shape, examples).inputs, examples.inputs)


@pytest.mark.parametrize("size", [(5, 7), (10, 3), (28, 28)], ids=str)
def test_grey_images_become_colour_images_of_equal_channels_and_return(size):
    grey = some(1, 5, 7)
    colour = brought_to((3, *size), grey)
    assert colour.inputs.shape == (6, 3, *size)
    for channel in range(3):
        assert torch.equal(colour.inputs[:, channel], brought_to((1, *size), grey).inputs[:, 0])
    assert torch.equal(brought_to((1, *size), colour).inputs, brought_to((1, *size), grey).inputs)
    assert torch.equal(colour.targets, grey.targets)


def test_colour_becomes_the_luma_of_itu_r_601():
    """L = 0.299 R + 0.587 G + 0.114 B, as Pillow documents its conversion."""
    colour = some(3, 5, 7)
    expected = (torch.tensor([0.299, 0.587, 0.114]).reshape(3, 1, 1) * colour.inputs).sum(1, keepdim=True)
    assert (brought_to((1, 5, 7), colour).inputs - expected).abs().max() <= 0.51


@pytest.mark.parametrize("shape", [(1, 2, 3), (1, 12, 5), (3, 9, 9)], ids=str)
def test_other_sizes_are_pillow_s_bilinear(shape):
    examples = some(shape[0], 5, 7)
    found = brought_to(shape, examples).inputs
    assert found.shape == (6, *shape)
    assert found.is_contiguous()
    for before, after in zip(examples.inputs.numpy(), found.numpy(), strict=True):
        for channel in range(shape[0]):
            image = PIL.Image.fromarray(before[channel]).resize((shape[2], shape[1]), PIL.Image.Resampling.BILINEAR)
            np.testing.assert_array_equal(after[channel], np.asarray(image))


def test_halving_a_ramp_keeps_it_a_ramp():
    ramp = torch.arange(0, 160, 10, dtype=torch.uint8).expand(4, 16).reshape(1, 1, 4, 16)
    found = brought_to((1, 2, 8), Examples(ramp, torch.zeros(1, dtype=torch.int64))).inputs
    assert found[0, 0, 0, 1:-1].tolist() == [25, 45, 65, 85, 105, 125]


@pytest.mark.parametrize("shape", [None, (1, 5, 7)], ids=str)
def test_a_split_without_examples_is_told_by_data_set_and_split(shape):
    """Also where the training split, or a task, has said the shape."""
    columns = datasets.Features({"image": datasets.Image(), "label": datasets.Value("int64")})
    stored = datasets.Dataset.from_dict({"image": [], "label": []}, features=columns)
    with pytest.raises(TicketbenchError, match=r"^me/photos: on the hub, split test: has no examples\.$"):
        decode(stored, OwnSource(id="me/photos"), "me/photos: on the hub, split test", shape, classes=2)
