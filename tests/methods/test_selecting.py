"""What a method is named by: the same wherever one is asked for."""

from pathlib import Path

import pytest

from ticketbench.methods import parse_selector
from ticketbench.methods.selecting import Selector

FORMS = {
    "imp": (None, "imp", ""),
    "imp*": (None, "imp*", ""),
    "rigl(interval=50)": (None, "rigl", "(interval=50)"),
    "mine(file='x.py')": (None, "mine", "(file='x.py')"),
    "mine.py": ("mine.py", "", ""),
    "mine.py:good": ("mine.py", "good", ""),
    "mine.py(power=2)": ("mine.py", "", "(power=2)"),
    "mine.py:good(power=2)": ("mine.py", "good", "(power=2)"),
    "old (1)/m.py": ("old (1)/m.py", "", ""),
    "old (1)/m.py:good(power=2)": ("old (1)/m.py", "good", "(power=2)"),
    "a.py/m.py": ("a.py/m.py", "", ""),
    "digits/mlp": (None, "digits/mlp", ""),
    "": (None, "", ""),
}


@pytest.mark.parametrize("text", FORMS)
def test_every_form_is_a_file_a_name_and_parameters_and_written_as_it_was(text):
    file, name, parameters = FORMS[text]
    selector = parse_selector(text)
    assert selector == Selector(Path(file) if file else None, name, parameters)
    assert str(selector) == text


def test_a_file_is_looked_for_in_a_folder_and_anything_else_stays(tmp_path):
    folder = tmp_path / ".pyenv"
    folder.mkdir()
    (folder / "mine.py").touch()
    assert str(parse_selector("mine.py:good(power=2)").beside(folder)) == f"{folder}/mine.py:good(power=2)"
    for text in ("other.py", "imp(power=2)", str(tmp_path / "mine.py")):
        assert str(parse_selector(text).beside(folder)) == text
