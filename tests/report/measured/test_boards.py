"""Perplexity, BLEU and return in boards, rankings, references, winning tickets: one scale, the right way up."""

import copy
from math import exp, log

import numpy as np
import pytest
from scipy import stats

from ticketbench.errors import TicketbenchError
from ticketbench.report.boards.against_random import against_random
from ticketbench.report.boards.board import boards, chance_on
from ticketbench.report.boards.controls import controlled
from ticketbench.report.boards.frontier import cost_frontier
from ticketbench.report.boards.ledger import ledger
from ticketbench.report.boards.matched import margin_of, matched
from ticketbench.report.boards.ranking import ranking
from ticketbench.report.boards.scores import paired
from ticketbench.report.boards.winning import winning
from ticketbench.report.site.looks import looks
from ticketbench.report.site.task_page import parts_of
from ticketbench.report.site.winning_page import winning_page
from ticketbench.task.settings import Setting


def series_of(board, method):
    return next(each for each in board.series if each.method == method)


def cell_of(rows, method, rung):
    return [row for row in rows if (row["method"], row["rung"]) == (method, rung)]


def half_width(z):
    """The protocol's section 2, written out: two-way analysis of variance without replication."""
    n, items = z.shape
    m, by_seed, by_item = z.mean(), z.mean(axis=1), z.mean(axis=0)
    ms_i = n * ((by_item - m) ** 2).sum() / (items - 1)
    ms_e = ((z - by_seed[:, None] - by_item[None, :] + m) ** 2).sum() / ((n - 1) * (items - 1))
    v_seed = ((by_seed - m) ** 2).sum() / (n - 1) / n
    v_item = max(ms_i - ms_e, 0.0) / (n * items)
    return float(np.sqrt(stats.t.ppf(0.975, n - 1) ** 2 * v_seed + stats.norm.ppf(0.975) ** 2 * v_item))


def test_the_interval_of_a_perplexity_is_the_joint_one_of_the_nats_of_its_blocks(measured):
    task = measured.task("perplexity")
    rows = measured.rows(task, "perplexity")
    found = series_of(measured.board(rows, task), "imp").cells[4].score
    z = np.array([row["test_scores"] for row in cell_of(rows, "imp", 4)])

    assert found.kind == "joint" and found.seeds == 6
    assert found.mean == pytest.approx(z.mean(), rel=1e-12)
    assert found.mean == pytest.approx(np.mean([log(row["test_final"]) for row in cell_of(rows, "imp", 4)]), rel=1e-9)
    assert found.h == pytest.approx(half_width(z), rel=1e-9)
    assert found.h > found.h_seed > 0


def test_a_difference_of_perplexities_is_paired_block_by_block_in_nats(measured):
    task = measured.task("perplexity")
    rows = measured.rows(task, "perplexity")
    one, other = (cell_of(rows, method, 3) for method in ("imp", "one-shot"))
    z = np.array([row["test_scores"] for row in one]) - np.array([row["test_scores"] for row in other])
    found = paired(one, other, "test_final", log(700))

    assert found.mean == pytest.approx(z.mean(), rel=1e-9) and found.mean < 0
    assert found.h == pytest.approx(half_width(z), rel=1e-9)


@pytest.mark.parametrize("metric", ["BLEU", "return"])
def test_sentences_and_games_are_no_test_items_of_bleu_and_return(measured, metric):
    task = measured.task(metric)
    rows = measured.rows(task, metric)
    bare = [row | {"test_scores": None} for row in rows]
    found, without = (series_of(measured.board(each, task), "imp").cells[2].score for each in (rows, bare))
    values = [row["test_final"] for row in cell_of(rows, "imp", 2)]

    assert found == without and found.kind == "seeds only"
    assert found.h == pytest.approx(stats.t.ppf(0.975, 5) * np.std(values, ddof=1) / np.sqrt(6))


def mirrored(measured):
    """Perplexities without their blocks, and the same numbers as a return of minus their logarithm."""
    task = measured.task("perplexity")
    other = measured.task("return", chance=-log(measured.chance["perplexity"]))
    rows = [row | {"test_scores": None} for row in measured.rows(task, "perplexity")]
    columns = ("test_final", "test_best", "validation_final", "validation_best")
    turned = [
        row
        | {"task": other.id, "task_digest": other.digest, "metric": "return", "higher_is_better": True}
        | {name: -log(row[name]) for name in columns}
        for row in copy.deepcopy(rows)
    ]
    return (task, measured.board(rows, task)), (other, measured.board(turned, other))


def test_perplexities_rank_as_the_same_numbers_do_where_more_is_better(measured):
    (_, board), (_, turned) = mirrored(measured)
    ours, theirs = ranking(board), ranking(turned)
    tables = [each.table(each.families[0], each.headline) for each in (ours, theirs)]
    places = [[(p.line.series.key, p.rank, p.interval.mean, p.interval.h) for p in t.places] for t in tables]
    tested = [{pair: each.tested for pair, each in t.pairs.items()} for t in tables]
    pairs = [{pair: (e.separates, e.adjusted, e.interval.mean) for pair, e in each.items()} for each in tested]

    assert [p[:2] for p in places[0]] == [p[:2] for p in places[1]]
    assert places[0][0][0][0] == "imp" and places[0][-1][0][0] == "random-layer"
    assert np.allclose([p[2:] for p in places[0]], [p[2:] for p in places[1]])
    assert pairs[0].keys() == pairs[1].keys() and all(np.allclose(pairs[0][p], pairs[1][p]) for p in pairs[0])
    assert any(separates for separates, *_ in pairs[0].values())
    assert [s.key for s in board.series] == [s.key for s in turned.series]
    for line, mirror in zip(ours.lines, theirs.lines, strict=True):
        for c in ours.covered:
            assert line.points[c].interval.mean == pytest.approx(-mirror.points[c].interval.mean)
    stands = [
        [(t.line.series.key, t.compression, t.standing) for t in cost_frontier(e, e.families[0])]
        for e in (ours, theirs)
    ]
    assert stands[0] == stands[1] and {standing for *_, standing in stands[0]} > {"on"}
    assert ours.anchors.chance == pytest.approx(log(700)) and ours.anchors.way < 0 < theirs.anchors.way


def test_margins_matching_and_winners_are_those_of_the_same_numbers_where_more_is_better(measured):
    (task, board), (other, turned) = mirrored(measured)
    margins = margin_of(board, task), margin_of(turned, other)
    assert margins[0] == pytest.approx(margins[1]) and 0 < margins[0] < 0.1  # nats
    lines = [ranking(each).lines for each in (board, turned)]
    for line, mirror in zip(*lines, strict=True):
        found = [
            matched(e.series, e.curve, b, m).matching
            for e, b, m in zip((line, mirror), (board, turned), margins, strict=True)
        ]
        assert (found[0].proven, found[0].estimate) == pytest.approx((found[1].proven, found[1].estimate))
    won, mirror = winning(board, [4]), winning(turned, [4])
    assert won.luck == mirror.luck > 0
    for ours, theirs in zip(won.winners, mirror.winners, strict=True):
        assert [(each.won, each.seeds) for each in ours.rungs.values()] == [
            (each.won, each.seeds) for each in theirs.rungs.values()
        ]
        assert ours.rungs[2].gain.mean == pytest.approx(theirs.rungs[2].gain.mean)
    by_method = {each.series.method: each for each in won.winners}
    assert by_method["imp"].rungs[1].won > by_method["random-layer"].rungs[1].won == 0


def test_a_seed_that_diverged_counts_as_the_logarithm_of_chance_on_every_block(measured):
    task = measured.task("perplexity")
    rows = measured.rows(task, "perplexity") + measured.troubled(task, "perplexity")
    board = measured.board(rows, task)
    series = series_of(board, "snip")
    values = [row["test_final"] for row in cell_of(rows, "snip", 6) if row["test_final"] is not None]

    assert series.cells[6].score.mean == pytest.approx((sum(map(log, values)) + log(700)) / 6)
    assert series.cells[6].score.kind == "joint"
    line = next(each for each in ranking(board).lines if each.series.key == series.key)
    place = line.curve.rungs.index(6)
    assert np.allclose(line.curve.items[place][2], log(700)) and line.curve.values[2, place] == pytest.approx(
        log(700)
    )


@pytest.mark.parametrize("metric", ["perplexity", "BLEU", "return"])
def test_a_ticket_better_than_its_control_is_above_zero_whatever_the_metric(measured, metric):
    task = measured.task(metric)
    worse = {"imp": measured.levels[metric]["random-layer"]}
    rows = measured.rows(task, metric) + measured.rows(task, metric, worse, kind="control", label="shuffled")
    (found,) = controlled(measured.board(rows, task))

    assert all(each.mean > 0 and each.low > 0 for each in found.differences["shuffled"].values())


@pytest.mark.parametrize("metric", ["perplexity", "BLEU", "return"])
def test_tickets_are_held_against_random_ones_of_the_same_compression(measured, metric):
    task = measured.task(metric)
    rows = measured.rows(task, metric)
    for row in rows:  # as a method whose sparsity is an outcome
        if (row["method"], row["rung"]) == ("one-shot", 6):
            row["kept"] = 2 * row["kept"]
    board = measured.board(rows, task)
    found = {each.series.method: each.differences for each in against_random(board)}
    every = [each for differences in found.values() for each in differences.values()]

    assert found["imp"].keys() == set(range(1, 7)) and found["one-shot"].keys() == set(range(1, 6))
    assert found.keys() == {"imp", "one-shot"} and {each.separates for each in every} == {1}
    assert max(each.adjusted / each.p for each in every) == pytest.approx(11)  # pairs in the family
    alone = measured.board([row for row in rows if row["method"] != "random-layer"], task)
    assert against_random(alone) == []
    named = looks(dict.fromkeys(("imp", "one-shot", "random-layer"), ""))
    for seeds, few in ((6, False), (5, True)):  # 5 are too few for an exact test, which the page then says
        of_these = measured.board([row for row in rows if row["seed"] < seeds], task)
        assert winning_page(of_these, (2,), named).few_seeds is few


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (
            {"test_final": 95.0},
            r"the mean of its test_scores is 4\.\d+ nats, its test_final is 95, whose logarithm is",
        ),
        ({"test_scores": [4.5] * 59 + [float("nan")]}, "the mean of its test_scores is nan nats"),
        ({"test_final": 0.0}, "done, but its test_final is 0, which is no perplexity"),
        ({"test_final": float("inf")}, "done, but its test_final is inf, which is no perplexity"),
        ({"test_final": None}, "done, but its test_final is no number"),
        (
            {"metric": "return", "higher_is_better": True},
            "its metric is return, and other rows of .* have perplexity",
        ),
    ],
)
def test_a_damaged_perplexity_is_named(measured, change, said):
    task = measured.task("perplexity")
    rows = measured.rows(task, "perplexity", seeds=3)
    bad = next(row for row in rows if (row["method"], row["rung"], row["seed"]) == ("imp", 2, 1))
    bad.update(change)

    with pytest.raises(TicketbenchError, match=rf"row {bad['row_id']} is damaged: {said}"):
        boards(rows, {task.id: task})


def test_rounding_of_another_order_of_adding_is_no_damage(measured):
    task = measured.task("perplexity")
    rows = [
        row | {"test_final": row["test_final"] * (1 + 2e-7)} for row in measured.rows(task, "perplexity", seeds=3)
    ]
    assert series_of(measured.board(rows, task), "imp").cells[1].score.kind == "joint"


def test_a_perplexity_too_large_for_a_number_is_written_as_the_largest_and_no_damage(measured):
    task = measured.task("perplexity")
    lost = {"test_final": exp(709), "test_scores": [800.0, 1000.0, 709.0]}
    rows = [row | lost for row in measured.rows(task, "perplexity", {"imp": [4.5]}, seeds=3)]
    assert series_of(measured.board(rows, task), "imp").cells[1].score.mean == pytest.approx(2509 / 3)


def test_a_chance_value_that_the_metric_cannot_have_is_one_message(measured):
    task = measured.task("perplexity", chance=0.0)
    with pytest.raises(TicketbenchError, match=r"mine/perplexity: scoring.chance: 0.0 is no perplexity"):
        chance_on(task, "default")


def held(measured, metric, *references):
    task = measured.task(metric, references=[measured.reference(**each) for each in references])
    board = measured.board(measured.rows(task, metric), task)
    return list(ledger({("default", "default"): board}, task, {task.id: task}))


RANDOM = {"claim": "beats random", "against": {"method": "random-layer", "density": 0.36}}


@pytest.mark.parametrize(
    ("metric", "sign", "verdict"),
    [
        ("perplexity", "lower", "reproduced"),
        ("perplexity", "higher", "not reproduced"),
        ("BLEU", "higher", "reproduced"),
        ("return", "higher", "reproduced"),
        ("return", "lower", "not reproduced"),
    ],
)
def test_a_claimed_ordering_is_about_the_number_that_rows_have(measured, metric, sign, verdict):
    (found,) = held(measured, metric, RANDOM | {"sign": sign})
    assert found.verdict == verdict


@pytest.mark.parametrize(
    ("metric", "near", "far"), [("perplexity", 90.3, 99.0), ("BLEU", 31.0, 24.0), ("return", -85.0, -120.0)]
)
def test_a_published_number_is_one_that_rows_have(measured, metric, near, far):
    ours, other = held(measured, metric, *({"value": value} for value in (near, far)))
    assert (ours.verdict, other.verdict) == ("reproduced", "not reproduced")
    if metric == "perplexity":
        assert other.difference.mean == pytest.approx(ours.ours.interval.mean - log(99.0))
        assert exp(ours.ours.interval.mean) == pytest.approx(90.0, rel=0.02)


def test_a_published_number_that_the_metric_cannot_have_is_one_message(measured):
    with pytest.raises(TicketbenchError, match=r"a reference of yu2020playing: -1\.0 is no perplexity"):
        held(measured, "perplexity", {"value": -1.0})


def test_a_matrix_of_perplexities_says_chance_in_nats_and_what_lies_above_is_better(measured, rows_of):
    task = measured.task("perplexity")
    names = ("a", "b")
    settings = {
        name: Setting.model_validate({"scoring": {"chance": 600.0 + 100 * n}}) for n, name in enumerate(names)
    }
    task = task.model_copy(update={"settings": settings})
    rows = []
    for found_on in names:
        for trained_on in names:
            away = 0.1 * (found_on != trained_on)
            methods = {} if away else {"dense": [4.5], "random-layer": [4.8, 5.0]}
            levels = methods | {"imp": [4.5 + away, 4.6 + away]}
            rows += measured.rows(task, "perplexity", levels, found_on=found_on, trained_on=trained_on)
    bad = {"status": "collapsed", "reason": measured.one_answer["perplexity"]}
    rows = [row | bad if (row["found_on"], row["trained_on"], row["rung"]) == ("a", "b", 2) else row for row in rows]
    found = boards(rows, {task.id: task})
    (page,) = parts_of(found, {task.id: task}, {}, looks(dict.fromkeys(("imp", "random-layer"), "")), {})
    (grid,) = page["matrix"].ordinary
    (alarm,) = [said for panel in grid.panels for said in panel.alarms]
    gaps = [{name: cells for name, _, cells in pair.lines}["Transfer gap"] for pair in grid.pairs]

    assert [chance for *_, chance in page["settings"]] == [
        f"chance {log(600):.3f} nats",
        f"chance {log(700):.3f} nats",
    ]
    assert ("chance" in [meaning for meaning, _ in grid.legend]) and page["matrix"].unit.differences == "nats"
    assert f"({measured.one_answer['perplexity']}); chance is {log(700):.3f} nats." in alarm and "%" not in alarm
    every = [cell for cells in gaps for cell in cells]
    assert [float(cell.main.replace("−", "-")) for cell in every] == pytest.approx([-0.1] * 4, abs=0.01)
    assert {cell.sign for cell in every} == {"▼ below"}
