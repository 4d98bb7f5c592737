"""The methods that come with ticketbench, held against their definitions on a tiny task."""

import re
from itertools import pairwise
from pathlib import Path

import pytest
import torch

from ticketbench.bibliography import read_bibliography
from ticketbench.masks import count_per_layer
from ticketbench.methods import shipped_methods

# Layers of 768 and 120 weights, of which each of three rounds keeps 0.6: round_half_even(N 0.6^r).
COUNTS = [{"hidden.0.weight": h, "output.weight": o} for h, o in ((461, 72), (276, 43), (166, 26))]


def largest(weights, counts, within=None):
    """The mask of the largest magnitudes, layer by layer, by a sort of its own. Float weights hardly ever tie."""
    mask = {}
    for name, kept in counts.items():
        size = weights[name].abs().flatten().tolist()
        inside = [i for i in range(len(size)) if within is None or bool(within[name].flatten()[i])]
        chosen = sorted(inside, key=lambda i: -size[i])[:kept]
        mask[name] = torch.zeros(len(size), dtype=torch.bool)
        mask[name][chosen] = True
        mask[name] = mask[name].view_as(weights[name])
    return mask


def same(one, other):
    return one.keys() == other.keys() and all(torch.equal(one[name], other[name]) for name in one)


def under(mask, weights):
    return {n: torch.where(mask[n], w, 0.0) if n in mask else w for n, w in weights.items()}


@pytest.fixture
def dense(follow):
    """The weights of the dense network of seed 0 at the end and at the rewind step."""
    late = follow("imp-late").tickets[0].checkpoint
    assert all(bool(kept.all()) for kept in late.mask.values())
    return {30: follow("prune-only").tickets[0].checkpoint.weights, 10: late.weights}


@pytest.mark.parametrize("name", ["imp", "imp-late", "imp-reinit", "fine-tune", "lr-rewind"])
def test_iterative_masks_are_nested_and_keep_exactly_their_counts(follow, name):
    masks = follow(name).masks
    assert [count_per_layer(mask) for mask in masks] == COUNTS
    for larger, smaller in pairwise(masks):
        assert all(not (smaller[name] & ~larger[name]).any() for name in larger)


def test_imp_prunes_the_smallest_of_what_was_trained_and_rewinds_to_initialization(follow, dense):
    imp = follow("imp")
    trained, within = dense[30], None
    for mask, counts, start, after in zip(imp.masks, COUNTS, imp.starts, imp.trained, strict=True):
        assert same(mask, largest(trained, counts, within))
        assert same(start, under(mask, imp.search.initial.weights))
        trained, within = after.weights, mask
    assert {(row["start_step"], row["carried"], row["edited"]) for row in imp.rows} == {(0, False, False)}


def test_imp_late_starts_from_the_dense_network_at_the_rewind_step(follow, dense):
    late = follow("imp-late")
    assert same(late.masks[0], follow("imp").masks[0])  # both are of the trained dense network
    for mask, start in zip(late.masks, late.starts, strict=True):
        assert same(start, under(mask, dense[10]))
    assert not same(late.starts[0], under(late.masks[0], late.search.initial.weights))
    assert {
        (row["start_step"], row["optimizer_state"], row["training_steps"], row["carried"]) for row in late.rows
    } == {(10, "fresh", 20, True)}
    second = largest(late.trained[0].weights, COUNTS[1], late.masks[0])
    assert same(late.masks[1], second)


def test_a_task_without_a_rewind_step_makes_imp_of_imp_late(follow, task):
    at_once = task(rewind=0)
    late, imp = follow("imp-late", at_once), follow("imp", at_once)
    assert [row["test_correct"] for row in late.rows] == [row["test_correct"] for row in imp.rows]
    assert [row["start_step"] for row in late.rows] == [0, 0, 0]


def test_imp_reinit_has_imps_masks_and_other_weights(follow):
    imp, again, other = follow("imp"), follow("imp-reinit"), follow("imp-reinit", draw=2)
    for draw, found in ((1, again), (2, other)):
        assert all(same(mask, theirs) for mask, theirs in zip(found.masks, imp.masks, strict=True))
        drawn = found.search.reinitialized(draw).weights
        assert all(same(start, under(mask, drawn)) for start, mask in zip(found.starts, found.masks, strict=True))
    assert not same(again.starts[0], other.starts[0]) and not same(again.starts[0], imp.starts[0])
    assert [row["search_steps"] for row in again.rows] == [row["search_steps"] for row in imp.rows]


def test_one_shot_takes_every_mask_from_the_dense_network(follow, dense):
    one_shot, reinit = follow("one-shot"), follow("one-shot-reinit")
    for counts, mask, start, theirs, drawn in zip(
        COUNTS, one_shot.masks, one_shot.starts, reinit.masks, reinit.starts, strict=True
    ):
        assert same(mask, largest(dense[30], counts)) and same(mask, theirs)
        assert same(start, under(mask, one_shot.search.initial.weights))
        assert same(drawn, under(mask, reinit.search.reinitialized(1).weights))
    assert same(one_shot.masks[0], follow("imp").masks[0]) and not same(one_shot.masks[2], follow("imp").masks[2])


def test_prune_only_trains_nothing_after_pruning(follow, dense):
    found = follow("prune-only")
    for mask, counts, trained, row in zip(found.masks, COUNTS, found.trained, found.rows, strict=True):
        assert same(mask, largest(dense[30], counts))
        assert same(trained.weights, under(mask, dense[30]))
        assert (row["training_steps"], row["start_step"], len(row["curve"])) == (0, 30, 1)
        assert row["carried"] and not row["edited"]


@pytest.mark.parametrize("name", ["fine-tune", "lr-rewind"])
def test_retraining_goes_on_from_trained_values_for_the_steps_after_the_rewind_step(follow, dense, name):
    found = follow(name)
    trained, within = dense[30], None
    for ticket, start, counts, after in zip(found.tickets, found.starts, COUNTS, found.trained, strict=True):
        assert same(ticket.mask, largest(trained, counts, within))
        assert same(start, under(ticket.mask, trained))
        assert (ticket.checkpoint.step, ticket.schedule) == (10, {"fine-tune": "last", "lr-rewind": "task"}[name])
        trained, within = after.weights, ticket.mask
    assert {(r["start_step"], r["training_steps"], r["optimizer_state"], r["carried"]) for r in found.rows} == {
        (10, 20, "fresh", True)
    }


def test_fine_tuning_and_learning_rate_rewinding_differ_where_the_rate_does(follow, task):
    for schedule, alike in (("{ milestones = [20], factor = 0.1 }", False), ("{}", True)):
        on = task(f"training.schedule = {schedule}")
        tuned, rewound = follow("fine-tune", on), follow("lr-rewind", on)
        assert same(tuned.masks[0], rewound.masks[0])
        losses = [[row["early_losses"] for row in each.rows] for each in (tuned, rewound)]
        assert (losses[0] == losses[1]) is alike


def test_a_random_mask_in_layers_has_the_rungs_counts_and_one_over_all_has_not(follow):
    layered, everywhere = follow("random-layer"), follow("random-global")
    assert [count_per_layer(mask) for mask in layered.masks] == COUNTS
    assert [sum(count_per_layer(mask).values()) for mask in everywhere.masks] == [sum(c.values()) for c in COUNTS]
    assert [count_per_layer(mask) for mask in everywhere.masks] != COUNTS
    for found in (layered, everywhere):
        assert all(
            same(s, under(m, found.search.initial.weights)) for m, s in zip(found.masks, found.starts, strict=True)
        )
        assert {row["search_steps"] for row in found.rows} == {0}
        assert any((found.masks[1][name] & ~found.masks[0][name]).any() for name in COUNTS[0])  # not nested
    assert not same(follow("random-layer", seed=1).masks[0], layered.masks[0])
    assert same(follow("random-layer").masks[0], layered.masks[0])


def test_the_core_set_is_the_six_that_run_without_being_asked_for():
    core = {name for name, method in shipped_methods().items() if "core" in method.tags}
    assert core == {"imp", "imp-late", "imp-reinit", "one-shot", "fine-tune", "random-layer"}


def test_the_readme_names_every_method_under_its_family():
    table = (Path(__file__).parents[2] / "README.md").read_text().partition("| family | methods |")[2]
    listed = {}
    for line in table.partition("\n\n")[0].splitlines()[2:]:
        families, names = line.strip("| ").split(" | ")
        listed |= dict.fromkeys(re.findall(r"`([a-z-]+)", names), families)
    assert set(listed) == set(shipped_methods())
    for each in shipped_methods().values():
        assert each.family.partition(" ")[0] in listed[each.name], each.name


def test_the_authors_page_says_of_every_method_what_it_is_held_against():
    page = (Path(__file__).parents[2] / "docs" / "methods.md").read_text()
    table = page.partition("| method | definition, numbers by hand |")[2].partition("\n\n")[0]
    named = [name for line in table.splitlines()[2:] for name in re.findall(r"`([a-z-]+)`", line.split(" | ")[0])]
    assert sorted(named) == sorted(shipped_methods())


def test_every_method_says_what_it_does_and_cites_what_the_bibliography_has():
    known = read_bibliography()
    for method in shipped_methods().values():
        assert method.title and method.description and method.family
        assert method.cites and set(method.cites) <= known.keys(), method.name
