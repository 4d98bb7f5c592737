"""`verify`: what it says of honest, forged and damaged files, and its exit codes."""

import copy
import shutil
import signal
import subprocess
import sys

import pytest

from ticketbench.results import read_rows, row_id, write_rows
from ticketbench.task import TIERS, find_tasks


@pytest.fixture(scope="module")
def made(ran):
    """Two methods on the tiny task of a user's own, two seeds."""
    return ran("-m", "imp", "-m", "random-layer", "--seeds", 2, "--jobs", 1)


@pytest.fixture
def published(made, task, here, tmp_path):
    """The same, here."""
    shutil.copytree(made / "results", here / "results")
    for beside in ("store", "cache"):
        shutil.copytree(made / beside, tmp_path / beside)
    return here / "results/tiny/mlp"


def forge(path, **changes):
    """Change the ticket of seed 0, rung 1, and make its id fit."""
    rows = copy.deepcopy(read_rows(path))
    (row,) = [row for row in rows if (row["seed"], row["rung"]) == (0, 1)]
    row.update(changes)
    row["row_id"] = row_id(row)
    write_rows(path, rows)


def test_honest_rows_pass_without_the_store_that_made_them(ticketbench, published, tmp_path):
    before = sorted(path for path in (tmp_path / "store").rglob("*.safetensors"))
    said = ticketbench("verify", "results", "--task", "tiny.toml", "--jobs", 1)
    assert (said.code, said.err) == (0, "")
    lines = said.out.splitlines()
    assert lines[0] == (
        "results: nothing in 14 rows contradicts itself. Recomputing 14, by 10 searches from nothing."
    )
    assert "[10/10] tiny/mlp imp, seed " in said.out and ", rungs 1 to 3: 3 bit-identical" in said.out
    assert lines[-1] == "bit-identical: 14 rows recomputed, 14 bit-identical."
    assert sorted(path for path in (tmp_path / "store").rglob("*.safetensors")) == before


def test_a_sample_of_digits_passes(ticketbench):
    ticketbench("run", "digits/mlp", "-m", "prune-only", "--seeds", 1, "--jobs", 1)
    said = ticketbench("verify", "results/digits", "--sample", 2, "--seed", 3, "--jobs", 1)
    assert said.code == 0
    assert "Recomputing 2 of 9, sampled with seed 3, by 2 searches" in said.out
    assert said.out.splitlines()[-1].startswith("bit-identical: ")


def test_a_changed_curve_is_parted_where_it_was_changed(ticketbench, published):
    path = published / "random-layer.parquet"
    rows = read_rows(path)
    curve = copy.deepcopy(next(row["curve"] for row in rows if (row["seed"], row["rung"]) == (0, 1)))
    curve[2]["test_loss"] = 0.5
    forge(path, curve=curve)
    said = ticketbench("verify", path, "--task", "tiny.toml", "--jobs", 1)
    assert said.code == 1
    (line,) = [line for line in said.out.splitlines() if line.startswith("parted: tiny/mlp")]
    assert "tiny/mlp random-layer, seed 0, rung 1 (row " in line
    assert "its curve parts at step 20: test_loss 0.5 published, " in line and "differs in curve" in line
    assert said.out.splitlines()[-1] == "parted: 6 rows recomputed, 5 bit-identical, 1 parted."


def test_a_damaged_file_is_told_before_anything_is_trained(ticketbench, published):
    forge(published / "imp.parquet", density=0.9, kept_per_layer=[])
    (published / "random-layer.parquet").write_bytes(b"no parquet")
    said = ticketbench("verify", "results", "--task", "tiny.toml")
    assert said.code == 2 and "Recomputing" not in said.out
    assert "damaged: results/tiny/mlp/imp.parquet: the row of seed 0, rung 1: expected density = kept / prunable" in (
        said.out
    )
    assert "damaged: results/tiny/mlp/random-layer.parquet: is not a readable Parquet file" in said.out
    assert said.out.splitlines()[-1].endswith("problems; nothing was recomputed.")


def test_what_is_not_here_is_told_and_the_rest_verified(ticketbench, published):
    """Also where the search of later rungs comes past such a row."""
    forge(published / "imp.parquet", method_digest="0" * 64)
    said = ticketbench("verify", published / "imp.parquet", "--task", "tiny.toml", "--jobs", 1)
    assert said.code == 2
    assert "cannot be recomputed here: " in said.out and "method_digest: 000000000000... published" in said.out
    assert said.out.splitlines()[-2:] == [
        "bit-identical: 5 rows recomputed, 5 bit-identical.",
        "unverified: 1 row cannot be recomputed here as it was published.",
    ]


def test_a_sample_is_drawn_from_the_rows_that_can_be_recomputed(ticketbench, published):
    """Others are counted in a line, and are no mistake: nothing of them was asked for."""
    forge(published / "imp.parquet", method_digest="0" * 64)
    said = ticketbench("verify", published / "imp.parquet", "--task", "tiny.toml", "--jobs", 1, "--sample", 4)
    assert said.code == 0 and "cannot be recomputed here: " not in said.out
    assert "The sample is drawn from 5 of 6 rows: 1 cannot be recomputed here" in said.out
    (tier,) = {task.tier for task in find_tasks("tiny.toml")}
    (other, *_) = [each for each in TIERS if each != tier]
    asked = ("verify", published / "imp.parquet", "--task", "tiny.toml", "--jobs", 1)
    said = ticketbench(*asked, "--sample", 1, "--tier", other, "--tier", tier)
    assert said.code == 0 and f"Of these it is drawn from 5 rows of tier {other} or {tier} alone." in said.out
    assert "Recomputing 1 of 5, sampled with seed 0" in said.out
    said = ticketbench(*asked, "--sample", 1, "--tier", other)
    assert said.code == 2 and f"--tier {other}: " in said.message and "no rows of such a task" in said.message
    assert "--tier: expected --sample beside it" in ticketbench(*asked, "--tier", tier).message
    rows = read_rows(published / "imp.parquet")
    write_rows(published / "imp.parquet", [row | {"method_digest": "0" * 64} for row in rows])
    said = ticketbench("verify", published / "imp.parquet", "--task", "tiny.toml", "--sample", 4)
    assert said.code == 2 and said.out.splitlines()[-1].startswith("unverified: none of 6 rows")


def test_a_row_by_its_id_is_recomputed_alone(ticketbench, published):
    """Also one that a search reaches by way of others, of which one is forged and another cannot be made here."""
    path = published / "imp.parquet"
    third = next(row for row in read_rows(path) if (row["seed"], row["rung"]) == (0, 3))
    stale = next(row for row in read_rows(path) if (row["seed"], row["rung"]) == (0, 1))
    forge(path, method_digest="0" * 64)
    asked = ("verify", "results", "--task", "tiny.toml", "--jobs", 1)
    said = ticketbench(*asked, "--row", third["row_id"][:8].upper())
    assert said.code == 0 and "Recomputing 1 of 13, by 1 search from nothing." in said.out
    assert said.out.splitlines()[-1] == "bit-identical: 1 row recomputed, 1 bit-identical."
    said = ticketbench(*asked, "--row", third["row_id"], "--row", stale["row_id"])
    assert said.code == 2 and f"cannot be recomputed here: row {stale['row_id']}" in said.out
    assert "bit-identical: 1 row recomputed" in said.out
    assert "no row's id begins so" in ticketbench(*asked, "--row", "0" * 32).message
    assert "expected a row's id" in ticketbench(*asked, "--row", third["row_id"][:7]).message
    assert "expected one of them" in ticketbench(*asked, "--row", third["row_id"], "--sample", 1).message


def test_a_parted_row_outranks_a_search_that_stops_later(ticketbench, task, author, here):
    """What was found until then is the verdict; the mistake is told beside it."""
    author("""
        import os
        from pathlib import Path

        @method("mine", title="Mine")
        def mine(search):
            if Path("broken").exists():
                os._exit(3)
            yield [Ticket(mask, search.initial) for mask in masks_of(search)]
    """)
    ticketbench("run", "tiny.toml", "-m", "mine.py", "--seeds", 1, "--jobs", 1)
    path = here / "results/tiny/mlp/dense.parquet"
    rows = read_rows(path)
    write_rows(path, [row | {"path_length": 1.0} for row in rows])
    (here / "broken").touch()
    said = ticketbench("verify", "results", "--task", "tiny.toml", "--method", "mine.py", "--jobs", 2)
    assert (said.code, said.out.splitlines()[-1]) == (1, "parted: 1 row recomputed, 1 parted.")
    assert "A worker process ended with 3" in said.err and "Traceback" not in said.err


def test_a_task_of_ones_own_has_to_be_named(ticketbench, published):
    said = ticketbench("verify", "results")
    assert said.code == 2 and "task tiny/mlp is not known here (--task FILE.toml" in said.out
    assert said.out.splitlines()[-1].startswith("unverified: none of 14 rows")


def test_a_method_of_ones_own_is_named_by_its_file(ticketbench, task, author, here):
    author("""
        @scorer("mine", title="Mine")
        def mine(search, checkpoint, *, power=1):
            return {name: weight.abs() ** power for name, weight in checkpoint.prunable.items()}
    """)
    ticketbench("run", "tiny.toml", "-m", "mine.py(power=2)", "--seeds", 1, "--jobs", 1)
    asked = ("verify", "results/tiny/mlp/mine.parquet", "--task", "tiny.toml", "--jobs", 1)
    assert "method mine is not known here (--method FILE.py" in ticketbench(*asked).out
    assert ticketbench(*asked, "--method", "mine.py").code == 0
    (here / "mine.py").write_text((here / "mine.py").read_text() + "\n# changed since\n")
    said = ticketbench(*asked, "--method", here / "mine.py")
    assert said.code == 2 and ", that of mine.py" in said.out
    assert "parameters are those of the rows" in ticketbench(*asked, "--method", "mine.py(power=2)").message


def test_a_store_that_holds_anything_is_refused(ticketbench, published, tmp_path):
    message = ticketbench("verify", "results", "--store", tmp_path / "store").message
    assert "expected a new or empty folder" in message


def test_a_place_without_results_is_a_mistake(ticketbench, here):
    assert ticketbench("verify", here).message.endswith("expected TASK/METHOD.parquet, as `run` writes them.")
    said = ticketbench("verify", here / "nothing.parquet")
    assert said.code == 2 and "nothing.parquet: there is no such file" in said.out


def test_control_c_tells_what_was_done_so_far(ticketbench, task, author, here):
    author("""
        import time
        from pathlib import Path

        @method("mine", title="Mine")
        def mine(search):
            if Path("slow").exists():
                time.sleep(300)
            yield [Ticket(mask, search.initial) for mask in masks_of(search)]
    """)
    ticketbench("run", "tiny.toml", "-m", "mine.py", "--seeds", 1, "--jobs", 1)
    (here / "slow").touch()
    process = subprocess.Popen(
        [
            *(sys.executable, "-u", "-m", "ticketbench"),
            *("verify", "results", "--task", "tiny.toml", "--method", "mine.py", "--jobs", "1"),
        ],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    while "[1/2] tiny/mlp dense" not in process.stdout.readline():
        assert process.poll() is None
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=60)
    assert process.returncode == 130
    assert out.splitlines()[-1] == "bit-identical: 1 row recomputed, 1 bit-identical."
    assert "Stopped before all were recomputed" in err and "Traceback" not in err
