"""What docs/methods.md says of a declaration, and the methods that it shows: they load, and they run."""

import inspect
import re
from pathlib import Path

import pytest

from ticketbench import method, scorer
from ticketbench.harness.plan import make_plan
from ticketbench.harness.runner import run_plan
from ticketbench.harness.shard import Place
from ticketbench.methods import load_methods
from ticketbench.methods.declare import DENSITIES, NEEDS
from ticketbench.methods.requests import Train
from ticketbench.results import read_rows
from ticketbench.task import load_task

PAGE = (Path(__file__).parents[2] / "docs" / "methods.md").read_text("utf-8")
EXAMPLES = {
    name: block
    for block in re.findall(r"^```python\n(.*?)^```$", PAGE, re.M | re.S)
    for name in re.findall(r'^@(?:method|scorer)\("([a-z-]+)"', block, re.M)
}
TASK = """
id = "tiny/mlp"
version = 1
title = "A tiny perceptron"
tier = "smoke"
extends = "digits/mlp"
network.options.hidden = [8]
training = { steps = 110, evaluate_every = 110, rewind_step = 10, schedule = { milestones = [90] } }
ladder = { prune = 0.5, rounds = 2 }
replicates.seeds = 1
"""


def first_cells(heading):
    """The code in the first cells of the table that this heading begins."""
    table = PAGE.partition(f"| {heading} |")[2].partition("\n\n")[0]
    return [cell for row in re.findall(r"^\| (.*?) \|", table, re.M) for cell in re.findall(r"`(\w+)`", row)]


def test_the_page_shows_a_method_an_objective_and_a_scorer():
    assert set(EXAMPLES) == {"my-method", "gated", "small-step"}


@pytest.mark.parametrize("name", EXAMPLES)
def test_a_method_of_the_page_finds_a_ticket_at_every_rung(name, tmp_path):
    (tmp_path / "mine.py").write_text(EXAMPLES[name], "utf-8")
    (tmp_path / "tiny.toml").write_text(TASK, "utf-8")
    task = load_task(tmp_path / "tiny.toml")
    plan = make_plan([task], load_methods(tmp_path / "mine.py"), 1, tmp_path / "rows")
    run_plan(plan, tmp_path / "rows", Place(tmp_path / "store", 2**30, "cpu"), 1, lambda shard, event: None)
    rows = read_rows(tmp_path / f"rows/tiny/mlp/{name}.parquet")
    assert [(row["rung"], row["status"]) for row in rows] == [(1, "done"), (2, "done")], [r["reason"] for r in rows]


def test_every_argument_of_a_declaration_is_told_with_what_it_may_be():
    taken = [name for name in inspect.signature(method).parameters if name != "name"]
    assert sorted(first_cells("argument of `@method`")) == sorted(taken)
    assert set(inspect.signature(scorer).parameters) - {"name", *taken} == {"at", "start"}
    for allowed in (*NEEDS, *DENSITIES):
        assert f'`"{allowed}"`' in PAGE


def test_an_objective_s_arguments_are_told_in_their_order():
    (called,) = re.findall(r"objective\((.*?)\)", Train.__doc__ or "")
    assert first_cells("argument") == called.split(", ")
