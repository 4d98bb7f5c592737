"""Tickets whose initial weights are sampled from their own: what stays imp's and what does not."""

import sys

import pytest
import torch

from ticketbench.methods import shipped_methods


def sampled(search, mask):
    return sys.modules[shipped_methods()["random-sampling"].module].sampled(search, mask)


@pytest.fixture(params=["mlp", "conv"])
def on(request, task):
    return task(parent=request.param)


def test_masks_and_their_cost_are_imps(follow, on):
    found, imp = follow("random-sampling", on), follow("imp", on)
    for mask, theirs in zip(found.masks, imp.masks, strict=True):
        assert all(torch.equal(mask[name], theirs[name]) for name in theirs)
    assert [row["search_steps"] for row in found.rows] == [row["search_steps"] for row in imp.rows]
    assert [row["kept"] for row in found.rows] == [row["kept"] for row in imp.rows]


def test_weights_are_the_tickets_own_initial_ones_in_other_places_and_marked_edited(follow, on):
    found = follow("random-sampling", on)
    initial = found.search.initial
    for mask, start in zip(found.masks, found.starts, strict=True):
        for name, kept in mask.items():
            own, drawn = initial.weights[name][kept], start[name][kept]
            assert set(drawn.tolist()) <= set(own.tolist())
            assert not start[name][~kept].any()
        moved = sum(int((start[name] != initial.weights[name])[kept].sum()) for name, kept in mask.items())
        assert moved > 0.5 * sum(int(kept.sum()) for kept in mask.values())
        assert all(torch.equal(start[name], weight) for name, weight in initial.weights.items() if name not in mask)
    assert {(row["edited"], row["start_step"], row["optimizer_state"]) for row in found.rows} == {(True, 0, "fresh")}
    assert not any(row["edited"] for row in follow("imp", on).rows)


def test_each_weight_is_drawn_by_itself_from_the_masks_weights_alone(follow, task):
    """Of three kept weights, each is drawn a third of the time at every place, independently: with replacement."""
    search = follow("random-sampling", task()).search
    mask = {name: torch.zeros_like(kept) for name, kept in search.initial.mask.items()}
    mask["output.weight"][0, :3] = True
    own = search.initial.weights["output.weight"][0, :3].tolist()
    drawn = [sampled(search, mask).weights["output.weight"][0, :3].tolist() for _ in range(600)]
    for place in range(3):
        counts = [sum(each[place] == weight for each in drawn) for weight in own]
        assert sum(counts) == 600 and all(140 < count < 260 for count in counts)  # 200, sd 11.5
    pairs = {tuple(each) for each in drawn}
    assert len(pairs) == 27  # every combination, those with repeats too


def test_a_seed_draws_alike_and_another_seed_otherwise(follow):
    one, again, other = follow("random-sampling"), follow("random-sampling"), follow("random-sampling", seed=1)
    for start, theirs in zip(one.starts, again.starts, strict=True):
        assert all(torch.equal(start[name], theirs[name]) for name in start)
    assert not torch.equal(one.starts[0]["output.weight"], other.starts[0]["output.weight"])


def test_an_emptied_layer_has_nothing_to_draw_from(follow):
    search = follow("random-sampling").search
    mask = {name: torch.zeros_like(kept) for name, kept in search.initial.mask.items()}
    assert not any(weight.any() for weight in sampled(search, mask).prunable.values())
