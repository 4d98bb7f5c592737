"""The cost frontier of a board: who is on it, and who is only not clearly beaten."""

import pytest
from scipy.stats import ttest_1samp

from ticketbench.report.boards.board import boards
from ticketbench.report.boards.eligible import TRAINED
from ticketbench.report.boards.frontier import cost_frontier
from ticketbench.report.boards.ranking import ranking
from ticketbench.report.statistics.differences import ALPHA


def priced(rows, trainings, task):
    """The rows, charged with whole trainings of search by method."""
    for row in rows:
        row["search_examples"] = trainings.get(row["method"], 0) * 800 * task.training.batch_size
    return rows


def tickets(rows, task):
    """By method and compression, where a ticket stands."""
    (board,) = boards(rows, {task.id: task})
    return {(t.line.series.method, t.compression): t for t in cost_frontier(ranking(board, {}), TRAINED)}


@pytest.fixture(scope="module")
def standing(rows_of):
    task = rows_of.make_task()
    accuracy = {"dense": [0.97], "cheap": [0.9] * 8, "dear": [0.97] * 8, "beaten": [0.7] * 8}
    rows = rows_of.make_results(task, accuracy, seeds=10)
    rows += [
        rows_of.make_row(task, "same", row["rung"], row["seed"])
        | {name: row[name] for name in ("test_final", "test_correct", "test_examples")}
        for row in rows
        if row["method"] == "cheap"
    ]
    return tickets(priced(rows, {"same": 1, "beaten": 2, "dear": 2}, task), task)


def test_the_cheapest_and_the_best_are_on_it(standing):
    assert standing["cheap", 32].standing == "on"
    assert standing["dear", 32].standing == "on"
    assert standing["dear", 32].total == pytest.approx(3.0)


def test_one_that_a_better_one_of_the_same_cost_separates_from_is_off_it(standing):
    assert standing["beaten", 32].standing == "off"


def test_one_that_is_only_dearer_is_not_clearly_beaten(standing):
    assert standing["same", 32].standing == "not clearly beaten"


def test_a_sparser_ticket_that_is_clearly_better_and_as_cheap_beats_a_denser_one(rows_of):
    task = rows_of.make_task()
    rows = rows_of.make_results(task, {"dense": [0.97], "rising": [0.5] * 6 + [0.95] * 2}, seeds=10)
    found = tickets(priced(rows, {}, task), task)

    assert {c: found["rising", c].standing for c in (4, 8, 32)} == {4: "off", 8: "off", 32: "on"}


def test_a_cost_that_no_table_prints_keeps_nothing_on_it(rows_of):
    task = rows_of.make_task()
    rows = rows_of.make_results(task, {"dense": [0.97], "plain": [0.7] * 8, "good": [0.95] * 8}, seeds=10)
    found = tickets(priced(rows, {"good": 0.0028}, task), task)

    assert found["good", 32].total > found["plain", 32].total
    assert found["plain", 32].standing == "off"
    assert found["good", 32].standing == "on"


def test_a_sparser_ticket_that_is_worse_over_the_common_seeds_does_not_beat_a_denser_one(rows_of):
    task = rows_of.make_task()
    falling = [0.6, 0.6, 0.6, 0.55, 0.5, 0.45, 0.4, 0.35]  # its own sparser tickets are no better
    low = rows_of.make_results(task, {"dense": [0.97], "uneven": [0.3] * 8, "short": falling}, seeds=5)
    high = rows_of.make_results(task, {"dense": [0.97], "uneven": [0.97] * 8}, seeds=10)
    rows = priced(low + [row for row in high if row["seed"] >= 5], {}, task)
    found = tickets(rows, task)
    uneven, short = found["uneven", 32], found["short", 4]

    assert uneven.score.interval.mean > short.score.interval.mean  # over all its seeds
    assert uneven.score.values[:5].max() < short.score.values.min()  # over the common ones
    assert short.standing == "not clearly beaten"


@pytest.mark.parametrize(("others", "standing"), [(0, "off"), (2, "not clearly beaten")])
def test_a_sparser_ticket_is_tested_with_as_many_pairs_as_the_beaten_ones_compression_has(rows_of, others, standing):
    """At p = 0.025, which one pair bears and six do not: of the tickets at the compression of the beaten one."""
    task = rows_of.make_task()
    accuracy = {"dense": [0.97], "denser": [0.8] * 4 + [0.3] * 4, "sparser": [0.5] * 5 + [0.85] * 3}
    accuracy |= {f"other{place}": [0.2] * 8 for place in range(others)}
    rows = [
        rows_of.make_row(task, method, 0 if method == "dense" else place + 1, seed, test_final=level + noise * seed)
        for method, levels in accuracy.items()
        for seed in range(-2, 3)
        for place, level in enumerate(levels)
        for noise in [0.02 if level == 0.85 else 0.0]
    ]

    found = tickets(priced(rows, {}, task), task)

    p = ttest_1samp(found["sparser", 32].score.values - found["denser", 4].score.values, 0).pvalue
    assert ALPHA / 6 < p < ALPHA
    assert found["denser", 4].standing == standing


def test_what_a_ticket_costs_is_that_of_the_sparsest_rung_its_score_is_read_from(rows_of):
    task = rows_of.make_task()
    rows = priced(rows_of.make_results(task, {"dense": [0.97], "imp": [0.9] * 8}, seeds=5), {}, task)
    for row in rows:
        row["search_examples"] = row["rung"] * 800 * task.training.batch_size

    found = tickets(rows, task)

    assert found["imp", 4].total == pytest.approx(4.0)  # between rungs 2 and 3, and its own training
