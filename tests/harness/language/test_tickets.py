"""Tickets of a language model: their operations, and methods that know nothing of language."""

from math import exp

import numpy as np
import pytest

from ticketbench.methods import find_methods


def test_flops_are_two_for_every_entry_of_a_matrix_and_every_token(workload):
    work = workload()
    total, of = work.flops
    by_hand = {
        "layers.0.weight_ih_l0": 2 * 5 * (4 * 12 * 8),
        "layers.0.weight_hh_l0": 2 * 5 * (4 * 12 * 12),
        "layers.1.weight_ih_l0": 2 * 5 * (4 * 12 * 12),
        "layers.1.weight_hh_l0": 2 * 5 * (4 * 12 * 12),
        "output.weight": 2 * 5 * (12 * work.classes),
    }
    assert {name: flops for name, flops in of.items() if flops} == by_hand
    assert total == sum(by_hand.values())
    assert list(of) == work.prunable == [name for name, _ in work.module().named_parameters()]


@pytest.mark.parametrize("name", ["imp-late", "snip"])
def test_methods_of_other_domains_find_tickets_here(lab, task, name):
    (found,) = find_methods([name])
    (row,) = lab.search(found, task(steps=60, evaluate_every=30, rounds=1))
    assert (row["rung"], row["status"], row["reason"]) == (1, "done", "")
    assert (row["metric"], row["higher_is_better"]) == ("perplexity", False)
    assert row["test_final"] == pytest.approx(exp(np.mean(row["test_scores"])), rel=1e-12)
    assert row["test_correct"] is None
    assert {"embedding.weight", "output.bias"} < {each["layer"] for each in row["kept_per_layer"]}
    assert 0 < row["flops"] < row["flops_dense"]


def test_synflow_starts_at_the_embedding_s_output_and_so_prunes_the_embedding_first(lab, task):
    """No flow passes through it, whose input are tokens. Without it a network answers everything alike."""
    (found,) = find_methods(["synflow(rounds=2)"])
    first, _ = lab.search(found, task())
    kept = {each["layer"]: each["kept"] for each in first["kept_per_layer"]}
    assert kept["embedding.weight"] == 0 < kept["layers.0.weight_ih_l0"]
    assert (first["status"], first["reason"]) == (
        "collapsed",
        "one token is the likeliest at every place of the test text",
    )
    spared = lab.search(found, task(rounds='2\nexclude = ["embedding.weight"]'))
    assert [row["status"] for row in spared] == ["done", "done"]
