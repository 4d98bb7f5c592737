"""`submit`: what it asks for before anything is run, the folder it makes, and the check of a folder."""

import json
import sys

import pytest

from ticketbench.cli import run
from ticketbench.results import read_rows
from ticketbench.task import shipped_tasks

# Scored as it is: one training a seed.
MINE = """
    @scorer("mine", title="Mine", at="end", start="end")
    def mine(search, trained):
        "The smallest weights of the trained network."
        return {name: weight.abs() for name, weight in trained.prunable.items()}
"""
SAID = ("--author", "A. Author", "--paper", "none", "--licence", "MIT", "--extra-data", "none", "--tuning", "none")
RUN = ("submit", "mine.py", "--task", "digits/mlp", "--seeds", 1, "--jobs", 1)


def everything(folder):
    return sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file())


def test_what_cannot_be_read_without_running_it_is_told_before_anything_is_run(ticketbench, author, here):
    author("    CITES = []\n" + MINE.replace('title="Mine"', 'title="Mine", cites=CITES'))
    message = ticketbench(*RUN, *SAID).message
    assert message.startswith("mine.py: cannot be submitted as it is; nothing was run.\n  line ")
    assert message.endswith("cites of @scorer should be written out, so that it can be read")
    assert everything(here) == ["mine.py"]


def test_a_submission_is_a_folder_laid_out_as_the_repository_and_valid(ticketbench, author, here):
    author(MINE)
    said = ticketbench(*RUN, *SAID)
    assert (said.code, said.err) == (0, "")
    folder = here / "submission/mine"
    assert everything(folder) == [
        "baselines/mine.py",
        "baselines/mine.toml",
        "report.md",
        "results/digits/mlp/mine.parquet",
    ]
    assert (folder / "baselines/mine.py").read_bytes() == (here / "mine.py").read_bytes()
    assert read_rows(folder / "results/digits/mlp/mine.parquet") == read_rows(
        here / "results/digits/mlp/mine.parquet"
    )
    last = said.out.splitlines()[-3:]
    assert last[0].startswith("valid: 8 rows (")
    assert last[1] == "The submission is in submission/mine; what it says is in submission/mine/report.md."
    assert "cp -r submission/mine/baselines submission/mine/results ." in last[2]

    checked = ticketbench("submit", "--check", folder)
    assert (checked.code, checked.err) == (0, "") and checked.out.splitlines()[-1] == last[0]

    # Another time nothing is trained, and what the manifest says already need not be said again.
    again = ticketbench(*RUN, "--licence", "ISC")
    assert again.code == 0 and "0 rows made, 9 were there already" in again.out
    manifest = (folder / "baselines/mine.toml").read_text()
    assert 'licence = "ISC"' in manifest and 'authors = ["A. Author"]' in manifest

    # A changed file is found out, with 1; a report of it is written where it is asked for.
    (folder / "baselines/mine.py").write_text("x = 1\n")
    spoilt = ticketbench("submit", "--check", folder, "--report", "seen/report.md")
    assert (spoilt.code, spoilt.err) == (1, "")
    assert "problem: baselines/mine.py: declares no method" in spoilt.out
    assert "has another sha256" in (here / "seen/report.md").read_text()


def test_what_the_manifest_lacks_is_asked_for_before_anything_is_run(ticketbench, author, here):
    author(MINE)
    message = ticketbench(*RUN, "--licence", "MIT").message
    assert message.startswith("The manifest lacks authors, paper, extra_data, tuning; nothing was run. Say")
    assert "or write them into submission/mine/baselines/mine.toml." in message
    assert everything(here) == ["mine.py"]
    # ... and what is written there is taken.
    place = here / "submission/mine/baselines/mine.toml"
    place.parent.mkdir(parents=True)
    place.write_text('authors = ["A"]\npaper = "none"\nextra_data = "none"\n')
    assert ticketbench(*RUN, "--licence", "MIT").message.startswith("The manifest lacks tuning; nothing was run.")


@pytest.mark.parametrize(
    ("typed", "said"),
    [
        (("submit",), "Say either the method's file"),
        (("submit", "mine.py", "--check", "x"), "Say either the method's file"),
        (("submit", "imp", *SAID), "imp: expected a method's file, as in `ticketbench submit my_method.py`"),
        (("submit", "none.py", *SAID), "none.py: cannot be read"),
        (("submit", "mine.py", "--task", "own.toml", *SAID), "--task own.toml: a submission is of tasks that"),
        (("submit", "mine.py", "--task", "digits/none", *SAID), "Unknown task 'digits/none'"),
        (("submit", "mine.py", "--out", ".", *SAID), "--out .: holds other things than a submission"),
        (("submit", "imp.py", *SAID), "imp.py: a method named 'imp' comes with ticketbench; name yours otherwise."),
        (("submit", "my method.py", *SAID), "my method.py: a method's file is named with letters, digits, - and _"),
        (("submit", "mine.py", "--out", "mine.py", *SAID), "--out mine.py: mine.py is a file; expected a folder"),
        (("submit", "mine.py", "--report", "r.md", *SAID), "--report goes with --check"),
        (("submit", "--check", "none"), "none: there is no such folder"),
        (("submit", "--check", "."), ".: holds no manifest"),
    ],
)  # fmt: skip
def test_every_mistake_is_one_message_and_nothing_is_written(ticketbench, author, here, typed, said):
    for name in ("mine.py", "my method.py"):
        author(MINE, name)
    author(MINE.replace('"mine"', '"imp"'), "imp.py")
    before = everything(here)
    assert ticketbench(*typed).message.startswith(said)
    assert everything(here) == before


def test_a_tier_without_tasks_is_told(ticketbench, author, here, monkeypatch):
    mlp = shipped_tasks()["digits/mlp"]
    module = sys.modules["ticketbench.cli.submit"]  # which the command hides
    monkeypatch.setattr(module, "shipped_tasks", lambda: {"digits/mlp": mlp})
    author(MINE)
    assert ticketbench("submit", "mine.py", "--tier", "full", *SAID).message.startswith("No task is of tier full")
    assert everything(here) == ["mine.py"]


def test_without_a_task_it_is_the_tier_of_seconds(ticketbench, author, here, monkeypatch):
    asked = {}

    def stopped(**said):
        asked.update(said)
        raise KeyboardInterrupt

    monkeypatch.setattr(run, "callback", stopped)  # ten seeds of both tasks would take minutes
    author(MINE)
    assert ticketbench("submit", "mine.py", *SAID, "--compare", "imp").code == 130
    assert asked["selectors"] == ("digits/conv", "digits/mlp") and asked["wanted"] == ("mine.py", "imp")
    assert asked["seeds"] is None and not asked["controls"]


def test_a_method_that_fails_where_it_counts_is_packed_and_told_by_the_exit_code(ticketbench, author, here):
    author("""
        @method("mine", title="Mine")
        def mine(search):
            "Good for short trainings."
            if search.steps > 100:  # longer than any training of the conformance checks
                raise ValueError("too long for me")
            yield [Ticket(mask, search.initial) for mask in masks_of(search)]
    """)
    said = ticketbench(*RUN, *SAID)
    assert said.code == 1
    assert "ValueError: too long for me" in said.err and "valid: 8 rows (8 failed)" in said.out
    assert (here / "submission/mine/report.md").exists()


def test_the_check_takes_a_page_of_nonsense(ticketbench, here):
    (here / "it/baselines").mkdir(parents=True)
    (here / "it/baselines/mine.toml").write_text(json.dumps({"x": 1}))
    assert "is not readable TOML" in ticketbench("submit", "--check", "it").message
    (here / "it/baselines/mine.toml").write_text('licence = "\\u001b[2J"\n')
    said = ticketbench("submit", "--check", "it")
    assert said.code == 1 and "problem: baselines/mine.toml: authors: is missing" in said.out
    assert "\x1b" not in said.out


def test_a_method_that_fails_its_checks_is_told_before_anything_is_run(ticketbench, author, here):
    author("""
        @method("mine", title="Always another mask")
        def mine(search):
            "Draws from a generator that nothing seeds."
            import torch
            for rung in search.ladder:
                drawn = torch.Generator()
                drawn.seed()
                scores = {n: torch.rand(w.shape, generator=drawn) for n, w in search.initial.prunable.items()}
                yield Ticket(keep_largest(scores, rung), search.initial)
    """)
    message = ticketbench(*RUN, *SAID).message
    assert message.startswith("mine fails ") and "\n  determinism: " in message
    assert "`ticketbench check mine.py` says what was expected and what to change." in message
    assert everything(here) == ["mine.py"]
