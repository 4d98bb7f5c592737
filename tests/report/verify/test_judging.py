"""What recomputed rows come to by the numbers alone: nothing is computed again here."""

from pathlib import Path

import pytest

from ticketbench.report.statistics.recomputing import LEVEL, Pair, distance, spread, spread_of_others
from ticketbench.report.verify.holding import Held
from ticketbench.report.verify.verdict import judge
from ticketbench.results import COMPARED, SCHEMA

GUIDE = Path(__file__).parents[3] / "docs/verify.md"


def test_the_guide_names_what_of_provenance_is_compared():
    provenance = SCHEMA.names[SCHEMA.names.index("suite_version") :]
    compared = " and ".join(f"`{name}`" for name in provenance if name in COMPARED)
    assert f"provenance, of which {compared} are compared" in " ".join(GUIDE.read_text("utf-8").split())


@pytest.mark.parametrize(("labels", "verdict"), [((0, 1), "within tolerance"), (None, "parted")])
def test_a_validation_score_under_labels_is_a_share_of_the_examples_that_have_them(rows_of, labels, verdict):
    """8 of 400 apart is 1.7 standard deviations; were they shares of the 5,000 before `labels`, it would be 5.9."""
    task = rows_of.make_task("mnist/lenet-300-100")
    data = task.data.model_copy(update={"labels": labels, "validation": 5000})
    task = task.model_copy(update={"data": data})

    def row(right, **said):
        curve = rows_of.make_curve([(0, 2.3, 2.3, 61 / 400, 2.3, 0.1), (50, 0.1, 0.1, right / 400, 0.1, 0.97)])
        said = {"test_examples": 10_000, "test_final": 0.97, "test_best": 0.97, "metric": "accuracy"} | said
        return rows_of.make_row(task, "imp", 1, 0, validation_final=right / 400, curve=curve, **said)

    published = row(388)
    held = Held(published, row(380), True, "within tolerance", ("validation_final", "curve"), ())
    assert judge([held], [published], {task.id: task}).verdict == verdict


def test_a_row_is_held_against_three_rungs_and_the_scores_that_do_not_rank_share_a_level(rows_of):
    """The protocol, 10.4. The rungs' seeds lie apart by very different spreads, so each of them is in the answer."""
    task = rows_of.make_task(column="test_final")
    before, own, after = [0.94, 0.96, 0.95], [0.92, 0.925, 0.915], [0.80, 0.90, 0.85]

    def row(rung, seed, score):
        return rows_of.make_row(task, "imp", rung, seed, test_final=score, test_best=score, test_examples=360)

    scores = zip((1, 2, 3), (before, own, after), strict=True)
    published = [row(rung, seed, score) for rung, found in scores for seed, score in enumerate(found)]
    (mine,) = [each for each in published if (each["rung"], each["seed"]) == (2, 0)]
    held = Held(mine, row(2, 0, 0.93), True, "within tolerance", ("test_final", "test_best"), ())
    found = judge([held], published, {task.id: task})
    spreads = spread(own, [before, after], own[0], 360), spread_of_others(own[1:], [before, after], own[0], 360)
    assert found.outcome.distances == (distance(Pair(own[0], 0.93, *spreads, seed=0)),)
    assert found.outcome.level == LEVEL
    assert {column: each.level for column, each in found.beside.items()} == {"test_best": LEVEL / 3}
