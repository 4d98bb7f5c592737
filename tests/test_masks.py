"""Scores to masks: exact counts in every scope, ties broken one way, and agreement with torch's own pruning."""

from fractions import Fraction
from itertools import pairwise

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn
from torch.nn.utils import prune

from ticketbench import keep_largest
from ticketbench.ladder import Rung, rungs
from ticketbench.masks import SCOPES, count, count_per_layer
from ticketbench.task import Ladder

shapes = st.lists(st.integers(1, 4), min_size=1, max_size=4).map(tuple)


@st.composite
def scored_networks(draw, heavy_ties=True):
    """Scores of one to four layers, most of them equal, and a mask that they must stay within."""
    scores, within = {}, {}
    values = st.integers(-1, 1) if heavy_ties else st.floats(-1e6, 1e6, width=32)
    for i, shape in enumerate(draw(st.lists(shapes, min_size=1, max_size=4))):
        size = torch.Size(shape).numel()
        flat = draw(st.lists(values, min_size=size, max_size=size))
        bits = draw(st.lists(st.booleans(), min_size=size, max_size=size))
        scores[f"layer{i}.weight"] = torch.tensor(flat, dtype=torch.float32).view(shape)
        within[f"layer{i}.weight"] = torch.tensor(bits).view(shape)
    return scores, within


def ranked(scores, within, names):
    """All places inside the mask, best first, by Python's own sort on (score, network order, flat index)."""
    places = [
        (-float(score), order, index, name)
        for order, name in enumerate(names)
        for index, (score, inside) in enumerate(zip(scores[name].flatten(), within[name].flatten(), strict=True))
        if inside
    ]
    return [(name, index) for _, _, index, name in sorted(places)]


def places(mask):
    return {(name, int(i)) for name, kept in mask.items() for i in kept.flatten().nonzero().flatten()}


def best_per_layer(scores, within, counts):
    return {place for name, kept in counts.items() for place in ranked(scores, within, [name])[:kept]}


def is_well_formed(mask, scores, within):
    assert list(mask) == list(scores)
    for name, kept in mask.items():
        assert kept.dtype == torch.bool and kept.shape == scores[name].shape and kept.device.type == "cpu"
        assert not (kept & ~within[name]).any()
    return True


@given(st.data(), scored_networks())
@settings(deadline=None)
def test_global_keeps_exactly_the_best_of_all_layers_ties_to_the_earlier(data, network):
    scores, within = network
    total = data.draw(st.integers(0, count(within)))
    mask = keep_largest(scores, total, within=within)
    assert is_well_formed(mask, scores, within) and count(mask) == total
    assert places(mask) == set(ranked(scores, within, list(scores))[:total])


@given(st.data(), scored_networks())
@settings(deadline=None)
def test_counts_by_name_keep_exactly_the_best_of_each_layer(data, network):
    scores, within = network
    counts = {name: data.draw(st.integers(0, int(inside.sum()))) for name, inside in within.items()}
    mask = keep_largest(scores, counts, within=within)
    assert is_well_formed(mask, scores, within) and count_per_layer(mask) == counts
    assert places(mask) == best_per_layer(scores, within, counts)


@given(st.data(), scored_networks(), st.sampled_from(["uniform", "erk", "layer"]))
@settings(deadline=None)
def test_layer_densities_keep_the_exact_total_near_their_law_and_the_best_of_each_layer(data, network, scope):
    """uniform and layer: density equal in all layers; erk: in proportion to (sum of dims) / (product of dims).

    A layer whose mask has too little left keeps all of that, and the law is solved again for the others.
    """
    scores, within = network
    total = data.draw(st.integers(0, count(within)))
    mask = keep_largest(scores, total, within=within, scope=scope)
    counts = count_per_layer(mask)
    assert is_well_formed(mask, scores, within) and sum(counts.values()) == total
    assert places(mask) == best_per_layer(scores, within, counts)
    room = count_per_layer(within)
    law = {n: sum(s.shape) if scope == "erk" else s.numel() for n, s in scores.items()}
    for name, expected in solved(law, room, total).items():
        assert abs(counts[name] - expected) < 1


def solved(law, room, total):
    """Counts proportional to `law`; what overflows is filled and the rest solved again, one layer at a time."""
    full = {}
    while len(full) < len(law):
        weight = sum(share for name, share in law.items() if name not in full)
        scale = Fraction(total - sum(full.values()), weight)
        worst = max((n for n in law if n not in full), key=lambda n: law[n] * scale - room[n])
        if law[worst] * scale <= room[worst]:
            return full | {n: share * scale for n, share in law.items() if n not in full}
        full[worst] = room[worst]
    return full


@given(st.data(), scored_networks(heavy_ties=False), st.sampled_from(SCOPES))
@settings(deadline=None)
def test_a_mask_within_a_mask_keeps_exactly_its_count_and_nothing_from_outside(data, network, scope):
    scores, _ = network
    sizes = {name: s.numel() for name, s in scores.items()}
    outer = keep_largest(scores, data.draw(st.integers(0, sum(sizes.values()))), scope=scope)
    total = data.draw(st.integers(0, count(outer)))
    again = {name: data.draw(st.sampled_from([s, -s, s * 0])) for name, s in scores.items()}
    inner = keep_largest(again, total, within=outer, scope=scope)
    assert is_well_formed(inner, scores, outer) and count(inner) == total


@given(st.data(), st.sampled_from(["layer", "global"]), st.sampled_from(SCOPES))
@settings(deadline=None)
def test_every_rung_of_a_real_ladder_is_hit_exactly_in_every_scope(data, own_scope, scope):
    shapes_here = {"conv.weight": (8, 3, 3, 3), "hidden.weight": (20, 8), "output.weight": (10, 20)}
    sizes = {name: torch.Size(shape).numel() for name, shape in shapes_here.items()}
    rates = {"output.weight": 0.1} if own_scope == "layer" else {}
    ladder = rungs(Ladder(prune=0.3, rounds=8, scope=own_scope, layers=rates), sizes)
    seed = data.draw(st.integers(0, 2**32))
    levels = data.draw(st.sampled_from([1, 3, 10_000]))
    generator = torch.Generator().manual_seed(seed)
    for rung in ladder:
        scores = {n: torch.randint(levels, shape, generator=generator) for n, shape in shapes_here.items()}
        mask = keep_largest(scores, rung, scope=scope)
        assert count(mask) == rung.kept
        if scope == "layer":
            assert count_per_layer(mask) == rung.kept_per_layer


def test_the_default_scope_is_the_task_s_for_a_rung_global_for_a_total_and_layer_for_counts():
    scores = {"a": torch.tensor([9.0, 8.0, 7.0, 6.0]), "b": torch.tensor([1.0, 2.0, 3.0, 4.0])}
    by_layer = Rung(1, 4, 8, {"a": 1, "b": 3}, "layer")
    by_all = Rung(1, 4, 8, {"a": 1, "b": 3}, "global")
    assert count_per_layer(keep_largest(scores, by_layer)) == {"a": 1, "b": 3}
    assert count_per_layer(keep_largest(scores, by_all)) == {"a": 4, "b": 0}
    assert count_per_layer(keep_largest(scores, 4)) == {"a": 4, "b": 0}
    assert count_per_layer(keep_largest(scores, {"a": 1, "b": 3})) == {"a": 1, "b": 3}
    assert count_per_layer(keep_largest(scores, {"a": 1, "b": 3}, scope="global")) == {"a": 4, "b": 0}
    assert count_per_layer(keep_largest(scores, {"a": 1, "b": 3}, scope="uniform")) == {"a": 2, "b": 2}


def test_erk_densities_of_lenet_are_those_of_the_published_formula():
    """LeNet-300-100 at a tenth, 26,620 of 266,200 weights, with density_l = e (n_in + n_out) / (n_in n_out).

    e = 26620 / (1084 + 400 + 110) = 16.7 would keep 1,837 of the output's 1,000 weights, so it stays dense and
    e = 25620 / (1084 + 400) = 17.264: 18714.3 of the first layer and 6905.7 of the second.
    """
    generator = torch.Generator().manual_seed(0)
    lenet = {"first": (300, 784), "second": (100, 300), "output": (10, 100)}
    scores = {name: torch.rand(shape, generator=generator) for name, shape in lenet.items()}
    assert count_per_layer(keep_largest(scores, 26_620, scope="erk")) == {
        "first": 18_714,
        "second": 6_906,
        "output": 1_000,
    }


def test_erk_counts_the_kernel_of_a_convolution():
    """A fifth of 5,360 weights: (16, 3, 3, 3) has dims summing to 25, (32, 16, 3, 3) to 54, (10, 32) to 42.

    e = 1072 / 121 = 8.86 overfills the last (372 of 320), then e = 752 / 79 = 9.519: 237.97 and 514.03.
    """
    network = {"conv1": (16, 3, 3, 3), "conv2": (32, 16, 3, 3), "output": (10, 32)}
    mask = keep_largest({name: torch.ones(shape) for name, shape in network.items()}, 1072, scope="erk")
    assert count_per_layer(mask) == {"conv1": 238, "conv2": 514, "output": 320}


def test_ties_go_to_the_earlier_name_in_network_order_then_to_the_lower_index():
    """The rung and the mask know network order; alphabetical order and the order of the scores do not count."""
    scores = {"a": torch.zeros(2, 2), "z": torch.zeros(3)}
    rung = Rung(1, 4, 7, {"z": 2, "a": 2}, "global")
    kept = keep_largest(scores, rung)
    assert list(kept) == ["z", "a"]
    assert kept["z"].tolist() == [True, True, True]
    assert kept["a"].tolist() == [[True, False], [False, False]]
    within = {"z": torch.tensor([False, True, True]), "a": torch.ones(2, 2, dtype=torch.bool)}
    kept = keep_largest(scores, 4, within=within)
    assert kept["z"].tolist() == [False, True, True]
    assert kept["a"].tolist() == [[True, True], [False, False]]


def test_plus_and_minus_zero_tie():
    mask = keep_largest({"a": torch.tensor([-0.0, 0.0, -0.0])}, 1)
    assert mask["a"].tolist() == [True, False, False]


@pytest.mark.parametrize("bad", [float("nan"), float("inf"), float("-inf")])
def test_scores_that_are_not_finite_are_refused_inside_the_mask_and_ignored_outside(bad):
    scores = {"a": torch.tensor([1.0, 2.0]), "b": torch.tensor([3.0, bad])}
    with pytest.raises(ValueError, match="scores of b are not all finite"):
        keep_largest(scores, 2)
    within = {"a": torch.tensor([True, True]), "b": torch.tensor([True, False])}
    assert places(keep_largest(scores, 2, within=within)) == {("a", 1), ("b", 0)}
    with pytest.raises(ValueError, match="scores of b are not all finite"):
        keep_largest(scores, 2, within={"a": torch.tensor([True, False]), "b": torch.tensor([False, True])})


TWO = {"a": torch.arange(4.0), "b": torch.arange(3.0)}
PART = {"a": torch.tensor([True, True, False, False]), "b": torch.tensor([True, False, False])}


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"amount": 8}, "asked to keep 8 weights of 7"),
        ({"amount": 4, "within": PART}, "asked to keep 4 weights of 3"),
        ({"amount": 4, "within": PART, "scope": "uniform"}, "asked to keep 4 weights of 3"),
        ({"amount": 4, "within": PART, "scope": "erk"}, "asked to keep 4 weights of 3"),
        ({"amount": {"a": 1, "b": 4}}, "asked to keep 4 weights of b, which has 3"),
        ({"amount": {"a": 1, "b": 2}, "within": PART}, "asked to keep 2 weights of b, which has 1"),
        ({"amount": Rung(1, 3, 7, {"a": 1, "b": 2}, "layer"), "within": PART}, "asked to keep 2 weights of b"),
        ({"amount": -1}, "whole and not negative; got -1"),
        ({"amount": {"a": 1, "b": -2}}, "whole and not negative; got -2"),
        ({"amount": 0.2}, r"whole and not negative; got 0\.2"),
        ({"amount": 3, "scope": "blockwise"}, "unknown scope 'blockwise'; it is one of global, layer, uniform, erk"),
        ({"amount": {"a": 1, "b": 1}, "scope": "blockwise"}, "unknown scope 'blockwise'"),
        ({"amount": {"a": 1}}, "these differ: b"),
        ({"amount": Rung(1, 3, 7, {"a": 1, "c": 2}, "layer")}, "these differ: b, c"),
        ({"amount": 3, "within": {"a": PART["a"]}}, "these differ: b"),
        (
            {"amount": 3, "within": PART | {"b": torch.ones(1, 3, dtype=torch.bool)}},
            r"within of b: expected torch\.bool \(3,\) like its scores, got torch\.bool \(1, 3\)",
        ),
        ({"amount": 3, "within": PART | {"b": torch.ones(3)}}, r"within of b: .* got torch\.float32 \(3,\)"),
    ],
)
def test_what_cannot_be_kept_is_refused_with_the_reason(arguments, message):
    with pytest.raises(ValueError, match=message):
        keep_largest(TWO, **arguments)


def test_a_count_may_come_from_any_integer_and_scores_from_any_real_type():
    assert count(keep_largest(TWO, torch.tensor(3))) == 3
    halves = {name: scores.to(torch.float16).requires_grad_() for name, scores in TWO.items()}
    assert places(keep_largest(halves, 3)) == places(keep_largest(TWO, 3))


def test_layers_of_a_mask_share_no_memory_and_scores_are_left_alone():
    scores = {name: tensor.clone() for name, tensor in TWO.items()}
    mask = keep_largest(scores, 3)
    assert mask["a"].untyped_storage().data_ptr() != mask["b"].untyped_storage().data_ptr()
    assert all(kept.untyped_storage().nbytes() == kept.numel() for kept in mask.values())
    assert all(torch.equal(scores[name], TWO[name]) for name in TWO)


def network_without_ties(seed):
    torch.manual_seed(seed)
    network = nn.Sequential(nn.Conv2d(1, 6, 3), nn.Flatten(), nn.Linear(24, 30), nn.Linear(30, 10))
    prunable = [(module, "weight") for module in network if hasattr(module, "weight")]
    sizes = [module.weight.numel() for module, _ in prunable]
    magnitudes = (torch.randperm(sum(sizes)) + 1.0).split(sizes)  # all different, so that no tie is left to torch
    with torch.no_grad():
        for (module, _), values in zip(prunable, magnitudes, strict=True):
            signs = torch.randint(2, values.shape) * 2 - 1
            module.weight.copy_((values * signs).view(module.weight.shape))
    return network, prunable


def magnitudes_of(prunable):
    """By position, which is network order; the original weights also where torch has hung a mask on them."""
    return {
        str(i): getattr(module, "weight_orig", module.weight).detach().abs() for i, (module, _) in enumerate(prunable)
    }


@pytest.mark.parametrize("seed", range(3))
def test_global_masks_equal_torch_s_global_unstructured_round_after_round(seed):
    _, prunable = network_without_ties(seed)
    scores, mask = magnitudes_of(prunable), None
    sizes = {name: s.numel() for name, s in scores.items()}
    ladder = rungs(Ladder(prune=0.4, rounds=4, scope="global"), sizes)
    for above, rung in pairwise(ladder):
        prune.global_unstructured(prunable, prune.L1Unstructured, amount=above.kept - rung.kept)
        mask = keep_largest(scores, rung, within=mask)
        for i, (module, _) in enumerate(prunable):
            assert torch.equal(mask[str(i)], module.weight_mask.bool())


@pytest.mark.parametrize("seed", range(3))
def test_layerwise_masks_equal_torch_s_l1_unstructured_round_after_round(seed):
    _, prunable = network_without_ties(seed)
    scores, mask = magnitudes_of(prunable), None
    sizes = {name: s.numel() for name, s in scores.items()}
    ladder = rungs(Ladder(prune=0.4, rounds=4, layers={"2": 0.2}), sizes)
    for above, rung in pairwise(ladder):
        mask = keep_largest(scores, rung, within=mask)
        for i, (module, _) in enumerate(prunable):
            name = str(i)
            prune.l1_unstructured(module, "weight", amount=above.kept_per_layer[name] - rung.kept_per_layer[name])
            assert torch.equal(mask[name], module.weight_mask.bool())
