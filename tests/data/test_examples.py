import hashlib
from dataclasses import replace

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from ticketbench.data.examples import Examples, canonical, content_digest


def some(count: int, seed: int = 0) -> Examples:
    rng = torch.Generator().manual_seed(seed)
    inputs = torch.randint(0, 256, (count, 2, 3, 4), dtype=torch.uint8, generator=rng)
    return Examples(inputs, torch.randint(0, 10, (count,), generator=rng))


def test_canonical_order_is_by_sha256_of_shape_pixels_and_target():
    examples = some(50)

    def key(i: int) -> bytes:
        pixels = bytes(examples.inputs[i].flatten().tolist())
        return hashlib.sha256(b"2x3x4 " + pixels + b" " + int(examples.targets[i]).to_bytes(8, "little")).digest()

    order = sorted(range(50), key=key)
    found = canonical(examples)
    assert torch.equal(found.inputs, examples.inputs[order])
    assert torch.equal(found.targets, examples.targets[order])


@settings(deadline=None, max_examples=50)
@given(st.permutations(range(12)))
def test_every_shuffle_has_one_canonical_order(order: list[int]):
    # Few pixel values, so that equal images, and equal images with unequal targets, occur.
    examples = Examples(torch.arange(12).remainder(4).to(torch.uint8).reshape(12, 1, 1, 1), torch.arange(12) // 5)
    one, other = canonical(examples), canonical(examples[torch.tensor(order)])
    assert torch.equal(one.inputs, other.inputs)
    assert torch.equal(one.targets, other.targets)


def test_content_digest_covers_types_shapes_and_values_of_both_splits():
    train, test = some(2, seed=1), some(1, seed=2)

    def part(split: str, examples: Examples) -> bytes:
        n = len(examples)
        pixels = bytes(examples.inputs.flatten().tolist())
        targets = b"".join(int(y).to_bytes(8, "little") for y in examples.targets)
        head = f"{split} inputs |u1 ({n}, 2, 3, 4)\n".encode()
        return head + pixels + f"{split} targets <i8 ({n},)\n".encode() + targets

    assert content_digest(train, test) == hashlib.sha256(part("train", train) + part("test", test)).hexdigest()


@pytest.mark.parametrize(
    "change",
    [
        lambda e: replace(e, inputs=e.inputs ^ torch.eye(4, dtype=torch.uint8)[1:]),
        lambda e: replace(e, targets=(e.targets + 1) % 10),
        lambda e: replace(e, inputs=e.inputs.reshape(-1, 2, 4, 3)),
        lambda e: replace(e, inputs=e.inputs.view(torch.int8)),
        lambda e: e[torch.tensor([1, 0, 2, 3, 4])],
        lambda e: e[:4],
    ],
    ids=["pixel", "target", "shape", "type", "order", "count"],
)
def test_any_change_of_content_changes_the_digest(change):
    examples, others = some(5), some(3, seed=1)
    assert content_digest(change(examples), others) != content_digest(examples, others)
    assert content_digest(others, change(examples)) != content_digest(others, examples)


def test_an_example_that_moves_from_one_split_to_the_other_changes_the_digest():
    examples = some(5)
    assert content_digest(examples[:4], examples[4:]) != content_digest(examples[:3], examples[3:])
