"""`--help`, `tasks`, `methods`, `show`, `schema`: what there is, told at once."""

import json
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from ticketbench import __version__
from ticketbench.methods import shipped_methods
from ticketbench.task import load_task, shipped_tasks

DOCS = Path(__file__).parents[2] / "docs"
GUARD = (DOCS / "guard.md").read_text("utf-8")

# Says after every command which heavy modules have been imported by then.
AT_ONCE = """
import sys
from ticketbench.cli import main
commands = "--help", "--version", "tasks", "show digits/mlp", "show tiny.toml", "schema", "run -h", "leaderboard -h"
for typed in commands:
    sys.argv = ["ticketbench", *typed.split()]
    try:
        main()
    except SystemExit as ended:
        heavy = {"torch", "numpy", "pandas", "sklearn", "datasets", "pyarrow"} & set(sys.modules)
        print(typed, ended.code, sorted(heavy), file=sys.stderr)
"""


def test_what_trains_nothing_waits_for_nothing(task):
    done = subprocess.run(
        [sys.executable, "-c", AT_ONCE], capture_output=True, text=True, cwd=task.parent, check=True
    )
    said = done.stderr.splitlines()
    assert len(said) == 8
    assert all(line.endswith(" 0 []") for line in said), said
    assert "run" in done.stdout and __version__ in done.stdout and "A tiny perceptron" in done.stdout


def test_without_a_command_it_tells_the_commands(ticketbench):
    said = ticketbench()
    assert said.code == 2
    for command in ("run", "tasks", "methods", "show", "schema", "leaderboard"):
        assert f"\n  {command} " in said.err


def test_tasks_and_methods_are_listed_each_on_a_line(ticketbench):
    tasks, methods = ticketbench("tasks"), ticketbench("methods")
    assert [line.split()[0] for line in tasks.out.splitlines()] == list(shipped_tasks())
    assert "digits/mlp" in tasks.out and "smoke" in tasks.out and "8 rungs" in tasks.out
    families = sorted((each.family, each.name) for each in shipped_methods().values())
    listed = [line for line in methods.out.splitlines() if line.strip()]
    assert len(listed) == len(families)
    for line, (family, name) in zip(listed, families, strict=True):
        assert line.startswith(f"{family} ") and line[len(family) :].split()[0] == name
    assert tasks.code == methods.code == 0 and tasks.err == methods.err == ""


def test_a_task_is_shown_with_all_it_says(ticketbench, task):
    shown = ticketbench("show", "mnist/lenet-300-100").out
    known = load_task(shipped_tasks()["mnist/lenet-300-100"])
    for each in (known.title, known.digest, "50000 steps of 60 examples", "output.weight 0.1", "frankle2019lottery"):
        assert each in shown
    assert shown.count("test_final = ") == sum(reference.value is not None for reference in known.references)
    own = ticketbench("show", "tiny.toml").out
    assert load_task(task).digest in own
    assert "3 rungs, each pruning 0.5 of what is left, scope layer" in own
    assert "times 0.1 at steps 20" in own


IN_OTHER_WORDS = {"inverse-sqrt": "1 / sqrt(step)", "best": "lowest validation loss"}


def leaves(said):
    """The values of a task's tables, and of the tables in its lists."""
    if isinstance(said, dict) or (isinstance(said, tuple) and said and isinstance(said[0], dict)):
        for part in said.values() if isinstance(said, dict) else said:
            yield from leaves(part)
    else:
        yield said


def spellings(value):
    """A value as `show` may print it, with the words of a text on one line."""
    if isinstance(value, tuple):
        return {", ".join(map(str, value))}
    said = " ".join(str(value).split())
    return {IN_OTHER_WORDS.get(said, said), *([f"{value:g}"] if isinstance(value, float) else [])}


@pytest.mark.parametrize("name", shipped_tasks())
def test_every_value_that_a_shipped_task_declares_is_shown(ticketbench, name):
    shown = " ".join(ticketbench("show", name).out.split())
    declared = leaves(load_task(shipped_tasks()[name]).model_dump(exclude_defaults=True))
    whole = r"(?<![\w.-]){}(?![\w-]|\.\w)"  # 0.1 is not shown where 0.12 is
    assert [
        value
        for value in declared
        if not any(re.search(whole.format(re.escape(each)), shown) for each in spellings(value))
    ] == []


def test_nothing_that_a_task_declares_is_left_out(ticketbench, task):
    task.write_text(
        task.read_text()
        .replace("options.hidden = [8]", 'options.hidden = [8]\nunshared = ["output.bias"]')
        .replace("rounds = 3", 'rounds = 3\nexclude = ["output.weight"]')
        + """
        [data]
        shape = [3, 9, 9]
        mean = [0.11, 0.12, 0.13]
        std = [0.21, 0.22, 0.23]
        labels = [1, 2]
        [scoring]
        primary = "best"
        chance = 0.52
        margin = 0.04
        [[references]]
        cite = "someone2020"
        where = "Table 1"
        method = "imp"
        claim = "It learns."
        column = "test_best"
        density = 0.25
        sign = "higher"
        bound = 0.77
        note = "Three seeds."
        """
    )
    said = " ".join(ticketbench("show", "tiny.toml").out.split())
    for part in (
        "extends digits/mlp",
        "shape 3, 9, 9, labels 1, 2, mean 0.11, 0.12, 0.13, std 0.21, 0.22, 0.23",
        "each setting has its own output.bias",
        "scoring at the step of lowest validation loss, chance 0.52, margin 0.04",
        "scope layer, without output.weight",
        "density 0.25, column test_best, sign higher, bound 0.77, note Three seeds.",
    ):
        assert part in said
    assert "label smoothing  0.1\n" in ticketbench("show", "multi30k/transformer-ci").out


def test_the_chance_value_of_a_task_is_computed_as_a_table_of_its_file(ticketbench, task):
    said = ticketbench("show", "digits/mlp", "--chance").out
    assert said == "[scoring]\nchance = 0.12222222222222222  # 44 of the 360 test images are of class 8\n"
    assert said in (DOCS / "tasks.md").read_text("utf-8")
    task.write_text(
        f"{task.read_text()}[settings.few]\ndata.labels = [0, 2, 8]\n[settings.two]\ndata.labels = [0, 1]\n"
    )
    said = ticketbench("show", "tiny.toml", "--chance").out
    assert said.splitlines() == [
        "[settings.few.scoring]",
        f"chance = {44 / 103}  # 44 of the 103 test images are of class 8",
        "[settings.two.scoring]",
        "chance = 0.5  # 29 of the 58 test images are of class 0 and as many of class 1",
    ]
    task.write_text(task.read_text() + said)
    known = load_task(task)
    assert [known.in_setting(name).scoring.chance for name in ("few", "two")] == [44 / 103, 0.5]
    assert "--chance: expected a task" in ticketbench("show", "imp", "--chance").message
    assert "0.0  # the low end of BLEU's scale" in ticketbench("show", "multi30k/transformer-ci", "--chance").out


def test_what_chance_prints_stands_in_the_place_of_the_guard_s_table(ticketbench, here):
    (example,) = re.findall(r'^```toml\n(id = "our-model/guard"\n.*?)^```$', GUARD, re.M | re.S)
    (table,) = re.findall(r"^\[scoring\]\n.*?(?=^\n)", example, re.M | re.S)
    path = here / "guard.toml"
    path.write_text(example.replace(table, ""))
    assert load_task(path).scoring.chance is None
    path.write_text(example.replace(table, ticketbench("show", "guard.toml", "--chance").out))
    assert load_task(path).scoring.chance == pytest.approx(tomllib.loads(table)["scoring"]["chance"], abs=5e-5)


def test_a_method_is_shown_with_all_it_declares(ticketbench, author):
    shown = ticketbench("show", "imp-reinit(draw=3)").out
    found = shipped_methods()["imp-reinit"]
    for each in (found.title, found.description, "draw=3", "frankle2019lottery", found.digest, "whole ladder"):
        assert each in shown
    author("""
        @method("mine", title="Mine", needs=["batch norm"], density="nearest")
        def mine(search, rung, *, power=2):
            \"\"\"What it does.\"\"\"
            yield
    """)
    own = ticketbench("show", "mine.py").out
    for each in ("mine\nMine\n\nWhat it does.\n", "batch norm", "nearest", "power=2", "once a rung", "mine.py"):
        assert each in own
    Path("old (1)").mkdir()
    Path("mine.py").rename("old (1)/mine.py")
    there = ticketbench("show", "old (1)/mine.py(power=3)").out
    assert there == own.replace("power=2", "power=3").replace("mine.py", "old (1)/mine.py")


def test_what_is_unknown_is_answered_with_the_closest(ticketbench):
    assert (
        "Unknown task or method 'digits/mpl'. Did you mean 'digits/mlp'?" in ticketbench("show", "digits/mpl").message
    )
    assert "Did you mean 'one-shot'?" in ticketbench("show", "oneshot").message
    assert ticketbench("show", "none.toml").message == "none.toml: there is no such task file."
    assert ticketbench("show", "none.py").message == "none.py: cannot be read: No such file or directory."
    assert ticketbench("show", "imp(draw=1)").message == "Unknown parameter of imp 'draw'. It takes none."
    assert ticketbench("show", "imp(self=1)").message == "Unknown parameter of imp 'self'. It takes none."


def test_the_schema_of_task_files_is_json(ticketbench):
    said = ticketbench("schema")
    schema = json.loads(said.out)
    assert said.code == 0 and schema["$schema"].startswith("https://json-schema.org/")
    assert {"id", "data", "network", "training", "ladder", "extends"} <= schema["properties"].keys()


def test_all_mistakes_of_a_task_file_are_told_at_once(ticketbench, task):
    task.write_text(
        task.read_text().replace("steps = 30", "steps = -1\nbatchsize = 3").replace("rounds = 3", "rounds = 1.5")
    )
    for command in (("show", "tiny.toml"), ("run", "tiny.toml"), ("run", "tiny.toml", "--dry-run")):
        message = ticketbench(*command).message
        first, *others = message.splitlines()
        assert first == "tiny.toml: this task cannot be used:"
        assert [line.split(":")[0].strip() for line in others] == [
            "training.steps",
            "training.batchsize",
            "ladder.rounds",
        ]
    task.write_text("id = \n")
    assert ticketbench("run", "tiny.toml").message.startswith(
        "tiny.toml: is not valid TOML: Invalid value (at line 1"
    )


def test_a_task_with_settings_shows_what_each_changes(ticketbench):
    said = ticketbench("show", "mnist/optimizer-transfer").out
    assert "setting adam  as it is" in said
    assert "setting sgd   training.optimizer.name sgd, training.optimizer.lr 0.0012" in said
    assert "imp (sgd to sgd): test_final = 0.9752" in said


def test_a_method_is_shown_with_what_it_cites(ticketbench):
    said = ticketbench("show", "imp").out
    assert "frankle2019lottery: Jonathan Frankle, Michael Carbin. The Lottery Ticket Hypothesis" in said
    assert "https://arxiv.org/abs/1803.03635" in said


def test_the_name_of_a_file_without_its_ending_is_taken_for_the_file(ticketbench, here):
    (here / "force.py").write_text("")
    assert (
        ticketbench("run", "--method", "force").message == "Unknown method 'force'. Did you mean the file force.py?"
    )
