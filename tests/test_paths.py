"""Where things lie: in a checkout, in an installed wheel, and in the user's own folders."""

from pathlib import Path

import pytest

from ticketbench import paths
from ticketbench.errors import TicketbenchError


def test_a_checkout_has_its_folders_beside_suite():
    root = Path(__file__).parents[1]
    assert paths.shipped("tasks") == root / "tasks"
    assert paths.shipped("baselines") == root / "baselines"


def test_an_installed_package_has_them_inside_and_prefers_those(tmp_path, monkeypatch):
    package = tmp_path / "site-packages" / "suite" / "ticketbench"
    (package / "shipped" / "tasks").mkdir(parents=True)
    stray = tmp_path / "site-packages" / "tasks"
    stray.mkdir()
    monkeypatch.setattr(paths, "_PACKAGE", package)
    assert paths.shipped("tasks") == package / "shipped" / "tasks"


def test_a_folder_that_is_missing_is_said_to_be(tmp_path, monkeypatch):
    package = tmp_path / "suite" / "ticketbench"
    package.mkdir(parents=True)
    monkeypatch.setattr(paths, "_PACKAGE", package)
    with pytest.raises(TicketbenchError, match="lacks its folder 'tasks'; install it again"):
        paths.shipped("tasks")


def test_the_store_is_where_the_environment_says_or_in_the_cache(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.delenv("TICKETBENCH_STORE", raising=False)
    assert paths.default_store() == paths.cache_folder() / "store"
    monkeypatch.setenv("TICKETBENCH_STORE", "")
    assert paths.default_store() == paths.cache_folder() / "store"
    monkeypatch.setenv("TICKETBENCH_STORE", "~/checkpoints")
    assert paths.default_store() == tmp_path / "checkpoints"
    assert not (tmp_path / "checkpoints").exists()


@pytest.mark.parametrize("variable", ["TICKETBENCH_STORE", "TICKETBENCH_DATA"])
def test_the_folder_of_somebody_unknown_is_told_with_the_variable(monkeypatch, variable):
    monkeypatch.setenv(variable, "~nobody-of-this-name/x")
    with pytest.raises(TicketbenchError, match=f"{variable} is ~nobody-of-this-name/x: nobody of that name"):
        paths.folder_named_by(variable)
