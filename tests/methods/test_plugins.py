"""Plugins: methods that other distributions bring, through the entry point group `ticketbench.methods`."""

import hashlib
import pickle
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from ticketbench.errors import TicketbenchError
from ticketbench.methods import find_methods, loading, shipped_methods
from ticketbench.methods.loading import installed_methods

METHOD = '''
from ticketbench import method


@method("{0}", title="Brought by a plugin")
def find(search, *, power=1):
    """Ask for the dense network."""
    yield search.dense
'''


@pytest.fixture
def install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Path]:
    """A function that puts a distribution with this entry point on the path, as pip would, and returns its file.

    Its package raises when it is imported: a plugin is found as a file.
    """
    loading._tell_once.cache_clear()

    def write(source: str, entry: str = "theirs = their_package.inner.pruning", dist: str = "their-pruning") -> Path:
        site = tmp_path / dist
        inner = site / "their_package" / "inner"
        inner.mkdir(parents=True)
        (site / "their_package" / "__init__.py").write_text("raise RuntimeError('imported')\n")
        (inner / "__init__.py").write_text("")
        (inner / "pruning.py").write_text(source)
        about = site / f"{dist.replace('-', '_')}-1.0.dist-info"
        about.mkdir()
        (about / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {dist}\nVersion: 1.0\n")
        (about / "entry_points.txt").write_text(f"[ticketbench.methods]\n{entry}\n")
        monkeypatch.syspath_prepend(str(site))
        return inner / "pruning.py"

    return write


def refused(*selectors):
    with pytest.raises(TicketbenchError) as caught:
        find_methods(selectors)
    return str(caught.value)


def test_a_plugin_is_a_method_by_name_with_its_file_and_the_digest_of_its_bytes(install):
    file = install(METHOD.format("theirs"))
    (found,) = find_methods(["theirs(power=2)"])
    assert (found.name, found.source, found.parameters["power"]) == ("theirs", file, 2)
    assert found.digest == hashlib.sha256(file.read_bytes()).hexdigest()
    assert [each.name for each in find_methods(["thei*"])] == ["theirs"]
    assert find_methods([str(file)]) == [found.with_parameters(power=1)]
    assert set(installed_methods()) == {*shipped_methods(), "theirs"}
    assert "theirs" not in shipped_methods()


def test_a_plugin_s_method_is_called_as_it_declares_and_not_as_its_entry_point(install):
    install(METHOD.format("one") + METHOD.format("two").replace("def find", "def other"))
    assert set(installed_methods()) - set(shipped_methods()) == {"one", "two"}
    assert "Did you mean" in refused("theirs") or "Unknown method 'theirs'" in refused("theirs")


def test_a_plugin_reaches_another_process(install):
    install(METHOD.format("theirs"))
    (found,) = find_methods(["theirs"])
    code = "import pickle, sys; print(pickle.load(sys.stdin.buffer).digest)"
    done = subprocess.run([sys.executable, "-c", code], input=pickle.dumps(found), capture_output=True, check=True)
    assert done.stdout.decode().strip() == found.digest


@pytest.mark.parametrize(
    ("source", "entry", "reason"),
    [
        ("import no_such_module_anywhere\n", None, "No module named 'no_such_module_anywhere' (line 1)"),
        ("x = 1\n", None, "declares no method"),
        (
            METHOD.format("theirs"),
            "theirs = their_package.elsewhere",
            "no Python file of a module their_package.else",
        ),
        (METHOD.format("theirs"), "theirs = no_package.pruning", "there is no Python file of a module no_package.pr"),
        (
            METHOD.format("theirs"),
            "theirs = their_package.inner.pruning:find",
            "expected the name of a module, as in",
        ),
        ("from . import other\n", None, "attempted relative import"),
    ],
    ids=["raises", "empty", "no module", "no package", "an object", "a relative import"],
)
def test_a_plugin_that_cannot_be_loaded_is_told_once_breaks_nothing_and_is_refused_by_name(
    install, capsys, source, entry, reason
):
    install(source, *([entry] if entry else []))
    assert set(installed_methods()) == set(shipped_methods())
    assert find_methods(["imp", "one-*"])[0].name == "imp"
    told = capsys.readouterr()
    assert told.out == "" and told.err.count("\n") == 1
    assert told.err.startswith("ticketbench: plugin 'theirs' of their-pruning: ")
    assert reason in told.err
    assert f"ticketbench: {refused('theirs')}\n" == told.err
    assert capsys.readouterr().err == ""


def test_a_plugin_named_like_a_shipped_method_is_one_error_that_names_both(install, capsys):
    file = install(METHOD.format("imp"))
    ours = shipped_methods()["imp"]
    message = refused("imp")
    assert message == (
        f"Two methods are named 'imp': {ours.source} and {file} (plugin 'theirs' of their-pruning). "
        "Name one by its file, or uninstall the plugin."
    )
    assert refused("im*") == message and capsys.readouterr().err == f"ticketbench: {message}\n"
    assert installed_methods()["imp"] == ours
    assert find_methods(["one-shot"])[0].name == "one-shot", "others run on"
    assert find_methods([f"{ours.source}:imp"]) == [ours]
    assert find_methods([f"{file}:imp"])[0].source == file


def test_two_plugins_of_one_name_are_an_error_and_neither_is_taken(install):
    first = install(METHOD.format("theirs"))
    second = install(METHOD.format("theirs") + "# other\n", "also = pruning", "other-pruning")
    second.rename(second.parents[2] / "pruning.py")
    shutil.rmtree(second.parents[1])
    assert "theirs" not in installed_methods()
    message = refused("theirs")
    assert str(first) in message and "pruning.py" in message and message.startswith("Two methods are named 'theirs'")


def test_a_module_named_by_two_entry_points_is_one_plugin(install, capsys):
    install(METHOD.format("theirs"), "a = their_package.inner.pruning\nb = their_package.inner.pruning")
    assert find_methods(["theirs"])[0].name == "theirs"
    assert capsys.readouterr().err == ""


def test_what_is_neither_a_name_nor_a_python_file_is_told_so(tmp_path):
    assert refused("method.txt") == "method.txt: is not a Python file."
    assert refused(str(tmp_path)) == f"{tmp_path}: is not a Python file."
