"""`leaderboard`: from a folder of results to a page, or one message."""

import shutil

import pytest


@pytest.fixture(scope="module")
def made(ran):
    return ran("--method", "random-layer", "--seeds", 2, "--jobs", 1) / "results"


@pytest.fixture
def results(made, task, here):
    return shutil.copytree(made, here / "results")


def test_without_results_it_says_how_to_make_some(ticketbench, here):
    for typed in (("leaderboard",), ("leaderboard", "--results", "none"), ("leaderboard", "--results", ".")):
        message = ticketbench(*typed).message
        assert "no such folder of results" in message or "no results" in message
        assert "`ticketbench run" in message and "\n" not in message
    assert list(here.iterdir()) == []


def test_with_results_it_says_where_its_page_is_and_opens_it(ticketbench, results, here, monkeypatch):
    opened = []
    monkeypatch.setattr("click.launch", opened.append)
    said = ticketbench("leaderboard", "--results", results, "--out", "board", "--open")
    page = here / "board" / "index.html"
    assert (said.code, said.out, said.err) == (0, f"The leaderboard is at {page}\n", "")
    assert opened == [page.as_uri()]
    assert "tiny/mlp" in page.read_text()


def test_a_methods_file_gives_its_title_and_citations(ticketbench, author, task, here):
    author(
        '''
        @scorer("mine", title="A title of mine", cites=["you2020earlybird"])
        def mine(search, checkpoint):
            """By magnitude."""
            return {name: weight.abs() for name, weight in checkpoint.prunable.items()}
        '''
    )
    assert ticketbench("run", "tiny.toml", "--method", "mine.py", "--seeds", 1, "--jobs", 1).code == 0
    page = here / "site/tasks/tiny/mlp.html"
    assert ticketbench("leaderboard").code == 0 and "A title of mine" not in page.read_text()
    assert ticketbench("leaderboard", "-m", "mine.py").code == 0
    assert "A title of mine" in page.read_text() and "Haoran You" in page.read_text()


def test_a_tasks_file_gives_its_title_chance_value_and_a_verdict_on_its_references(ticketbench, task, results, here):
    published = 'cite = "someone2020"\nwhere = "Table 1"\nmethod = "random-layer"\ndensity = 0.5\nvalue = 0.9\n'
    task.write_text(f'{task.read_text()}\n[[references]]\n{published}column = "test_final"\n')
    page = here / "site/tasks/tiny/mlp.html"
    assert ticketbench("leaderboard").code == 0
    bare = page.read_text()
    assert "the file of the task, version 1, is not at hand" in bare and "someone2020" not in bare
    assert ticketbench("leaderboard", "--task", "tiny.toml").code == 0
    told = page.read_text()
    assert "is not at hand" not in told and "A tiny perceptron" in told
    assert "someone2020" in told and "too few seeds for an interval" in told


def test_what_it_cannot_read_or_write_is_one_message(ticketbench, results, here):
    (here / "file").write_text("in the way")
    assert ticketbench("leaderboard", "--out", "file").message.startswith("file: the site cannot be written: ")
    damaged = results / "tiny/mlp/random-layer.parquet"
    damaged.write_bytes(damaged.read_bytes()[:-9])
    message = ticketbench("leaderboard").message
    assert message.startswith("results/tiny/mlp/random-layer.parquet: is not a readable Parquet file")


def test_what_cannot_be_cited_for_good_is_not_frozen_and_the_site_stays_unbuilt(ticketbench, results, here):
    message = ticketbench("leaderboard", "--freeze", "2026-11").message
    assert "cannot be frozen yet: tiny/mlp: its file is not at hand." in message and "\n" not in message
    assert "expected year and month, as in 2026-11" in ticketbench("leaderboard", "--freeze", "november").message
    assert not (here / "site/index.html").exists()
