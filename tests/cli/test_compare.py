"""`compare` as a person or a workflow types it: real runs, what is said where, and the exit code."""

import shutil
import subprocess
import sys
from xml.etree import ElementTree

import pytest

from ticketbench.results import read_rows, write_rows

TASK = """
id = "tiny/mlp"
version = 1
title = "A tiny perceptron"
tier = "smoke"
extends = "digits/mlp"

[network]
options.hidden = [8]

[training]
steps = 30
evaluate_every = 10
rewind_step = 10
schedule = { milestones = [20] }

[ladder]
prune = 0.5
rounds = 3
"""

RUN = ("run", "tiny.toml", "--method", "random-layer", "--seeds", "3", "--jobs", "1")


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """Three seeds of a tiny task of one's own, made once: the folder of results."""
    folder = tmp_path_factory.mktemp("made")
    (folder / "tiny.toml").write_text(TASK)
    typed = [sys.executable, "-m", "ticketbench", *RUN, "--store", "store"]
    subprocess.run([*typed, "--results", "base"], cwd=folder, check=True, capture_output=True)
    return folder / "base"


@pytest.fixture
def base(made, here):
    """The same as `base` and as `new`, here."""
    for side in ("base", "new"):
        shutil.copytree(made, here / side)
    (here / "tiny.toml").write_text(TASK)
    return here / "base"


@pytest.fixture
def edit(here):
    """A function that changes the new rows of the method."""

    def edited(change):
        file = here / "new/tiny/mlp/random-layer.parquet"
        write_rows(file, [row | change(row) for row in read_rows(file)])

    return edited


def dropped(row):
    """Ten of a hundred answers, and not the same in every seed: there are few seeds, so it takes a large drop."""
    return {"test_final": row["test_final"] - 0.1 - 0.0001 * row["seed"], "test_correct": None}


def test_a_second_run_of_the_same_is_bit_identical(ticketbench, base, here):
    assert ticketbench(*RUN, "--results", "again").code == 0
    said = ticketbench("compare", "base", "again")
    assert (said.code, said.out, said.err) == (
        0,
        "No regression: scores, masks and curves identical in all 12 rows.\n",
        "",
    )


def test_a_drop_exits_1_and_says_so_first_in_every_format(ticketbench, base, edit):
    edit(dropped)
    said = ticketbench("compare", "base", "new")
    assert (said.code, said.err) == (1, "") and said.out.startswith("REGRESSION: 4 of 5 statistics dropped ")
    assert ticketbench("compare", "base", "new", "--format", "markdown").out.startswith("### REGRESSION: 4 of 5")
    report = ticketbench("compare", "base", "new", "--format", "junit")
    assert report.code == 1 and ElementTree.fromstring(report.out).get("failures") == "4"


def test_a_gain_exits_0(ticketbench, base, edit):
    edit(lambda row: {"test_final": row["test_final"] + 0.01 * (1 + row["seed"]), "test_correct": None})
    said = ticketbench("compare", "base", "new")
    assert said.code == 0 and said.out.startswith("No regression: no worse than the margin")


def test_a_row_that_failed_exits_1(ticketbench, base, edit):
    edit(lambda row: {"status": "failed", "reason": "it raised", "test_final": None} if row["seed"] == 1 else {})
    said = ticketbench("compare", "base", "new")
    assert said.code == 1 and "failed: tiny/mlp random-layer, seed 1, rung 1: it raised\n" in said.out


def test_a_report_goes_to_a_file_and_the_text_to_the_terminal(ticketbench, base, edit, here):
    edit(dropped)
    said = ticketbench("compare", "base", "new", "--format", "markdown", "--output", "out/table.md")
    assert said.code == 1 and said.out.startswith("REGRESSION: ")
    assert (here / "out/table.md").read_text().startswith("### REGRESSION: ")


def test_a_report_that_cannot_be_written_swallows_no_verdict(ticketbench, base, edit, here):
    (here / "file").write_text("")
    typed = ("compare", "base", "new", "--format", "junit", "--output", "file/x.xml")
    said = ticketbench(*typed)
    assert said.code == 2 and said.out.startswith("No regression: ")
    assert said.err.startswith("ticketbench: --output file/x.xml: cannot be written: ")
    edit(dropped)
    said = ticketbench(*typed)
    assert said.code == 1 and said.out.startswith("REGRESSION: ")
    assert said.err.startswith("ticketbench: --output file/x.xml: cannot be written: ")
    message = ticketbench("compare", "base", "nowhere", *typed[3:]).message
    assert message.startswith("nowhere: there is no such file. And --output file/x.xml: cannot be written: ")


def test_what_cannot_be_compared_exits_2_with_one_message(ticketbench, base, here):
    damaged = here / "new/tiny/mlp/random-layer.parquet"
    damaged.write_bytes(damaged.read_bytes()[:-5])
    assert "random-layer.parquet: is not a readable Parquet file" in ticketbench("compare", "base", "new").message
    damaged.unlink()
    message = ticketbench("compare", "base", "new").message
    assert message.startswith("NEW lacks 9 rows that BASE has: all of the method random-layer. Make them with")
    assert ticketbench("compare", "base", "nowhere").message == "nowhere: there is no such file."
    message = ticketbench("compare", "base", "new", "--only", "random-layer").message
    assert message.startswith("Unknown method in NEW 'random-layer'.")
    assert ticketbench("compare", "base", "new", "--seeds", 0).code == 2
    assert ticketbench("compare", "base").code == 2


def test_what_cannot_be_compared_is_in_the_report_too(ticketbench, base, here):
    typed = ("compare", "base", "tiny.toml", "--output", "report")
    for form, begins in (("text", "No comparison: tiny.toml"), ("markdown", "### No comparison"), ("junit", "<?xml")):
        said = ticketbench(*typed, "--format", form)
        assert said.message.startswith("tiny.toml: is not a readable Parquet file")
        assert (here / "report").read_text().startswith(begins)
    assert ElementTree.parse(here / "report").getroot().get("errors") == "1"


def test_fewer_seeds_by_asking_for_fewer(ticketbench, base, here):
    file = here / "new/tiny/mlp/random-layer.parquet"
    write_rows(file, [row for row in read_rows(file) if row["seed"] < 2])
    assert "NEW lacks 3 rows" in ticketbench("compare", "base", "new").message
    said = ticketbench("compare", "base", "new", "--seeds", 2)
    assert said.code == 0 and said.out.startswith("No regression: scores, masks and curves identical in all 8 rows.")


def test_a_task_file_gives_margin_and_chance(ticketbench, base, edit, here):
    edit(dropped)
    (here / "tiny.toml").write_text(TASK + "\n[scoring]\nmargin = 0.9\n")
    said = ticketbench("compare", "base", "new", "--task", "tiny.toml")
    assert said.code == 0 and "the task's own, 0.9 of the way from dense to chance" in said.out
    assert "as tiny.toml says" in said.out and "\nwarning: The margin of tiny/mlp is wide: " in said.out
