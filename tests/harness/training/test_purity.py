"""The bits of a training depend on nothing but its arguments; test data decides nothing."""

import json
import os
import subprocess
import sys
from dataclasses import replace

import numpy as np
import pytest
import torch

from ticketbench.data import splits
from ticketbench.harness.rows import quality_columns
from ticketbench.harness.training import Member, advance
from ticketbench.harness.workloads import vision
from ticketbench.harness.workloads.vision import Vision
from ticketbench.methods.state import derive

_ELSEWHERE = """
import json, sys
from pathlib import Path
import torch
from ticketbench.harness.rows import quality_columns
from ticketbench.harness.training import Member, advance
from ticketbench.harness.workloads.vision import Vision
from ticketbench.task import load_task

torch.rand(1000)
digests = {}
for network, path in json.loads(sys.argv[1]).items():
    work = Vision(load_task(Path(path)), torch.device("cpu"))
    (state,) = advance([Member(work.initial(2), 2, data_order=1)], 12, work)
    digests[network] = state.digest()
print(json.dumps(digests))
"""


@pytest.fixture
def meddled():
    """Everything global that a program may have set, set otherwise; put right afterwards."""
    before = (
        torch.get_num_threads(),
        torch.are_deterministic_algorithms_enabled(),
        torch.get_float32_matmul_precision(),
    )
    torch.set_num_threads(2)
    torch.use_deterministic_algorithms(False)
    torch.set_float32_matmul_precision("medium")
    torch.set_flush_denormal(False)
    torch.backends.cudnn.benchmark = True
    torch.manual_seed(99)
    np.random.seed(99)
    yield
    torch.set_num_threads(before[0])
    torch.use_deterministic_algorithms(before[1])
    torch.set_float32_matmul_precision(before[2])
    torch.backends.cudnn.benchmark = False


@pytest.mark.parametrize("network", ["mlp", "conv"])
def test_what_a_program_did_before_changes_no_bit(network, workload, assert_same, request):
    work = workload(network)
    member = Member(work.initial(2), 2)
    (first,) = advance([member], 12, work)
    request.getfixturevalue("meddled")
    assert (torch.full((8,), 1e-30) * 1e-10).all()
    (second,) = advance([member], 12, work)
    assert_same(first, second)
    assert torch.get_num_threads() == 1
    assert torch.are_deterministic_algorithms_enabled()
    assert not (torch.full((8,), 1e-30) * 1e-10).any()  # denormal numbers are zeros


def test_another_process_with_more_threads_computes_the_same_bits(workload, task_file):
    files = {network: str(task_file(network)) for network in ("mlp", "conv")}
    environment = os.environ | {"OMP_NUM_THREADS": "2", "MKL_NUM_THREADS": "2", "PYTHONHASHSEED": "5"}
    done = subprocess.run(
        [sys.executable, "-c", _ELSEWHERE, json.dumps(files)],
        env=environment, capture_output=True, text=True, check=True,
    )  # fmt: skip
    for network, digest in json.loads(done.stdout).items():
        work = workload(network)
        (state,) = advance([Member(work.initial(2), 2, data_order=1)], 12, work)
        assert state.digest() == digest


def test_members_are_the_same_alone_and_in_company(workload, random_mask, assert_same):
    work = workload("conv")
    dense = work.initial(0)
    masked = derive(dense, mask=random_mask(dense, 0.3))
    members = [
        Member(dense, 0),
        Member(masked, 0, freeze=("stem.weight",)),
        Member(dense, 1),
        Member(masked, 0, data_order=1),
    ]
    together = advance(members, 7, work)
    for member, state in zip(reversed(members), reversed(together), strict=True):
        assert_same(advance([member], 7, work)[0], state)
    assert len({state.digest() for state in together}) == 4


def test_what_goes_in_is_not_changed(workload, random_mask, assert_same):
    work = workload()
    (early,) = advance([Member(work.initial(0), 0)], 7, work)
    start = derive(early, mask=random_mask(early, 0.5), extra={"scale": torch.ones(2)})
    kept = start.digest()
    advance([Member(start, 0)], 24, work)
    assert start.digest() == kept


def test_a_seed_decides(workload):
    work = workload()
    state = work.initial(0)
    one, other, again = advance([Member(state, 0), Member(state, 1), Member(state, 0)], 7, work)
    assert one.digest() == again.digest() != other.digest()


def corrupted(found, part):
    """The splits with one of them wronged: the labels moved on by one, the images in another order."""
    split = getattr(found, part)
    inputs = split.inputs[torch.arange(len(split) - 1, -1, -1)]
    return replace(found, **{part: replace(split, inputs=inputs, targets=(split.targets + 1) % 10)})


def decided(state):
    """What a row says of a training but for what it says of the test set."""
    row = {
        name: value
        for name, value in quality_columns(state, Vision.one_answer).items()
        if not name.startswith("test_")
    }
    assert row["best_step"] is not None
    return row | {"curve": [{k: v for k, v in point.items() if not k.startswith("test")} for point in row["curve"]]}


@pytest.fixture
def trained(workload, monkeypatch):
    """A training, and the same with one split wronged."""

    def train(part):
        true = workload(optimizer='{ name = "adam", lr = 0.02 }')
        monkeypatch.setattr(vision, "splits", lambda spec: corrupted(splits(spec), part))
        wronged = Vision(true.task, torch.device("cpu"))
        return [advance([Member(work.initial(0), 0)], 24, work)[0] for work in (true, wronged)]

    return train


def test_test_data_changes_no_weight_and_no_choice(trained):
    one, other = trained("test")
    assert all(torch.equal(one.weights[name], other.weights[name]) for name in one.weights)
    assert decided(one) == decided(other)
    assert one.history.points[-1].test > 0.5 > other.history.points[-1].test  # the wrong was no small one
    assert one.history.test_correct != other.history.test_correct


def test_validation_data_changes_no_weight_and_no_test_score(trained):
    one, other = trained("validation")
    assert all(torch.equal(one.weights[name], other.weights[name]) for name in one.weights)
    assert [point.test for point in one.history.points] == [point.test for point in other.history.points]
    assert one.history.points[-1].validation > 0.5 > other.history.points[-1].validation
    assert (
        quality_columns(one, Vision.one_answer)["best_step"]
        == 24
        != quality_columns(other, Vision.one_answer)["best_step"]
    )
