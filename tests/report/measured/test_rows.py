"""What is wrong with one row of perplexity, BLEU or return can be seen without training."""

import numpy as np
import pytest

from ticketbench.report.submission.rows import row_problems


@pytest.fixture
def whole(rows_of, measured):
    """`whole(metric)`: a row with all that its status needs."""

    def make(metric):
        (row,) = measured.rows(measured.task(metric), metric, {"imp": measured.levels[metric]["imp"][:1]}, 1)
        final = row["test_final"]
        before = final * 2 if metric == "perplexity" else final / 2
        points = [(0, None, 2.0, before, 2.0, before), (800, 0.5, 1.0, final, 1.0, final)]
        return row | {
            "mask_digest": "a" * 64,
            "kept_per_layer": [{"layer": "hidden1.weight", "kept": row["kept"], "prunable": row["prunable"]}],
            "curve": rows_of.make_curve(points),
            "test_best": final,
            "validation_final": final,
            "validation_best": final,
            "loss_validation_best": 1.0,
            "best_step": 800,
            "optimizer_state": "fresh",
            "carried": False,
            "edited": False,
            "path_length": 1.0,
            "distance_moved": 1.0,
            "early_losses": [2.0, 1.5],
        }

    return make


def scored(row, value):
    """The row with this score in every column that says it."""
    names = ("test_final", "test_best", "validation_final", "validation_best")
    last = row["curve"][-1] | {"validation": value, "test": value}
    return row | dict.fromkeys(names, value) | {"curve": [row["curve"][0], last]}


@pytest.mark.parametrize("metric", ["perplexity", "BLEU", "return"])
def test_a_sound_row_has_no_problems(whole, metric):
    row = whole(metric)
    assert list(row_problems(row)) == []
    if metric != "perplexity":  # what stands beside a score need not be there
        assert list(row_problems(row | {"test_scores": None})) == []


def test_a_sentence_that_is_translated_perfectly_scores_what_sacrebleu_says(whole):
    row = whole("BLEU")
    assert list(row_problems(row | {"test_scores": [100.00000000000004, 20.0]})) == []


@pytest.mark.parametrize(
    ("metric", "change", "said"),
    [
        ("perplexity", lambda row: scored(row, 0.5), "expected perplexities 1 or more"),
        ("perplexity", lambda row: scored(row, 100.0), "expected test_scores that fit: the mean of its"),
        ("perplexity", lambda row: row | {"test_scores": None}, "expected test_scores, the nats of 2 or more"),
        ("perplexity", lambda row: row | {"test_scores": [4.5]}, "expected test_scores, the nats of 2 or more"),
        ("perplexity", lambda row: row | {"higher_is_better": True}, "expected higher_is_better to be False, got"),
        ("perplexity", lambda row: row | {"test_correct": b"\xff"}, "expected no test_correct of perplexity"),
        ("BLEU", lambda row: scored(row, 104.0), "expected BLEU between 0 and 100"),
        ("BLEU", lambda row: scored(row, -1.0), "expected BLEU between 0 and 100"),
        ("BLEU", lambda row: row | {"test_scores": [101.0, 20.0]}, "expected test_scores between 0 and 100"),
        ("BLEU", lambda row: row | {"higher_is_better": False}, "expected higher_is_better to be True, got"),
        ("return", lambda row: scored(row, float("inf")), "expected scores, since its status is done"),
        ("return", lambda row: row | {"test_scores": [1.0, float("nan")]}, "expected test_scores finite"),
        ("return", lambda row: row | {"metric": "reward"}, "expected metric to be one of accuracy, perplexity, BLEU, return"),  # noqa: E501
    ],
)  # fmt: skip
def test_a_row_that_cannot_be_is_told(whole, metric, change, said):
    assert any(line.startswith(said) for line in row_problems(change(whole(metric))))


def test_a_curve_is_held_to_what_its_metric_can_be(whole):
    row = whole("perplexity")
    row["curve"][0]["validation"] = 0.2
    assert list(row_problems(row)) == ["expected perplexities 1 or more throughout the curve"]


@pytest.mark.parametrize("metric", ["perplexity", "BLEU", "return"])
def test_a_row_that_diverged_has_no_score_and_may_have_no_numbers(whole, metric):
    row = whole(metric)
    columns = ("test_final", "test_best", "validation_final", "validation_best", "best_step", "loss_validation_best")
    row |= dict.fromkeys((*columns, "test_scores")) | {"status": "diverged", "reason": "the loss was not finite"}
    row["curve"][-1] |= dict.fromkeys(("validation_loss", "test_loss", "validation", "test"), float("nan"))
    assert list(row_problems(row)) == []
    told = row_problems(row | {"test_scores": np.ones(3).tolist()})
    assert list(told) == ["expected no scores, since its status is diverged"]
