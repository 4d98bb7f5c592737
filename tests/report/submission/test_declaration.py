"""The method's file is read, never run."""

import pytest

from ticketbench.methods import load_methods
from ticketbench.paths import shipped
from ticketbench.report.submission.check import check_submission, taken
from ticketbench.report.submission.declaration import read_declaration

ROWS = "results/digits/mlp/mine.parquet"
MANIFEST, METHOD = "baselines/mine.toml", "baselines/mine.py"


def test_the_methods_file_is_never_run(folder, tmp_path, made):
    trap = f"import pathlib\npathlib.Path({str(tmp_path / 'ran')!r}).write_text('x')\nraise SystemExit(3)\n"
    (folder.path / METHOD).write_text(trap + made.text.partition("\n")[2])
    folder.sign()
    found = check_submission(folder.path)
    assert any("expected method_digest" in line for line in found.problems)
    assert any("imports pathlib (files or processes)" in line for line in found.notes)
    assert not (tmp_path / "ran").exists()


def test_rows_of_a_method_that_the_file_does_not_declare_are_told(folder, made):
    (folder.path / METHOD).write_text(made.text.replace('"mine"', '"another"'))
    folder.sign()
    said = (
        f"{MANIFEST}: methods names 'mine', which {METHOD} does not declare where it can be read without running it"
    )
    assert said in folder.problems()


def test_a_name_that_comes_with_ticketbench_is_taken(folder, made):
    (folder.path / ROWS).rename(folder.path / "results/digits/mlp/imp.parquet")
    table = (
        (folder.path / MANIFEST)
        .read_text()
        .replace('"mine"', '"imp"')
        .replace(ROWS, "results/digits/mlp/imp.parquet")
    )
    (folder.path / MANIFEST).write_text(table)
    (folder.path / METHOD).write_text(made.text.replace('"mine"', '"imp"'))
    folder.sign()
    assert (
        f"{MANIFEST}: methods names 'imp', which comes with ticketbench already; a method has a name of its own"
        in (folder.problems())
    )


def declared(source):
    return read_declaration(source.encode())


def test_a_declaration_is_read_however_it_is_imported():
    for source in (
        "from ticketbench import method\n@method('a', title='T', density='nearest')\ndef f(search): yield",
        "from ticketbench import method as door\n@door('a', title='T', density='nearest')\ndef f(search): yield",
        "import ticketbench as tb\n@tb.method(name='a', title='T', density='nearest')\ndef f(search): yield",
        "import ticketbench\nf = ticketbench.method('a', title='T', density='nearest')(lambda search: (yield))",
    ):
        said = declared(source)
        assert (said.problems, list(said.methods)) == ((), ["a"])
        assert (said.methods["a"].title, said.methods["a"].density) == ("T", "nearest")


@pytest.mark.parametrize(
    ("source", "said"),
    [
        ("def f(search): yield", "declares no method"),
        ("from elsewhere import method\n@method('a', title='T')\ndef f(search): yield", "declares no method"),
        ("from ticketbench import method\nN = 'a'\n@method(N, title='T')\ndef f(search): yield", "line 3: name of @method should be written out"),  # noqa: E501
        ("from ticketbench import method\n@method('a', title=3)\ndef f(search): yield", "line 2: title, cites or density of 'a' is not of its kind"),  # noqa: E501
        ("from ticketbench import method\nmethod('a', title='T')\nmethod('a', title='T')", "declares 'a' twice (lines 2 and 3)"),  # noqa: E501
        ("from ticketbench.harness import store", "imports ticketbench.harness, which is no public name"),
        ("from ticketbench import results", "imports ticketbench.results, which is no public name"),
        ("def f(:", "is not Python that can be parsed (line 1)"),
        ("(" * 10_000, "is not Python that can be parsed"),
        ("-" * 100_000 + "1", "is not Python that can be parsed"),
        ("x = '\0'", "is not Python that can be parsed"),
    ],
)  # fmt: skip
def test_what_cannot_be_read_without_running_it_is_told(source, said):
    assert any(line.startswith(said) for line in declared(source).problems)


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("import os", "imports os (files or processes)"),
        ("import torchvision.datasets", "imports torchvision.datasets (data)"),
        ("import numpy as np", "imports numpy, which comes neither with Python nor with torch"),
        ("w = torch.load('w.pt')", "calls torch.load (files)"),
        ("open('x')", "calls open (files)"),
        ("if search.task.id == 'digits/mlp': pass", "reads the task's id"),
        ("draw = search.seed", "reads the seed"),
        ("search._workload", "uses search._workload (what is hidden)"),
        (f"mask = {[0, 1] * 60}", "writes out 120 values"),
        (f"mask = {'1' * 20_000!r}", "writes out 20000 characters"),
        (f"mask = {1 << 40_000:#x}", "writes out 10000 characters"),
    ],
)
def test_what_the_rulebook_leaves_to_a_reader_is_pointed_at(line, said):
    assert any(note.startswith(f"line 1 {said}") for note in declared(line).notes)


def test_a_recipe_of_ones_own_is_seen_in_what_a_train_is_given():
    for arguments, own in (
        ("start, 9", False),
        ("start, 9, 1", False),
        ("start, until=9, data_order=1", False),
        ("start, 9, objective=o", True),
        ("start, 9, recipe=r", True),
        ("start, 9, 0, o", True),
        ("*many", True),
        ("**said", True),
    ):
        assert declared(f"from ticketbench import Train\nTrain({arguments})").own_recipe is own


def test_every_method_that_comes_with_ticketbench_can_be_read_like_this():
    """They are what an author would send."""
    from ticketbench.methods import shipped_methods

    read = {}
    for path in shipped("baselines").glob("*.py"):
        said = read_declaration(path.read_bytes())
        assert said.problems == (), path.name
        read |= said.methods
    for name, method in shipped_methods().items():
        assert (read[name].title, read[name].cites, read[name].density) == (
            method.title,
            method.cites,
            method.density,
        )


def test_a_name_is_taken_unless_it_is_ones_own_earlier_submission(made, monkeypatch):
    (method,) = load_methods(made.folder / METHOD)
    assert (
        taken("imp", "imp.py") and taken("imp", "mine.py") and taken("dense", "mine.py") and not taken("mine", "x.py")
    )
    monkeypatch.setattr("ticketbench.report.submission.check.shipped_methods", lambda: {"mine": method})
    assert not taken("mine", "mine.py") and taken("mine", "other.py")  # its manifest lies beside it
