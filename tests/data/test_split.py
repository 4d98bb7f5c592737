import itertools

import numpy as np
import pytest
import torch

from ticketbench.data import Dataset, Examples, load, split, splits
from ticketbench.errors import TicketbenchError
from ticketbench.task import Images

PARTS = ("train", "validation", "test")


def test_validation_is_the_end_of_the_canonical_training_order(mnist_mirror):
    mirror = mnist_mirror(train=60, test=30)
    data, found = load("mnist"), splits(Images(name="mnist", validation=13))
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
    found = splits(Images(name="mnist", validation=10, mean=(0.1307,), std=(0.3081,))).test.inputs
    assert found.dtype == torch.float32
    np.testing.assert_allclose(found.numpy(), (pixels / 255 - 0.1307) / 0.3081, rtol=1e-5, atol=1e-6)


def test_digits_are_scaled_by_their_own_largest_pixel(monkeypatch, tmp_path):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    found = splits(Images(name="digits", validation=237))
    assert found.train.inputs.shape == (1200, 1, 8, 8)
    assert (found.train.inputs.min(), found.train.inputs.max()) == (0, 1)


def test_each_channel_has_its_own_mean_and_std(monkeypatch):
    grey = Examples(torch.full((4, 3, 2, 2), 51, dtype=torch.uint8), torch.zeros(4, dtype=torch.int64))
    monkeypatch.setattr(split, "load", lambda spec: Dataset(spec.name, grey, grey, classes=2, scale=255, digest="-"))
    spec = Images(name="cifar-10", validation=1, mean=(0.1, 0.2, 0.4), std=(0.1, 0.5, 0.2))
    found = splits(spec).train.inputs
    expected = torch.tensor([1.0, 0.0, -1.0]).reshape(3, 1, 1).expand(3, 3, 2, 2)
    torch.testing.assert_close(found, expected)


@pytest.mark.parametrize("validation", [60, 61, 5000])
def test_validation_must_leave_something_to_train_on(mnist_mirror, validation):
    mnist_mirror(train=60, test=30)
    with pytest.raises(TicketbenchError, match=r"mnist: validation = .*expected less than the 60 training examples"):
        splits(Images(name="mnist", validation=validation))


def test_one_training_example_is_enough(mnist_mirror):
    mnist_mirror(train=60, test=30)
    assert len(splits(Images(name="mnist", validation=59)).train) == 1


def test_mean_and_std_must_fit_the_channels(mnist_mirror):
    mnist_mirror(train=60, test=30)
    spec = Images(name="mnist", validation=10, mean=(0.5,) * 3, std=(0.5,) * 3)
    with pytest.raises(TicketbenchError, match="mnist: mean and std have length 3, expected 1"):
        splits(spec)


def inputs_and_targets(found) -> list[tuple[bytes, int]]:
    return [(image.numpy().tobytes(), int(label)) for image, label in zip(found.inputs, found.targets, strict=True)]


@pytest.mark.parametrize("labels", [(3, 1), (0, 1, 2, 3, 4), (9, 5)], ids=str)
def test_labels_filter_every_split_after_validation_was_taken_from_the_whole(mnist_mirror, labels):
    mirror = mnist_mirror(train=80, test=40)
    whole, found = (splits(Images(name="mnist", validation=25, labels=said)) for said in (None, labels))
    for part in PARTS:
        expected = [pair for pair in inputs_and_targets(getattr(whole, part)) if pair[1] in labels]
        assert inputs_and_targets(getattr(found, part)) == expected
        assert expected
    assert (found.classes, found.digest) == (10, mirror.digest)


def test_relabel_numbers_the_labels_in_the_order_in_which_they_are_listed(mnist_mirror):
    mirror = mnist_mirror(train=80, test=40)
    labels = (7, 0, 4)
    full, found = (splits(Images(name="mnist", validation=25, labels=labels, relabel=anew)) for anew in (False, True))
    for part in PARTS:
        before, after = getattr(full, part), getattr(found, part)
        assert torch.equal(before.inputs, after.inputs)
        assert [labels[label] for label in after.targets] == before.targets.tolist()
        assert after.targets.dtype == torch.int64
    assert (found.classes, found.digest) == (3, mirror.digest)


@pytest.mark.parametrize("count", [1, 2, 3, 7, 55])
@pytest.mark.parametrize("labels", [None, (1, 2, 3)], ids=["all labels", "labels"])
def test_parts_are_contiguous_disjoint_and_together_the_training_split(mnist_mirror, count, labels):
    mnist_mirror(train=80, test=40)
    whole = splits(Images(name="mnist", validation=25, labels=labels))
    count = min(count, len(whole.train))
    parts = [
        splits(Images(name="mnist", validation=25, labels=labels, part=f"{i}/{count}")) for i in range(1, count + 1)
    ]
    together = [pair for part in parts for pair in inputs_and_targets(part.train)]
    assert together == inputs_and_targets(whole.train)
    ends = [i * len(whole.train) // count for i in range(count + 1)]
    assert [len(part.train) for part in parts] == [end - start for start, end in itertools.pairwise(ends)]
    for part in parts:
        assert inputs_and_targets(part.validation) == inputs_and_targets(whole.validation)
        assert inputs_and_targets(part.test) == inputs_and_targets(whole.test)
        assert (part.classes, part.digest) == (whole.classes, whole.digest)


@pytest.mark.parametrize(
    ("said", "message"),
    [
        ({"labels": (3, 10)}, r"mnist: labels names 10, which no example has; there are examples of 0 to 9\."),
        ({"labels": (12, 11, 4)}, r"mnist: labels names 12, 11, which no example has"),
        ({"part": "2/99"}, None),
        ({"part": "1/99"}, r'mnist: part = "1/99" leaves nothing to train on; there are 55 training examples'),
        (
            {"labels": (3, 4), "part": "1/40"},
            r'mnist: part = "1/40" leaves nothing to train on; there are \d\d? train',
        ),
    ],
)
def test_nothing_left_is_refused_with_the_key(mnist_mirror, said, message):
    mnist_mirror(train=80, test=40)
    spec = Images(name="mnist", validation=25, **said)
    if message is None:
        assert len(splits(spec).train) == 1
    else:
        with pytest.raises(TicketbenchError, match=message):
            splits(spec)


def test_labels_that_validation_lacks_are_refused(mnist_mirror):
    mnist_mirror(train=80, test=40)
    held = int(splits(Images(name="mnist", validation=1)).validation.targets)
    others = ((held + 1) % 10, (held + 2) % 10)
    with pytest.raises(TicketbenchError, match=r"mnist: labels = \[\d, \d\] leaves no validation examples"):
        splits(Images(name="mnist", validation=1, labels=others))


def test_images_are_brought_to_the_shape_and_then_normalised(mnist_mirror):
    mirror = mnist_mirror(train=80, test=40)
    plain = splits(Images(name="mnist", validation=25))
    fits = splits(Images(name="mnist", validation=25, shape=(1, 28, 28)))
    colour = splits(
        Images(name="mnist", validation=25, shape=(3, 28, 28), mean=(0.1, 0.2, 0.3), std=(1.0, 0.5, 0.25))
    )
    small = splits(Images(name="mnist", validation=25, shape=(1, 14, 7)))
    for part in PARTS:
        same, other = getattr(plain, part), getattr(fits, part)
        assert torch.equal(same.inputs, other.inputs)
        for channel, (mean, std) in enumerate(((0.1, 1.0), (0.2, 0.5), (0.3, 0.25))):
            expected = (same.inputs[:, 0] - mean) / std
            torch.testing.assert_close(getattr(colour, part).inputs[:, channel], expected)
        assert getattr(small, part).inputs.shape[1:] == (1, 14, 7)
        assert torch.equal(getattr(small, part).targets, same.targets)
    assert fits.digest == mirror.digest
    with pytest.raises(TicketbenchError, match="mnist: mean and std have length 1, expected 3"):
        splits(Images(name="mnist", validation=25, shape=(3, 28, 28)))


def test_the_digest_covers_shape_and_pillow_s_version_where_an_image_is_changed_and_nothing_more(
    mnist_mirror, monkeypatch
):
    """Pillow's pixels are its own, and may change from one version to the next."""
    mirror = mnist_mirror(train=80, test=40)

    def digests():
        shapes = [None, (1, 28, 28), (1, 14, 14), (1, 14, 7), (3, 28, 28)]
        return [
            splits(Images(name="mnist", validation=25, shape=shape, mean=(0.1,) * n, std=(1.0,) * n)).digest
            for shape in shapes
            for n in [shape[0] if shape else 1]
        ]

    before, again = digests(), digests()
    assert before == again
    assert before[:2] == [mirror.digest] * 2
    assert len({*before}) == 4
    monkeypatch.setattr("PIL.__version__", "99.0")
    after = digests()
    assert after[:2] == before[:2]
    assert not {*after[2:]} & {*before}
    assert all(len(digest) == 64 for digest in after)


def test_the_digest_of_a_resized_data_set_is_another_for_another_content(mnist_mirror):
    small = Images(name="mnist", validation=25, shape=(1, 14, 14))
    mnist_mirror(train=80, test=40)
    one = splits(small).digest
    mnist_mirror(train=90, test=40)
    assert splits(small).digest != one
