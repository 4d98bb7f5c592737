"""The task files that docs/tasks.md shows whole are ones that load, and what it says of all shipped ones holds."""

import re
from pathlib import Path

import pytest

from ticketbench.task import load_task, shipped_tasks

PAGE = Path(__file__).parents[2] / "docs" / "tasks.md"
FILES = dict(re.findall(r"^```toml\n# (\S+\.toml)\n(.*?)^```", PAGE.read_text("utf-8"), re.S | re.M))


def test_the_page_shows_files_of_one_s_own_with_settings_and_with_one_s_own_data():
    assert set(FILES) == {"my-task.toml", "halves.toml", "photos.toml"}


@pytest.mark.parametrize("name", FILES)
def test_every_file_of_the_page_loads(name, tmp_path):
    path = tmp_path / name
    path.write_text(FILES[name], "utf-8")
    task = load_task(path)
    assert task.id.startswith("mine/")
    for setting in task.setting_names:
        assert task.in_setting(setting).data.title


def test_no_shipped_task_declares_a_margin_as_the_page_says():
    said = "where nothing is said, as in all shipped tasks, it is computed from the dense rows"
    assert said in PAGE.read_text("utf-8")
    tasks = {name: load_task(path) for name, path in shipped_tasks().items()}
    scorings = [task.in_setting(name).scoring for task in tasks.values() for name in task.setting_names]
    assert {each.margin for each in scorings} == {None}
