"""The method's file is read, never run."""

import shutil

import pytest

from ticketbench.paths import shipped
from ticketbench.report.submission.check import check_submission
from ticketbench.report.submission.declaration import read_declaration
from ticketbench.report.submission.shipped import has_own_recipe, taken

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


@pytest.fixture
def installed(folder, monkeypatch):
    """The submission lies where an editable installation has its own methods."""
    monkeypatch.setattr("ticketbench.report.submission.shipped.shipped", lambda name: folder.path / name)
    return folder


def test_a_name_is_taken_unless_it_is_ones_own_earlier_submission(installed):
    assert taken("dense", "mine.py")
    assert not taken("mine", "mine.py") and taken("mine", "other.py")  # its manifest lies beside it
    shutil.copy(installed.path / METHOD, installed.path / "baselines/theirs.py")
    assert taken("mine", "mine.py")  # and another file has the name too


def test_every_name_that_comes_with_ticketbench_is_taken():
    assert taken("imp", "imp.py") and taken("imp", "mine.py") and not taken("none-of-ours", "mine.py")


def test_a_submission_in_an_editable_checkout_is_not_run_either(installed, tmp_path, made):
    trap = f"import pathlib\npathlib.Path({str(tmp_path / 'ran')!r}).write_text('x')\nraise SystemExit(3)\n"
    (installed.path / METHOD).write_text(trap + made.text.partition("\n")[2])
    installed.sign()
    found = check_submission(installed.path / MANIFEST)
    assert any("imports pathlib (files or processes)" in line for line in found.notes)
    assert not any("comes with ticketbench already" in line for line in found.problems)
    assert not (tmp_path / "ran").exists()


ASKED = "import copy, dataclasses, functools\nimport ticketbench as tb\nfrom ticketbench import Train\n"


@pytest.mark.parametrize(
    "line",
    [
        "functools.partial(Train, objective=o)(c, 5)",
        "T = Train",
        "[Train][0](c, 5)",
        "functools.partial(Train)",
        "t = tb",
        "T = tb.Train",
        "getattr(tb, 'Train')(c, 5)",
        "dataclasses.replace(search.dense, **said)",
        "copy.replace(search.dense, **said)",
        "from dataclasses import replace as again",
        "type(search.dense)(c, 5, 0, o)",
        "kind = type(search.dense)",
        "search.dense.__class__(c, 5, 0, o)",
        "object.__setattr__(asked, name, o)",
        "setattr(asked, name, o)",
        "getattr(asked, '__cl' + 'ass__')(c, 5, 0, o)",
        "make(c, 5, objective=o)",
        "make(c, 5, recipe=r)",
        "said = {'objective': o}",
        "from ticketbench import *",
    ],
)
def test_a_detour_to_a_recipe_of_ones_own_counts_as_one(line):
    used = f"{line}\nagain(search.dense)" if "again" in line else line
    assert declared(ASKED + used).own_recipe


@pytest.mark.parametrize(
    "line",
    [
        "Train(c, 5)",
        "tb.Train(c, 5, 1)",
        "if type(step) is not int: pass",
        "said = type(step).__name__",
        "c.replace(step=0)",
        "@dataclasses.dataclass(frozen=True)\nclass A: pass",
        "copy.copy(x)",
    ],
)
def test_what_is_no_detour_does_not(line):
    assert not declared(ASKED + line).own_recipe


@pytest.mark.parametrize(
    ("line", "own"),
    [
        ("yield from search.method('imp')", False),
        ("yield from search.method('movement', rung)", True),
        ("yield from search.method(name='edge-popup', rung=rung)", True),
        ("yield from search.method('im' + 'p')", True),
        ("yield from search.method(NAME)", True),
        ("asked = search.method", True),
        ("yield from search.method('nobody-knows')", True),
        ("yield from search.method('a')", False),
    ],
)
def test_a_method_that_takes_over_another_has_its_recipe(line, own):
    source = f"import ticketbench as tb\n@tb.method('a', title='T')\ndef a(search, rung):\n    {line}\n"
    assert has_own_recipe(declared(source)) is own
