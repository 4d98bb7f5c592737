"""Rows into boards: what each cell counts, and what it refuses."""

import numpy as np
import pytest

from ticketbench.errors import TicketbenchError
from ticketbench.report.boards.board import boards
from ticketbench.report.boards.costs import total_cost
from ticketbench.report.site.looks import looks
from ticketbench.report.site.page import board_page
from ticketbench.report.statistics.intervals import joint_interval


@pytest.fixture
def task(rows_of):
    return rows_of.make_task()


def only(rows, task):
    (board,) = boards(rows, {task.id: task})
    return board


def cell(rows, task, method="imp", rung=1):
    (series,) = [each for each in only(rows, task).series if each.method == method]
    return series.cells[rung]


def seeded(rows_of, task, count, method="imp", rung=1, **changes):
    """So many seeds of one cell, each with 100 test examples of which 90 + seed are right."""
    rows = [rows_of.make_row(task, method, rung, seed, **changes) for seed in range(count)]
    return [rows_of.with_bits(row, np.arange(100) < 90 + row["seed"]) for row in rows]


def test_a_cell_is_the_joint_interval_of_its_rows_bits(rows_of, task):
    rows = seeded(rows_of, task, 5)
    bits = [np.arange(100) < 90 + seed for seed in range(5)]

    assert cell(rows, task).score == joint_interval(bits)


def test_a_lost_seed_counts_as_chance_in_every_example(rows_of, task):
    rows = seeded(rows_of, task, 5)
    rows_of.without_score(rows[2], "diverged", "loss is not finite")
    bits = [np.arange(100) < 90 + seed if seed != 2 else np.full(100, 0.1) for seed in range(5)]

    found = cell(rows, task)

    assert found.score == joint_interval(np.asarray(bits, dtype=float))
    assert found.count("diverged") == 1
    assert found.learning is None


def test_a_lost_seed_without_a_chance_value_leaves_no_mean_and_says_why(rows_of):
    task = rows_of.make_task(chance=None)
    rows = seeded(rows_of, task, 5)
    rows_of.without_score(rows[2], "failed", "raised ValueError")

    found = cell(rows, task)

    assert found.score is None
    assert found.why == "no mean: 1 failed, and no chance value is known"


def test_a_collapsed_seed_keeps_its_own_score(rows_of, task):
    rows = seeded(rows_of, task, 3)
    rows[0] |= {"status": "collapsed", "reason": "answers class 1 for every test example"}

    assert cell(rows, task).score == cell(seeded(rows_of, task, 3), task).score
    assert cell(rows, task).count("collapsed") == 1


def test_without_bits_the_interval_is_over_seeds_only(rows_of, task):
    rows = [row | {"test_correct": None} for row in seeded(rows_of, task, 4)]

    assert cell(rows, task).score.kind == "seeds only"
    assert cell(rows, task).score.mean == pytest.approx(0.915)


def test_a_task_that_scores_its_best_step_has_no_example_part(rows_of):
    task = rows_of.make_task(primary="best")
    rows = [row | {"test_best": 0.5 + 0.1 * row["seed"]} for row in seeded(rows_of, task, 3)]

    assert (cell(rows, task).score.mean, cell(rows, task).score.kind) == (pytest.approx(0.6), "seeds only")


def test_a_seed_that_a_method_has_elsewhere_is_missing_here(rows_of, task):
    rows = seeded(rows_of, task, 5) + seeded(rows_of, task, 3, rung=2)

    assert cell(rows, task, rung=2).missing == (3, 4)
    assert cell(rows, task, rung=1).missing == ()


def test_not_applicable_is_no_score_and_no_gap(rows_of, task):
    rows = [
        rows_of.make_row(task, "imp", 1, seed, status="not applicable", reason="needs convolutions", kept=None)
        for seed in range(3)
    ]

    found = cell(rows, task)

    assert (found.score, found.why, found.missing, found.compression) == (None, "not applicable", (), None)
    assert found.troubles[0].reason == "needs convolutions"


def test_a_method_that_applies_to_some_seeds_has_failed_on_the_rest(rows_of, task):
    """Whether it applies is no matter of the seed: else it would be scored on those it likes."""
    rows = [rows_of.make_row(task, "imp", 1, seed, test_final=0.9) for seed in range(3)]
    rows.append(rows_of.without_score(rows_of.make_row(task, "imp", 1, 3), "not applicable", "I would lose here"))
    (board,) = boards(rows, {task.id: task})
    found = board.series[0].cells[1]
    assert found.count("failed") == 1 and not found.count("not applicable")
    assert found.score is not None and found.score.seeds == 4
    assert found.troubles[-1].reason == "not applicable to this seed alone: I would lose here"


def test_compression_is_counted_never_asked(rows_of, task):
    rows = [row | {"kept": 1000 * 4 ** row["seed"], "density_asked": 0.5} for row in seeded(rows_of, task, 2)]

    # Kept 1,000 and 4,000 of 11,900: the mean of log2 is that of 2,000.
    assert cell(rows, task).compression == pytest.approx(11.9 / 2)


def test_methods_stand_by_mean_at_the_sparsest_rung_that_the_most_have(rows_of, task):
    accuracy = {"dense": [0.9], "a": [0.95, 0.6, 0.9], "b": [0.9, 0.9], "c": [0.9, 0.75]}
    board = only(rows_of.make_results(task, accuracy, seeds=3), task)

    assert board.ordered_by == 2
    assert [series.method for series in board.series] == ["b", "c", "a"]


def test_versions_settings_and_numerics_never_share_a_board(rows_of, task):
    rows = [
        row
        for changes in ({}, {"task_version": 2}, {"trained_on": "s2"}, {"numerics": "bf16"})
        for row in seeded(rows_of, task, 3, **changes)
    ]

    found = boards(rows, {task.id: task})

    assert [(b.version, b.trained_on, b.numerics, len(b.rows)) for b in found] == [
        (2, "default", "fp32", 3),
        (1, "default", "bf16", 3),
        (1, "default", "fp32", 3),
        (1, "s2", "fp32", 3),
    ]


def test_parameters_and_labels_are_series_of_their_own(rows_of, task):
    rows = [
        row
        for changes in ({}, {"method_params": '{"interval": 50}'}, {"label": "second"})
        for row in seeded(rows_of, task, 3, **changes)
    ]

    assert len(only(rows, task).series) == 3


def test_controls_and_probes_enter_no_cell_and_what_is_not_shown_is_counted(rows_of, task):
    rows = seeded(rows_of, task, 3)
    rows.append(rows_of.make_row(task, "imp", 1, 0, kind="control", label="shuffled", test_final=0.2))
    rows.append(rows_of.make_row(task, "imp", 1, 0, kind="probe", label="early", test_final=0.2))

    board = only(rows, task)

    assert board.series[0].cells[1].seeds == (0, 1, 2)
    assert board.unused == {"probe": 1}


def test_a_control_stands_beside_the_series_whose_ticket_it_is_of(rows_of, task):
    rows = seeded(rows_of, task, 3) + seeded(rows_of, task, 3, label="second")
    rows += rows_of.make_controls(task, "imp", {"shuffled": [0.8, 0.7], "long-dense": [0.9]}, 3)
    rows += rows_of.make_controls(task, "imp", {"shuffled": [0.8]}, 3, label="second")

    found = only(rows, task).controls

    assert [(each.key, each.control, list(each.cells)) for each in found] == [
        (("imp", "{}", ""), "long-dense", [1]),
        (("imp", "{}", ""), "shuffled", [1, 2]),
        (("imp", "{}", "second"), "shuffled", [1]),
    ]


def test_a_board_of_two_settings_has_the_dense_network_and_chance_of_the_one_trained_on(rows_of):
    task = rows_of.make_settings_task({"s1": 0.25, "s2": 0.3})
    rows = rows_of.make_matrix(
        task, {("s1", "s1"): {"dense": [0.95]}, ("s2", "s2"): {"dense": [0.9]}, ("s1", "s2"): {"imp": [0.8]}}, 3
    )
    lost = rows_of.without_score(
        rows_of.make_row(task, "imp", 1, 3, found_on="s1", trained_on="s2"), "diverged", "loss is not finite"
    )

    found = {(each.found_on, each.trained_on): each for each in boards([*rows, lost], {task.id: task})}
    crossed = found["s1", "s2"]

    assert crossed.dense == found["s2", "s2"].dense != found["s1", "s1"].dense
    assert (crossed.chance, found["s1", "s1"].chance) == (0.3, 0.25)
    assert len(crossed.rows) == 4
    values = [row["test_final"] for row in rows if row["method"] == "imp"]
    assert crossed.series[0].cells[1].score.mean == pytest.approx((sum(values) + 0.3) / 4)


def test_tickets_that_carry_trained_weights_elsewhere_stand_last_and_order_nothing(rows_of):
    task = rows_of.make_settings_task({"s1": 0.25, "s2": 0.3})
    at = {"found_on": "s1", "trained_on": "s2"}
    rows = rows_of.make_results(task, {"a": [0.7], "b": [0.8]}, 3, **at)
    rows += rows_of.make_results(task, {"z": [0.95, 0.9]}, 3, carried=True, **at)
    rows += rows_of.make_results(task, {"z": [0.95]}, 3, carried=True, found_on="s1", trained_on="s1")

    home, crossed = sorted(boards(rows, {task.id: task}), key=lambda each: each.trained_on)

    assert [(each.method, each.carried) for each in crossed.series] == [("b", False), ("a", False), ("z", True)]
    assert crossed.ordered_by == 1
    assert [each.carried for each in home.series] == [False]


def test_a_cell_is_collapsed_where_every_seed_is(rows_of, task):
    rows = seeded(rows_of, task, 3)
    some = rows_of.collapsed(rows[:2], 0.12) + rows[2:]

    assert not cell(some, task).collapsed
    assert cell(rows_of.collapsed(rows, 0.12), task).collapsed


def test_learning_speed_is_the_mean_early_stop_step_of_what_was_trained(rows_of, task):
    rows = [row | {"best_step": 100 * (1 + row["seed"])} for row in seeded(rows_of, task, 3)]
    untrained = [row | {"training_steps": 0} for row in rows]

    assert (cell(rows, task).learning.mean, cell(rows, task).learning.kind) == (200, "seeds only")
    assert cell(untrained, task).learning is None


def test_bits_that_contradict_the_score_are_refused(rows_of, task):
    rows = seeded(rows_of, task, 3)
    rows[1]["test_final"] = 0.95

    with pytest.raises(TicketbenchError, match=r"damaged: its bits say that 91 of 100 .* test_final is 0.95"):
        boards(rows, {task.id: task})


@pytest.mark.parametrize("value", [None, float("nan")])
def test_a_done_row_without_a_number_is_refused(rows_of, task, value):
    rows = [row | {"test_final": value} for row in seeded(rows_of, task, 3)]

    with pytest.raises(TicketbenchError, match="damaged: done, but its test_final is no number"):
        boards(rows, {task.id: task})


def test_what_is_scored_at_another_density_orders_nothing_and_heads_no_column(rows_of, task):
    rows = rows_of.make_results(task, {"imp": [0.9, 0.8], "random-layer": [0.85, 0.7], "loose": [0.95, 0.95]}, 3)
    for row in rows:
        if row["method"] == "loose":
            row["kept"] = 6000 - 1000 * row["rung"]
            row["density"] = row["kept"] / row["prunable"]
    rows += [{**row, "method": "looser"} for row in rows if row["method"] == "loose"]

    board = only(rows, task)

    exact = next(row for row in rows if row["method"] == "imp" and row["rung"] == 2)
    assert board.rungs[1] == (2, exact["prunable"] / exact["kept"])
    assert board.ordered_by == 2
    assert [each.method for each in board.series] == ["imp", "random-layer", "loose", "looser"]


def test_what_is_scored_untrained_or_with_weights_of_its_own_is_marked(rows_of, task):
    levels = {"imp": [0.9], "as-it-is": [0.8], "own": [0.8]}
    rows = rows_of.make_results(task, levels, 3)
    for row in rows:
        if row["method"] == "as-it-is":
            row["training_steps"] = 0
        row["edited"] = row["method"] == "own"
    page = board_page(only(rows, task), {}, looks(dict.fromkeys(levels, "")))
    assert {line.name: line.marks for line in page["lines"]} == {
        "imp": [],
        "as-it-is": ["scored as it is, not trained"],
        "own": ["weights of the method’s own"],
    }


def test_one_method_that_stops_early_does_not_move_the_order_to_where_it_stops(rows_of, task):
    rows = rows_of.make_results(task, {name: [0.9, 0.8] for name in ("one", "two", "three", "four")}, 3)
    assert only(rows, task).ordered_by == 2
    assert only([row for row in rows if (row["method"], row["rung"]) != ("four", 2)], task).ordered_by == 2
    assert only([row for row in rows if row["method"] < "three" or row["rung"] == 1], task).ordered_by == 1


def test_the_sparsest_ticket_costs_its_search_and_its_training_in_whole_trainings(rows_of, task):
    """`search_examples / (T B) + training_steps / T` with T = 800 and B = 60; a batch that was scored is in it."""
    rows = rows_of.make_results(task, {"dense": [0.95], "imp": [0.9, 0.8], "snip": [0.9, 0.8], "late": [0.9, 0.8]}, 3)
    for row in rows:
        steps = {"imp": 800 * row["rung"] + 100 * row["seed"], "late": 800}.get(row["method"], 0)
        row |= {"search_steps": steps, "search_examples": 60 * steps + (12_000 if row["method"] == "snip" else 0)}
        row |= {"start_step": 200, "training_steps": 600} if row["method"] == "late" else {}
    page = board_page(only(rows, task), {}, looks(dict.fromkeys(("imp", "snip", "late"), "")))
    assert task.training.batch_size == 60
    assert {line.name: line.cost for line in page["lines"]} == {"imp": "3.1", "snip": "1.2", "late": "1.8"}


def test_a_ticket_that_stopped_early_costs_the_part_of_a_training_that_it_had(rows_of, task):
    """T = 800 and B = 60: a search of T steps and a loss that is not finite at step 80 are 1.1 dense trainings."""
    rows = rows_of.make_results(task, {"dense": [0.95], "imp": [0.9]}, 5)
    for row in rows:
        row |= {"search_steps": 800, "search_examples": 60 * 800}
        if row["kind"] == "ticket" and row["seed"] < 2:
            rows_of.without_score(row, "diverged", "the loss was not finite at step 80")
            row |= {"training_steps": 80}
    board = only(rows, task)
    (line,) = board_page(board, {}, looks({"imp": ""}))["lines"]
    tickets = board.series[0].at(1)

    assert total_cost(tickets, board.batch_size, board.steps) == pytest.approx((3 * 2.0 + 2 * 1.1) / 5)
    assert total_cost(tickets[:2], board.batch_size, board.steps) == pytest.approx(1.1)
    assert line.cost == "1.6"


def test_a_ticket_that_is_scored_as_it_is_costs_its_search(rows_of, task):
    rows = rows_of.make_results(task, {"dense": [0.95], "as-it-is": [0.6]}, 3)
    for row in rows:
        if row["kind"] == "ticket":
            row |= {"search_steps": 2000, "search_examples": 60 * 2000, "training_steps": 0}
    (line,) = board_page(only(rows, task), {}, looks({"as-it-is": ""}))["lines"]

    assert line.cost == "2.5"
