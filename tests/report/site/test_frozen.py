"""Result files of earlier versions are shown by the site of today."""

from pathlib import Path

import pytest

from ticketbench.methods import installed_methods
from ticketbench.report.site.build import build_site
from ticketbench.task import load_task, shipped_tasks

FROZEN = Path(__file__).parents[2] / "frozen"


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    tasks = {name: load_task(path) for name, path in shipped_tasks().items()}
    return build_site([FROZEN], tmp_path_factory.mktemp("site"), tasks, installed_methods()).parent


@pytest.mark.parametrize(
    ("task", "methods"),
    [
        ("digits/conv", ["prune-only"]),
        ("digits/mlp", ["imp", "early-bird", "prune-only", "odd-failing", "odd-diverging"]),
    ],
)
def test_every_method_of_a_frozen_file_stands_on_its_task_s_page(site, task, methods):
    text = (site / "tasks" / f"{task}.html").read_text("utf-8")
    assert all(method in text for method in methods)
