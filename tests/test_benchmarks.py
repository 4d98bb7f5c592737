"""The benchmarks run, at the smallest size, and tell what they measured; no time is asserted."""

import os
import re
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest
import torch

from ticketbench.results import read_rows

ROOT = Path(__file__).parents[1]
TINY = """id = "tiny/task"
version = 1
title = "The smallest task"
tier = "smoke"
extends = "digits/mlp"
[training]
steps = 4
evaluate_every = 2
rewind_step = 1
[ladder]
rounds = 2
"""


@pytest.fixture
def tiny(tmp_path):
    """A task of a few steps: the path of its file."""
    path = tmp_path / "tiny.toml"
    path.write_text(TINY)
    return str(path)


def script(name, *arguments, code=0, **environment):
    """What a benchmark prints."""
    command = [sys.executable, str(ROOT / "benchmarks" / name), *map(str, arguments)]
    done = subprocess.run(command, capture_output=True, text=True, check=False, env={**os.environ, **environment})
    assert done.returncode == code, done.stdout + done.stderr
    return done.stdout + done.stderr


def cells(printed, first):
    """The cells of the table's row that begins with `first`."""
    (row,) = [line for line in printed.splitlines() if line.startswith(f"| {first} ")]
    return [cell.strip() for cell in row.strip("|").split("|")]


def test_every_benchmark_explains_itself():
    names = ["engine.py", "processes.py", "scoring.py", "sharing.py", "merging.py", "accelerator.py", "device"]
    code = (
        "import contextlib, runpy, sys\n"
        "sys.path.insert(0, sys.argv[1])\n"
        "for name in sys.argv[2:]:\n"
        "    sys.argv = [name, '--help']\n"
        "    with contextlib.suppress(SystemExit):\n"
        "        runpy.run_path(f'{sys.path[0]}/{name}', run_name='__main__')\n"
    )
    command = [sys.executable, "-c", code, str(ROOT / "benchmarks"), *names]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert [line.split()[1].rpartition("/")[2] for line in done.stdout.splitlines() if line[:6] == "usage:"] == names


def test_the_engine_a_bare_loop_and_a_per_example_loader_train_alike():
    printed = script("engine.py", "--synthetic", "--steps", 3, "--rounds", 1)
    assert "random examples of the shape of mnist" in printed
    for name in ("engine", "bare loop", "per-example loader"):
        assert cells(printed, name)[-1] == "yes", printed
    assert re.search(r"engine / bare loop: \d", printed)


def test_where_the_data_set_is_missing_random_examples_stand_in(tmp_path):
    (tmp_path / "empty").mkdir()
    missing = {"TICKETBENCH_DATA": str(tmp_path / "empty"), "XDG_CACHE_HOME": str(tmp_path), "HF_HUB_OFFLINE": "1"}
    printed = script(
        "accelerator.py", "--device", "cpu", "--task", "mnist/lenet-300-100", "--steps", 2, "--rounds", 1, **missing
    )
    assert "Random examples of its shape stand in" in printed
    assert cells(printed, "mnist/lenet-300-100")[1] == "cpu"


def test_two_processes_are_held_against_one(tiny):
    printed = script(
        "processes.py", "--task", tiny, "--method", "one-shot", "--seeds", 1, "--processes", 2, "--rounds", 1
    )
    assert cells(printed, "1 process")[-1] == "1.00"
    assert re.match(r"\d", cells(printed, "2 processes")[-1])


def test_sharing_counts_what_was_asked_for_and_what_was_run(tiny):
    """imp-reinit's masks are imp's, and their first rung's mask comes from the dense network that both ask for."""
    printed = script("sharing.py", "--task", tiny, "--method", "imp*")
    assert cells(printed, "dense")[:-1] == ["dense", "1", "1", "1", "4", "4"]
    assert cells(printed, "imp")[:-1] == ["imp", "2", "3", "2", "12", "8"]
    assert cells(printed, "imp-reinit")[:-1] == ["imp-reinit", "2", "4", "2", "16", "8"]
    for name in ("dense", "imp", "imp-reinit"):  # a checkpoint of 12,110 parameters and their two slots is 142 KiB
        assert 142 < int(cells(printed, name)[-1].replace(",", "")) < 1000
    total = re.search(r"asked for / run: (\S+) trainings, (\S+) steps", printed)
    counted = [int(cell) for cell in cells(printed, "all")[1:-1]]
    assert total
    assert total.groups() == (f"{counted[1] / counted[2]:.2f}", f"{counted[3] / counted[4]:.2f}")


@pytest.mark.parametrize("order", [(), ("--unordered",)])
def test_rows_are_merged_and_read_and_their_memory_told(order):
    printed = script("merging.py", "--rows", 2000, "--files", 3, *order)
    assert cells(printed, "made")[1] == "2,200"
    assert cells(printed, "merged into one file")[1] == cells(printed, "read and checked")[1] == "2,000"
    assert 50 < int(cells(printed, "merged into one file")[-1].replace(",", "")) < 4096


def test_scoring_is_held_against_an_epoch_and_tells_updates_and_what_a_loss_of_its_own_costs():
    methods = ("snip", "early-bird", "gradual", "rigl", "set", "edge-popup")
    named = [word for each in methods for word in ("--method", each)]
    printed = script("scoring.py", "--subject", "LeNet-5", *named, "--rounds", 1)
    assert re.search(r"LeNet-5 at batches of 60: an epoch of 55,000 examples takes \d", printed)
    assert re.match(r"0\.\d{3}", cells(printed, "snip")[-1])
    assert cells(printed, "early-bird")[-1] == "not applicable"
    made = dict(re.findall(r"LeNet-5: (\S+) .*; (\d) updates\)", printed))
    assert made == {"gradual": "3", "rigl": "5", "set": "7"}  # of trainings of 8 steps
    table = printed.partition("a step under its own loss")[2]
    assert re.findall(r"^\| (\S+) +\| \d+\.\d\d +\|", table, re.MULTILINE) == ["edge-popup"]


@pytest.mark.skipif(torch.cuda.is_available(), reason="CUDA is here")
@pytest.mark.parametrize("name", ["device", "accelerator.py"])
def test_without_cuda_it_says_so(name, tmp_path):
    assert "no CUDA" in script(name, "--out", tmp_path / "out", code=3)
    assert not (tmp_path / "out").exists()


def rehearsal(tmp_path, tasks, *arguments, code=0):
    queue = tmp_path / "queue.toml"
    run = '[[run]]\narguments = ["{}", "--method", "one-shot", "--seeds", "1", "--jobs", "1"]\n'
    queue.write_text("".join(run.format(task) for task in tasks))
    places = ("--out", tmp_path / "out", "--work", tmp_path / "work", "--queue", queue)
    return script("device", "--rehearse", "--only", "queue", *places, *arguments, code=code)


def results(tmp_path):
    """Row counts in the archive of results, by path."""
    with zipfile.ZipFile(tmp_path / "out" / "results-rehearsal.zip") as packed:
        packed.extractall(tmp_path / "unpacked")
    found = (tmp_path / "unpacked").rglob("*.parquet")
    return {path.relative_to(tmp_path / "unpacked").as_posix(): len(read_rows(path)) for path in found}


def test_queued_results_are_saved_at_once_gone_on_from_and_ended_in_time(tiny, tmp_path):
    printed = rehearsal(tmp_path, ["no/such-task", tiny], code=1)
    assert re.search(r"\| failed \(exit 2\) \| \d+ \| ticketbench: Unknown task", printed)
    assert "| done |" in printed
    made = {"rehearsal/tiny/task/dense.parquet": 1, "rehearsal/tiny/task/one-shot.parquet": 2}
    assert results(tmp_path) == made

    long = tmp_path / "long.toml"
    long.write_text(TINY.replace("tiny/task", "tiny/long").replace("steps = 4", "steps = 10000000"))
    going_on = ("--resume", tmp_path / "out" / "results-rehearsal.zip", "--work", tmp_path / "elsewhere")
    printed = rehearsal(tmp_path, [tiny, str(long)], *going_on, "--minutes", 0.3, "--grace", 4)
    assert "0 rows made, 3 were there already" in printed
    assert "| stopped in time |" in printed or "| not begun: time is up |" in printed
    assert results(tmp_path) == made


def test_results_of_another_kind_of_device_are_not_gone_on_from(tiny, tmp_path):
    archive = tmp_path / "results-some-gpu.zip"
    with zipfile.ZipFile(archive, "w") as packed:
        packed.writestr("some-gpu/digits/mlp/imp.parquet", b"")
    assert "was not made on rehearsal" in rehearsal(tmp_path, [tiny], "--resume", archive, code=2)


def test_it_begins_nothing_that_cannot_end_in_time(tiny, tmp_path):
    assert "not begun: time is up" in rehearsal(tmp_path, [tiny], "--minutes", 0.1)


@pytest.mark.parametrize("content", ["run = 3", "[[run]]\nargument = []", "[[run]]\narguments = [3]", "not TOML"])
def test_a_queue_that_is_none_is_refused(content, tmp_path):
    (tmp_path / "queue.toml").write_text(content)
    said = script("device", "--rehearse", "--queue", tmp_path / "queue.toml", "--out", tmp_path / "out", code=2)
    assert "--queue" in said
