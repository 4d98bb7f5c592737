"""The ladder: exact counts by the published rule, in whole numbers."""

from decimal import ROUND_HALF_EVEN, Decimal, localcontext
from fractions import Fraction
from itertools import pairwise

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from ticketbench.errors import TicketbenchError
from ticketbench.ladder import apportion, kept_after, rungs
from ticketbench.task import Ladder

LENET = {"hidden.0.weight": 235_200, "hidden.1.weight": 30_000, "output.weight": 1_000}

rates = st.integers(1, 99).map(lambda percent: percent / 100)


def by_decimals(size: int, prune: float, rounds: int) -> int:
    """The same formula by another road: decimal arithmetic wide enough to be exact."""
    with localcontext() as context:
        context.prec = 200
        left = Decimal(size) * (1 - Decimal(str(prune))) ** rounds
        return int(left.quantize(Decimal(1), rounding=ROUND_HALF_EVEN))


def test_kept_after_is_what_one_works_out_by_hand():
    assert [kept_after(1000, 0.2, r) for r in range(11)] == [1000, 800, 640, 512, 410, 328, 262, 210, 168, 134, 107]


@pytest.mark.parametrize(
    ("size", "prune", "rounds", "half", "kept"),
    [
        (5, 0.5, 1, "2.5", 2),
        (7, 0.5, 1, "3.5", 4),
        (500, 0.1, 3, "364.5", 364),  # in floating point 365
        (500, 0.3, 3, "171.5", 172),  # in floating point 171
        (150, 0.3, 2, "73.5", 74),  # in floating point 73
        (1000, 0.35, 2, "422.5", 422),  # in floating point 423
    ],
)
def test_a_half_goes_to_the_even_count_whatever_floating_point_makes_of_it(size, prune, rounds, half, kept):
    assert Decimal(size) * (1 - Decimal(str(prune))) ** rounds == Decimal(half)
    assert kept_after(size, prune, rounds) == kept


def test_the_count_is_never_iterated():
    """1000 (1 - 0.3)^7 = 82.35; rounding after every round would arrive at 83."""
    iterated = 1000
    for _ in range(7):
        iterated = kept_after(iterated, 0.3, 1)
    assert (kept_after(1000, 0.3, 7), iterated) == (82, 83)


@given(st.integers(1, 10**9), rates, st.integers(0, 30))
@settings(deadline=None)
def test_kept_after_agrees_with_exact_decimals(size, prune, rounds):
    assert kept_after(size, prune, rounds) == by_decimals(size, prune, rounds)


def test_lenet_follows_its_layers_rates():
    """235200 * 0.8^r, 30000 * 0.8^r and 1000 * 0.9^r, worked out by hand for five rungs."""
    ladder = rungs(Ladder(prune=0.2, rounds=20, layers={"output.weight": 0.1}), LENET)
    assert [rung.index for rung in ladder] == list(range(21))
    expected = {
        0: (235_200, 30_000, 1_000),
        1: (188_160, 24_000, 900),
        3: (120_422, 15_360, 729),
        10: (25_254, 3_221, 349),
        20: (2_712, 346, 122),
    }
    for index, counts in expected.items():
        assert tuple(ladder[index].kept_per_layer.values()) == counts
        assert ladder[index].kept == sum(counts)
        assert ladder[index].prunable == 266_200
        assert ladder[index].density == sum(counts) / 266_200
    assert all(rung.scope == "layer" and list(rung.kept_per_layer) == list(LENET) for rung in ladder)


def test_a_global_ladder_follows_the_formula_on_the_total():
    """266200 * 0.8^4 = 109035.52; its three layers rounded apart would give 96338 + 12288 + 410 = 109036 too,
    but 266200 * 0.8^6 = 69783.4 is 69783, and apart 61656 + 7864 + 262 = 69782."""
    ladder = rungs(Ladder(prune=0.2, rounds=6, scope="global"), LENET)
    assert [ladder[r].kept for r in (0, 1, 4, 6)] == [266_200, 212_960, 109_036, 69_783]
    assert all(rung.scope == "global" for rung in ladder)


@st.composite
def ladders(draw):
    sizes = draw(st.lists(st.integers(1, 5000), min_size=1, max_size=5))
    names = [f"layer{i}.weight" for i in range(len(sizes))]
    scope = draw(st.sampled_from(["layer", "global"]))
    layers = draw(st.dictionaries(st.sampled_from(names), rates)) if scope == "layer" else {}
    ladder = Ladder(prune=draw(rates), rounds=draw(st.integers(1, 12)), scope=scope, layers=layers)
    return ladder, dict(zip(names, sizes, strict=True))


@given(ladders())
@settings(deadline=None)
def test_every_ladder_descends_and_its_layers_sum_to_its_total(case):
    ladder, sizes = case
    try:
        made = rungs(ladder, sizes)
    except TicketbenchError:
        assume(False)
    assert len(made) == ladder.rounds + 1
    assert made[0].kept == made[0].prunable == sum(sizes.values())
    assert all(below.kept < above.kept for above, below in pairwise(made))
    for rung in made:
        assert sum(rung.kept_per_layer.values()) == rung.kept > 0
        assert list(rung.kept_per_layer) == list(sizes)
        for name, kept in rung.kept_per_layer.items():
            if ladder.scope == "layer":
                rate = ladder.layers.get(name, ladder.prune)
                assert kept == by_decimals(sizes[name], rate, rung.index) > 0
            else:  # within one of its share; what a layer that is capped leaves may take another further above
                beyond = kept - Fraction(sizes[name] * rung.kept, rung.prunable)
                plain = apportion(rung.kept, list(sizes.values()), list(sizes.values()))
                capped = plain != list(rung.kept_per_layer.values())
                assert -1 < beyond < (max(1, len(sizes) - 1) if capped else 1)
        if ladder.scope == "global":
            assert rung.kept == by_decimals(rung.prunable, ladder.prune, rung.index)


def test_a_layer_keeps_no_more_than_on_the_rung_above_by_hand():
    """7, 5, 4 and 3 of 1 + 3 + 3 weights. At 4 the shares are 0.57, 1.71 and 1.71: 0, 2 and 2 by largest remainders.

    At 3 they are 0.43, 1.29 and 1.29, which would give the first one back: 1, 1, 1. It has none; the next gets it.
    """
    ladder = rungs(Ladder(prune=0.25, rounds=3, scope="global"), {"a": 1, "b": 3, "c": 3})
    assert [tuple(rung.kept_per_layer.values()) for rung in ladder] == [(1, 3, 3), (1, 2, 2), (0, 2, 2), (0, 2, 1)]


RESNET_20 = [432, *[2304] * 6, 4608, *[9216] * 5, 18432, *[36864] * 5, 640]


@pytest.mark.parametrize(("prune", "rounds"), [(0.1, 80), (0.2, 40), (0.05, 100)])
def test_the_layers_of_a_residual_network_only_ever_lose_weights(prune, rounds):
    """At a tenth a rung the plain largest remainders would have given weights back."""
    sizes = {f"layer{i}": size for i, size in enumerate(RESNET_20)}
    ladder = rungs(Ladder(prune=prune, rounds=rounds, scope="global"), sizes)
    for above, below in pairwise(ladder):
        assert all(below.kept_per_layer[name] <= above.kept_per_layer[name] for name in sizes), below.index


@given(ladders(), st.lists(st.integers(1, 40), max_size=20))
@settings(deadline=None)
def test_no_layer_gains_and_the_shares_are_the_plain_ones_where_these_lose_too(case, small):
    """However many small layers there are; `apportion` divides without regard to the rung above."""
    ladder, sizes = case
    sizes |= {f"small{i}.weight": size for i, size in enumerate(small)}
    try:
        made = rungs(ladder, sizes)
    except TicketbenchError:
        assume(False)
    for above, below in pairwise(made):
        assert all(below.kept_per_layer[name] <= above.kept_per_layer[name] for name in sizes)
        if ladder.scope == "global":
            plain = apportion(below.kept, list(sizes.values()), list(sizes.values()))
            if all(count <= cap for count, cap in zip(plain, above.kept_per_layer.values(), strict=True)):
                assert list(below.kept_per_layer.values()) == plain


@given(ladders())
@settings(deadline=None)
def test_a_ladder_is_refused_exactly_where_a_total_repeats_or_a_layer_empties(case):
    ladder, sizes = case
    if ladder.scope == "layer":
        counts = [
            [by_decimals(n, ladder.layers.get(name, ladder.prune), r) for name, n in sizes.items()]
            for r in range(ladder.rounds + 1)
        ]
    else:
        counts = [[by_decimals(sum(sizes.values()), ladder.prune, r)] for r in range(ladder.rounds + 1)]
    totals = [sum(row) for row in counts]
    sound = len(set(totals)) == len(totals) and all(all(row) for row in counts)
    try:
        rungs(ladder, sizes)
        made = True
    except TicketbenchError:
        made = False
    assert made == sound


def test_a_ladder_whose_total_repeats_is_refused():
    """Under this rate 4, 3.6, 3.24 weights: rungs 0 and 1 both keep 4."""
    with pytest.raises(TicketbenchError, match=r"rung 1 keeps 4 weights, as many as rung 0"):
        rungs(Ladder(prune=0.1, rounds=2), {"weight": 4})


def test_a_ladder_that_empties_a_layer_is_refused():
    with pytest.raises(TicketbenchError, match=r"rung 1 leaves nothing of small\.weight \(1 weights\)"):
        rungs(Ladder(prune=0.5, rounds=2), {"large.weight": 1000, "small.weight": 1})


def test_a_global_ladder_may_empty_a_layer_but_not_the_network():
    rungs(Ladder(prune=0.5, rounds=2, scope="global"), {"large.weight": 1000, "small.weight": 1})
    with pytest.raises(TicketbenchError, match="rung 3 keeps no weight at all"):
        rungs(Ladder(prune=0.6, rounds=3, scope="global"), {"weight": 7})


def test_a_rate_for_a_layer_that_is_not_there_is_refused_with_the_names_that_are():
    with pytest.raises(TicketbenchError, match=r"ladder\.layers names head\.weight.* are hidden\.0\.weight, hidden"):
        rungs(Ladder(prune=0.2, rounds=2, layers={"head.weight": 0.1}), LENET)


def test_apportion_gives_the_largest_remainders_first_and_ties_to_the_earlier():
    """10 among 6 : 3 : 3 is 5, 2.5, 2.5: the first of the two halves gets the odd one."""
    assert apportion(10, [6, 3, 3], [100, 100, 100]) == [5, 3, 2]
    assert apportion(11, [1, 1, 1, 1], [9, 9, 9, 9]) == [3, 3, 3, 2]


def test_apportion_fills_what_would_overflow_and_divides_the_rest_anew():
    """12 among 6 : 3 : 3, capped at 2: the first takes 2, the others (12 - 2) / 2 = 5 each."""
    assert apportion(12, [6, 3, 3], [2, 100, 100]) == [2, 5, 5]


def test_apportion_refuses_more_than_there_is_room_for():
    with pytest.raises(ValueError, match="cannot divide 7 among places for 6"):
        apportion(7, [1, 1], [3, 3])


@given(st.data())
@settings(deadline=None)
def test_apportion_is_within_one_of_the_capped_proportional_division(data):
    shares = data.draw(st.lists(st.integers(1, 50), min_size=1, max_size=6))
    caps = data.draw(st.lists(st.integers(0, 40), min_size=len(shares), max_size=len(shares)))
    total = data.draw(st.integers(0, sum(caps)))
    counts = apportion(total, shares, caps)
    assert sum(counts) == total
    low, high = Fraction(0), Fraction(sum(caps) + 1)
    for _ in range(60):  # the one scale under which the capped shares sum to the total, by bisection
        middle = (low + high) / 2
        below = sum(min(cap, share * middle) for share, cap in zip(shares, caps, strict=True)) < total
        low, high = (middle, high) if below else (low, middle)
    for count, share, cap in zip(counts, shares, caps, strict=True):
        assert 0 <= count <= cap
        assert abs(count - min(cap, share * high)) < 1 + Fraction(1, 10**9)


def test_a_rung_can_be_a_key():
    """Methods keep masks by rung."""
    ladder = rungs(Ladder(prune=0.5, rounds=2), {"weight": 16})
    assert {rung: rung.kept for rung in ladder}[rungs(Ladder(prune=0.5, rounds=2), {"weight": 16})[1]] == 8
