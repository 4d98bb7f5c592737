"""References beside ours: what stands where, and what may be compared."""

import pytest

from ticketbench.report.board import boards
from ticketbench.report.ledger import differences, ledger, lost_ancestor
from ticketbench.task import Reference


def reference(**said):
    return Reference(cite="frankle2019lottery", where="Table 1", column="test_final", **said)


def held(rows_of, references, accuracy, seeds=3):
    task = rows_of.make_task().model_copy(update={"references": tuple(references)})
    (board,) = boards(rows_of.make_results(task, accuracy, seeds), {task.id: task})
    return board, list(ledger(board, task, {task.id: task}))


def test_a_published_value_meets_our_interval_at_the_rung_within_two_percent(rows_of):
    board, [near, far] = held(
        rows_of,
        [reference(method="imp", density=0.36 * 1.015, value=0.9), reference(method="imp", density=0.378, value=0.9)],
        {"dense": [0.95], "imp": [0.94, 0.9]},
    )

    assert near.ours == board.series[0].cells[2].score
    assert near.says == ""
    assert (far.ours, far.says) == (None, "no rung there")


def test_dense_references_meet_the_dense_network_and_absent_methods_have_no_results(rows_of):
    board, [dense, absent] = held(
        rows_of,
        [reference(method="dense", density=1.0, value=0.9), reference(method="one-shot", density=0.36, value=0.9)],
        {"dense": [0.95], "imp": [0.94]},
    )

    assert dense.ours == board.dense.score
    assert (absent.ours, absent.says) == (None, "no results")


def test_a_reference_to_another_column_is_held_against_that_column(rows_of):
    task = rows_of.make_task()
    rows = rows_of.make_results(task, {"imp": [0.9]}, 3)
    rows = [row | {"test_best": 0.5 + 0.1 * row["seed"]} for row in rows]
    said = Reference(cite="x", where="y", method="imp", density=0.6, column="test_best", value=0.6)
    task = task.model_copy(update={"references": (said,)})
    (board,) = boards(rows, {task.id: task})

    (found,) = ledger(board, task, {})

    assert (found.ours.mean, found.ours.kind) == (pytest.approx(0.6), "seeds only")


def test_a_claim_is_listed_and_not_judged(rows_of):
    claim = Reference(cite="x", where="y", method="imp", claim="Smaller is faster.")

    _, [found] = held(rows_of, [claim], {"dense": [0.95], "imp": [0.94]})

    assert (found.reference.claim, found.ours, found.says) == (
        "Smaller is faster.",
        None,
        "a claim: shown, not tested here",
    )


def test_a_ci_sibling_shows_its_parents_references_as_not_comparable_and_says_what_differs(rows_of):
    parent, sibling = rows_of.make_task("mnist/lenet-300-100"), rows_of.make_task("mnist/lenet-300-100-ci")
    (board,) = boards(rows_of.make_results(sibling, {"dense": [0.98], "imp": [0.98] * 5}, 3), {})

    found = list(ledger(board, sibling, {}))

    assert len(found) == len(parent.references) > 0
    assert all(each.says.startswith("not comparable: another recipe") for each in found)
    assert any(each.ours for each in found)
    changed = {each.key: (each.here, each.there) for each in differences(sibling, parent)}
    assert changed["training.steps"] == (str(sibling.training.steps), str(parent.training.steps))
    assert sibling.training.steps != parent.training.steps
    assert "training.batch_size" not in changed


def test_a_task_that_differs_in_nothing_but_its_name_is_comparable(rows_of):
    parent = rows_of.make_task().model_copy(update={"references": (reference(method="imp", density=0.6, value=0.9),)})
    child = parent.model_copy(update={"id": "own/child", "extends": parent.id, "references": ()})
    (board,) = boards(rows_of.make_results(child, {"imp": [0.9]}, 3), {})

    (found,) = ledger(board, child, {parent.id: parent})

    assert (found.task, found.says) == (parent.id, "")


def test_a_parent_that_is_not_at_hand_is_named(rows_of):
    child = rows_of.make_task().model_copy(update={"extends": "./their-task.toml"})

    assert lost_ancestor(child, {}) == "./their-task.toml"
    assert lost_ancestor(rows_of.make_task("mnist/lenet-300-100-ci"), {}) == ""
