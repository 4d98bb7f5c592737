"""Optimal brain damage: second derivatives by hand and by torch's own Hessian, and the tickets they give."""

import re
import sys
import warnings
from types import SimpleNamespace
from typing import ClassVar

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from ticketbench import Checkpoint, Rung, keep_largest
from ticketbench.masks import count_per_layer
from ticketbench.methods import shipped_methods
from ticketbench.methods.state import State


class Loss:
    """The one thing of a search that a second derivative needs."""

    def loss(self, network, inputs, targets):
        return nn.functional.cross_entropy(network(inputs), targets)


def second_derivatives(kind, network, inputs, targets, mask=None):
    function = getattr(sys.modules[shipped_methods()["obd"].module], kind)
    layers = [name for name, weight in network.named_parameters() if weight.dim() > 1]
    mask = mask or {name: torch.ones_like(network.get_parameter(name), dtype=torch.bool) for name in layers}
    return function(Loss(), network, mask, inputs, targets)


EXACT, GAUSS_NEWTON = "hessian_diagonal", "gauss_newton_diagonal"


def examples(*shape, classes, seed=0):
    rng = torch.Generator().manual_seed(seed)
    inputs = torch.randn(*shape, generator=rng, dtype=torch.float64)
    return inputs, torch.randint(classes, shape[:1], generator=rng)


def drawn(network, seed=0):
    rng = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for weight in network.parameters():
            weight.copy_(torch.randn(weight.shape, generator=rng))
    return network.double().eval()


def perceptron(activation, seed=0):
    return drawn(nn.Sequential(nn.Linear(4, 5), activation, nn.Linear(5, 4), activation, nn.Linear(4, 3)), seed)


@pytest.mark.parametrize("kind", [EXACT, GAUSS_NEWTON])
def test_one_linear_layer_has_the_mean_of_squared_inputs_times_p_times_1_minus_p(kind):
    """Two classes, w = (ln 3, 0) from one input. At x = 1, p = (3/4, 1/4); at x = 2, p = (9/10, 1/10).

    h = (1 * 3/16 + 4 * 9/100) / 2 = 0.27375 for both weights, whatever the targets; the saliency of the first is
    0.27375 * (ln 3)^2 / 2 = 0.165201, that of the second, which is 0, is 0.
    """
    network = nn.Linear(1, 2, bias=False).double()
    with torch.no_grad():
        network.weight.copy_(torch.tensor([[3.0], [1.0]], dtype=torch.float64).log())
    inputs = torch.tensor([[1.0], [2.0]], dtype=torch.float64)
    for targets in ([0, 1], [1, 1]):
        h = second_derivatives(kind, network, inputs, torch.tensor(targets))["weight"]
        assert h.flatten().tolist() == pytest.approx([0.27375, 0.27375], rel=1e-12)
        saliency = (h * network.weight.detach().square() / 2).flatten().tolist()
        assert saliency == pytest.approx([0.1652011, 0.0], rel=1e-6)


def test_of_the_weights_10_minus_8_and_a_tenth_the_tenth_goes_but_a_large_input_saves_it():
    """y = ReLU(10 x0 - 8 x1 + 0.1 x2) against 0: h_j = x_j^2 p (1 - p), the saliency (w_j x_j)^2 p (1 - p) / 2.

    At x = (1, 1, 1), p (1 - p) of y = 2.1 is 0.0972; saliencies go as 100, 64 and 0.01. At x = (1, 1, 100), y = 12:
    as 100, 64 and 100. Where y is below 0 the unit is off, and no weight matters.
    """

    class Unit(nn.Module):
        def __init__(self):
            super().__init__()
            self.unit = nn.Linear(3, 1, bias=False)

        def forward(self, inputs):
            y = torch.relu(self.unit(inputs))
            return torch.cat([y, torch.zeros_like(y)], 1)

    network = Unit().double()
    weight = torch.tensor([[10.0, -8.0, 0.1]], dtype=torch.float64)
    with torch.no_grad():
        network.unit.weight.copy_(weight)
    for kind in (EXACT, GAUSS_NEWTON):
        saliency = {}
        for x in ([1.0, 1.0, 1.0], [1.0, 1.0, 100.0], [0.0, 1.0, 1.0]):
            inputs = torch.tensor([x], dtype=torch.float64)
            h = second_derivatives(kind, network, inputs, torch.tensor([0]))["unit.weight"]
            saliency[tuple(x)] = h * weight.square() / 2
        plain = saliency[1.0, 1.0, 1.0]
        assert plain.flatten().tolist() == pytest.approx([4.86, 3.11, 0.000486], rel=1e-3)
        assert keep_largest({"w": plain}, 2)["w"].tolist() == [[True, True, False]]
        assert keep_largest({"w": saliency[1.0, 1.0, 100.0]}, 2)["w"].tolist() == [[True, False, True]]
        assert not saliency[0.0, 1.0, 1.0].any()


@pytest.mark.parametrize("activation", [nn.Tanh(), nn.ReLU(), nn.GELU()])
def test_the_exact_one_is_the_diagonal_of_torchs_own_hessian(activation):
    network = perceptron(activation)
    inputs, targets = examples(7, 4, classes=3)
    found = second_derivatives(EXACT, network, inputs, targets)
    for name, h in found.items():
        weight = network.get_parameter(name).detach()

        def loss(given, name=name):
            answers = torch.func.functional_call(network, {name: given}, (inputs,))
            return nn.functional.cross_entropy(answers, targets)

        whole = torch.autograd.functional.hessian(loss, weight).view(weight.numel(), weight.numel())
        assert torch.allclose(h.flatten(), whole.diagonal(), rtol=1e-10, atol=1e-14)


def test_both_agree_where_outputs_are_linear_in_each_weight_and_not_elsewhere():
    """With ReLU they are, piecewise; with tanh only in the last layer. The biases are nobody's business."""
    inputs, targets = examples(9, 4, classes=3)
    for activation, alike in ((nn.Identity(), True), (nn.ReLU(), True), (nn.Tanh(), False)):
        network = perceptron(activation)
        exact = second_derivatives(EXACT, network, inputs, targets)
        outer = second_derivatives(GAUSS_NEWTON, network, inputs, targets)
        assert torch.allclose(outer["4.weight"], exact["4.weight"], rtol=1e-10, atol=1e-15)
        for name in ("0.weight", "2.weight"):
            assert torch.allclose(outer[name], exact[name], rtol=1e-10, atol=1e-15) is alike
        assert all(bool((h >= 0).all()) for h in outer.values())


@pytest.mark.parametrize("inplace", [False, True])
def test_both_agree_with_convolutions_groups_batch_norm_pooling_and_a_layer_used_twice(inplace):
    class Net(nn.Module):
        def __init__(self):
            super().__init__()
            self.first = nn.Conv2d(2, 4, 3, padding=1, groups=2)
            self.norm = nn.BatchNorm2d(4)
            self.again = nn.Conv2d(4, 4, 3, padding="same", dilation=2)
            self.strided = nn.Conv2d(4, 3, 2, stride=2)
            self.row = nn.Conv1d(3, 2, 2)
            self.output = nn.Linear(6, 3)
            self.relu = nn.ReLU(inplace=inplace)

        def forward(self, x):
            x = self.relu(self.norm(self.first(x)))
            x = nn.functional.max_pool2d(self.relu(x + 0.1 * self.again(x)), 2)
            x = self.relu(self.strided(x)).flatten(2)
            return self.output(self.relu(self.row(x)).flatten(1))

    network = drawn(Net())
    inputs, targets = examples(5, 2, 8, 8, classes=3)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        outer = second_derivatives(GAUSS_NEWTON, network, inputs, targets)
    exact = second_derivatives(EXACT, network, inputs, targets)
    for name, h in exact.items():
        assert h.abs().max() > 0 and torch.allclose(outer[name], h, rtol=1e-8, atol=1e-12), name


def test_a_layer_used_twice_has_its_slopes_added_before_they_are_squared():
    """z = (w (w x), 0) would not be linear in w; z = (w x, w x / 2, 0) is: dz/dw = (x, x/2, 0)."""

    class Twice(nn.Module):
        def __init__(self):
            super().__init__()
            self.unit = nn.Linear(1, 1, bias=False)

        def forward(self, x):
            return torch.cat([self.unit(x), self.unit(x / 2), torch.zeros_like(x)], 1)

    inputs, targets = examples(4, 1, classes=3)
    network = drawn(Twice())
    exact = second_derivatives(EXACT, network, inputs, targets)["unit.weight"]
    assert torch.allclose(second_derivatives(GAUSS_NEWTON, network, inputs, targets)["unit.weight"], exact)


def test_a_weight_used_past_its_layer_is_an_error_and_no_zero():
    class Past(nn.Module):
        def __init__(self):
            super().__init__()
            self.unit = nn.Linear(4, 3)

        def forward(self, x):
            return x @ self.unit.weight.T

    with pytest.raises(ValueError, match=r"unit\.weight: used otherwise than by calling its layer"):
        second_derivatives(GAUSS_NEWTON, drawn(Past()), *examples(5, 4, classes=3))


def test_a_weight_used_past_its_layer_as_well_as_by_calling_it_is_an_error_too():
    """An autoencoder with tied weights: half of the slope does not pass through the layer's outputs."""

    class Tied(nn.Module):
        def __init__(self):
            super().__init__()
            self.before = nn.Linear(4, 3)
            self.unit = nn.Linear(3, 3)

        def forward(self, x):
            return torch.relu(self.unit(torch.relu(self.before(x)))) @ self.unit.weight.T

    network, data = drawn(Tied()), examples(50, 4, classes=3)
    with pytest.raises(ValueError, match=r"^unit\.weight: used otherwise than by calling its layer"):
        second_derivatives(GAUSS_NEWTON, network, *data)
    assert second_derivatives(EXACT, network, *data)["unit.weight"].any()


@pytest.mark.parametrize("kind", [EXACT, GAUSS_NEWTON])
def test_a_weight_that_no_output_depends_on_has_no_curvature(kind):
    class Idle(nn.Module):
        def __init__(self):
            super().__init__()
            self.never, self.unheard, self.unit = nn.Linear(4, 3), nn.Linear(4, 3), nn.Linear(4, 3)

        def forward(self, x):
            self.unheard(x)
            return self.unit(x)

    found = second_derivatives(kind, drawn(Idle()), *examples(5, 4, classes=3))
    assert {name: bool(h.any()) for name, h in found.items()} == {
        "never.weight": False,
        "unheard.weight": False,
        "unit.weight": True,
    }


def test_answers_that_single_precision_calls_certain_still_curve():
    """Logits 30 apart: p (1 - p) = 9.3576e-14, which 1 - p loses in single precision."""
    network = nn.Linear(1, 2, bias=False).double()
    with torch.no_grad():
        network.weight.copy_(torch.tensor([[20.0], [-10.0]]))
    h = second_derivatives(GAUSS_NEWTON, network, torch.ones(1, 1, dtype=torch.float64), torch.tensor([0]))["weight"]
    assert h.flatten().tolist() == pytest.approx([9.357623e-14] * 2, rel=1e-2)


@settings(max_examples=20, deadline=None)
@given(st.permutations(range(5)), st.integers(0, 2**16), st.sampled_from([EXACT, GAUSS_NEWTON]))
def test_reordering_hidden_units_reorders_the_second_derivatives(order, seed, kind):
    network, moved = perceptron(nn.Tanh(), seed), perceptron(nn.Tanh(), seed)
    with torch.no_grad():
        moved[0].weight.copy_(network[0].weight[order])
        moved[0].bias.copy_(network[0].bias[order])
        moved[2].weight.copy_(network[2].weight[:, order])
    inputs, targets = examples(6, 4, classes=3, seed=seed)
    one, other = (second_derivatives(kind, each, inputs, targets) for each in (network, moved))
    assert torch.allclose(other["0.weight"], one["0.weight"][order], rtol=1e-8, atol=1e-13)
    assert torch.allclose(other["2.weight"], one["2.weight"][:, order], rtol=1e-8, atol=1e-13)
    assert torch.allclose(other["4.weight"], one["4.weight"], rtol=1e-8, atol=1e-13)


@pytest.mark.parametrize("exact_below", [0, 10**6])
@pytest.mark.parametrize("parent", ["mlp", "conv"])
def test_its_tickets_keep_the_largest_saliencies_nested_and_exact(follow, task, parent, exact_below):
    found = follow("obd", task(parent=parent), exact_below=exact_below, examples=40)
    [(inputs, targets)] = found.search.batches(1, 40)
    within = found.search.initial.mask
    for mask, ticket, rung in zip(found.masks, found.tickets, found.search.ladder, strict=True):
        network = found.search.network(ticket.checkpoint).double()  # as trained after the rung before
        h = second_derivatives(GAUSS_NEWTON, network, inputs.double(), targets, within)
        weights = ticket.checkpoint.prunable
        saliency = {name: h[name] * weight.double().square() / 2 for name, weight in weights.items()}
        lost = torch.cat([saliency[name][within[name] & ~kept] for name, kept in mask.items()])
        left = torch.cat([saliency[name][kept] for name, kept in mask.items()])
        assert float(lost.max()) <= float(left.min()) * (1 + 1e-9), rung.index
        assert len(left) == rung.kept and len(lost) == sum(count_per_layer(within).values()) - rung.kept
        assert (ticket.checkpoint.step, ticket.schedule) == (10, "last")
        within = mask


class OnPaper(Loss):
    """What the method looks at of a search, on a perceptron whose weights it is sent without any training."""

    dense = "the dense network, trained"
    task = SimpleNamespace(training=SimpleNamespace(rewind_step=3))
    sizes: ClassVar = {"0.weight": 20, "2.weight": 20, "4.weight": 12}

    def __init__(self, *kept):
        rungs = enumerate(kept, start=1)
        self.ladder = tuple(Rung(i, count, sum(self.sizes.values()), self.sizes, "layer") for i, count in rungs)
        self.scored = []  # how many examples each pass has had

    def checkpoint(self, seed, within=None):
        weights = {name: weight.detach().float() for name, weight in perceptron(nn.ReLU(), seed).named_parameters()}
        mask = {name: torch.ones_like(weights[name], dtype=torch.bool) for name in self.sizes}
        dense = Checkpoint(None, 9, lambda: State(9, weights, {}, mask))
        return dense.replace(mask=within) if within else dense

    def network(self, checkpoint):
        network = perceptron(nn.ReLU())
        network.load_state_dict(checkpoint.weights)
        network.register_forward_pre_hook(lambda _, given: self.scored.append(len(given[0])))
        return network

    def batches(self, count, size):
        return [examples(size, 4, classes=3, seed=i) for i in range(count)]


@settings(max_examples=15, deadline=None)
@given(
    st.lists(st.integers(1, 51), min_size=1, max_size=3, unique=True), st.integers(0, 2**16), st.sampled_from([0, 52])
)
def test_whatever_is_trained_between_the_rungs_counts_are_exact_and_masks_nested(kept, seed, exact_below):
    search = OnPaper(*sorted(kept, reverse=True))
    asked = shipped_methods()["obd"].with_parameters(exact_below=exact_below, examples=5).start(search, None)
    assert next(asked) == search.dense
    larger = None
    for rung in search.ladder:
        mask = asked.send(search.checkpoint(seed + rung.index, larger)).mask
        assert sum(count_per_layer(mask).values()) == rung.kept
        assert larger is None or all(not (mask[name] & ~larger[name]).any() for name in mask)
        larger = mask


@pytest.mark.parametrize("exact_below", [0, 10**6])
def test_many_examples_pass_a_few_at_a_time_and_give_the_same_saliencies(exact_below):
    """One graph of 256 images of a large network would not fit into memory."""
    search = OnPaper()
    checkpoint = search.checkpoint(1)
    found = sys.modules[shipped_methods()["obd"].module].saliencies(search, checkpoint, 75, exact_below)
    assert sum(search.scored) == 75 and max(search.scored) <= 32
    [(inputs, targets)] = search.batches(1, 75)
    h = second_derivatives(GAUSS_NEWTON, search.network(checkpoint), inputs, targets)  # of all at once
    for name, weight in checkpoint.prunable.items():
        expected = h[name] * weight.double().square() / 2
        assert expected.max() > 0 and torch.allclose(found[name], expected, rtol=1e-9, atol=1e-14)


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"examples": 0}, "examples: expected a whole number of training examples, 1 or more; got 0"),
        ({"examples": 2.5}, "examples: expected a whole number of training examples, 1 or more; got 2.5"),
        ({"examples": True}, "examples: expected a whole number of training examples, 1 or more; got True"),
        ({"exact_below": -1}, "exact_below: expected a whole number of weights, 0 or more; got -1"),
        ({"exact_below": 1e3}, "exact_below: expected a whole number of weights, 0 or more; got 1000.0"),
    ],
)
def test_numbers_that_are_not_whole_or_too_small_are_one_clear_error(wrong, said):
    with pytest.raises(ValueError, match=f"^{re.escape(said)}$"):
        next(shipped_methods()["obd"].with_parameters(**wrong).start(OnPaper(9), None))


def test_more_examples_than_there_are_is_one_clear_error(follow):
    search = follow("magnitude-init").search
    asked = search.method("obd", examples=5000)
    next(asked)
    with pytest.raises(ValueError, match="size 5000 of 1200 training examples"):
        asked.send(search.initial)


def test_the_examples_it_scores_are_charged_once_a_rung(follow, task):
    found, tuned = follow("obd", task(), exact_below=0, examples=40), follow("magnitude-global", task())
    extra = [one["search_examples"] - two["search_examples"] for one, two in zip(found.rows, tuned.rows, strict=True)]
    assert extra == [40, 80, 120]
    assert [row["search_steps"] for row in found.rows] == [row["search_steps"] for row in tuned.rows]
