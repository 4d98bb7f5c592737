"""`new` and `check`: an author's first minutes."""

from types import SimpleNamespace

import pytest

from ticketbench.cli.author import _examine
from ticketbench.methods import load_methods
from ticketbench.task import find_task

BAD = """
@method("mine", title="Mine")
def find(search):
    \"\"\"Keep one weight too few.\"\"\"
    for rung in search.ladder:
        scores = {name: weight.abs() for name, weight in search.initial.prunable.items()}
        yield Ticket(keep_largest(scores, rung.kept - 1), search.initial, rung)
"""


def test_what_new_writes_passes_check_and_says_what_comes_next(ticketbench, here):
    said = ticketbench("new", "my_pruner.py")
    assert said.code == 0 and said.err == ""
    assert said.out.splitlines()[0] == (
        "my_pruner.py holds a method named my-pruner that works as it is. Make it yours, then:"
    )
    commands = [line.split() for line in said.out.splitlines()[1:]]
    assert [command[:3] for command in commands] == [
        ["ticketbench", "check", "my_pruner.py"],
        ["ticketbench", "run", "digits/mlp"],
        ["ticketbench", "leaderboard", "--method"],
        ["ticketbench", "submit", "my_pruner.py"],
    ]
    (found,) = load_methods(here / "my_pruner.py")
    assert found.name == "my-pruner" and "my_pruner.py(growth=1.0)" in found.description

    checked = ticketbench(*commands[0][1:])
    assert checked.code == 0 and checked.err == ""
    heading, *lines = checked.out.splitlines()
    assert heading == "my-pruner, my_pruner.py"
    assert [line.split()[0] for line in lines[:11]] == ["ok"] * 11
    assert lines[11].split()[:2] in (["not", "applicable"], ["ok", "device"])
    assert lines[12].startswith("12 checks: 1") and lines[13].startswith("Next: ticketbench run digits/mlp --method")
    assert list(here.iterdir()) == [here / "my_pruner.py"], "nothing is left behind"

    dry = ticketbench(*commands[1][1:], "--dry-run")
    assert dry.code == 0 and "my-pruner" in dry.out

    assert ticketbench(*commands[3][1:]).message.startswith("The manifest lacks authors, paper, licence, ")


def test_new_overwrites_nothing(ticketbench, here):
    (here / "mine.py").write_text("precious")
    assert ticketbench("new", "mine.py").message == "mine.py: is there already, and was left as it is."
    assert (here / "mine.py").read_text() == "precious"


@pytest.mark.parametrize(
    ("path", "message"),
    [
        ("mine", "mine: is not a Python file; expected a name such as my_method.py."),
        ("mine.txt", "mine.txt: is not a Python file; expected a name such as my_method.py."),
        ("none/mine.py", "none/mine.py: cannot be written: No such file or directory."),
        ("___.py", "___.py: expected a file's name that can be a method's, such as my_method.py."),
        (
            "my.method.py",
            "my.method.py: a method's file is named with letters, digits, - and _, ending in .py.",
        ),
        ("imp.py", "imp.py: there is a method named 'imp' already; give yours a name of its own."),
        ("Dense.py", "Dense.py: there is a method named 'dense' already; give yours a name of its own."),
    ],
)
def test_new_says_what_it_cannot_write(ticketbench, here, path, message):
    assert ticketbench("new", path).message == message
    assert list(here.iterdir()) == []


def test_a_method_that_fails_is_explained_and_the_exit_code_is_1_whatever_else_its_file_holds(ticketbench, author):
    other = BAD.replace('"mine"', '"other"').replace("def find", "def other").replace("rung.kept - 1", "rung.kept")
    author(BAD + other)
    said = ticketbench("check", "mine.py")
    assert said.code == 1 and said.err == "" and "Next:" not in said.out
    mine, _, others = said.out.partition("\nother, mine.py\n")
    assert mine.startswith("mine, mine.py\n") and "  failed" not in others
    lines = mine.splitlines()
    at = next(number for number, line in enumerate(lines) if line.split()[:2] == ["failed", "counts"])
    told = " ".join(" ".join(lines[at:]).partition("pruned stay zero")[0].split())
    assert "seen: on digits/mlp, failed: ended at rung 1: refused: rung 1 keeps 533 of 888 weights" in told
    assert "expected: a ticket for every rung of the ladder" in told
    assert "change: take the mask from keep_largest(scores, rung), which counts" in told
    assert [line.split()[0] for line in lines[1:at]] == ["ok"], "and the declaration holds"
    assert sum(line.startswith("  failed") for line in lines) == 1
    total = others.splitlines()[-1]
    assert total.startswith("24 checks: ") and "1 failed" in total

    one = ticketbench("check", "mine.py:other")
    assert one.code == 0 and "12 checks: " in one.out


def test_a_shipped_method_is_checked_by_its_name_and_parameters_on_a_task_of_one_s_own(ticketbench, task):
    said = ticketbench("check", "imp-reinit(draw=2)", "--task", "tiny.toml")
    assert said.code == 0 and said.out.startswith("imp-reinit(draw=2), ")
    assert (
        "3 rungs of tiny/mlp" in said.out and "run tiny.toml --method 'imp-reinit(draw=2)' --method imp" in said.out
    )


def test_what_cannot_be_checked_is_one_message(ticketbench, here):
    (here / "broken.py").write_text("def find(search:\n")
    assert ticketbench("check", "broken.py").message.startswith("broken.py: cannot be loaded: SyntaxError: ")
    assert "Did you mean 'digits/mlp'?" in ticketbench("check", "imp", "--task", "digits/mpl").message
    assert ticketbench("check", "imp", "--task", "digits/*").message == "digits/* names 2 tasks, not one."
    assert "a task of images" in " ".join(ticketbench("check", "--help").out.split())


def test_where_the_task_cannot_be_run_nothing_is_said_before_the_message():
    told = []
    _examine(SimpleNamespace(send=told.append), "imp", find_task("tiny-shakespeare/lstm-ci"))
    message = "tiny-shakespeare/lstm-ci: methods are checked on tasks of images; this is of text."
    assert told == [("wrong", message)]


@pytest.mark.parametrize(
    ("does", "said"),
    [
        ("os._exit(0)", "mine.py: its process ended (code 0) before the checks did, so none counts."),
        ("raise KeyboardInterrupt", "mine.py: the checks were ended by KeyboardInterrupt."),
    ],
)
def test_a_method_that_ends_its_process_passes_nothing(ticketbench, author, does, said):
    author(f"import os\n{BAD.replace('scores = {', f'{does}{chr(10)}        scores = {{')}")
    came = ticketbench("check", "mine.py")
    assert came.code == 2 and came.out == "" and "Traceback" not in came.err
    assert came.err.startswith(f"ticketbench: {said}")
