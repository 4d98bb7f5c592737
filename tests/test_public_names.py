"""What `import ticketbench` gives, and that it gives it without waiting for torch."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

import ticketbench

AUTHORS = [
    "Checkpoint",
    "Diverged",
    "Probe",
    "Recipe",
    "Refused",
    "Rung",
    "Search",
    "Ticket",
    "Train",
    "keep_largest",
    "method",
    "scorer",
]


def python(code, *arguments):
    done = subprocess.run([sys.executable, "-c", code, *arguments], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_what_a_method_author_uses_is_public():
    assert sorted(ticketbench.__all__) == sorted([*AUTHORS, "__version__"])
    assert set(AUTHORS) <= set(dir(ticketbench))
    for name in AUTHORS:
        assert callable(getattr(ticketbench, name))


def test_type_checkers_see_the_same_public_names_as_the_interpreter():
    tree = ast.parse(Path(ticketbench.__file__).read_text("utf-8"))
    block = next(node for node in tree.body if isinstance(node, ast.If))
    declared = {a.asname: node.module for node in block.body for a in node.names}
    assert declared == ticketbench._PUBLIC


def test_a_name_that_is_not_there_is_an_attribute_error():
    with pytest.raises(AttributeError, match="module 'ticketbench' has no attribute 'prune_everything'"):
        _ = ticketbench.prune_everything


@pytest.mark.parametrize(
    "code",
    [
        "import ticketbench; ticketbench.__version__; dir(ticketbench)",
        "from ticketbench.task import find_tasks, task_schema; assert find_tasks('*'); task_schema()",
        "import ticketbench.results",
        "import ticketbench.ladder",
    ],
)
def test_what_trains_nothing_does_not_import_torch(code):
    loaded = python(f"{code}\nimport sys; print([m for m in ('torch', 'datasets', 'sklearn') if m in sys.modules])")
    assert loaded.strip() == "[]"


def test_method_is_the_decorator_before_and_after_the_room_of_methods_is_loaded():
    """A room named `method` would stand under the decorator's name once it is imported."""
    code = """
from ticketbench import method

@method("first", title="First")
def first(search):
    yield search.dense

import ticketbench
from ticketbench import method

@method("second", title="Second")
def second(search):
    yield search.dense

@ticketbench.method("third", title="Third")
def third(search):
    yield search.dense

from ticketbench.methods import Method
assert all(type(each) is Method for each in (first, second, third))
print(first.name, second.name, third.name)
"""
    assert python(code) == "first second third\n"
