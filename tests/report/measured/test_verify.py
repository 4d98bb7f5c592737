"""Rows of perplexity, BLEU and return that were computed again elsewhere, however few seeds are published."""

import re
from math import exp, log

import numpy as np
import pytest

from ticketbench.report.statistics.recomputing import Drawn, of_items, of_share, spread
from ticketbench.report.verify.holding import Held
from ticketbench.report.verify.text import summary
from ticketbench.report.verify.verdict import judge

SHIFT = {"perplexity": 0.4, "BLEU": 12.0, "return": 40.0}  # that no rounding brings about


def moved(row, metric, by):
    """The row as another machine has it: so much more on the scale."""
    if metric != "perplexity":
        values = {name: row[name] + by for name in ("test_final", "test_best", "validation_final", "validation_best")}
        return row | values
    names = ("test_final", "test_best", "validation_final", "validation_best")
    scores = [each + by for each in row["test_scores"] or ()] or None
    return row | {name: row[name] * exp(by) for name in names} | {"test_scores": scores}


@pytest.fixture
def judged(measured):
    """`judged(metric, seeds, by)`: the rows of a method's first rungs, as they come out by so much elsewhere."""

    def made(metric, seeds, by, **changes):
        task = measured.task(metric)
        rows = [
            row | changes for row in measured.rows(task, metric, {"imp": measured.levels[metric]["imp"][:3]}, seeds)
        ]
        rng = np.random.default_rng(5)
        fields = ("test_final", "test_best")
        held = [
            Held(
                row,
                moved(row, metric, by + 0.2 * measured.noise[metric] * rng.normal()),
                True,
                "within tolerance",
                fields,
                (),
            )
            for row in rows
        ]
        return judge(held, rows, {task.id: task})

    return made


@pytest.mark.parametrize("metric", ["perplexity", "BLEU", "return"])
@pytest.mark.parametrize("seeds", [1, 2, 3, 6])
def test_rounding_is_within_tolerance_and_a_shift_is_parted_however_few_the_seeds(judged, metric, seeds):
    good, bad = judged(metric, seeds, 0.0), judged(metric, seeds, SHIFT[metric])
    assert (good.verdict, good.tested, good.alone) == ("within tolerance", 3 * seeds, 0)
    assert bad.verdict == "parted" and bad.outcome.parted


def test_differences_are_told_in_the_unit_of_the_scale(judged):
    said = "\n".join(summary(judged("perplexity", 6, 0.4)))
    assert re.search(r"they come out \+0\.(39|40)\d\d nats here on average", said)
    assert re.search(r"test_final \+0\.\d{4} nats here, too far for the spread of its seeds", said) is None
    assert "nats too high or too low" in "\n".join(summary(judged("perplexity", 6, 0.0)))
    assert "BLEU here on average" in "\n".join(summary(judged("BLEU", 6, 0.0)))


@pytest.mark.parametrize("metric", ["perplexity", "BLEU", "return"])
def test_a_score_that_nothing_can_be_held_against_is_said_to_be_so(judged, metric):
    found = judged(metric, 2, 0.0, test_scores=None)
    assert (found.verdict, found.tested, found.alone) == ("within tolerance", 0, 6)
    assert (
        "6 rows were made elsewhere with another score, which is held against nothing: fewer than 3 seeds of it are "
        "published, and nothing tells its test items." in summary(found)
    )


@pytest.mark.parametrize("metric", ["BLEU", "return"])
@pytest.mark.parametrize("seeds", [2, 6])
def test_wild_test_scores_of_a_file_widen_nothing(measured, metric, seeds):
    task = measured.task(metric)
    rows = measured.rows(task, metric, {"imp": measured.levels[metric]["imp"][:3]}, seeds)
    forged = [moved(row, metric, -SHIFT[metric]) | {"test_scores": [0.0, 100.0] * 30} for row in rows]
    if metric == "return":
        forged = [row | {"test_scores": [-1e6, 1e6] * 30} for row in forged]
    held = [
        Held(bad, row, True, "within tolerance", ("test_final",), ()) for bad, row in zip(forged, rows, strict=True)
    ]
    assert judge(held, forged, {task.id: task}).verdict == "parted"


def test_a_solved_game_may_come_out_a_little_less_than_solved(measured):
    """All seeds of 500 have no variance; one game of many that ended early is still no forgery."""
    task = measured.task("return", chance=20.0)
    score = {"test_final": 500.0, "test_best": 500.0, "validation_final": 500.0, "validation_best": 500.0}
    rows = [row | score | {"test_scores": [500.0] * 60} for row in measured.rows(task, "return", {"imp": [500.0]})]
    games = {"test_scores": [500.0] * 59 + [440.0], "test_final": 499.0}
    held = [Held(row, row | games, True, "within tolerance", ("test_final",), ()) for row in rows[:1]]
    assert judge(held, rows, {task.id: task}).verdict == "within tolerance"


def test_the_spread_of_few_seeds_comes_of_test_items():
    nats = np.array([4.0, 4.5, 5.0, 4.4, 4.6])
    drawn = of_items(nats)
    assert (drawn.variance, drawn.step) == (pytest.approx(nats.var(ddof=1) / 5), pytest.approx(0.2))
    assert spread([4.5], [], 4.5, drawn).variance == pytest.approx(max(drawn.variance, drawn.step**2))
    assert spread([0.8], [], 0.8, 1000) == spread([0.8], [], 0.8, of_share(0.8, 1000))
    assert of_items([4.0]) == of_items([4.0, float("nan")]) == Drawn(None, 0.0)
    with pytest.raises(ValueError, match="expected 3 seeds, or test items"):
        spread([4.5, 4.6], [], 4.5, of_items([]))
    assert spread([log(80)] * 3, [], log(80), Drawn(None, 0.0)).variance > 0
