"""Every method that comes with ticketbench holds what an author's must."""

from itertools import pairwise, product

import pytest

from ticketbench.methods import shipped_methods
from ticketbench.testing import CHECKS
from ticketbench.testing.trial import Trial

# round(N 0.6^r) in layers of 768 and 120 weights, and round(202 0.65^r) over all layers.
KEPT = {"digits/mlp": [533, 319, 192], "digits/conv": [131, 85]}


@pytest.mark.parametrize("name", sorted(shipped_methods()))
def test_a_shipped_method_conforms(name):
    trial = Trial(shipped_methods()[name])
    found = {check: look(trial) for check, look in CHECKS.items()}
    assert {check: finding.explanation for check, finding in found.items() if finding.status == "failed"} == {}
    assert found["counts"].status == found["determinism"].status == found["held_out_data"].status == "ok"
    for run in (trial.first, *trial.runs_elsewhere.values()):
        assert_kept(run, trial.method)


def assert_kept(run, method):
    """Found on any setting and trained on any, each rung has its ticket, which keeps what the method declares."""
    if method.needs and run.trouble.startswith("not applicable"):
        return
    for cell in product(run.task.setting_names, repeat=2):
        rows = [row for row in run.scored if (row["found_on"], row["trained_on"]) == cell]
        assert [row["rung"] for row in rows] == list(range(1, run.task.ladder.rounds + 1))
        kept = [row["kept"] for row in rows]
        match method.density:
            case "exact":
                assert kept == KEPT[run.task.id][: len(kept)]
            case "outcome":
                assert all(fewer < more for more, fewer in pairwise([rows[0]["prunable"], *kept])), kept
