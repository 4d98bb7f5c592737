"""A ranking as a reader meets it on a task's page, and what the first page says where there is that task alone."""

from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest

from ticketbench.report.boards.board import boards
from ticketbench.report.boards.eligible import TRAINED
from ticketbench.report.site.build import build_site
from ticketbench.report.site.looks import looks
from ticketbench.report.site.rank_words import p_text, rank_text
from ticketbench.report.site.ranking_page import matching_text
from ticketbench.report.site.winning_page import winning_page
from ticketbench.report.statistics.intervals import plus_minus
from ticketbench.report.statistics.matching import Matching
from ticketbench.report.statistics.ranks import Rank

EVIL = "</td><script>alert('reason')</script><img src=x onerror=alert(1)>"
TOP = [0.97, 0.97, 0.96, 0.96, 0.95, 0.94, 0.93, 0.92]


def under(by):
    return [level - by for level in TOP]


@pytest.fixture(scope="module")
def built(rows_of, shown, tmp_path_factory):
    """A site of one task: a winner, two equal ones, one scored as it is, and two that cannot be ranked."""
    folder = tmp_path_factory.mktemp("ranking")
    task = rows_of.make_task()
    accuracy = {"dense": [0.97], "winner": TOP, "one": under(0.1), "two": under(0.1), "popup": TOP, "few": TOP}
    rows = rows_of.make_results(task, accuracy, seeds=6, test_best=0.9)
    rows = [row for row in rows if row["method"] != "few" or row["seed"] < 4]
    for row in rows:
        if row["method"] == "popup":
            row |= {"training_steps": 0, "start_step": 800}
    rows += [
        rows_of.without_score(rows_of.make_row(task, "filters", rung, seed), "not applicable", EVIL)
        for rung in range(1, 9)
        for seed in range(6)
    ]
    results = rows_of.write_results(folder / "results", rows)
    recipes = dict.fromkeys(("winner", "one", "two", "popup", "few"), False)
    index = build_site([results], folder / "site", {task.id: task}, {}, own_recipes=recipes)
    page, headline = shown(rows, task)
    ranked = headline.families[TRAINED]
    return SimpleNamespace(
        index=index,
        page=folder / "site/tasks/digits/mlp.html",
        shown=page,
        areas={key[0]: area for key, area in zip(ranked.keys, ranked.areas, strict=True)},
    )


@pytest.fixture
def table(built, read):
    """The rows of the table of ranks, by the method at their head."""
    page = read(built.page)
    (found,) = [t for t in page.tables if t[0][0].split() == ["Method"] and t[0][1].split()[:1] == ["Rank"]]
    return {row[0].split()[0]: [" ".join(cell.split()) for cell in row] for row in found[1:] if len(row) > 1}


def test_the_planted_winner_stands_alone_at_the_top(built, table, read):
    assert list(table)[:2] == ["Dense", "winner"]
    assert set(list(table)[2:4]) == {"one", "two"}
    assert table["winner"][1] == "1"
    assert {table["one"][1], table["two"][1]} == {"2 2–3"}
    assert "winner stands alone at the top of 3 methods: it separates from every other." in read(built.page).text


def test_areas_and_metrics_in_the_table_are_the_statistics(built, table):
    lines = {line.name: line for _, lines in built.shown.groups for line in lines}

    for name, area in built.areas.items():
        mean, half = plus_minus(area.mean, area.h)
        assert table[name][3] == f"{mean} ± {half}"
        assert table[name][4] == " ".join([lines[name].points[0].main, lines[name].points[0].below])


def test_what_cannot_be_ranked_keeps_its_values_and_says_why(table):
    assert table["few"][0] == "few 4 seeds: a rank needs 5"
    assert table["few"][1] == "–"
    assert "±" in table["few"][3]
    assert "not applicable" in table["filters"][0]


def test_what_is_scored_as_it_is_stands_apart_and_alone_it_has_no_rank(built, table, read):
    assert table["popup"][0] == "popup alone in its family: there is nothing to rank it against"
    assert table["popup"][1:3] == ["–", ""]
    assert "±" in table["popup"][3]
    assert "Scored as they are, not trained: ranked among themselves" in read(built.page).text
    (each,) = [t for t in read(built.page).tables if t[0][1:] and "popup" not in str(t) and "2–3" in str(t[2:])]
    assert {row[0].strip() for row in each[1:]} == {"winner", "one", "two"}  # ranks at other compressions


def test_two_that_are_scored_as_they_are_are_ranked_among_themselves(rows_of, shown):
    task = rows_of.make_task()
    rows = rows_of.make_results(task, {"dense": [0.97], "popup": TOP, "prune": under(0.3)}, seeds=6)
    for row in rows:
        if row["method"] != "dense":
            row |= {"training_steps": 0, "start_step": 800}
    ((_, lines),) = shown(rows, task)[0].groups

    assert [(line.name, line.rank.rank) for line in lines] == [("popup", 1), ("prune", 2)]


def test_the_dense_network_stands_first_with_its_metric_at_every_compression_and_no_rank(built, table):
    dense = table["Dense"]
    heads = len(built.shown.heads)

    assert dense[1:4] == ["–", "", ""]
    assert len(set(dense[4 : 4 + heads])) == 1
    assert "±" in dense[4]
    assert dense[-4:] == ["", "1x 1.0", "6", ""]
    assert len(dense) == len(table["winner"])


def test_the_page_says_that_overlapping_intervals_may_separate(built, read):
    text = " ".join(read(built.page).text.split())

    assert "Two methods whose intervals overlap may separate all the same" in text


def test_the_page_says_what_the_correction_covers(built, read):
    text = " ".join(read(built.page).text.split())

    assert "corrected for their number by Holm within this table only" in text
    assert "This is an order, not a ranking" in text  # of the table of every rung


def test_every_pair_is_listed_with_its_p_values(built, read):
    page = read(built.page)
    (pairs,) = [t for t in page.tables if t[0][1].strip() == "minus"]

    assert len(pairs) == 1 + 3
    assert [cell.strip() for cell in pairs[0][3:6]] == ["p", "p, Holm", "p, sign flips"]
    _, second, third = built.areas
    said = [(row[0].strip(), row[1].strip(), row[6].strip()) for row in pairs[1:]]
    assert said == [("winner", second, "separate"), ("winner", third, "separate"), (second, third, "no")]


def test_reasons_are_text_and_never_markup(built, read):
    page = read(built.page)

    assert not any(tag == "img" or "onerror" in attributes for tag, attributes in page.tags)
    assert "<script>alert" not in page.source
    assert EVIL in page.text


def test_rank_intervals_are_drawn_with_words_beside_them(built, read):
    drawn = [a for tag, a in read(built.page).tags if tag == "svg" and a.get("class") == "interval"]

    assert {each["aria-label"] for each in drawn} >= {"rank 1 to 1", "rank 2 to 3"}


def test_winning_tickets_stand_beside_luck(built, read):
    page = read(built.page)
    (found,) = [t for t in page.tables if t[0][-1].strip() == "Any rung"]
    head = [" ".join(cell.split()) for cell in found[1]]

    assert head[0].startswith("Luck")
    assert "%" in head[1]
    lines = {row[0].split()[0]: [" ".join(cell.split()) for cell in row] for row in found[2:]}
    assert all("luck:" in row[-1] for name, row in lines.items() if name != "popup")
    assert set(lines["popup"][1:]) == {"–"}
    assert "scored as its tickets are, not trained" in lines["popup"][0]


def test_few_seeds_mark_separations_as_model_based(rows_of, shown):
    task = rows_of.make_task()
    rows = rows_of.make_results(task, {"dense": [0.97], "good": TOP, "bad": under(0.3)}, seeds=5)
    page, _ = shown(rows, task)

    assert [each.says for each in page.pairs] == ["separate, model-based"]
    assert any("model-based" in said for said in page.says)


def test_equal_methods_are_said_not_to_separate(rows_of, shown):
    task = rows_of.make_task()
    page, _ = shown(rows_of.make_results(task, {"dense": [0.97], "a": TOP, "b": TOP, "c": TOP}, seeds=6), task)

    assert page.says[0] == "None of the 3 methods separates from another: all share rank 1."
    assert {(line.rank.low, line.rank.high) for line in page.groups[0][1]} == {(1, 3)}
    assert not any(line.first for line in page.groups[0][1])


def test_without_a_chance_value_the_page_says_why_nothing_is_ranked(rows_of, shown):
    task = rows_of.make_task(chance=None)
    page, headline = shown(rows_of.make_results(task, {"dense": [0.97], "a": TOP}, seeds=6), task)

    assert page.compression is None
    assert "declares no chance value" in page.why
    ((_, (line,)),) = page.groups
    assert line.rank is None
    assert line.points[0].below.startswith("±")
    assert headline.compression is None


def test_matching_compressions_say_what_is_proven_and_where_they_are_censored(rows_of, shown):
    task = rows_of.make_task(margin=0.05)
    accuracy = {"dense": [0.97], "flat": [0.97] * 8, "sinking": [0.6] * 8, "falling": [0.97] * 5 + [0.5] * 3}
    page, _ = shown(rows_of.make_results(task, accuracy, seeds=6), task)
    found = {line.name: line.matching for line in page.groups[0][1]}

    assert found["flat"].main.startswith("≥ 59.8×")
    assert found["sinking"].main.startswith("< 1.67×")
    assert found["falling"].main.endswith("×")
    assert found["falling"].below.startswith("to ")


def test_what_is_proven_to_less_than_the_first_rung_has_its_interpolated_value_in_the_tooltip():
    found = Matching(
        estimate=1.9,
        proven=1.52,
        upper=2.4,
        again=(),
        censored=None,
        first=1.67,
        most=59.8,
        x=np.array([0.0, 1.0]),
        mean=np.zeros(2),
        band=(np.zeros(2), np.zeros(2)),
    )

    cell = matching_text(found)
    assert (cell.main, cell.below) == ("< 1.67×", "to 2.40×")
    assert cell.long.startswith("proven at about 1.52×, ") and "falls below the margin at 1.90×" in cell.long
    assert "proven" not in matching_text(replace(found, proven=1.7)).long


@pytest.mark.parametrize("chance", [0.1, None])
def test_empty_layers_are_told_with_the_least_and_the_median_of_all_seeds(rows_of, shown, chance):
    task = rows_of.make_task(chance=chance)
    rows = rows_of.make_results(task, {"dense": [0.97], "imp": TOP, "rare": TOP, "whole": TOP}, seeds=5)
    emptied = {"imp": [4, 5, 6, 7, 8], "rare": [7, 9, 9, 9, 9], "whole": [9] * 5}  # the rung, by seed
    for row in rows:
        if row["kind"] == "ticket":
            layers = [row["kept"], 0] if row["rung"] >= emptied[row["method"]][row["seed"]] else [row["kept"] - 1, 1]
            row["kept_per_layer"] = [{"layer": f"{place}", "kept": kept} for place, kept in enumerate(layers)]
    page, _ = shown(rows, task)
    found = {line.name: line.matching for _, lines in page.groups for line in lines}

    assert found["imp"].notes[-1] == "empty layer from 7.72×, median 21.4×"
    assert found["imp"].long.endswith("a layer is empty from 7.72× on in some seed, 21.4× in the median")
    assert found["rare"].notes[-1] == "empty layer from 35.7×, median never"
    assert (found["imp"].main == "–") == (chance is None) == (found["whole"] is None)
    assert chance is None or not any("empty" in said for said in (*found["whole"].notes, found["whole"].long))


def test_methods_equal_in_every_seed_are_said_to_be_one(rows_of, shown):
    task = rows_of.make_task()
    rows = rows_of.make_results(task, {"dense": [0.97], "late": TOP, "other": under(0.01)}, seeds=6)
    rows += [row | {"method": name} for row in rows if row["method"] == "late" for name in ("rewind", "third")]
    page, _ = shown(rows, task)

    assert page.says[-1] == "late, rewind and third are equal in every seed here: one method 3 times."
    page, _ = shown([row for row in rows if row["method"] != "third"], task)
    assert page.says[-1] == "late and rewind are equal in every seed here: one method twice."
    page, _ = shown([row for row in rows if row["method"] not in ("third", "rewind")], task)
    assert not any("equal in every seed" in said for said in page.says)


def test_wins_of_a_sparsity_that_is_an_outcome_say_where_they_are_and_nothing_beyond(rows_of):
    task = rows_of.make_task()
    rows = rows_of.make_results(task, {"dense": [0.97], "imp": TOP, "threshold": TOP}, seeds=6, test_best=0.9)
    for row in rows:
        if row["method"] == "threshold":
            row["kept"] = int(row["prunable"] / (1.9 + 0.08 * row["rung"]))
    (board,) = boards(rows, {task.id: task})
    page = winning_page(board, (2, 4, 32), looks(dict.fromkeys(("imp", "threshold"), "")))
    found = {line.name: line for line in page.lines}

    last = found["threshold"].rates[-1]  # under 59.8×
    assert (last.notes[0], last.order, last.off) == ("at 2.54×", None, True)
    assert "at 1.98×" in found["threshold"].difficulty[0].notes  # the ladder's own rung there is 1.67×
    assert "at 1.98×" in found["threshold"].gains[0].notes
    assert found["threshold"].difficulty[1:] == [None, None] == found["threshold"].gains[1:]
    assert None not in found["imp"].difficulty
    cells = [*found["imp"].rates, *found["imp"].difficulty, *found["imp"].gains]
    assert not any(note.startswith("at ") for cell in cells for note in cell.notes)


def test_a_gain_says_over_how_many_seeds_it_is_where_a_dense_network_is_not_done(rows_of):
    task = rows_of.make_task()
    rows = rows_of.make_results(task, {"dense": [0.97], "imp": TOP}, seeds=6, test_best=0.9)

    def gain():
        (board,) = boards(rows, {task.id: task})
        return winning_page(board, (2,), looks({"imp": ""})).lines[0].gains[0]

    assert not any("seeds" in note for note in gain().notes)
    assert gain().long.startswith("all 6 seeds: ")
    rows[0] |= {"status": "collapsed", "reason": "one class"}
    assert gain().notes[0] == "5 of 6 seeds"
    assert gain().long.startswith("the 5 seeds whose dense network is done: ")


@pytest.mark.parametrize(
    ("networks", "said"),
    [(1, "it takes two dense networks"), (3, "luck of 3 networks: too few for a p")],
)
def test_luck_of_few_networks_is_held_against_nothing(rows_of, networks, said):
    task = rows_of.make_task()
    rows = rows_of.make_results(task, {"dense": [0.97], "imp": TOP}, seeds=networks, test_best=0.9)
    (board,) = boards(rows, {task.id: task})
    page = winning_page(board, (2,), looks({"imp": ""}))
    (line,) = page.lines

    assert (bool(page.luck), page.any_of, page.dense) == (networks > 1, "", networks)
    assert line.any_rung.main == "–" and line.any_rung.long.endswith(said)
    assert not line.rates[0].notes and line.rates[0].long.endswith(said)


@pytest.mark.parametrize(
    ("steps", "said"),
    [
        (lambda rung: 0, ""),
        (lambda rung: 80, "starts at step 80; its evaluations count from where its mask last changed"),
        (lambda rung: 80 * rung, "starts at steps 80 to 640; its evaluations count from where its mask last changed"),
    ],
)
def test_a_ticket_that_starts_late_is_said_not_to_come_before_its_step(rows_of, steps, said):
    task = rows_of.make_task()
    rows = rows_of.make_results(task, {"dense": [0.97], "imp": TOP}, seeds=6, test_best=0.9)
    for row in rows:
        if row["method"] == "imp":
            row["start_step"] = steps(row["rung"])
    (board,) = boards(rows, {task.id: task})
    (line,) = winning_page(board, (2,), looks({"imp": ""})).lines

    assert line.says == said


def test_costs_that_part_two_tickets_on_the_frontier_show(rows_of, shown):
    task = rows_of.make_task()
    rows = rows_of.make_results(task, {"dense": [0.97], "cheap": under(0.3), "dear": TOP}, seeds=6)
    for row in rows:
        row["search_examples"] = 800 * task.training.batch_size * {"dear": 0.04}.get(row["method"], 0)
    at = shown(rows, task)[0].frontier.at[-1]

    assert [(name, cost) for name, _, cost in at.on] == [("cheap", "1.00"), ("dear", "1.04")]


def test_a_rank_is_printed_with_its_interval_where_that_is_wider():
    assert [rank_text(Rank(2, 2, 2)), rank_text(Rank(2, 2, 5))] == ["2", "2 (2–5)"]
    assert rank_text(Rank(2, 2, 5), dash="--") == "2 (2--5)"


def test_p_values_are_printed_shortly():
    assert [p_text(p) for p in (None, 1e-9, 0.0123, 0.5)] == ["", "< 0.001", "0.012", "0.50"]


def test_no_winning_tickets_without_dense_networks(rows_of):
    task = rows_of.make_task()
    (board,) = boards(rows_of.make_results(task, {"a": TOP}, seeds=3), {task.id: task})

    assert winning_page(board, (2,), looks({"a": ""})) is None


def test_the_first_page_names_its_sets_and_what_keeps_them_from_a_ranking(built, read):
    text = " ".join(read(built.index).text.split())

    assert "Ranking over tasks" in text
    assert "Nothing can be ranked over this set yet: digits/conv: no rows" in text


def test_the_first_page_tells_controls_from_methods_that_are_a_null(built, read):
    text = " ".join(read(built.index).text.split())

    assert "A method that is itself a null, as imp-reinit or snip-shuffled, is ranked like any other." in text
    assert "Controls are never ranked" not in text
