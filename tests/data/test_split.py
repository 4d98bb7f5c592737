import numpy as np
import pytest
import torch

from ticketbench.data import Dataset, Examples, load, split, splits
from ticketbench.errors import TicketbenchError
from ticketbench.task import Data


def test_validation_is_the_end_of_the_canonical_training_order(mnist_mirror):
    mirror = mnist_mirror(train=60, test=30)
    data, found = load("mnist"), splits(Data(name="mnist", validation=13))
    assert torch.equal(found.train.targets, data.train.targets[:47])
    assert torch.equal(found.validation.targets, data.train.targets[47:])
    assert torch.equal(found.test.targets, data.test.targets)
    assert torch.equal(found.train.inputs, data.train.inputs[:47] / 255)
    assert torch.equal(found.validation.inputs, data.train.inputs[47:] / 255)
    assert torch.equal(found.test.inputs, data.test.inputs / 255)
    assert (found.classes, found.digest) == (10, mirror.digest)
    assert [len(part) for part in (found.train, found.validation, found.test)] == [47, 13, 30]


def test_pixels_are_scaled_then_centred_then_divided(mnist_mirror):
    mnist_mirror(train=60, test=30)
    pixels = load("mnist").test.inputs.numpy().astype(np.float64)
    found = splits(Data(name="mnist", validation=10, mean=(0.1307,), std=(0.3081,))).test.inputs
    assert found.dtype == torch.float32
    np.testing.assert_allclose(found.numpy(), (pixels / 255 - 0.1307) / 0.3081, rtol=1e-5, atol=1e-6)


def test_digits_are_scaled_by_their_own_largest_pixel(monkeypatch, tmp_path):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    found = splits(Data(name="digits", validation=237))
    assert found.train.inputs.shape == (1200, 1, 8, 8)
    assert (found.train.inputs.min(), found.train.inputs.max()) == (0, 1)


def test_each_channel_has_its_own_mean_and_std(monkeypatch):
    grey = Examples(torch.full((4, 3, 2, 2), 51, dtype=torch.uint8), torch.zeros(4, dtype=torch.int64))
    monkeypatch.setattr(split, "load", lambda name: Dataset(name, grey, grey, classes=2, scale=255, digest="-"))
    spec = Data(name="cifar-10", validation=1, mean=(0.1, 0.2, 0.4), std=(0.1, 0.5, 0.2))
    found = splits(spec).train.inputs
    expected = torch.tensor([1.0, 0.0, -1.0]).reshape(3, 1, 1).expand(3, 3, 2, 2)
    torch.testing.assert_close(found, expected)


@pytest.mark.parametrize("validation", [60, 61, 5000])
def test_validation_must_leave_something_to_train_on(mnist_mirror, validation):
    mnist_mirror(train=60, test=30)
    with pytest.raises(TicketbenchError, match=r"mnist: validation = .*expected less than the 60 training examples"):
        splits(Data(name="mnist", validation=validation))


def test_one_training_example_is_enough(mnist_mirror):
    mnist_mirror(train=60, test=30)
    assert len(splits(Data(name="mnist", validation=59)).train) == 1


def test_mean_and_std_must_fit_the_channels(mnist_mirror):
    mnist_mirror(train=60, test=30)
    spec = Data(name="mnist", validation=10, mean=(0.5,) * 3, std=(0.5,) * 3)
    with pytest.raises(TicketbenchError, match="mnist: mean and std have length 3, expected 1"):
        splits(spec)
