"""Winning tickets from rows: what counts as one, and the luck beside it."""

import pytest

from ticketbench.report.boards.board import boards
from ticketbench.report.boards.winning import UNTRAINED, winning
from ticketbench.report.statistics.winning import luck


def found_in(rows, task, targets=(2,)):
    (board,) = boards(rows, {task.id: task})
    return winning(board, targets)


def run(rows_of, task, method, rung, seed, said, **changes):
    return rows_of.make_row(
        task, method, rung, seed, test_final=0.9, test_best=said["acc"], best_step=said["step"], **changes
    )


@pytest.fixture
def example(protocol):
    return protocol["units"]["winning"]


@pytest.fixture
def task(rows_of):
    return rows_of.make_task()


@pytest.fixture
def rows(rows_of, task, example):
    """The protocol's example: five dense networks and a ticket of each."""
    dense = [run(rows_of, task, "dense", 0, seed, said) for seed, said in enumerate(example["dense"])]
    return dense + [run(rows_of, task, "imp", 1, seed, said) for seed, said in enumerate(example["ticket"])]


def test_the_worked_example(rows, task, example):
    found = found_in(rows, task)
    (winner,) = found.winners
    won = winner.rungs[1]

    assert (won.won, won.rate) == (3, example["rate"])
    assert won.interval == pytest.approx(example["wilson"], rel=1e-6)
    assert found.luck == pytest.approx(example["null_rate"], rel=1e-6)
    assert won.p == pytest.approx(example["null_p"], rel=1e-6)
    assert won.quality == pytest.approx(example["quality"], rel=1e-6)
    assert found.null_gain == pytest.approx(example["null_quality"], rel=1e-6)
    assert winner.lucky == pytest.approx(example["null_any_of"][0]["rate"], rel=1e-6)


def test_the_unselected_gain_is_over_all_seeds_and_less_than_that_of_the_winners(rows, task, example):
    won = found_in(rows, task).winners[0].rungs[1]
    gains = [t["acc"] - d["acc"] for t, d in zip(example["ticket"], example["dense"], strict=True)]

    assert won.gain.mean == pytest.approx(sum(gains) / 5)
    assert won.gain.seeds == 5
    assert won.gain.kind == "seeds only"


def test_what_is_not_done_is_no_win_and_still_a_seed(rows, task, example):
    rows[-1] |= {"status": "collapsed", "reason": "one class"}  # its numbers would win
    won = found_in(rows, task).winners[0].rungs[1]

    assert (won.won, won.seeds) == (2, 5)
    assert won.p == pytest.approx(luck(2, 5, example["null_rate"]), rel=1e-6)


@pytest.mark.parametrize(("status", "counts"), [("collapsed", 0.3), ("diverged", 0.1), ("failed", 0.1)])
def test_what_is_not_done_enters_the_gain_with_its_own_metric_or_as_chance(rows, task, example, status, counts):
    rows[-1] |= {"status": status, "reason": "one class", "test_best": 0.3 if status == "collapsed" else None}
    gain = found_in(rows, task).winners[0].rungs[1].gain
    tickets = [each["acc"] for each in example["ticket"][:-1]] + [counts]

    assert gain.seeds == 5
    assert gain.mean == pytest.approx(sum(tickets) / 5 - sum(each["acc"] for each in example["dense"]) / 5)


def test_where_less_is_better_a_gain_above_zero_is_better_all_the_same(rows, task):
    turned = [row | {"test_best": 1 - row["test_best"], "higher_is_better": False} for row in rows]
    gains = [found_in(each, task).winners[0].rungs[1].gain for each in (rows, turned)]

    assert gains[0].mean == pytest.approx(gains[1].mean)
    assert (gains[0].low, gains[0].high) == pytest.approx((gains[1].low, gains[1].high))


def test_a_lost_seed_without_a_chance_value_leaves_no_gain(rows_of, rows):
    rows[-1] |= {"status": "diverged", "reason": "no luck", "test_best": None}

    assert found_in(rows, rows_of.make_task(chance=None)).winners[0].rungs[1].gain is None


def test_a_seed_whose_dense_network_is_not_done_has_no_gain_and_is_counted(rows, task):
    rows[0] |= {"status": "collapsed", "reason": "one class"}
    won = found_in(rows, task).winners[0].rungs[1]

    assert (won.gain.seeds, won.seeds, won.run) == (4, 4, 5)


@pytest.mark.parametrize(("networks", "tested"), [(4, False), (5, True)])
def test_luck_of_fewer_than_five_dense_networks_has_a_rate_and_tests_nothing(rows, task, networks, tested):
    found = found_in([row for row in rows if row["seed"] < networks], task)
    (winner,) = found.winners

    assert found.dense == networks and found.luck is not None
    assert (winner.rungs[1].p is not None, winner.lucky is not None) == (tested, tested)


def test_a_ticket_that_keeps_everything_is_no_win(rows, task):
    for row in rows:
        row["kept"] = row["prunable"]

    assert found_in(rows, task).winners[0].rungs[1].won == 0


def test_wins_at_any_rung_stand_beside_the_luck_of_as_many(rows_of, rows, task, example):
    rows += [
        run(rows_of, task, "imp", rung, seed, said) for rung in (2, 3) for seed, said in enumerate(example["ticket"])
    ]
    (winner,) = found_in(rows, task).winners

    assert winner.any_rung == pytest.approx(0.6)
    assert winner.lucky == pytest.approx(example["null_any_of"][1]["rate"], rel=1e-6)


def test_difficulty_is_of_the_sparsest_rung_up_to_a_compression(rows_of, rows, task, example):
    worse = [said | {"acc": 0.5} for said in example["ticket"]]
    rows += [run(rows_of, task, "imp", 3, seed, said) for seed, said in enumerate(worse)]
    (winner,) = found_in(rows, task, (2, 4)).winners

    assert [winner.difficulty(c) for c in (2, 4)] == pytest.approx([0.4, 0.4])  # 1.67 and 4.63 times
    rows += [run(rows_of, task, "imp", 4, seed, said) for seed, said in enumerate(worse)]  # 7.7 times
    rows += [run(rows_of, task, "imp", 5, seed, said) for seed, said in enumerate(example["ticket"])]
    assert found_in(rows, task, (8,)).winners[0].difficulty(8) == pytest.approx(1.0)


def test_a_method_that_does_not_cover_a_compression_has_no_success_there(rows_of, rows, task, example):
    rows += [run(rows_of, task, "imp", 3, seed, said) for seed, said in enumerate(example["ticket"])]
    for row in rows:
        if row["method"] == "imp" and row["rung"] == 3:  # a sparsity that is an outcome: at most 2.5 times
            row["kept"] = int(row["prunable"] / 2.5)
    assert set(found_in(rows, task, (2, 4, 8, 32)).winners[0].success) == {2}

    rows[-1]["kept"] = int(rows[-1]["prunable"] / 1.5)  # one seed that falls short is enough
    assert found_in(rows, task, (2,)).winners[0].difficulty(2) is None


def test_tickets_scored_as_they_are_are_not_held_against_luck(rows_of, rows, task):
    for row in rows:
        if row["method"] == "imp":
            row |= {"training_steps": 0, "start_step": 800}
    (winner,) = found_in(rows, task).winners

    assert (winner.rungs, winner.success, winner.lucky) == ({}, {}, None)
    assert winner.apart == UNTRAINED


def test_the_steps_that_tickets_start_at_are_told(rows, task):
    assert found_in(rows, task).winners[0].starts == (0, 0)
    for row in rows:
        if row["method"] == "imp":
            row["start_step"] = 80 + row["seed"]

    assert found_in(rows, task).winners[0].starts == (80, 84)


def test_one_dense_network_has_no_luck_to_tell(rows, task):
    found = found_in([row for row in rows if row["seed"] == 0], task)

    assert (found.luck, found.null_gain) == (None, None)
    assert found.winners[0].rungs[1].p is None
    assert found.winners[0].lucky is None
