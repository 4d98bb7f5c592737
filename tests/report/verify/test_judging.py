"""What recomputed rows come to by the numbers alone: nothing is computed again here."""

import pytest

from ticketbench.report.verify.holding import Held
from ticketbench.report.verify.verdict import judge


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
