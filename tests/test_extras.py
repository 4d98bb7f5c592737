"""Optional packages: which kinds of data need them, and whether they are there."""

import tomllib
from pathlib import Path

import pytest

from ticketbench import extras


def test_nothing_is_missing_of_what_is_installed_and_most_kinds_need_nothing(monkeypatch):
    monkeypatch.setattr(extras, "find_spec", lambda module: object())
    assert extras.missing_extras({"images", "text", "translation", "environment"}) == []
    monkeypatch.setattr(extras, "find_spec", lambda module: None)
    assert extras.missing_extras({"images", "text"}) == []


@pytest.mark.parametrize(("module", "extra"), [("sacrebleu", "language"), ("stable_baselines3", "control")])
def test_one_module_that_is_not_there_makes_its_extra_missing(monkeypatch, module, extra):
    monkeypatch.setattr(extras, "find_spec", lambda name: None if name == module else object())
    assert extras.missing_extras(["environment", "translation"]) == [extra]


def test_the_command_names_extras_that_there_are(monkeypatch):
    monkeypatch.setattr(extras, "find_spec", lambda module: None)
    missing = extras.missing_extras(["environment", "translation"])
    project = tomllib.loads((Path(__file__).parents[1] / "pyproject.toml").read_text("utf-8"))["project"]
    assert extras.install(*missing) == 'pip install "ticketbench[language,control]"'
    assert set(missing) <= set(project["optional-dependencies"])
