"""Random masks with densities per layer: the densities, exactly, and that the rest is random."""

from math import ceil, prod

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from ticketbench import Rung
from ticketbench.masks import count_per_layer

CONV = {"stem": 18, "block1": 36, "block2": 36, "down": 72, "output": 40}  # of the tiny residual network, 202 weights


@pytest.fixture
def masks(follow, task):
    """A function from a method, a network and a count of weights to a mask, drawn in a search on that network."""
    searches = {}

    def draw(name, parent, kept):
        if parent not in searches:
            searches[parent] = follow("magnitude-init", task(parent=parent)).search
        search = searches[parent]
        sizes = {layer: mask.numel() for layer, mask in search.initial.mask.items()}
        rung = Rung(1, kept, sum(sizes.values()), sizes, "global")
        return next(search.method(name, rung)).mask

    return draw


def counts(mask):
    return list(count_per_layer(mask).values())


def erdos_renyi_kernel(shapes, density):
    """Densities as the paper solves for them: raise epsilon, fix what passes one as dense, and begin again."""
    dense = set()
    while True:
        raw = [sum(shape) / prod(shape) for shape in shapes]
        budget = density * sum(map(prod, shapes)) - sum(prod(shapes[i]) for i in dense)
        epsilon = budget / sum(raw[i] * prod(shapes[i]) for i in range(len(shapes)) if i not in dense)
        over = [i for i in range(len(shapes)) if i not in dense and epsilon * raw[i] > 1]
        if not over:
            return [1.0 if i in dense else epsilon * raw[i] for i in range(len(shapes))]
        dense.add(max(over, key=lambda i: raw[i]))


def test_erdos_renyi_kernel_worked_by_hand(masks):
    """64-12-10 units: dimensions sum to 76 and 22, so 98 weights are divided 76 to 22, and 49 in half of that."""
    assert counts(masks("erk", "mlp", 98)) == [76, 22]
    assert counts(masks("erk", "mlp", 49)) == [38, 11]
    assert counts(masks("erk", "mlp", 700)) == [580, 120]  # 157 of 120: dense, and the rest to the other


@pytest.mark.parametrize("kept", [20, 44, 73, 121, 180])
def test_erdos_renyi_kernel_of_convolutions_counts_their_kernels_sides(masks, kept):
    shapes = [tuple(layer.shape) for layer in masks("erk", "conv", kept).values()]
    assert shapes[0] == (2, 1, 3, 3) and list(map(prod, shapes)) == list(CONV.values())
    expected = erdos_renyi_kernel(shapes, kept / 202)
    found = counts(masks("erk", "conv", kept))
    assert sum(found) == kept
    assert all(abs(n - d * s) < 1 for n, d, s in zip(found, expected, CONV.values(), strict=True))


@pytest.mark.parametrize("parent", ["mlp", "conv"])
def test_uniform_gives_every_layer_the_same_density(masks, parent):
    total = {"mlp": 888, "conv": 202}[parent]
    for kept in (10, 77, total // 2, total):
        mask = masks("uniform", parent, kept)
        assert sum(counts(mask)) == kept
        assert all(abs(int(m.sum()) - m.numel() * kept / total) < 1 for m in mask.values())


def test_uniform_plus_worked_by_hand(masks):
    """The stem's 18 stay and, below a fifth elsewhere, 8 of the output's 40; the rest is shared 1 : 1 : 2."""
    assert counts(masks("uniform-plus", "conv", 110)) == [18, 18, 18, 36, 20]  # half of all but the stem
    assert counts(masks("uniform-plus", "conv", 42)) == [18, 4, 4, 8, 8]  # 24 of 184 would leave the output 5
    assert counts(masks("uniform-plus", "conv", 29)) == [18, 1, 1, 1, 8]
    assert counts(masks("uniform-plus", "conv", 28)) == counts(masks("uniform", "conv", 28))  # two for three layers


def test_uniform_plus_leaves_no_layer_of_a_perceptron_dense(masks):
    assert counts(masks("uniform-plus", "mlp", 444)) == [384, 60]
    assert counts(masks("uniform-plus", "mlp", 100)) == [76, 24]  # a fifth of 120, where uniform has 14
    assert counts(masks("uniform-plus", "mlp", 25)) == [1, 24]
    assert counts(masks("uniform-plus", "mlp", 24)) == [21, 3]


def test_counts_are_exact_at_every_density(masks):
    @settings(deadline=None, max_examples=60)
    @given(name=st.sampled_from(["erk", "uniform", "uniform-plus"]), kept=st.integers(1, 202))
    def check(name, kept):
        found = masks(name, "conv", kept)
        assert sum(counts(found)) == kept and [mask.numel() for mask in found.values()] == list(CONV.values())
        if name == "uniform-plus" and kept >= 18 + 8 + 3:
            stem, *others, output = counts(found)
            assert stem == 18 and output >= ceil(40 / 5)
            densities = [n / size for n, size in zip(others, list(CONV.values())[1:-1], strict=True)]
            assert max(densities) - min(densities) < 2 / 36

    check()


def test_an_exception_falls_away_where_its_layer_is_not_pruned(follow, task):
    found = follow("uniform-plus", task('ladder.exclude = ["stem.weight"]', parent="conv"))
    assert all("stem.weight" not in mask for mask in found.masks)
    assert [rung.kept for rung in found.search.ladder] == [110, 66, 40]  # of 184
    # 110 are divided into 21.5, 21.5, 43.0 and 23.9: the last remainder is the largest, then the first
    assert [counts(mask) for mask in found.masks] == [[22, 21, 43, 24], [13, 13, 26, 14], [8, 8, 15, 9]]


VISION_TRANSFORMER = """
import torch
from torch import nn

class Net(nn.Module):
    def __init__(self, classes):
        super().__init__()
        self.class_token = nn.Parameter(torch.zeros(1, 1, 6))
        self.patches = nn.Conv2d(1, 6, 4, stride=4)
        self.mixed = nn.Linear(6, 6)
        self.output = nn.Linear(6, classes)
        self.scales = nn.Parameter(torch.ones(1, classes))

    def forward(self, x):
        patches = self.patches(x).flatten(2).transpose(1, 2)
        tokens = torch.cat([self.class_token.expand(len(x), -1, -1), patches], 1)
        return self.output(torch.relu(self.mixed(tokens)).mean(1)) * self.scales

def make(shape, classes, hidden):
    return Net(classes)
"""


def test_the_first_convolution_and_the_last_layer_are_known_by_what_they_are(follow, task, tmp_path, monkeypatch):
    """A class token has three dimensions and comes first, a row of scales has two and comes last: no layers at all.

    96 + 36 + 60 weights, of which 115 are kept: the convolution's 96, and 19 of the others in proportion.
    """
    (tmp_path / "nets_with_a_class_token.py").write_text(VISION_TRANSFORMER)
    monkeypatch.chdir(tmp_path)
    on = task('network.factory = "nets_with_a_class_token:make"', 'ladder.scope = "global"')
    found = follow("uniform-plus", on)
    assert [rung.kept for rung in found.search.ladder] == [115, 69, 41]
    assert list(found.masks[0]) == ["patches.weight", "mixed.weight", "output.weight"]
    assert counts(found.masks[0]) == [96, 7, 12]


@pytest.mark.parametrize("name", ["erk", "uniform", "uniform-plus"])
def test_places_are_random_and_drawn_by_seed_and_rung(follow, name):
    found = follow(name)
    again, other = follow(name), follow(name, seed=1)
    for mask, twin, stranger in zip(found.masks, again.masks, other.masks, strict=True):
        assert all(torch.equal(mask[layer], twin[layer]) for layer in mask)
        assert count_per_layer(mask) == count_per_layer(stranger)
        assert any(not torch.equal(mask[layer], stranger[layer]) for layer in mask)
    assert any((found.masks[2][layer] & ~found.masks[0][layer]).any() for layer in found.masks[0])
    assert {(row["search_steps"], row["search_examples"], row["carried"]) for row in found.rows} == {(0, 0, False)}
