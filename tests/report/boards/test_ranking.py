"""Rankings as a reader relies on them: who may be ranked, and who separates."""

from dataclasses import replace
from math import log2

import numpy as np
import pytest

from ticketbench.report.boards.board import boards
from ticketbench.report.boards.curves import reaches
from ticketbench.report.boards.eligible import AS_IT_IS, TRAINED
from ticketbench.report.boards.matched import matched
from ticketbench.report.boards.ranking import SAME, ranking
from ticketbench.report.boards.scores import paired
from ticketbench.report.measures import items
from ticketbench.report.statistics.curves import covers
from ticketbench.report.statistics.intervals import joint_interval

LADDER = [0.97, 0.96, 0.95, 0.93, 0.9, 0.85, 0.78, 0.7]


def falling(by: float) -> list[float]:
    """Accuracies down a ladder of eight rungs, this much under the best at every rung."""
    return [level - by for level in LADDER]


def places(found, compression=None):
    """Method, rank, and interval of the main family, best first."""
    table = found.table(TRAINED, compression or found.headline)
    return [(p.line.series.method, p.rank.rank, (p.rank.low, p.rank.high)) for p in table.places]


def test_a_planted_winner_among_ten_stands_alone_at_the_top(rows_of, ranked):
    task = rows_of.make_task()
    accuracy = {"dense": [0.97], "winner": falling(0.0)} | {f"m{i}": falling(0.06) for i in range(9)}
    found = ranked(rows_of.make_results(task, accuracy, seeds=10), task)

    assert found.headline == 32
    first, *others = places(found)
    assert first == ("winner", 1, (1, 1))
    assert all(rank > 1 for _, rank, _ in others)


def test_equal_methods_share_the_first_rank(rows_of, ranked):
    task = rows_of.make_task()
    accuracy = {"dense": [0.97]} | {f"m{i}": falling(0.0) for i in range(10)}
    found = ranked(rows_of.make_results(task, accuracy, seeds=10), task)

    assert [(rank, interval) for _, rank, interval in places(found)] == [(1, (1, 10))] * 10
    assert not any(each.tested.separates for each in found.table(TRAINED, 32).pairs.values())


def test_methods_equal_in_every_bit_are_said_to_be_equal_and_no_seeds_are_asked_for(rows_of, ranked):
    task = rows_of.make_task()
    rows = rows_of.make_results(task, {"dense": [0.97], "one": falling(0.0)}, seeds=5)
    rows += [rows_of.make_row(task, "two", r["rung"], r["seed"]) | scored(r) for r in rows if r["method"] == "one"]
    table = ranked(rows, task).table(TRAINED, 32)

    assert [place.line.series.method for place in table.places] == ["one", "two"]  # by name
    assert table.places[0].next[1].why == SAME


def scored(row):
    """What a row scored, to be put into another."""
    return {name: row[name] for name in ("test_final", "test_correct", "test_examples")}


def test_four_seeds_have_values_and_intervals_but_no_rank(rows_of, ranked):
    task = rows_of.make_task()
    rows = rows_of.make_results(task, {"dense": [0.97], "many": falling(0.0), "few": falling(0.1)}, seeds=5)
    found = ranked([row for row in rows if row["method"] != "few" or row["seed"] < 4], task)

    assert [name for name, _, _ in places(found)] == ["many"]
    ((line, why),) = found.unranked(32)
    assert (line.series.method, why) == ("few", "4 seeds: a rank needs 5")
    assert line.areas[32].interval.h > 0


def test_a_missing_row_takes_the_rank_only_where_the_score_needs_it(rows_of, ranked):
    task = rows_of.make_task()
    rows = rows_of.make_results(task, {"dense": [0.97], "whole": falling(0.0), "holed": falling(0.02)}, seeds=5)
    rows = [row for row in rows if (row["method"], row["rung"], row["seed"]) != ("holed", 5, 3)]
    found = ranked(rows, task)
    compressions = dict(found.board.rungs)

    assert compressions[4] < 8 < compressions[5]
    assert [name for name, _, _ in places(found, 4)] == ["whole", "holed"]
    assert [name for name, _, _ in places(found, 8)] == ["whole"]  # lies between rungs 4 and 5
    ((_, why),) = found.unranked(32)
    assert why == "incomplete: rung 5 has no row of seed 3"


def test_a_rung_nobody_ran_is_no_straight_line(rows_of, ranked):
    task = rows_of.make_task()
    rows = rows_of.make_results(task, {"dense": [0.97], "whole": falling(0.0), "skips": falling(0.0)}, seeds=5)
    found = ranked([row for row in rows if (row["method"], row["rung"]) != ("skips", 2)], task)

    assert [name for name, _, _ in places(found)] == ["whole"]
    assert "rung 2" in found.unranked(32)[0][1]


def test_not_applicable_is_told_as_such(rows_of, ranked):
    task = rows_of.make_task()
    rows = rows_of.make_results(task, {"dense": [0.97], "imp": falling(0.0)}, seeds=5)
    rows += [
        rows_of.without_score(rows_of.make_row(task, "filters", rung, seed), "not applicable", "needs convolutions")
        for rung in range(1, 9)
        for seed in range(5)
    ]

    ((line, why),) = ranked(rows, task).unranked(32)

    assert (line.series.method, why) == ("filters", "not applicable: needs convolutions")


@pytest.mark.parametrize("status", ["diverged", "failed"])
def test_what_was_lost_counts_as_chance_and_stays_ranked(rows_of, ranked, status):
    task = rows_of.make_task(chance=0.2)
    rows = rows_of.make_results(task, {"dense": [0.97], "safe": falling(0.0), "lossy": falling(0.0)}, seeds=5)
    for row in rows:
        if (row["method"], row["rung"], row["seed"]) == ("lossy", 6, 2):
            rows_of.without_score(row, status, "no luck").update(kept=None, density=None)
    found = ranked(rows, task)
    line = next(each for each in found.lines if each.series.method == "lossy")
    rung = dict(found.board.rungs)[6]

    assert {name for name, _, _ in places(found)} == {"safe", "lossy"}
    assert line.curve.values[2, line.curve.rungs.index(6)] == 0.2
    # Where no weights were counted it lies where it was asked to.
    assert line.curve.x[2, line.curve.rungs.index(6)] == pytest.approx(log2(rung), abs=1e-3)
    assert line.curve.items is not None


@pytest.mark.parametrize("status", ["diverged", "failed"])
def test_a_rung_that_every_seed_lost_is_chance_on_every_test_example(rows_of, ranked, status):
    task = rows_of.make_task(chance=0.2)
    rows = rows_of.make_results(task, {"dense": [0.97], "safe": falling(0.0), "lossy": falling(0.0)}, seeds=5)
    whole, lost = (ranked(each, task).lines for each in (rows, lose(rows_of, rows, status, "lossy", 8)))
    before, after = (next(e for e in lines if e.series.method == "lossy") for lines in (whole, lost))

    assert after.areas[8].interval == before.areas[8].interval  # rung 8 lies beyond
    assert after.curve.items[-1].shape == before.curve.items[-1].shape
    assert np.all(after.curve.items[-1] == 0.2)
    found = ranked(lose(rows_of, rows, status, "lossy", 6), task)
    (pair,) = found.table(TRAINED, 32).pairs.values()
    assert {each.areas[32].interval.kind for each in found.lines} == {pair.tested.interval.kind} == {"joint"}


@pytest.mark.parametrize("turned", [False, True])
def test_a_cell_that_every_seed_lost_is_compared_on_the_test_examples_of_the_other(rows_of, turned):
    task = rows_of.make_task(chance=0.2)
    rows = rows_of.make_results(task, {"safe": falling(0.0), "lossy": falling(0.0)}, seeds=5)
    safe, lossy = (
        [row for row in lose(rows_of, rows, "diverged", "lossy", 1) if (row["method"], row["rung"]) == (name, 1)]
        for name in ("safe", "lossy")
    )
    bits = np.stack([items(row) for row in safe]).astype(float) - 0.2

    found = paired(lossy, safe, "test_final", 0.2) if turned else paired(safe, lossy, "test_final", 0.2)

    assert found == joint_interval(-bits if turned else bits)
    assert found.v_example > 0
    assert paired(lossy, lossy, "test_final", 0.2).kind == "seeds only"


def lose(rows_of, rows, status, method, rung):
    """The rows with all of one cell lost."""
    return [
        rows_of.without_score(dict(row), status, "no luck") if (row["method"], row["rung"]) == (method, rung) else row
        for row in rows
    ]


def test_collapsed_networks_keep_their_own_score(rows_of, ranked):
    task = rows_of.make_task()
    rows = rows_of.make_results(task, {"dense": [0.97], "imp": falling(0.0)}, seeds=5)
    last = [row for row in rows if row["rung"] == 8]
    rows = [row for row in rows if row["rung"] != 8] + rows_of.collapsed(last, 0.15)

    line = ranked(rows, task).lines[0]

    assert line.curve.values[:, -1] == pytest.approx([0.15] * 5)


def test_a_lost_seed_without_a_chance_value_leaves_the_cell_incomplete(rows_of, ranked):
    task = rows_of.make_task(chance=None)
    rows = rows_of.make_results(task, {"dense": [0.97], "imp": falling(0.0)}, seeds=5)
    rows_of.without_score(rows[-1], "diverged", "no luck")
    line = ranked(rows, task).lines[0]

    assert line.lacks == {}  # the last rung lies beyond 32×, and rung 7 covers it
    rows_of.without_score(next(r for r in rows if (r["rung"], r["method"]) == (1, "imp")), "diverged", "no luck")
    assert "no chance value" in ranked(rows, task).lines[0].lacks[2]


def test_without_the_tasks_file_that_is_the_reason_and_not_what_it_declares(rows_of):
    rows = rows_of.make_results(rows_of.make_task(), {"dense": [0.97], "imp": falling(0.0)}, seeds=5)
    (board,) = boards(rows, {})

    found = ranking(board)

    assert found.headline is None
    assert "version 1, is not at hand" in found.why and "declares" not in found.why


def test_without_a_chance_value_nothing_is_ranked_and_values_stay(rows_of, ranked):
    task = rows_of.make_task(chance=None)
    found = ranked(rows_of.make_results(task, {"dense": [0.97], "imp": falling(0.0)}, seeds=5), task)

    assert found.headline is None
    assert "no chance value" in found.why
    assert found.lines[0].points[32].interval.h > 0
    assert not found.lines[0].areas


def test_dense_networks_that_are_not_clear_of_chance_keep_the_task_apart(rows_of, ranked):
    task = rows_of.make_task(chance=0.9)
    found = ranked(rows_of.make_results(task, {"dense": [0.91], "imp": falling(0.0)}, seeds=5, noise=0.5), task)

    assert found.headline is None
    assert "not clear of chance" in found.why


def test_no_dense_networks_no_ranks(rows_of, ranked):
    task = rows_of.make_task()
    found = ranked(rows_of.make_results(task, {"imp": falling(0.0)}, seeds=5), task)

    assert found.headline is None
    assert found.lines[0].lacks[2].startswith("incomplete: dense network has no row of seeds 0, 1, 2, 3, 4")


def test_tickets_scored_as_they_are_are_ranked_among_themselves(rows_of, ranked):
    task = rows_of.make_task()
    accuracy = {"dense": [0.97], "imp": falling(0.3), "popup": falling(0.0), "prune": falling(0.2)}
    rows = rows_of.make_results(task, accuracy, seeds=5)
    for row in rows:
        if row["method"] in ("popup", "prune"):
            row |= {"training_steps": 0, "start_step": 800}
    found = ranked(rows, task)

    assert places(found) == [("imp", 1, (1, 1))]
    apart = found.table(AS_IT_IS, 32)
    assert [place.line.series.method for place in apart.places] == ["popup", "prune"]


def test_some_tickets_trained_and_some_not_are_compared_with_neither(rows_of, ranked):
    task = rows_of.make_task()
    rows = rows_of.make_results(task, {"dense": [0.97], "imp": falling(0.0), "mixed": falling(0.0)}, seeds=5)
    for row in rows:
        if (row["method"], row["rung"]) == ("mixed", 8):
            row |= {"training_steps": 0, "start_step": 800}

    ((line, why),) = ranked(rows, task).unranked(32)

    assert (line.series.method, why) == ("mixed", "some of its tickets are scored as they are, others trained")


def test_weights_of_a_recipe_of_ones_own_are_kept_apart(rows_of):
    task = rows_of.make_task()
    rows = rows_of.make_results(task, {"dense": [0.97], "imp": falling(0.1), "own": falling(0.0)}, seeds=5)
    for row in rows:
        if row["method"] == "own":
            row |= {"carried": True, "training_steps": 79, "start_step": 721}
    (board,) = boards(rows, {task.id: task})

    def apart(**recipes):
        found = ranking(board, {"imp": False} | recipes)
        return {line.series.method: why for line, why in found.unranked(32)}

    assert apart(own=False) == {}
    assert apart(own=True)["own"].startswith("own recipe")
    assert apart()["own"] == "its tickets may come of a recipe of its own: its file was not read"
    for row in rows:
        if row["method"] == "own":
            row |= {"training_steps": 80, "start_step": 720}  # a tenth of T by the task's recipe
    assert apart(own=True) == {}


def test_controls_and_probes_are_never_ranked(rows_of, ranked):
    task = rows_of.make_task()
    rows = rows_of.make_results(task, {"dense": [0.97], "imp": falling(0.1)}, seeds=5)
    rows += rows_of.make_controls(task, "imp", {"shuffled": falling(0.0)}, seeds=5)
    rows += rows_of.make_results(task, {"probed": falling(0.0)}, seeds=5, kind="probe")
    found = ranked(rows, task)

    assert places(found) == [("imp", 1, (1, 1))]
    assert found.unranked(32) == []


def test_tickets_that_carry_trained_weights_elsewhere_are_not_ranked_there(rows_of):
    task = rows_of.make_settings_task({"a": 0.2, "b": 0.2})
    methods = {"imp": falling(0.0), "fine-tune": falling(0.0)}
    accuracy = {("a", "a"): {"dense": [0.97]}, ("b", "b"): {"dense": [0.97]}, ("a", "b"): methods}
    rows = rows_of.make_matrix(task, accuracy, seeds=5)
    for row in rows:
        row["carried"] = row["method"] == "fine-tune"
    board = next(each for each in boards(rows, {task.id: task}) if not each.diagonal)
    found = ranking(board, {"imp": False, "fine-tune": False})

    assert places(found) == [("imp", 1, (1, 1))]
    assert [(line.series.method, why) for line, why in found.unranked(32)] == [
        ("fine-tune", "its tickets carry weights of a")
    ]


def test_a_sparsity_that_is_an_outcome_is_ranked_as_far_as_every_seed_reaches(rows_of, ranked):
    task = rows_of.make_task()
    rows = rows_of.make_results(task, {"dense": [0.97], "imp": falling(0.0), "threshold": falling(0.02)}, seeds=5)
    for row in rows:
        if row["method"] == "threshold":
            row["kept"] = int(row["prunable"] / (1 + 0.9 * row["rung"] + 0.05 * row["seed"]))
    found = ranked(rows, task)

    assert [name for name, _, _ in places(found, 8)] == ["imp", "threshold"]
    assert [name for name, _, _ in places(found)] == ["imp"]
    assert [why for _, why in found.unranked(32)] == ["does not reach 32×"]


@pytest.mark.parametrize(("beyond", "covered"), [(0.029, True), (0.03 + 5e-11, True), (0.031, False)])
def test_a_ladder_covers_what_a_curve_with_its_last_rung_covers(rows_of, beyond, covered):
    task = rows_of.make_task()
    (board,) = boards(rows_of.make_results(task, {"dense": [0.97], "imp": falling(0.0)}, seeds=3), {task.id: task})
    last = 2.0 ** (3 - beyond)  # for 8 times; a ten-billionth of a logarithm is rounding

    assert covers([0.0, log2(last)], 3) == covered
    assert (8 in reaches(replace(board, rungs=((1, last),)), (4, 8))) == covered


def test_methods_are_compared_over_the_seeds_they_share(rows_of, ranked):
    task = rows_of.make_task()
    rows = rows_of.make_results(task, {"dense": [0.97], "ten": falling(0.0), "six": falling(0.05)}, seeds=10)
    rows = [row for row in rows if row["method"] != "six" or row["seed"] < 6]
    found = ranked(rows, task)
    table = found.table(TRAINED, 32)
    ten, six = (place.line.areas[32] for place in table.places)
    (pair,) = table.pairs.values()

    assert pair.tested.interval.seeds == 6
    assert pair.tested.interval.mean == pytest.approx(float((ten.values[:6] - six.values).mean()))
    assert not pair.model_based


def test_pairs_with_fewer_than_five_common_seeds_leave_the_family(rows_of, ranked):
    task = rows_of.make_task()
    rows = rows_of.make_results(
        task, {"dense": [0.97], "a": falling(0.0), "b": falling(0.01), "c": falling(0.02)}, seeds=8
    )
    seeds = {"a": range(6), "b": range(6), "c": range(2, 8)}  # four in common with the others
    table = ranked([row for row in rows if row["seed"] in seeds.get(row["method"], range(8))], task).table(
        TRAINED, 32
    )
    (pair,) = table.pairs.values()

    assert {place.line.series.method for place in table.places} == set(seeds)
    assert (pair.family, pair.tested.adjusted) == (1, pair.tested.p)


def test_rows_without_bits_are_compared_over_seeds_alone(rows_of, ranked):
    task = rows_of.make_task()
    rows = rows_of.make_results(task, {"dense": [0.97], "one": falling(0.0), "two": falling(0.1)}, seeds=5)
    for row in rows:
        row |= {"test_correct": None, "test_examples": None}
    table = ranked(rows, task).table(TRAINED, 32)

    assert {place.interval.kind for place in table.places} == {"seeds only"}
    assert [place.rank.rank for place in table.places] == [1, 2]


def test_lower_is_better_turns_everything_round(rows_of, ranked):
    task = rows_of.make_task(chance=0.9)
    accuracy = {"dense": [0.05], "good": [0.1] * 8, "bad": [0.3] * 8}
    rows = rows_of.make_results(task, accuracy, seeds=5, metric="error", higher_is_better=False)
    found = ranked(rows, task)

    assert [(name, rank) for name, rank, _ in places(found)] == [("good", 1), ("bad", 2)]
    assert found.lines[0].areas[32].interval.mean < 1
    for line in found.lines:
        ours = matched(line.series, line.curve, found.board, 0.5).matching
        assert ours.censored == "right"  # a quarter more error is within a margin of a half
        assert np.all(ours.mean[1:] < 0)


def test_a_table_of_thirty_two_methods_and_ten_thousand_examples_takes_seconds(rows_of, ranked, monkeypatch):
    """Counted in what is unpacked and compared, not by a clock: every pair's matrices are read once a score."""
    from ticketbench.report.boards import curves

    task = rows_of.make_task()
    rows = rows_of.make_results(task, {"dense": [0.97]} | {f"m{i}": falling(0.0) for i in range(12)}, seeds=5)
    read = []
    plain = curves.Score.matrix
    monkeypatch.setattr(curves.Score, "matrix", lambda score, *args: read.append(score) or plain(score, *args))

    found = ranked(rows, task)
    found.table(TRAINED, 32)

    areas = [line.areas[32] for line in found.lines]
    assert max(sum(each is score for each in read) for score in areas) <= 2  # its interval, and all pairs at once
