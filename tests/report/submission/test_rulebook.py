"""The rulebook's examples are what it says: what is allowed runs, what is not is pointed at."""

import re
from pathlib import Path

import pytest

from ticketbench.harness.plan import make_plan
from ticketbench.harness.runner import run_plan
from ticketbench.harness.shard import Place
from ticketbench.methods import load_methods
from ticketbench.report.submission.declaration import read_declaration
from ticketbench.report.submission.manifest import Licence
from ticketbench.report.submission.rows import marks
from ticketbench.report.submission.shipped import has_own_recipe
from ticketbench.results import read_rows
from ticketbench.task import load_task

PAGE = (Path(__file__).parents[3] / "docs" / "rulebook.md").read_text("utf-8")
EXAMPLES = [
    (kind, said, source)
    for kind, said, source in re.findall(
        r"^```python\n# (allowed|marked|not allowed)(: .*?\n)(.*?)^```$", PAGE, re.M | re.S
    )
]
TASK = """
id = "tiny/mlp"
version = 1
title = "A tiny perceptron"
tier = "smoke"
extends = "digits/mlp"
network.options.hidden = [8]
training = { steps = 30, evaluate_every = 10, rewind_step = 10, schedule = { milestones = [20] } }
ladder = { prune = 0.5, rounds = 2 }
replicates.seeds = 1
"""


def examples(*kinds):
    return [
        pytest.param(said[2:].strip(), source, id=said[2:].strip())
        for kind, said, source in EXAMPLES
        if kind in kinds
    ]


def test_every_block_of_the_page_is_one_of_these():
    assert len(EXAMPLES) == PAGE.count("```python") >= 7


@pytest.mark.parametrize(("said", "source"), examples("allowed", "marked"))
def test_what_is_allowed_runs_and_is_pointed_at_nowhere(said, source, tmp_path):
    read = read_declaration(source.encode())
    assert (read.problems, read.notes) == ((), ())
    (tmp_path / "mine.py").write_text(source)
    (tmp_path / "tiny.toml").write_text(TASK)
    (method,) = load_methods(tmp_path / "mine.py")
    task = load_task(tmp_path / "tiny.toml")
    plan = make_plan([task], [method], 1, tmp_path / "rows")
    run_plan(plan, tmp_path / "rows", Place(tmp_path / "store", 2**30, "cpu"), 1, lambda shard, event: None)
    rows = read_rows(tmp_path / f"rows/tiny/mlp/{method.name}.parquet")
    assert {row["status"] for row in rows} <= {"done", "collapsed"}, [row["reason"] for row in rows]
    assert all(("own recipe" in marks(row, has_own_recipe(read))) == (said == "own recipe") for row in rows)


@pytest.mark.parametrize(("said", "source"), examples("not allowed"))
def test_what_is_not_allowed_is_pointed_at(said, source):
    read = read_declaration(source.encode())
    assert any(said in line for line in (*read.problems, *read.notes))


def test_the_page_lists_the_licences_that_are_taken():
    (listed,) = re.findall(r"\*Allowed\.\* (Apache-2\.0, .*?)\. One's own writing", PAGE, re.S)
    assert listed.replace("\n", " ").split(", ") == list(Licence.__args__)
