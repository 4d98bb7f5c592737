"""Two sets of results of perplexity, BLEU or return held against each other."""

from math import exp, log

import numpy as np
import pytest

from ticketbench.errors import TicketbenchError
from ticketbench.report.compare.comparison import compare
from ticketbench.report.compare.text import text

LEVELS = {
    "perplexity": {"dense": [4.5], "imp": [4.5, 4.55], "one-shot": [4.55, 4.7]},
    "BLEU": {"dense": [31.0], "imp": [31.0, 30.0], "one-shot": [30.0, 28.0]},
    "return": {"dense": [-85.0], "imp": [-85.0, -95.0], "one-shot": [-92.0, -130.0]},
}


@pytest.fixture
def sides(measured, rows_of, tmp_path):
    """A function: BASE and NEW of a metric, the rows of NEW after `change(row)`, as `compare` has them."""

    def held(metric, change):
        rows = measured.rows(measured.task(metric), metric, LEVELS[metric])
        rng = np.random.default_rng(3)
        new = [change(dict(row), rng) for row in rows]
        base, other = (rows_of.write_results(tmp_path / name, each) for name, each in (("base", rows), ("new", new)))
        return compare(base, other)

    return held


def shifted(metric, by, only="imp"):
    """A row a little otherwise, and those of one method worse by so much on the scale of differences."""

    def change(row, rng):
        size = 0.1 * {"perplexity": 0.01, "BLEU": 0.3, "return": 4.0}[metric]
        worse = size * rng.normal() + (by if row["method"] == only else 0)
        if metric == "perplexity":
            nats = np.array(row["test_scores"]) + worse
            return row | {"test_scores": nats.tolist(), "test_final": float(np.exp(nats.mean()))}
        return row | {"test_final": row["test_final"] - worse}

    return change


@pytest.mark.parametrize(("metric", "by"), [("perplexity", 0.1), ("BLEU", 3.0), ("return", 40.0)])
def test_a_drop_is_found_in_the_unit_of_differences_and_a_gain_is_none(sides, metric, by):
    worse = sides(metric, shifted(metric, by))
    assert {each.method for each in worse.regressions} == {"imp"} and worse.warnings == ()
    (curve,) = [each for each in worse.tested if (each.method, each.rung) == ("imp", None)]
    assert curve.outcome.drop == pytest.approx(by, rel=0.05)
    assert sides(metric, shifted(metric, -by)).exit_code == 0


def test_scores_are_printed_as_perplexities_and_changes_in_nats(sides):
    said = text(sides("perplexity", shifted("perplexity", log(1.1))))
    assert "scores in perplexity, changes in nats." in said and "%" not in said.replace("95 %", "")
    (line,) = [each for each in said.splitlines() if each.startswith("imp, curve")]
    base, new, change = line.split()[2:5]
    assert float(base) == pytest.approx(exp(4.525), rel=0.02) and float(new) == pytest.approx(
        1.1 * float(base), rel=0.01
    )
    assert float(change.replace("−", "-")) == pytest.approx(-log(1.1), rel=0.05)


def test_scores_and_changes_of_a_return_have_their_sign(sides):
    said = text(sides("return", shifted("return", 40.0)))
    (line,) = [each for each in said.splitlines() if each.startswith("imp, curve")]
    base, new, change = (float(each.replace("−", "-")) for each in line.split()[2:5])
    assert "scores in return, changes in return." in said
    assert base == pytest.approx(-90, abs=5) and new - base == pytest.approx(change, abs=0.2) and change < -35


def test_test_scores_that_disagree_with_the_perplexity_are_a_warning(sides):
    def forged(row, rng):
        whole = (row["method"], row["rung"], row["seed"]) == ("imp", 1, 0)
        return row | {"test_final": 80.0} if whole else row

    (warning,) = sides("perplexity", forged).warnings
    assert warning.startswith("NEW: the test scores of mine/perplexity imp, seed 0, rung 1 disagree with its score: ")
    assert "its test_final is 80, whose logarithm is 4.38203" in warning


def diverged(row, rng):
    lost = dict.fromkeys(("test_final", "test_best", "test_scores"))
    return row | {"status": "diverged", "reason": "x"} | lost if (row["method"], row["rung"]) == ("imp", 2) else row


def test_a_network_that_diverged_counts_as_no_bleu_where_no_chance_is_known(sides):
    found = sides("BLEU", diverged)
    assert found.exit_code == 1
    (tested,) = [each for each in found.tested if (each.method, each.rung) == ("imp", 2)]
    assert tested.new == 0.0
    assert "counted as 0, the lowest there is: no chance value is known." in found.warnings[0]


@pytest.mark.parametrize("metric", ["perplexity", "return"])
def test_nothing_is_the_lowest_return_or_the_highest_perplexity(sides, metric):
    with pytest.raises(TicketbenchError, match=r"rung 2: diverged, .* --task FILE with scoring\.chance"):
        sides(metric, diverged)


def test_scores_under_another_signature_measure_different_things(sides):
    with pytest.raises(TicketbenchError, match="made with another metric_signature"):
        sides("BLEU", lambda row, rng: row | {"metric_signature": "nrefs:1|tok:none"})
