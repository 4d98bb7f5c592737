"""How many processes are started where nobody says."""

import joblib

from ticketbench.cli.processes import cores, processes_for


def test_one_on_a_gpu_and_elsewhere_one_for_every_core_that_may_be_used(monkeypatch):
    """Affinity and the limit of a container are joblib's to read, and LOKY_MAX_CPU_COUNT where somebody says it."""
    monkeypatch.setattr(joblib, "cpu_count", lambda: 3)
    assert (cores(), processes_for("cpu"), processes_for("cuda:1")) == (3, 3, 1)
    monkeypatch.undo()
    monkeypatch.setenv("LOKY_MAX_CPU_COUNT", "1")
    assert cores() == 1
