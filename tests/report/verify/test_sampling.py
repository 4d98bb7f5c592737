"""Which rows are computed again: the same for a seed, cheap ones likelier, methods and rungs spanned."""

import copy
import math
import random
from collections import Counter

import pytest

from ticketbench.report.verify.again import jobs_for
from ticketbench.report.verify.sampling import sample, seconds_of


@pytest.fixture(scope="module")
def rows(published):
    return [row for method in ("dense", *published.methods) for row in published.rows(method)]


def ids(rows):
    return [row["row_id"] for row in rows]


def test_the_same_seed_draws_the_same_rows_in_whatever_order_they_lie(rows):
    seconds = seconds_of(rows)
    shuffled = random.Random(0).sample(rows, len(rows))
    assert ids(sample(rows, seconds, 9, 4)) == ids(sample(shuffled, seconds, 9, 4))
    assert ids(sample(rows, seconds, 9, 4)) != ids(sample(rows, seconds, 9, 5))


def test_a_larger_sample_holds_the_smaller_one(rows):
    seconds = seconds_of(rows)
    assert ids(sample(rows, seconds, 20, 0))[:7] == ids(sample(rows, seconds, 7, 0))
    everything = sample(rows, seconds, len(rows) + 10, 0)
    assert sorted(ids(everything)) == sorted(ids(rows))


def test_every_method_and_control_has_its_turn_before_one_has_a_second(rows):
    entries = {(row["method"], row["label"]) for row in rows}
    drawn = sample(rows, seconds_of(rows), len(entries), 0)
    assert Counter((row["method"], row["label"]) for row in drawn) == Counter(entries)
    assert {row["rung"] for row in drawn} == {0, 1, 2, 3}


def test_cheap_rows_are_likelier_and_costly_ones_are_drawn_too(rows):
    imp = [row for row in rows if row["method"] == "imp" and row["kind"] == "ticket"]
    seconds = {row["row_id"]: 10.0 ** row["rung"] for row in imp}
    second = Counter(sample(imp, seconds, 2, s)[1]["rung"] for s in range(500))
    assert second[1] > 5 * second[2] > 5 * second[3] > 0


@pytest.mark.parametrize("claimed", [1e300, math.inf, math.nan])
def test_no_claim_of_a_cost_keeps_a_row_out(rows, claimed):
    """Half of a sample is drawn with equal chances: a third of the rows say that they take for ever."""
    imp = copy.deepcopy([row for row in rows if row["method"] == "imp" and row["kind"] == "ticket"])
    for row in imp:
        if row["seed"] == 0:
            row.update(search_seconds=claimed, wall_seconds=claimed)
    seconds = seconds_of(imp)
    drawn = Counter(sample(imp, seconds, 1, s)[0]["seed"] for s in range(500))
    assert drawn[0] / 500 == pytest.approx(1 / 3, abs=0.07)


@pytest.mark.parametrize("claimed", [1e300, math.inf, math.nan])
def test_rows_that_claim_to_take_for_ever_are_put_in_order_too(published, forged, prepared, claimed):
    path = forged("imp", lambda row: row.update(search_seconds=claimed, wall_seconds=claimed))
    found = prepared(path)
    assert len(jobs_for(found.ready, found.here, seconds_of(found.ready))) == 3


def test_a_row_costs_what_its_search_trained_and_its_own_training(rows):
    seconds = seconds_of(rows)
    imp = {
        row["rung"]: seconds[row["row_id"]]
        for row in rows
        if (row["method"], row["kind"], row["seed"]) == ("imp", "ticket", 1)
    }
    assert imp[1] < imp[2] < imp[3]
    random_layer = [seconds[row["row_id"]] for row in rows if row["method"] == "random-layer"]
    assert max(random_layer) < imp[1]
    assert all(0 < each < math.inf for each in seconds.values())


def test_cheap_searches_come_first_and_a_search_is_run_once_for_all_its_rows(rows, prepared, published):
    here = prepared(published.folder).here
    jobs = jobs_for(rows, here, seconds_of(rows))
    assert jobs[0].method.name in ("dense", "random-layer", "early-bird")
    of_imp = [job for job in jobs if job.method.name == "imp"]
    assert sorted(job.seed for job in of_imp) == [0, 1, 2]
    assert all(job.controls == ("shuffled",) and len(job.enough) == 6 for job in of_imp)
    assert len([job for job in jobs if job.method.name == "random-layer"]) == 9


def test_a_search_is_run_until_the_rows_that_are_wanted_and_no_farther(rows, prepared, published):
    from ticketbench.report.verify.again import compute

    wanted = [
        row for row in rows if (row["method"], row["kind"], row["seed"], row["rung"]) == ("imp", "ticket", 0, 2)
    ]
    came = []
    here = prepared(published.folder).here
    compute(jobs_for(wanted, here, seconds_of(rows)), None, "cpu", 1, lambda job, made: came.extend(made or ()))
    assert [(row["rung"], row["kind"]) for row in came] == [(1, "ticket"), (2, "ticket")]
    assert wanted[0]["row_id"] in ids(came)
