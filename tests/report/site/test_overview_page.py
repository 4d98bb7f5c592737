"""A ranking over tasks as a reader meets it: in pages, tables to take away, and on the first page."""

import re
from pathlib import Path

import pytest

from ticketbench.report.boards.task_sets import TaskSet
from ticketbench.report.site.csv_tables import csv_overview
from ticketbench.report.site.latex_tables import latex_overview
from ticketbench.report.site.looks import looks
from ticketbench.report.site.overview import set_pages
from ticketbench.report.site.rank_words import MODEL_BASED
from ticketbench.report.site.templates import templates

ACCURACY = {"dense": [0.97], "a": [0.96] * 8, "b": [0.75] * 8}


@pytest.fixture(scope="module")
def headlines(rows_of, shown):
    """Headlines of two tasks, the second of which lacks a method."""
    one, two = (rows_of.make_task(name) for name in ("digits/mlp", "digits/conv"))
    return [
        shown(rows_of.make_results(one, ACCURACY | {"c": [0.96] * 8}, seeds=6), one)[1],
        shown(rows_of.make_results(two, ACCURACY, seeds=6), two)[1],
    ]


def some_set(*ids):
    said = {"name": "some", "version": 1, "title": "Some", "tasks": [{"id": i, "version": 1} for i in ids]}
    return TaskSet.model_validate(said)


def test_over_tasks_complete_methods_are_ranked_and_others_listed(headlines):
    (page,) = set_pages([some_set("digits/mlp", "digits/conv")], headlines, {}, looks(dict.fromkeys("abc", "")))
    ((heading, lines),) = page.groups

    assert heading == ""
    assert [(line.name, line.rank.rank) for line in lines] == [("a", 1), ("b", 2)]
    assert lines[1].first
    assert lines[0].profile[0] == "2 of 2"
    assert [(each.name, each.complete, each.missing) for each in page.missing] == [
        ("c", 1, [("not run", "digits/conv")])
    ]
    assert page.says == "Of 2 methods that are complete, a alone has rank 1."


@pytest.mark.parametrize(
    ("seeds", "b", "marked"), [(5, 0.75, True), (6, 0.75, False), (5, 0.96, False)], ids=["few", "enough", "equal"]
)
def test_separations_over_tasks_on_few_seeds_are_said_to_be_model_based(rows_of, shown, seeds, b, marked):
    task = rows_of.make_task()
    rows = rows_of.make_results(task, {"dense": [0.97], "a": [0.96] * 8, "b": [b] * 8}, seeds=seeds)
    (page,) = set_pages([some_set("digits/mlp")], [shown(rows, task)[1]], {}, looks(dict.fromkeys("ab", "")))

    assert page.says.endswith(f" {MODEL_BASED}") == marked
    assert page.says.count("model-based") == marked


def test_a_method_that_is_alone_in_its_family_has_no_rank_over_tasks(rows_of, shown):
    task = rows_of.make_task()
    rows = rows_of.make_results(task, ACCURACY | {"popup": [0.96] * 8}, seeds=6)
    for row in rows:
        if row["method"] == "popup":
            row |= {"training_steps": 0, "start_step": 800}
    (page,) = set_pages(
        [some_set("digits/mlp")], [shown(rows, task)[1]], {}, looks(dict.fromkeys(("a", "b", "popup"), ""))
    )
    (_, ranked), (_, (alone,)) = page.groups

    assert [line.rank.rank for line in ranked] == [1, 2]
    assert alone.rank is None
    assert alone.apart.startswith("alone in its family")
    line = next(each for each in csv_overview(page).splitlines() if ",popup," in each)
    assert ",popup,,,," in line  # no rank and no interval of ranks
    assert "alone in its family" in latex_overview(page)
    assert " & -- & " in latex_overview(page)


def test_a_set_with_a_task_that_has_no_rows_says_so_and_ranks_nothing(headlines):
    (page,) = set_pages([some_set("digits/mlp", "mnist/lenet-5")], headlines, {}, looks(dict.fromkeys("abc", "")))

    assert page.without == [("mnist/lenet-5", "no rows")]
    assert page.groups == []
    assert set_pages([some_set("mnist/lenet-5")], headlines, {}, {}) == []


def test_the_first_page_shows_a_ranking_without_scripts(headlines, tmp_path, read):
    pages = set_pages([some_set("digits/mlp", "digits/conv")], headlines, {}, looks(dict.fromkeys("abc", "")))
    path = tmp_path / "index.html"
    path.write_text(templates()("index.html", root="", tasks=[], waiting=[], sets=pages), "utf-8")
    page = read(path)

    row = page.row(0, "a")
    assert row[1] == "1"
    assert row[3] == f"{pages[0].groups[0][1][0].area.main} {pages[0].groups[0][1][0].area.below}"
    assert row[5] == "2 of 2"


def test_the_first_page_says_of_tiers_what_the_readme_says():
    readme = " ".join((Path(__file__).parents[3] / "README.md").read_text("utf-8").split())
    (said,) = re.findall(r"A tier is how long [^.]*\.", readme)

    assert said in templates()("index.html", root="", tasks=[], waiting=[], sets=[])
