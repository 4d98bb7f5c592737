"""`run`: what it makes, what it says, and what comes of a method that fails."""

import re
import sys

import pytest

from ticketbench.methods import shipped_methods
from ticketbench.results import read_rows


def everything(folder):
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*"))


def test_a_task_file_of_ones_own_runs_with_a_method_of_ones_own(ticketbench, task, author, here):
    author()
    said = ticketbench("run", "./tiny.toml", "--method", "mine.py", "--method", "prune-only", "--jobs", 1)
    assert (said.code, said.err) == (0, "")
    assert said.out.splitlines()[-3:] == [
        "7 rows made (7 done); 7 trainings run, 2 found in the store.",
        "Results of tiny/mlp are in results.",
        "See the leaderboard: ticketbench leaderboard --task ./tiny.toml --open",
    ]
    files = [path for path in everything(here / "results") if path.endswith(".parquet")]
    assert files == ["tiny/mlp/dense.parquet", "tiny/mlp/mine.parquet", "tiny/mlp/prune-only.parquet"]
    assert [row["rung"] for row in read_rows(here / "results/tiny/mlp/mine.parquet")] == [1, 2, 3]


def test_lines_that_are_no_terminals_are_plain_and_count_what_is_done(ticketbench, task, author):
    author()
    lines = ticketbench("run", "tiny.toml", "--method", "mine.py", "--seeds", 2, "--jobs", 1).out.splitlines()
    assert len(lines) == 4 + 3 and not any("\x1b" in line for line in lines)
    assert lines[0] == "[1/8] tiny/mlp dense, seed 0: 1 done (1 trained, 0 from store)"
    assert re.fullmatch(r"\[5/8] tiny/mlp mine, seed 0: 3 done \(5 trained, 0 from store, about .+ left\)", lines[2])
    assert lines[3] == "[8/8] tiny/mlp mine, seed 1: 3 done (8 trained, 0 from store)"


def test_without_anything_said_it_is_digits_with_the_core_methods_and_three_seeds(ticketbench, here, tmp_path):
    said = ticketbench("run", "--dry-run")
    core = {name for name, method in shipped_methods().items() if "core" in method.tags}
    planned = [line.split()[:3] for line in said.out.splitlines()[:-1]]
    assert planned == [["digits/mlp", name, "3"] for name in ("dense", *(n for n in shipped_methods() if n in core))]
    assert said.code == 0 and everything(tmp_path) == ["here"]
    for other in (("run", "digits/mlp", "--dry-run"), ("run", "digits/mlp", "--dry-run", "--seeds", 10)):
        assert "10 seeds" in ticketbench(*other).out  # the task's own number


def test_a_dry_run_tells_the_plan_and_its_cost_and_writes_nothing(ticketbench, task, author, here, tmp_path):
    mine = author()
    before = everything(tmp_path)
    typed = "run", "tiny.toml", "--method", "mine.py", "--seeds", 2, "--dry-run"
    said = ticketbench(*typed)
    assert (said.code, said.err) == (0, "")
    assert said.out.splitlines() == [
        "tiny/mlp  dense  2 seeds  2 rows  2 dense trainings at most",
        "tiny/mlp  mine   2 seeds  6 rows  6 dense trainings at most",
        "8 rows to make, 0 there already. Cost: at most 8 times a dense training, plus what methods train to search "
        "with; what the store has costs nothing.",
    ]
    assert everything(tmp_path) == before
    ticketbench("run", "tiny.toml", "--method", "mine.py", "--seeds", 1, "--jobs", 1)
    after = everything(tmp_path)
    assert "4 rows to make, 4 there already." in ticketbench(*typed).out
    mine.write_text(mine.read_text() + "    # another version\n")
    assert "3 rows were made by another version" in ticketbench(*typed).out
    assert everything(tmp_path) == after


def test_a_dry_run_counts_the_seeds_of_every_variant_of_a_method(ticketbench, task):
    variants = ("weight-rewind", "weight-rewind(step=10)")
    said = ticketbench("run", "tiny.toml", "-m", variants[0], "-m", variants[1], "--seeds", 2, "--dry-run").out
    lines = {" ".join(line.split()) for line in said.splitlines()}
    assert {f"tiny/mlp {each} 2 seeds 6 rows 6 dense trainings at most" for each in variants} <= lines


def test_a_dry_run_says_which_extra_packages_are_missing(ticketbench, here, monkeypatch):
    typed = "run", "multi30k/transformer-ci", "cartpole/ci", "-m", "imp", "--seeds", 1, "--dry-run"
    there = ticketbench(*typed).out
    assert "pip install" not in there
    monkeypatch.setitem(sys.modules, "stable_baselines3", None)  # as if it could not be found
    assert ticketbench(*typed).out.removeprefix(there) == (
        'Packages that this needs are not installed: pip install "ticketbench[control]"\n'
    )
    monkeypatch.setitem(sys.modules, "sacrebleu", None)
    assert ticketbench(*typed).out.endswith('pip install "ticketbench[language,control]"\n')
    assert "pip install" not in ticketbench("run", "digits/mlp", *typed[3:]).out


def test_several_tasks_and_methods_run_together(ticketbench, task, author, here):
    author()
    (here / "other.toml").write_text(
        task.read_text().replace("tiny/mlp", "tiny/other").replace("rounds = 3", "rounds = 2")
    )
    said = ticketbench(
        "run", "tiny.toml", "other.toml", "tiny.toml", "-m", "mine.py", "-m", "random-[gl]*", "--jobs", 1
    )
    assert said.code == 0
    assert "Results of tiny/mlp, tiny/other are in results." in said.out
    assert "17 rows made" in said.out  # 1 + 3 * 3 and 1 + 2 + 2 * 2


def test_controls_are_trained_beside_tickets_all_or_those_named(ticketbench, task, here):
    said = ticketbench("run", task, "--method", "imp", "--control", "shuffled", "--jobs", 1)
    assert said.code == 0
    assert "7 rows made (7 done)" in said.out  # the dense network, three tickets, three controls
    said = ticketbench("run", task, "--method", "imp", "--controls", "--jobs", 1)
    assert "made anew" not in said.out
    assert "18 rows made" in said.out
    rows = read_rows(here / "results" / "tiny" / "mlp" / "imp.parquet")
    assert sorted(row["label"] for row in rows if row["rung"] == 1) == [
        "", "long-dense", "random-layer", "reinitialized", "shuffled", "small-dense",
    ]  # fmt: skip
    assert "0 rows made" in ticketbench("run", task, "--method", "imp", "--controls").out
    assert "Did you mean 'shuffled'?" in ticketbench("run", task, "--control", "shufled").message


def test_parameters_are_given_in_parentheses(ticketbench, task, here):
    typed = "run", "tiny.toml", "--jobs", 1, "--method", "one-shot-reinit", "--method"
    assert ticketbench(*typed, "one-shot-reinit(draw=5)").code == 0
    rows = read_rows(here / "results/tiny/mlp/one-shot-reinit.parquet")
    assert sorted({row["method_params"] for row in rows}) == ['{"draw":5}', "{}"]
    assert len(rows) == 6
    message = ticketbench(*typed, "one-shot-reinit(seed=5)").message
    assert message == "Unknown parameter of one-shot-reinit 'seed'. It takes draw."
    assert "expected parameters as in name(interval=50, fraction=0.3)" in ticketbench(*typed, "imp(1)").message


def test_a_task_on_a_mirrored_data_set_runs(ticketbench, here, task, mnist_mirror, author):
    mirror = mnist_mirror(train=300, test=100)
    author()
    (here / "mirrored.toml").write_text(
        'id = "tiny/mnist"\nversion = 1\ntitle = "Mirrored"\ntier = "smoke"\nextends = "mnist/lenet-300-100"\n'
        "data.validation = 50\ntraining.steps = 20\ntraining.evaluate_every = 10\ntraining.rewind_step = 5\n"
        "ladder.rounds = 2\n"
    )
    said = ticketbench("run", "mirrored.toml", "-m", "mine.py", "--seeds", 1, "--jobs", 1)
    assert (said.code, said.err) == (0, "")
    rows = read_rows(here / "results/tiny/mnist/mine.parquet")
    assert [row["test_examples"] for row in rows] == [100, 100]
    assert {row["data_digest"] for row in rows} == {mirror.digest}
    assert rows[0]["kept"] == 266_200 - 300 * 784 // 5 - 300 * 100 // 5 - 1000 // 10


FAILING = {
    "yield Ticket(first, search.initial, search.ladder[1])": "refused: rung 2 keeps 148 of 592 weights; the ticket",
    "raise SystemExit": "SystemExit (line ",
}


@pytest.mark.parametrize("statement", FAILING, ids=("refused", "raised"))
def test_a_method_that_fails_fails_the_run_with_its_reason(ticketbench, task, author, here, statement):
    author(f"""
        @method("mine", title="Mine")
        def mine(search):
            first, *_ = masks_of(search)
            {statement}
            yield search.dense
    """)
    said = ticketbench("run", "tiny.toml", "--method", "mine.py", "--jobs", 1)
    assert said.code == 1
    (line,) = said.err.splitlines()
    assert line.startswith("failed: tiny/mlp mine: ended at rung ") and FAILING[statement] in line
    assert "Traceback" not in said.out and "4 rows made" in said.out
    rows = read_rows(here / "results/tiny/mlp/mine.parquet")
    assert [row["rung"] for row in rows] == [1, 2, 3]
    assert line.endswith(rows[-1]["reason"]) and rows[-1]["status"] == "failed"
    again = ticketbench("run", "tiny.toml", "--method", "mine.py", "--jobs", 1)
    assert (again.code, again.err) == (1, said.err)  # not tried again, and not passed over in silence
    assert "0 rows made, 4 were there already" in again.out


def test_one_methods_failure_stops_no_other_and_is_not_said_of_it(ticketbench, task, author):
    author("@method('bad', title='Bad')\ndef bad(search):\n    yield None\n", "bad.py")
    author()
    said = ticketbench("run", "tiny.toml", "-m", "bad.py", "-m", "mine.py", "--jobs", 1)
    assert said.code == 1 and "7 rows made (4 done, 3 failed)" in said.out
    alone = ticketbench("run", "tiny.toml", "-m", "mine.py", "--jobs", 1)
    assert (alone.code, alone.err) == (0, "")


def test_equal_failures_of_several_rungs_are_told_once_and_a_log_says_of_which_rung_a_line_is(
    ticketbench, task, author
):
    author("@method('bad', title='Bad')\ndef bad(search, rung):\n    yield None\n", "bad.py")
    said = ticketbench("run", "tiny.toml", "-m", "bad.py", "--jobs", 1)
    (line,) = said.err.splitlines()
    assert line.startswith("failed: tiny/mlp bad: ended at rungs 1, 2, 3: refused: expected a Ticket")
    assert "tiny/mlp bad, seed 0, rung 2: 1 failed" in said.out and "tiny/mlp dense, seed 0: 1 done" in said.out


def test_a_fault_of_ticketbench_itself_is_no_verdict_and_shows_where_it_is(ticketbench, task, monkeypatch):
    monkeypatch.setattr("ticketbench.harness.plan.make_plan", lambda *_: 1 / 0)
    said = ticketbench("run", "tiny.toml")
    assert said.code == 70 and "ZeroDivisionError" in said.err and "a fault of ticketbench itself" in said.err


def test_a_network_that_diverges_is_a_result_and_no_failure(ticketbench, task, author):
    task.write_text(task.read_text().replace("steps = 30", 'steps = 30\noptimizer = { name = "sgd", lr = 1e30 }'))
    author()
    said = ticketbench("run", "tiny.toml", "-m", "mine.py", "--jobs", 1)
    assert (said.code, said.err) == (0, "")
    assert "4 rows made (4 diverged)" in said.out
