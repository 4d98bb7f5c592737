"""What is said of a change: planted drops, noise, statuses, margins, metrics of either direction."""

import html
from math import isclose, log

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ticketbench.report.compare.comparison import compare
from ticketbench.report.compare.junit import junit
from ticketbench.report.compare.markdown import markdown
from ticketbench.report.compare.text import text
from ticketbench.report.compare.words import capped
from ticketbench.report.statistics.gate import Statistic, outcomes
from ticketbench.report.statistics.normalising import margin
from ticketbench.results import write_rows

TASK = """
id = "mine/net"
version = 1
title = "Mine"
tier = "ci"
extends = "digits/mlp"
[scoring]
"""


def test_noise_is_no_regression_and_every_statistic_is_there(sides):
    both = sides()
    both.noise()
    found = both.found()
    assert found.exit_code == 0 and found.verdict in ("no worse", "not shown")
    assert len(found.tested) == 1 + 3 * (1 + 4) and all(each.outcome for each in found.tested)


def test_a_planted_drop_is_found_where_it_is(sides):
    both = sides()
    both.noise()
    both.drop(0.02, method="imp", rung=3)
    found = both.found()
    assert found.exit_code == 1 and {(each.method, each.rung) for each in found.regressions} >= {("imp", 3)}
    assert {each.method for each in found.regressions} == {"imp"}


def test_a_gain_is_no_regression(sides):
    both = sides()
    both.noise()
    both.drop(-0.2)
    assert both.found().verdict == "no worse"


def test_a_drop_within_the_margin_is_none_however_clear(sides):
    both = sides()
    both.noise(1e-5)
    both.drop(0.003)
    found = both.found()
    assert found.verdict == "no worse" and max(each.outcome.adjusted for each in found.tested) < 0.05


def test_its_numbers_are_those_of_the_gate_on_paired_differences(sides):
    both = sides()
    both.noise(0.004)
    found = {(each.method, each.rung): each for each in both.found().tested}
    base, new = ({(r["method"], r["rung"], r["seed"]): r for r in rows} for rows in (both.base, both.new))
    dense = [row["test_final"] for row in both.base if row["method"] == "dense"]
    allowed = margin(dense, 44 / 360, None)

    def differences(method, rung):
        return np.array([new[method, rung, s]["test_final"] - base[method, rung, s]["test_final"] for s in range(5)])

    statistics = {("dense", 0): Statistic(differences("dense", 0), "dense", allowed)}
    for method in ("imp", "one-shot", "random-layer"):
        rungs = [differences(method, rung) for rung in (1, 2, 3, 4)]
        statistics[method, None] = Statistic(np.mean(rungs, axis=0), "curve", allowed)
        statistics |= {(method, r): Statistic(each, r, allowed) for r, each in enumerate(rungs, 1)}
    for key, expected in zip(statistics, outcomes([*statistics.values()]), strict=True):
        ours = found[key].outcome
        assert isclose(ours.t, expected.t, rel_tol=1e-9) and isclose(ours.adjusted, expected.adjusted, rel_tol=1e-9)
        assert (ours.nu, ours.df) == (expected.nu, expected.df) == ((0, 4) if key[1] == 0 else (2, 6))
        assert isclose(ours.margin, allowed)


def test_the_dense_network_is_a_cell_of_its_own(sides):
    both = sides()
    both.noise()
    both.drop(0.05, kind="dense")
    assert {each.method for each in both.found().regressions} == {"dense"}


def test_a_row_that_failed_where_base_is_done_is_a_regression(sides):
    both = sides()
    both.change(
        lambda row: row | {"status": "failed", "reason": "it raised", "test_final": None},
        method="imp",
        rung=4,
        seed=2,
    )
    found = both.found()
    assert found.exit_code == 1 and not found.regressions
    assert found.failed == ("digits/mlp imp, seed 2, rung 4: it raised",)


def test_what_failed_in_both_is_equal_whatever_chance_is(sides):
    both = sides()
    for side in ("base", "new"):
        both.change(lambda r: r | {"status": "failed", "test_final": None}, side=side, method="imp", rung=4, seed=2)
    both.drop(-0.001, method="one-shot", rung=1, seed=0)
    found = both.found()
    assert (found.exit_code, found.failed, found.warnings) == (0, (), ())
    assert all(each.outcome is None for each in found.tested if each.method == "imp")


def test_what_newly_collapsed_or_diverged_counts_and_is_a_warning(sides, rows_of):
    both = sides(task="mine/net")
    both.change(lambda r: r | {"status": "diverged", "test_final": None}, method="imp", rung=3)
    both.change(lambda r: r | {"status": "collapsed", "test_final": 0.13}, method="one-shot", rung=4, seed=1)
    found = both.found()
    assert ("imp", 3) in {(each.method, each.rung) for each in found.regressions}
    (diverged,) = [each for each in found.tested if (each.method, each.rung) == ("imp", 3)]
    assert diverged.new == 0.0  # chance is not known, and it is the lowest accuracy there is
    assert found.warnings == (
        "mine/net imp, rung 3: diverged in NEW with seeds 0–4, counted as 0 %, the lowest there is: no chance "
        "value is known.",
        "mine/net one-shot, rung 4: collapsed in NEW with seed 1, counted as 13 %.",
    )


def test_what_newly_diverged_is_told_apart_by_its_settings(sides):
    both = sides()
    for side in ("base", "new"):
        rows = getattr(both, side)
        setattr(both, side, [row | {"found_on": "s1", "trained_on": on} for on in ("s1", "s2") for row in rows])
    both.change(lambda r: r | {"status": "diverged", "test_final": None}, method="imp", rung=3)
    both.change(lambda r: r | {"status": "failed", "test_final": None}, method="imp", rung=4, seed=2)
    found = both.found()
    assert [each.partition(":")[0] for each in capped(found.warnings)] == [
        "digits/mlp imp, rung 3, on s1",
        "digits/mlp imp, rung 3, s1 to s2",
    ]
    assert [each.partition(":")[0] for each in found.failed] == [
        "digits/mlp imp, seed 2, rung 4, on s1",
        "digits/mlp imp, seed 2, rung 4, s1 to s2",
    ]


@pytest.mark.parametrize("metric", ["accuracy", "perplexity"])  # of the latter, no chance value is known
def test_of_a_control_that_newly_diverged_nothing_is_said_to_count(sides, metric):
    both = sides(task="mine/net", metric=metric, higher_is_better=metric == "accuracy")
    for side in ("base", "new"):
        rows = getattr(both, side)
        rows += [row | {"kind": "control", "label": "shuffled"} for row in rows if row["method"] == "imp"]
    both.change(lambda r: r | {"status": "diverged", "test_final": None}, kind="control", rung=3)
    assert both.found().warnings == ("mine/net imp control shuffled, rung 3: diverged in NEW with seeds 0–4.",)


def test_bits_that_disagree_with_the_score_are_a_warning(sides, rows_of):
    both = sides()
    both.change(lambda row: rows_of.with_bits(row, np.arange(360) < 340), method="imp", rung=1, seed=0)
    both.change(lambda row: row | {"test_final": 0.9}, method="imp", rung=1, seed=0)
    found = both.found()
    assert found.warnings == (
        "NEW: the bits of digits/mlp imp, seed 0, rung 1 disagree with its score: its bits say that 340 of 360 "
        "test examples were right, its test_final is 0.9. `ticketbench verify` refuses such a row.",
    )


def test_the_margin_is_the_tasks_own_or_the_default_from_bases_dense_networks(sides, tmp_path):
    both = sides(task="mine/net")
    both.noise()
    dense = [row["test_final"] for row in both.base if row["method"] == "dense"]
    mean = float(np.mean(dense))
    both.drop(0.3, kind="dense")  # NEW's do not count
    for said, expected, told in (
        ("chance = 0.1", margin(dense, 0.1, None), "from 5 dense networks of BASE and chance, 0.1, as FILE says"),
        (
            "chance = 0.1\nmargin = 0.02",
            0.02 * (mean - 0.1),
            "the task's own, 0.02 of the way from dense to chance, 0.1",
        ),
        (
            None,
            margin(dense, 0.0, None),
            "the default, from 5 dense networks of BASE and 0, for no chance value is known",
        ),
    ):
        file = tmp_path / "mine.toml"
        file.write_text(TASK + (said or ""))
        found = both.found(files=[file] if said else [])
        assert all(isclose(each.outcome.margin, expected) for each in found.tested)
        (note,) = [note for note in found.notes if note.startswith("Margin of mine/net: ")]
        assert told.replace("FILE", str(file)) in note and f"net: {100 * expected:.2f} points, " in note


@pytest.mark.parametrize(("share", "wide"), [(0.1, False), (0.11, True), (0.99, True)])
def test_a_declared_margin_that_is_no_noise_is_warned_of_in_every_format(sides, tmp_path, share, wide):
    both = sides(task="mine/net")
    both.noise(1e-4)
    both.drop(0.3)
    file = tmp_path / "mine.toml"
    file.write_text(TASK + f"chance = 0.1\nmargin = {share}")
    found = both.found(files=[file])
    assert found.exit_code == (share < 0.5)
    told = [each for each in found.warnings if each.startswith("The margin of mine/net is wide: ")]
    assert len(told) == wide and all(f"{share} of the way from dense to chance" in each for each in told)
    for written in (text, markdown, junit):
        said = html.unescape(written(found))
        assert ("Beware of a wide margin" in said) == ("The margin of mine/net is wide" in said) == wide


def test_a_shipped_task_gives_its_chance_value_to_rows_of_its_digest(sides, rows_of):
    from ticketbench.task import load_task, shipped_tasks

    task = load_task(shipped_tasks()["digits/mlp"])
    both = sides(of=task)
    both.noise()
    found = both.found()
    dense = [row["test_final"] for row in both.base if row["method"] == "dense"]
    assert all(isclose(each.outcome.margin, margin(dense, task.scoring.chance, None)) for each in found.tested)


def test_a_task_file_may_say_that_the_best_step_counts(sides, tmp_path):
    both = sides(task="mine/net")
    both.change(lambda row: row | {"test_best": row["test_best"] - 0.05}, method="imp")
    file = tmp_path / "mine.toml"
    file.write_text(TASK + 'primary = "best"')
    assert both.found().exit_code == 0
    found = both.found(files=[file])
    assert {each.method for each in found.regressions} == {"imp"}
    assert any(note.endswith("its scores are those of the best step.") for note in found.notes)


def test_a_task_file_of_no_rows_is_refused(sides, tmp_path):
    from ticketbench.errors import TicketbenchError

    file = tmp_path / "mine.toml"
    file.write_text(TASK)
    with pytest.raises(TicketbenchError, match=r"is mine/net \(version 1\), which has no rows"):
        sides().found(files=[file])


def test_without_dense_networks_any_significant_drop_counts(sides):
    both = sides()
    both.base = [row for row in both.base if row["method"] != "dense"]
    both.noise(1e-5)
    both.drop(0.001)
    found = both.found()
    assert found.exit_code == 1 and all(each.outcome.margin == 0 for each in found.tested)
    assert "Margin of digits/mlp: BASE has no dense networks here, so any drop that is significant counts." in (
        found.notes
    )


def test_perplexity_is_better_lower_and_compared_as_its_logarithm(sides):
    worse, better = (sides(task="mine/net", metric="perplexity", higher_is_better=False) for _ in range(2))
    for both, factor in ((worse, 1.1), (better, 0.9)):
        for side in ("base", "new"):
            both.change(lambda row: row | {"test_final": 80 + 100 * row["test_final"]}, side=side)
        both.noise(0.1)
        both.change(lambda row, by=factor: row | {"test_final": by * row["test_final"]}, method="imp")
    found = worse.found()
    assert {each.method for each in found.regressions} == {"imp"}
    (curve,) = [each for each in found.tested if (each.method, each.rung) == ("imp", None)]
    assert isclose(curve.outcome.drop, log(1.1), rel_tol=0.01) and log(160) < curve.base < curve.new
    assert better.found().exit_code == 0


def test_a_diverged_network_needs_a_chance_value_where_no_score_is_the_lowest(sides):
    from ticketbench.errors import TicketbenchError

    both = sides(task="mine/net", metric="perplexity", higher_is_better=False)
    both.change(lambda row: row | {"status": "diverged", "test_final": None}, method="imp", rung=1, seed=0)
    with pytest.raises(TicketbenchError, match=r"seed 0, rung 1: diverged, .* --task FILE with scoring\.chance"):
        both.found()


def test_every_pair_of_settings_is_tested_by_itself(sides):
    both = sides()
    for side in ("base", "new"):
        rows = getattr(both, side)
        matrix = [
            row | {"found_on": a, "trained_on": b}
            for a in ("s1", "s2")
            for b in ("s1", "s2")
            for row in rows
            if row["kind"] != "dense" or a == b
        ]
        setattr(both, side, matrix)
    both.noise()
    both.change(lambda r: r | {"test_final": r["test_final"] - 0.05}, method="imp", found_on="s1", trained_on="s2")
    found = both.found()
    assert len(found.tested) == 2 + 4 * 3 * 5
    assert {(each.setting, each.method) for each in found.regressions} == {("s1 to s2", "imp")}
    # Of five seeds: a dense network stands alone in its pool, a method's rung with those of the two others.
    borrowed = {(each.method == "dense", each.outcome.nu, each.outcome.df) for each in found.tested}
    assert borrowed == {(True, 0, 4), (False, 2, 6)}


def test_controls_are_paired_and_not_tested_but_may_not_fail(sides):
    both = sides()
    for side in ("base", "new"):
        rows = getattr(both, side)
        rows += [row | {"kind": "control", "label": "shuffled"} for row in rows if row["method"] == "imp"]
    both.drop(0.2, kind="control")
    found = both.found()
    assert found.exit_code == 0 and all(each.outcome is None for each in found.tested)
    assert "20 controls and probes are paired and not tested; 0 of them are identical." in found.notes
    both.change(lambda r: r | {"test_final": 0.12}, kind="control", seed=3, rung=2)
    (most,) = [note for note in both.found().notes if note.startswith("The largest change of a control or probe")]
    key = ("control", 3, 2)
    (was,) = [row["test_final"] for row in both.base if (row["kind"], row["seed"], row["rung"]) == key]
    assert most.endswith(f" is −{100 * (was - 0.12):.2f} points, digits/mlp imp control shuffled, seed 3, rung 2.")
    both.change(lambda r: r | {"status": "failed", "reason": "x"}, kind="control", seed=0, rung=1)
    assert both.found().exit_code == 1


def test_what_the_makers_differ_in_is_noted(sides):
    both = sides()
    changed = {"packages": [{"name": "torch", "version": "2.12.0"}], "network_digest": "3" * 64, "threads": 7}
    both.change(lambda row: row | changed)
    notes = both.found().notes
    assert "Packages: torch 2.11.0, numpy 2.4.0 in BASE, torch 2.12.0 in NEW." in notes
    assert "The network's file is not the same." in notes
    assert f"Threads of a training: {both.base[0]['threads']} in BASE, 7 in NEW." in notes


def test_other_columns_that_differ_are_named_in_identical_rows_and_a_dearer_search_is_a_warning(sides):
    both = sides(search_examples=1000, kept=50, best_step=10, carried=False)
    both.change(lambda row: row | {"search_examples": 1500, "carried": True}, method="imp")
    both.change(lambda row: row | {"kept": 51, "best_step": 20, "early_losses": [0.5]}, method="one-shot", seed=2)
    found = both.found()
    assert found.verdict == "identical" and "No regression: scores, masks and curves identical in all" in text(found)
    (note,) = [each for each in found.notes if each.startswith("Not tested, and not the same: ")]
    for said in ("kept in 4 rows", "carried in 20 rows", "best_step in 4 rows", "early_losses in 4 rows"):
        assert said in note
    assert "search_examples in 20 rows (1.5 times BASE's there)" in note
    assert found.warnings == ("Searches became dearer: search_examples is 1.5 times BASE's, over 20 rows.",)
    both.change(lambda row: row | {"search_examples": 500, "test_final": 0.9}, method="imp")
    found = both.found()
    assert not any("dearer" in each for each in found.warnings)
    assert any("search_examples in 20 rows (0.5 times" in each for each in found.notes)


def test_of_rows_whose_scores_differ_nothing_is_listed_that_follows_from_it(sides):
    both = sides(best_step=10)
    both.noise()
    both.change(lambda row: row | {"best_step": 20})
    assert not any("best_step" in note for note in both.found().notes)


@given(random=st.randoms(use_true_random=False))
@settings(max_examples=8, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_neither_the_order_of_rows_nor_the_files_they_lie_in_change_anything(sides, tmp_path, random):
    both = sides()
    both.noise(0.004)
    both.drop(0.02, method="imp")
    expected = both.found()
    shuffled = []
    for name, rows in (("one", list(both.base)), ("two", list(both.new))):
        random.shuffle(rows)
        cut = random.randrange(1, len(rows))
        folder = tmp_path / f"{name}-{random.randrange(10**9)}"
        write_rows(folder / "z.parquet", rows[:cut])
        write_rows(folder / "deep/er/a.parquet", rows[cut:])
        shuffled.append(folder)
    assert compare(*shuffled) == expected
