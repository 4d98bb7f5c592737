"""References beside ours: what stands where, and what may be said of it."""

import numpy as np
import pytest

from ticketbench.errors import TicketbenchError
from ticketbench.report.boards.ledger import ledger
from ticketbench.report.boards.scores import paired
from ticketbench.task import Reference


@pytest.fixture
def held(rows_of, cells, with_references):
    """`held(references, accuracy, seeds=5, **results)`: a board, and the ledger of its task with these references."""

    def hold(references, accuracy, seeds=5, **results):
        task = with_references(rows_of.make_task(), references)
        found = cells(rows_of.make_results(task, accuracy, seeds, **results), task)
        return found["default", "default"], list(ledger(found, task, {task.id: task}))

    return hold


def exact(rows_of, task, method, rung, values, **changes):
    """Rows of one cell with these accuracies, without bits, so that the intervals are over seeds alone."""
    return [
        rows_of.make_row(task, method, rung, seed, test_final=value, **changes) for seed, value in enumerate(values)
    ]


def test_a_published_value_meets_our_interval_at_the_rung_within_two_percent(reference, held):
    board, [near, far] = held(
        [reference(method="imp", density=0.36 * 1.015, value=0.9), reference(method="imp", density=0.378, value=0.9)],
        {"dense": [0.95], "imp": [0.94, 0.9]},
    )

    assert near.ours.interval == board.series[0].cells[2].score
    assert near.difference.mean == pytest.approx(near.ours.interval.mean - 0.9)
    assert (far.ours, far.verdict, far.says) == (None, "not comparable", "no rung within 2 % of that density")


def test_a_value_is_judged_by_half_width_and_the_margin_of_the_dense_networks(
    rows_of, reference, cells, with_references
):
    values = [(0.930, "reproduced"), (0.9355, "reproduced"), (0.9375, "not reproduced"), (0.921, "not reproduced")]
    task = with_references(
        rows_of.make_task(), [reference(method="imp", density=0.6, value=value) for value, _ in values]
    )
    rows = exact(rows_of, task, "dense", 0, [0.95, 0.951, 0.949])  # the margin is 0.005 of 0.85
    rows += exact(rows_of, task, "imp", 1, [0.929, 0.930, 0.931])  # half-width 0.0025
    found = list(ledger(cells(rows, task), task, {}))

    assert [each.verdict for each in found] == [verdict for _, verdict in values]
    assert found[0].margin == pytest.approx(0.005 * 0.85)


def test_a_declared_margin_is_taken_as_it_is(rows_of, reference, cells, with_references):
    task = with_references(rows_of.make_task(margin=0.1), [reference(method="imp", density=0.6, value=0.9)])
    rows = exact(rows_of, task, "dense", 0, [0.95, 0.95, 0.95]) + exact(rows_of, task, "imp", 1, [0.93, 0.931, 0.929])

    (found,) = ledger(cells(rows, task), task, {})

    assert (found.margin, found.verdict) == (pytest.approx(0.085), "reproduced")


NO_MARGIN = "no margin: it needs dense networks, clear of a declared chance value"


@pytest.mark.parametrize(
    ("accuracy", "seeds", "chance", "says"),
    [
        ({"dense": [0.95], "imp": [0.9]}, 2, 0.1, "too few seeds for an interval"),
        ({"imp": [0.9]}, 1, 0.1, "too few seeds for an interval"),
        ({"imp": [0.9]}, 5, 0.1, NO_MARGIN),
        ({"dense": [0.95], "imp": [0.9]}, 5, None, NO_MARGIN),
        ({"dense": [0.95]}, 5, 0.1, "no results"),
    ],
)
def test_what_is_missing_makes_a_value_not_comparable_and_is_said(
    rows_of, reference, cells, with_references, accuracy, seeds, chance, says
):
    task = with_references(rows_of.make_task(chance=chance), [reference(method="imp", density=0.6, value=0.9)])

    (found,) = ledger(cells(rows_of.make_results(task, accuracy, seeds), task), task, {})

    assert found.verdict == "not comparable"
    assert says in found.says


def test_an_interval_wider_than_four_margins_reproduces_nothing_and_still_excludes_what_is_beyond_it(
    rows_of, reference, cells, with_references
):
    task = rows_of.make_task(margin=0.005)
    rows = rows_of.make_results(task, {"dense": [0.95], "imp": [0.9]}, 5, examples=100)
    mean = float(np.mean([row["test_final"] for row in rows if row["method"] == "imp"]))
    task = with_references(task, [reference(method="imp", density=0.6, value=each) for each in (mean, 0.2)])

    at_ours, far = ledger(cells(rows, task), task, {})

    assert at_ours.ours.interval.h > 4 * at_ours.margin
    assert (at_ours.verdict, at_ours.says) == ("not comparable", "our interval is wider than four margins")
    assert (far.verdict, far.says) == ("not reproduced", "beyond our interval and the margin")


def test_a_source_whose_recipe_differs_is_shown_and_not_compared(reference, held):
    differs = "75 epochs, and no validation split"
    board, [found] = held(
        [reference(method="imp", density=0.6, value=0.9, differs=f"{differs}.")],  # a sentence, within another one
        {"dense": [0.95], "imp": [0.9]},
    )

    assert found.ours.interval == board.series[0].cells[1].score
    assert (found.verdict, found.says) == ("not comparable", f"the source’s recipe differs: {differs}")


def test_dense_references_meet_the_dense_network(reference, held):
    board, [found] = held([reference(method="dense", density=1.0, value=0.9)], {"dense": [0.95]})

    assert found.ours.interval == board.dense.score


def test_a_reference_to_another_column_is_held_against_that_column(rows_of, reference, cells, with_references):
    task = with_references(
        rows_of.make_task(),
        [reference(method="imp", density=0.6, column="test_best", value=0.6)],
    )
    rows = [row | {"test_best": 0.5 + 0.1 * row["seed"]} for row in rows_of.make_results(task, {"imp": [0.9]}, 3)]

    (found,) = ledger(cells(rows, task), task, {})

    assert (found.ours.interval.mean, found.ours.interval.kind) == (pytest.approx(0.6), "seeds only")


def test_a_column_that_results_do_not_have_is_an_error(reference, held):
    with pytest.raises(TicketbenchError, match="'test_accuracy', which results do not have"):
        held([reference(method="imp", density=0.6, column="test_accuracy", value=0.6)], {"imp": [0.9]})


@pytest.mark.parametrize(
    ("sign", "theirs", "verdict"),
    [
        ("higher", [0.90, 0.91, 0.90], "reproduced"),
        ("lower", [0.90, 0.91, 0.90], "not reproduced"),
        ("higher", [0.93, 0.95, 0.91], "undecided"),
        ("equal", [0.9305, 0.9295, 0.9305], "reproduced"),
        ("equal", [0.90, 0.91, 0.90], "not reproduced"),
        ("equal", [0.93, 0.95, 0.91], "undecided"),
    ],
)
def test_a_claim_is_tested_on_the_paired_difference(
    rows_of, reference, cells, with_references, sign, theirs, verdict
):
    claim = reference(
        method="imp", density=0.6, claim="Better.", sign=sign, against={"method": "one-shot", "density": 0.36}
    )
    task = with_references(rows_of.make_task(), [claim])
    rows = exact(rows_of, task, "dense", 0, [0.95, 0.951, 0.949])
    rows += exact(rows_of, task, "imp", 1, [0.93, 0.93, 0.93]) + exact(rows_of, task, "one-shot", 2, theirs)

    (found,) = ledger(cells(rows, task), task, {})

    assert found.difference.mean == pytest.approx(0.93 - np.mean(theirs))
    assert found.theirs.interval.mean == pytest.approx(np.mean(theirs))
    assert found.verdict == verdict


@pytest.mark.parametrize(
    ("sign", "bound", "verdict"), [("lower", 0.95, "reproduced"), ("lower", 0.9, "not reproduced")]
)
def test_a_bound_is_passed_where_the_interval_excludes_it(
    rows_of, reference, cells, with_references, sign, bound, verdict
):
    claim = reference(method="imp", density=0.6, claim="Below.", sign=sign, bound=bound)
    task = with_references(rows_of.make_task(), [claim])

    (found,) = ledger(cells(exact(rows_of, task, "imp", 1, [0.93, 0.931, 0.929]), task), task, {})

    assert (found.verdict, found.difference.mean) == (verdict, pytest.approx(0.93 - bound))


def test_an_ordering_of_early_stop_steps_needs_no_margin_but_equality_does(
    rows_of, reference, cells, with_references
):
    said = {"method": "imp", "density": 0.6, "column": "best_step", "claim": "x", "against": {"method": "dense"}}
    task = with_references(rows_of.make_task(), [reference(**said, sign="lower"), reference(**said, sign="equal")])
    rows = exact(rows_of, task, "dense", 0, [0.95] * 3, best_step=500)
    rows += [row | {"best_step": 300 + row["seed"]} for row in exact(rows_of, task, "imp", 1, [0.93] * 3)]

    order, equality = ledger(cells(rows, task), task, {})

    assert (order.verdict, order.difference.mean) == ("reproduced", pytest.approx(-199))
    assert (equality.verdict, equality.margin) == ("not comparable", None)


def test_a_seed_that_was_lost_has_no_early_stop_step(rows_of, reference, cells, with_references):
    said = {"method": "imp", "density": 0.6, "column": "best_step", "claim": "x", "against": {"method": "dense"}}
    task = with_references(rows_of.make_task(), [reference(**said, sign="lower")])
    rows = exact(rows_of, task, "dense", 0, [0.95] * 3) + exact(rows_of, task, "imp", 1, [0.9] * 3)
    rows_of.without_score(rows[-1], "diverged", "loss is not finite")

    (found,) = ledger(cells(rows, task), task, {})

    assert (found.verdict, found.says) == ("not comparable", "no mean: 1 diverged, which have no best_step")


@pytest.mark.parametrize("column", ["test_final", "best_step"])
@pytest.mark.parametrize("sign", ["equal", "lower"])
def test_two_collapsed_networks_bear_out_no_claim(rows_of, reference, cells, with_references, column, sign):
    against = {"method": "one-shot", "density": 0.6}
    claim = reference(method="imp", density=0.6, column=column, claim="x", sign=sign, against=against)
    task = with_references(rows_of.make_task(), [claim])
    dead = [row | {"best_step": 100} for row in exact(rows_of, task, "imp", 1, [0.112] * 3, status="collapsed")]
    other = [row | {"best_step": 300} for row in exact(rows_of, task, "one-shot", 1, [0.113] * 3, status="collapsed")]
    dense = exact(rows_of, task, "dense", 0, [0.95, 0.951, 0.949])
    alive = exact(rows_of, task, "one-shot", 1, [0.93, 0.931, 0.929], best_step=300)

    (both,) = ledger(cells([*dense, *dead, *other], task), task, {})
    (one,) = ledger(cells([*dense, *dead, *alive], task), task, {})

    assert (both.verdict, both.says) == ("not comparable", "neither side is clear of chance")
    assert both.ours.collapsed and both.theirs.collapsed
    assert one.says != both.says


@pytest.mark.parametrize(
    ("theirs", "says"),
    [([0.101, 0.099, 0.1], "neither side is clear of chance"), ([0.1015, 0.1025, 0.102], "the whole interval lies")],
)
def test_networks_at_chance_bear_out_no_equality_though_none_collapsed(
    rows_of, reference, cells, with_references, theirs, says
):
    claim = reference(
        method="imp", density=0.6, claim="x", sign="equal", against={"method": "one-shot", "density": 0.6}
    )
    task = with_references(rows_of.make_task(chance=0.1), [claim])
    rows = exact(rows_of, task, "dense", 0, [0.95, 0.951, 0.949]) + exact(rows_of, task, "one-shot", 1, theirs)
    rows += exact(rows_of, task, "imp", 1, [0.1, 0.101, 0.099])

    (found,) = ledger(cells(rows, task), task, {})

    assert found.says.startswith(says)


def test_seeds_that_diverged_count_as_chance_and_bear_out_no_claim(rows_of, reference, cells, with_references):
    claim = reference(
        method="imp", density=0.6, claim="x", sign="equal", against={"method": "one-shot", "density": 0.6}
    )
    task = with_references(rows_of.make_task(), [claim])
    rows = exact(rows_of, task, "dense", 0, [0.95, 0.951, 0.949])
    lost = exact(rows_of, task, "imp", 1, [0.1] * 3) + exact(rows_of, task, "one-shot", 1, [0.1] * 3)
    rows += [rows_of.without_score(row, "diverged", "loss is not finite") for row in lost]

    (found,) = ledger(cells(rows, task), task, {})

    assert (found.verdict, found.says) == ("not comparable", "neither side is clear of chance")


def test_a_claim_in_words_is_shown_and_not_tested(held):
    claim = Reference(cite="x", where="y", method="imp", claim="Smaller is faster.")

    _, [found] = held([claim], {"dense": [0.95], "imp": [0.94]})

    assert (found.reference.claim, found.ours, found.verdict) == ("Smaller is faster.", None, "not tested")


def test_a_reference_between_settings_is_held_against_that_cell_and_its_chance(
    rows_of, reference, cells, with_references
):
    task = with_references(
        rows_of.make_settings_task({"s1": 0.25, "s2": 0.3}),
        [
            reference(method="imp", found_on="s1", trained_on="s2", density=0.6, value=0.3),
            reference(
                method="imp",
                found_on="s1",
                trained_on="s2",
                density=0.6,
                claim="Worse than the setting's own.",
                sign="lower",
                against={"method": "imp", "density": 0.6, "found_on": "s2"},
            ),
        ],
    )
    rows = rows_of.make_matrix(
        task, {(s, s): {"dense": [0.95], "imp": [0.9]} for s in ("s1", "s2")}, 5, examples=2000
    )
    crossed = rows_of.make_matrix(task, {("s1", "s2"): {"imp": [0.5]}}, 5, examples=2000)
    crossed = rows_of.collapsed(crossed, 0.3)
    found = cells([*rows, *crossed], task)

    scoring = task.scoring.model_copy(update={"margin": 0.01})
    value, claim = ledger(found, task.model_copy(update={"scoring": scoring}), {})

    assert (value.ours.interval.mean, value.ours.collapsed) == (pytest.approx(0.3), 5)
    assert value.margin == pytest.approx(0.01 * (found["s2", "s2"].dense.score.mean - 0.3))
    assert claim.verdict == "reproduced"
    own = [row for row in rows if (row["trained_on"], row["method"]) == ("s2", "imp")]
    assert claim.difference == paired(crossed, own, "test_final", 0.3)


def test_cells_of_different_test_sets_are_paired_by_seed_alone(rows_of, reference, cells, with_references):
    task = with_references(
        rows_of.make_settings_task({"s1": 0.25, "s2": 0.3}),
        [
            reference(
                method="imp",
                found_on="s1",
                trained_on="s1",
                density=0.6,
                claim="One half is as easy as the other.",
                sign="equal",
                against={"method": "imp", "density": 0.6, "found_on": "s2", "trained_on": "s2"},
            )
        ],
    )
    rows = rows_of.make_matrix(task, {(s, s): {"dense": [0.95], "imp": [0.9]} for s in ("s1", "s2")}, 5)

    (found,) = ledger(cells(rows, task), task, {})

    assert found.difference.kind == "seeds only"
    whole = task.model_copy(update={"settings": dict.fromkeys(task.settings, task.settings["s1"])})
    assert [each.difference.kind for each in ledger(cells(rows, whole), whole, {})] == ["joint"]
