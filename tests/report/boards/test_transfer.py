"""The transfer matrix: what is compared with what, and which comparisons are one family."""

import numpy as np
import pytest

from ticketbench.report.boards.against_random import against_random
from ticketbench.report.boards.scores import paired
from ticketbench.report.boards.transfer import matrices, partial, random_on
from ticketbench.report.statistics.differences import holm

S = ("s1", "s2")


@pytest.fixture
def task(rows_of):
    return rows_of.make_settings_task({"s1": 0.25, "s2": 0.3})


def everywhere(method, levels, home=0.0):
    """The same accuracies in every cell, on the diagonal so much better."""
    return {(a, b): {method: [level + home * (a == b) for level in levels]} for a in S for b in S}


def at(rows, found_on, trained_on, rung, **said):
    wanted = {"found_on": found_on, "trained_on": trained_on, "rung": rung} | said
    return [row for row in rows if all(row[name] == value for name, value in wanted.items())]


def crossing(matrix, rung, trained_on):
    (found,) = [each for each in matrix.crossings[rung] if each.trained_on == trained_on]
    return found


def test_gap_advantage_and_against_dense_compare_within_a_column(cells, rows_of, task):
    rows = rows_of.make_matrix(task, everywhere("imp", [0.9, 0.8], home=0.05), 5)
    rows += rows_of.make_matrix(task, {(s, s): {"dense": [0.95]} for s in S}, 5)
    for a, b in everywhere("imp", []):
        rows += rows_of.make_controls(task, "imp", {"shuffled": [0.7, 0.6]}, 5, found_on=a, trained_on=b)

    (matrix,) = matrices(cells(rows, task), S)
    found = crossing(matrix, 2, "s2")

    ours = at(rows, "s1", "s2", 2, kind="ticket")
    assert found.gap.interval == paired(ours, at(rows, "s2", "s2", 2, kind="ticket"), "test_final", 0.3)
    assert found.advantage.interval == paired(ours, at(rows, "s1", "s2", 2, kind="control"), "test_final", 0.3)
    assert found.against_dense.interval == paired(ours, at(rows, "s2", "s2", 0), "test_final", 0.3)
    assert found.cell.score.mean == pytest.approx(np.mean([row["test_final"] for row in ours]))
    home = paired(at(rows, "s2", "s2", 2, kind="ticket"), at(rows, "s2", "s2", 2, kind="control"), "test_final", 0.3)
    assert found.share == pytest.approx(found.advantage.interval.mean / home.mean)


def test_a_ticket_that_is_no_better_than_its_shuffled_mask_at_home_has_no_share_to_transfer(cells, rows_of, task):
    rows = rows_of.make_matrix(task, everywhere("imp", [0.9, 0.9, 0.9]), 5)
    for a, b in everywhere("imp", []):
        rows += rows_of.make_controls(task, "imp", {"shuffled": [0.7, 0.9, 0.95]}, 5, found_on=a, trained_on=b)

    (matrix,) = matrices(cells(rows, task), S)

    home = {rung: matrix.diagonal[rung][1].advantage for rung in (1, 2, 3)}
    assert [each.separates for each in home.values()] == [1, 0, -1]
    assert [crossing(matrix, rung, "s2").share is None for rung in home] == [False, True, True]


def test_the_gaps_of_a_matrix_at_a_rung_are_one_family_and_the_advantages_another(cells, rows_of, task):
    rows = rows_of.make_matrix(task, everywhere("imp", [0.9, 0.8], home=0.03), 5)
    for a, b in everywhere("imp", []):
        rows += rows_of.make_controls(task, "imp", {"shuffled": [0.88, 0.75]}, 5, found_on=a, trained_on=b)

    (matrix,) = matrices(cells(rows, task), S)

    for rung in (1, 2):
        for what in ("gap", "advantage"):
            family = [getattr(each, what) for each in matrix.crossings[rung]]
            assert len(family) == 2
            assert [each.adjusted for each in family] == holm([each.p for each in family])


def test_without_a_shuffled_control_there_is_no_advantage_and_without_dense_nothing_against_it(cells, rows_of, task):
    (matrix,) = matrices(cells(rows_of.make_matrix(task, everywhere("imp", [0.9]), 5), task), S)

    found = crossing(matrix, 1, "s1")

    assert found.gap is not None
    assert (found.advantage, found.against_random, found.against_dense, found.share) == (None, None, None, None)


def test_tickets_stand_beside_random_ones_found_where_they_are_trained(cells, rows_of, task):
    rows = rows_of.make_matrix(task, everywhere("imp", [0.9, 0.8], home=0.05), 5)
    rows += rows_of.make_matrix(task, everywhere("random-layer", [0.85, 0.7]), 5)

    imp, random = matrices(cells(rows, task), S)

    found = crossing(imp, 2, "s2")
    ours = [row for row in at(rows, "s1", "s2", 2) if row["method"] == "imp"]
    theirs = [row for row in at(rows, "s2", "s2", 2) if row["method"] == "random-layer"]
    assert len(theirs) == 5
    assert found.against_random.interval == paired(ours, theirs, "test_final", 0.3)
    assert found.against_random.adjusted == holm([each.against_random.p for each in imp.crossings[2]])[0]
    assert crossing(random, 2, "s2").against_random is None


def test_random_tickets_with_parameters_stand_for_none(cells, rows_of, task):
    variant = {"method_params": '{"seed": 7}'}
    rows = rows_of.make_matrix(task, everywhere("imp", [0.9, 0.8]), 5)
    rows += rows_of.make_matrix(task, everywhere("random-layer", [0.95, 0.94]), 5, **variant)
    without = cells(rows, task)
    rows += rows_of.make_matrix(task, everywhere("random-layer", [0.7, 0.6]), 5)
    both = cells(rows, task)

    assert random_on(without, "s1") is None
    assert matrices(without, S)[0].crossings[1][0].against_random is None
    assert against_random(without["s1", "s1"]) == []
    assert random_on(both, "s1").params == "{}"
    assert all(each.against_random.interval.mean > 0 for each in matrices(both, S)[0].crossings[1])
    assert against_random(both["s1", "s1"])[0].differences[1].interval.mean > 0


def test_what_collapsed_on_both_sides_is_named(cells, rows_of, task):
    rows = with_everything_beside(rows_of, task)
    sides = [
        {"found_on": "s1", "trained_on": "s2", "kind": "ticket", "method": "imp"},
        {"found_on": "s1", "trained_on": "s2", "kind": "control"},
        {"found_on": "s2", "trained_on": "s2", "kind": "ticket", "method": "random-layer"},
        {"found_on": "s2", "trained_on": "s2", "kind": "ticket", "method": "imp"},
    ]
    named = []
    for side in sides:
        rows = [rows_of.collapsed([row], 0.3)[0] if at([row], rung=2, **side) else row for row in rows]
        matrix = next(each for each in matrices(cells(rows, task), S) if each.key[0] == "imp")
        named.append(set(crossing(matrix, 2, "s2").both_collapsed))
        assert crossing(matrix, 1, "s2").both_collapsed == crossing(matrix, 2, "s1").both_collapsed == frozenset()

    assert named == [set(), {"advantage"}, {"advantage", "against_random"}, {"advantage", "against_random", "gap"}]
    assert matrix.diagonal[2][1].both_collapsed == {"against_random"}


def with_everything_beside(rows_of, task):
    """Tickets of every cell with shuffled controls, random tickets and dense networks."""
    rows = rows_of.make_matrix(task, everywhere("imp", [0.9, 0.8], home=0.05), 5)
    rows += rows_of.make_matrix(task, everywhere("random-layer", [0.85, 0.7]), 5)
    rows += rows_of.make_matrix(task, {(s, s): {"dense": [0.95]} for s in S}, 5)
    for a, b in everywhere("imp", []):
        rows += rows_of.make_controls(task, "imp", {"shuffled": [0.84, 0.72]}, 5, found_on=a, trained_on=b)
    return rows


def test_the_diagonal_is_held_against_shuffled_random_and_dense_networks(cells, rows_of, task):
    rows = with_everything_beside(rows_of, task)

    matrix, _ = matrices(cells(rows, task), S)

    found = matrix.diagonal[2][1]
    ours, random, dense, shuffled = (
        at(rows, "s2", "s2", rung, method=method, kind=kind)
        for method, kind, rung in [
            ("imp", "ticket", 2),
            ("random-layer", "ticket", 2),
            ("dense", "dense", 0),
            ("imp", "control", 2),
        ]
    )
    assert (found.found_on, found.trained_on) == ("s2", "s2")
    assert found.cell.score.mean == pytest.approx(np.mean([row["test_final"] for row in ours]))
    assert found.advantage.interval == paired(ours, shuffled, "test_final", 0.3)
    assert found.against_random.interval == paired(ours, random, "test_final", 0.3)
    assert found.against_dense.interval == paired(ours, dense, "test_final", 0.3)
    assert (found.gap, found.share) == (None, None)


def test_all_differences_on_the_diagonal_are_one_family_apart_from_those_off_it(cells, rows_of, task):
    matrix, random = matrices(cells(with_everything_beside(rows_of, task), task), S)

    for rung in (1, 2):
        family = [
            tested
            for each in matrix.diagonal[rung]
            for tested in (each.advantage, each.against_random, each.against_dense)
        ]
        assert len(family) == 6
        assert [each.adjusted for each in family] == holm([each.p for each in family])
    beside = random.diagonal[2][0]
    assert (beside.advantage, beside.against_random) == (None, None)
    assert beside.against_dense.interval.mean < 0


def test_seeds_that_only_one_side_has_are_left_out_of_the_difference(cells, rows_of, task):
    rows = rows_of.make_matrix(task, everywhere("imp", [0.9]), 6)
    rows = [row for row in rows if not (row["found_on"] == "s1" and row["trained_on"] == "s2" and row["seed"] < 2)]

    (matrix,) = matrices(cells(rows, task), S)

    assert crossing(matrix, 1, "s2").gap.interval.seeds == 4
    assert crossing(matrix, 1, "s1").gap.interval.seeds == 6


@pytest.mark.parametrize(("share", "compared"), [(0.99, True), (0.97, False)])
def test_tickets_are_compared_only_where_both_keep_as_many_weights(cells, rows_of, task, share, compared):
    rows = with_everything_beside(rows_of, task)
    for row in at(rows, "s1", "s2", 2, kind="ticket", method="imp"):
        row["kept"] = int(share * row["kept"])  # a density that came out as another in this cell alone

    matrix, _ = matrices(cells(rows, task), S)

    found = crossing(matrix, 2, "s2")
    assert [each is not None for each in (found.gap, found.against_random)] == [compared, compared]
    assert found.against_dense is not None
    assert None not in (crossing(matrix, 2, "s1").gap, crossing(matrix, 2, "s1").against_random)


def test_a_method_that_lacks_a_cell_has_no_matrix(cells, rows_of, task):
    rows = rows_of.make_matrix(task, everywhere("imp", [0.9]), 3)
    rows += rows_of.make_matrix(task, {("s1", "s1"): {"snip": [0.9]}, ("s1", "s2"): {"snip": [0.9]}}, 3)

    found = cells(rows, task)

    assert [each.key[0] for each in matrices(found, S)] == ["imp"]
    assert partial(found, S) == [("snip", "{}", "")]


def test_matrices_of_tickets_that_carry_trained_weights_are_marked_and_stand_last(cells, rows_of, task):
    rows = rows_of.make_matrix(task, everywhere("late", [0.9]), 3, carried=True)
    rows += rows_of.make_matrix(task, everywhere("zero", [0.9]), 3, carried=False)

    assert [(each.key[0], each.carried) for each in matrices(cells(rows, task), S)] == [
        ("zero", False),
        ("late", True),
    ]


def test_a_lower_metric_that_is_better_makes_a_better_ticket_positive(cells, rows_of, task):
    rows = rows_of.make_matrix(task, everywhere("imp", [0.5], home=0.2), 5, higher_is_better=False)

    (matrix,) = matrices(cells(rows, task), S)

    assert crossing(matrix, 1, "s1").gap.interval.mean > 0
