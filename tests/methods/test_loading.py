"""Loading methods: one door for ours and a stranger's."""

import hashlib
import os
import pickle
import subprocess
import sys
from pathlib import Path

import pytest

from ticketbench.errors import TicketbenchError
from ticketbench.methods import find_methods, load_methods, shipped_methods
from ticketbench.methods import loading as loading_module

HEAD = "from ticketbench import keep_largest, method, scorer\n\n"
IMP = '''
@method("{0}", title="Found in {0}")
def {1}(search, *, interval=100, fraction=0.3, kind="cosine"):
    """Ask for {0}."""
    yield search.dense
'''


def one(name="mine", function="find"):
    return HEAD + IMP.format(name, function)


def refused(*selectors):
    with pytest.raises(TicketbenchError) as caught:
        find_methods(selectors)
    message = str(caught.value)
    assert "\n" not in message
    return message


def test_a_file_gives_its_methods_in_its_order_with_source_and_the_digest_of_its_bytes(write):
    path = write("several.py", one("zeta", "first") + IMP.format("alpha", "second") + "# ü\n")
    found = load_methods(path)
    assert [each.name for each in found] == ["zeta", "alpha"]
    assert {each.digest for each in found} == {hashlib.sha256(path.read_bytes()).hexdigest()}
    assert {each.source for each in found} == {path}
    assert found[0].description == "Ask for zeta."


def test_a_path_gives_all_methods_of_a_file_and_a_path_with_a_name_that_one(write):
    path = write("several.py", one("zeta", "first") + IMP.format("alpha", "second"))
    assert [each.name for each in find_methods([str(path)])] == ["zeta", "alpha"]
    assert [each.name for each in find_methods([f"{path}:alpha"])] == ["alpha"]
    message = refused(f"{path}:alfa")
    assert message == f"Unknown method of {path} 'alfa'. Did you mean 'alpha'? Known: alpha, zeta."


@pytest.mark.parametrize("name", ["with.dots.py", "a folder (2)/mine.py", "a.py/mine.py"])
def test_a_file_may_be_called_and_lie_as_its_author_likes(write, name):
    path = write(name, one())
    assert [each.source for each in find_methods([str(path)])] == [path]
    assert [each.source for each in find_methods([f"{path}:mine"])] == [path]
    (given,) = find_methods([f"{path}:mine(interval=5)"])
    assert (given.source, given.parameters["interval"]) == (path, 5)
    (given,) = find_methods([f"{path}(interval=6)"])
    assert given.parameters["interval"] == 6


def test_parameters_are_python_literals_in_brackets(write):
    path = write("mine.py", one())
    (given,) = find_methods([f"{path}(interval=50, fraction = .5, kind='line(ar).py')"])
    assert dict(given.parameters) == {"interval": 50, "fraction": 0.5, "kind": "line(ar).py"}
    (given,) = find_methods([f"{path}:mine(kind=(1, [2, None]))"])
    assert given.parameters["kind"] == (1, [2, None])
    (given,) = find_methods([f"{path}()"])
    assert given.parameters["interval"] == 100


def test_an_unknown_parameter_is_answered_with_the_closest(write):
    path = write("mine.py", one())
    message = "Unknown parameter of mine 'intervall'. Did you mean 'interval'? It takes interval, fraction, kind."
    assert refused(f"{path}(intervall=50)") == message


@pytest.mark.parametrize(
    "parameters",
    [
        "(interval=50",
        "(interval)",
        "(50)",
        "(interval=50)(fraction=1)",
        "(interval=50, interval=60)",
        "(**{'interval': 50})",
        "(interval=open('x'))",
        "(interval={[]: 1})",
        "(interval=50) ",
        "(interval==50)",
        "(interval=50)) + f(fraction=1",
    ],
)
def test_parameters_that_cannot_be_read_are_refused_with_an_example(write, parameters):
    path = write("mine.py", one())
    if parameters.endswith(" "):  # blanks around are no mistake
        assert find_methods([f"{path}{parameters}"])[0].parameters["interval"] == 50
        return
    message = refused(f"{path}{parameters}")
    assert message.startswith(f"{path}{parameters}: expected parameters as in name(interval=50, fraction=0.3)")


def test_one_method_with_two_parameters_is_two_and_asked_for_twice_is_one(write):
    path = write("mine.py", one())
    asked = [str(path), f"{path}(interval=50)", f"{path}:mine", f"{path}(interval=100)"]
    assert [each.parameters["interval"] for each in find_methods(asked)] == [100, 50]


def test_one_name_from_two_files_is_refused(write):
    first, second = write("first.py", one()), write("second.py", one() + "\n# another file\n")
    message = refused(str(first), str(second))
    assert message == f"Two methods are named 'mine': {first} and {second}."


def test_one_name_twice_in_a_file_is_refused(write):
    path = write("twice.py", one("mine", "first") + IMP.format("mine", "second"))
    assert refused(str(path)) == f"{path}: declares two methods named 'mine'."


def test_a_second_variable_does_not_make_a_second_method(write):
    path = write("alias.py", one() + "\nagain = find\n")
    assert [each.name for each in load_methods(path)] == ["mine"]


def test_methods_that_a_file_imports_are_not_its_own(write, monkeypatch):
    helper = write("imported_helper.py", one("theirs"))
    monkeypatch.syspath_prepend(str(helper.parent))
    path = write("importing.py", "from imported_helper import find\n" + one("mine", "own"))
    assert [each.name for each in load_methods(path)] == ["mine"]
    only = write("only_imports.py", "from imported_helper import find\n")
    assert "declares no method" in refused(str(only))


def test_scorers_are_methods_of_the_file_that_declares_them(write):
    code = HEAD + '@scorer("snip", title="SNIP")\ndef scores(search, checkpoint):\n    return {}\n'
    assert [each.name for each in load_methods(write("scorers.py", code))] == ["snip"]


def test_a_file_without_methods_is_told_what_one_looks_like(write):
    path = write("nothing.py", "x = 1\n")
    assert refused(str(path)) == f"{path}: declares no method; decorate a generator with @ticketbench.method(...)."


def test_a_file_that_cannot_be_read_is_named(tmp_path):
    assert refused(str(tmp_path / "none.py")).startswith(f"{tmp_path / 'none.py'}: cannot be read: No such file")
    (tmp_path / "folder.py").mkdir()
    assert "cannot be read: Is a directory" in refused(str(tmp_path / "folder.py"))
    with pytest.raises(TicketbenchError, match="is not a Python file"):
        load_methods(tmp_path / "method.txt")


@pytest.mark.parametrize(
    ("lines", "message"),
    [
        ("x = 1\ny = x / 0\n", "ZeroDivisionError: division by zero (line 4)"),
        ("def f():\n    raise KeyError('k')\n\nf()\n", "KeyError: 'k' (line 4)"),
        ("x = (1\n", "SyntaxError: '(' was never closed (line 3)"),
        ("import no_such_module_anywhere\n", "No module named 'no_such_module_anywhere' (line 3)"),
        ("raise SystemExit(0)\n", "SystemExit: 0 (line 3)"),
        ("import json\njson.loads('{')\n", "(line 4)"),
    ],
)
def test_a_file_that_raises_on_import_is_told_what_and_on_which_line(write, monkeypatch, lines, message):
    path = write("broken.py", HEAD + lines)
    said = refused(str(path))
    assert said.startswith(f"{path}: cannot be loaded: ") and said.endswith(message)
    monkeypatch.chdir(path.parent)
    assert refused("broken.py").endswith(message), "the line is named for a relative path too"
    assert refused("broken.py").startswith("broken.py: "), "and a second time"


def test_a_declaration_that_is_refused_names_its_file(write):
    path = write("wrong.py", HEAD + '@method("Mine", title="t")\ndef find(search):\n    yield 1\n')
    assert refused(str(path)).startswith(f"{path}: method 'Mine': a name is of lower-case letters")


def test_an_edited_file_is_loaded_anew_even_where_its_date_and_size_are_the_same(tmp_path):
    """In a process that writes bytecode files, which Python trusts by date and size."""
    code = """
import os, sys
from pathlib import Path
from ticketbench.methods import load_methods
path = Path(sys.argv[1])
for value in "123":
    path.write_text(path.read_text() if value == "1" else path.read_text().replace(last, f"interval={value}"))
    last = f"interval={value}"
    os.utime(path, (10**9, 10**9))
    found, = load_methods(path)
    print(found.parameters["interval"], found.digest)
"""
    path = tmp_path / "edited.py"
    path.write_text(one().replace("interval=100", "interval=1"))
    environment = {k: v for k, v in os.environ.items() if k != "PYTHONDONTWRITEBYTECODE"}
    done = subprocess.run(
        [sys.executable, "-c", code, str(path)], capture_output=True, text=True, env=environment, check=False
    )
    assert done.returncode == 0, done.stderr
    seen = [line.split() for line in done.stdout.splitlines()]
    assert [value for value, _ in seen] == ["1", "2", "3"] and len({digest for _, digest in seen}) == 3
    assert seen[-1][1] == hashlib.sha256(path.read_bytes()).hexdigest()
    assert [each.name for each in tmp_path.iterdir()] == ["edited.py"], "an author's folder is left as it was"


def test_a_dataclass_in_a_method_s_file_works(write):
    code = "from __future__ import annotations\nfrom dataclasses import dataclass, fields\n" + one()
    code += "\n@dataclass(frozen=True)\nclass Penalty:\n    weight: float = 0.1\n"
    code += 'assert fields(Penalty)[0].name == "weight"\n'
    assert [each.name for each in load_methods(write("penalty.py", code))] == ["mine"]


def test_a_method_reaches_another_process_by_its_file_and_parameters(write):
    path = write("mine.py", one())
    (method,) = find_methods([f"{path}(interval=50)"])
    code = "import pickle, sys; m = pickle.load(sys.stdin.buffer); print(m.name, m.digest, m.parameters['interval'])"
    sent = pickle.dumps(method)
    done = subprocess.run([sys.executable, "-c", code], input=sent, capture_output=True, check=False)
    assert done.returncode == 0, done.stderr.decode()
    assert done.stdout.decode().split() == ["mine", method.digest, "50"]
    path.write_text(one() + "# edited in between\n")
    with pytest.raises(TicketbenchError, match="changed while 'mine' was running; run it again"):
        pickle.loads(sent)


def test_shipped_methods_are_found_by_name_and_pattern():
    known = shipped_methods()
    assert all(name == each.name and each.digest and each.source.is_file() for name, each in known.items())
    (imp,) = find_methods(["imp"])
    assert imp == known["imp"]
    late = find_methods(["imp*"])
    assert [each.name for each in late] == [name for name in known if name.startswith("imp")]
    assert len(late) > 1


def test_an_unknown_method_is_answered_with_the_closest_and_how_to_name_one_s_own():
    message = refused("imp-lat")
    assert message.startswith("Unknown method 'imp-lat'. Did you mean 'imp-late'?")
    assert "my_method.py" in message


def test_two_shipped_files_cannot_share_a_name(write, monkeypatch):
    first, second = write("a.py", one()), write("b.py", one() + "# b\n")
    monkeypatch.setattr(loading_module, "shipped", lambda folder: first.parent)
    with pytest.raises(TicketbenchError) as caught:
        shipped_methods()
    assert str(caught.value) == f"Two methods are named 'mine': {first} and {second}."


def test_a_stranger_s_file_comes_through_the_same_door_as_ours(tmp_path):
    """A copy of a shipped file, taken elsewhere, gives the same methods: name, parameters and digest."""
    for path in {each.source for each in shipped_methods().values()}:
        copy = tmp_path / path.name
        copy.write_bytes(Path(path).read_bytes())
        ours, theirs = load_methods(path), load_methods(copy)
        assert [(m.name, m.digest, m.parameters) for m in ours] == [(m.name, m.digest, m.parameters) for m in theirs]
        assert {m.source for m in theirs} == {copy}
