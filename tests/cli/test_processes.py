"""How many processes are started where nobody says."""

import os

from ticketbench.cli.processes import cores, processes_for


def test_one_on_a_gpu_and_elsewhere_one_for_every_core_that_may_be_used(monkeypatch):
    monkeypatch.setattr(os, "sched_getaffinity", lambda process: {0, 3, 5}, raising=False)
    monkeypatch.setattr(os, "cpu_count", lambda: 64)
    assert (cores(), processes_for("cpu"), processes_for("cuda:1")) == (3, 3, 1)


def test_where_a_system_tells_no_affinity_all_cores_count(monkeypatch):
    monkeypatch.delattr(os, "sched_getaffinity", raising=False)
    monkeypatch.setattr(os, "cpu_count", lambda: 4)
    assert cores() == 4
