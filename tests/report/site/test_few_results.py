"""What pages say where results are few, old, or not done."""

from dataclasses import replace
from types import SimpleNamespace

import pytest

from ticketbench.methods import installed_methods
from ticketbench.report.boards.board import boards
from ticketbench.report.site.build import build_site
from ticketbench.report.site.looks import looks
from ticketbench.report.site.page import board_page


@pytest.fixture(scope="module")
def built(rows_of, tmp_path_factory):
    """A site: a method with rows of another file than its own, three with no mean, and a collapsed dense network."""
    folder = tmp_path_factory.mktemp("few")
    task = rows_of.make_task()
    rows = rows_of.make_results(task, {"dense": [0.95], "imp": [0.9, 0.8]}, seeds=5, examples=100, test_best=0.95)
    for row in rows:
        if (row["method"], row["seed"]) == ("dense", 3):
            row |= {"status": "collapsed", "reason": "answers class 4 for every test example"}
        if (row["method"], row["rung"]) == ("imp", 1):
            row |= {"method_digest": "f" * 64}
    rows += [
        rows_of.without_score(rows_of.make_row(task, name, 2, seed), "not applicable", "needs convolutions")
        for name in ("filters", "filters-l1", "filters-l2")
        for seed in range(5)
    ]
    imp = replace(installed_methods()["imp"], digest="0" * 64)
    results = rows_of.write_results(folder / "results", rows)
    index = build_site([results], folder / "site", {task.id: task}, {"imp": imp})
    return SimpleNamespace(index=index, site=folder / "site")


@pytest.fixture
def text_of(built, read):
    """The text of a page of the site, by its address."""
    return lambda address: " ".join(read(built.site / address).text.split())


def test_how_many_methods_order_a_table_is_said_as_it_is(text_of):
    text = text_of("tasks/digits/mlp.html")

    assert "at 2.78×, the sparsest rung at which 1 of 4 has a mean at that compression" in text
    assert "most of them" not in text and "most methods" not in text_of("methods/imp.html")


def test_wins_are_of_the_seeds_whose_dense_network_is_done(built, read, text_of):
    page = read(built.site / "tasks/digits/mlp.html")
    rates = [
        " ".join(cell.split()) for table in page.tables for row in table if "Any rung" in table[0][-1] for cell in row
    ]

    assert any("/4 " in cell for cell in rates)
    assert not any("/5 " in cell for cell in rates)
    assert "Seeds that win of the seeds run whose dense network is done" in text_of("tasks/digits/mlp.html")


def test_a_line_that_would_make_other_rows_does_not_promise_the_same(text_of):
    text = text_of("tasks/digits/mlp.html")

    assert "Rows of one method were made by different versions of its file: imp." in text
    assert "Here this line makes other rows than these, or may" in text
    assert "equal in every bit" not in text


def test_a_methods_page_says_how_many_rows_its_file_did_not_make(text_of):
    text = text_of("methods/imp.html")

    assert f"that of this one is {'0' * 64}. 5 of 10 rows here name another" in text


def test_a_rank_is_never_less_than_that_of_the_method_above(text_of):
    assert "number of better ones that separate from it, and never less than that of the method above" in text_of(
        "index.html"
    )


def test_a_difference_from_a_control_that_only_the_ticket_keeps_from_being_says_so(rows_of):
    task = rows_of.make_task(chance=None)
    rows = rows_of.make_results(task, {"imp": [0.9, 0.8]}, 3)
    rows_of.without_score(rows[0], "diverged", "the loss was not finite at step 80")
    rows += rows_of.make_controls(task, "imp", {"shuffled": [0.8, 0.7]}, 3)
    (board,) = boards(rows, {task.id: task})

    ((control, _, (lost, told)),) = board_page(board, {}, looks({"imp": ""}))["controls"][0].lines

    assert control == "shuffled"
    assert (lost.main, lost.long) == ("?", "the ticket: no mean: 1 diverged, and no chance value is known")
    assert told.main != "?"
