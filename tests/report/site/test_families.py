"""Many methods on one page: no figure holds more curves than can be told apart, and none is left out."""

from itertools import pairwise

import pytest

from ticketbench.methods import Method
from ticketbench.report.boards.board import boards
from ticketbench.report.site.families import MANY, OTHERS, crowded, family_figures, leading
from ticketbench.report.site.figures import series_name
from ticketbench.report.site.looks import looks
from ticketbench.report.site.page import board_page

FAMILIES = {"imp": "iterative", "random-layer": "random", "better": "early", "worse": "early", "odd": ""}


@pytest.fixture
def crowd(rows_of):
    """A board of as many methods as one figure may hold and three more, the later the worse, and their families."""
    task = rows_of.make_task()
    names = {**FAMILIES, **{f"filler-{k:02}": "filling" for k in range(MANY + 3 - len(FAMILIES))}}
    levels = {name: [0.95 - 0.02 * place] * 2 for place, name in enumerate(names)}
    (board,) = boards(rows_of.make_results(task, {"dense": [0.97], **levels}, 3), {task.id: task})
    methods = {name: Method(name, name, lambda search: iter(()), family=each) for name, each in names.items()}
    return board, methods, {name: each or OTHERS for name, each in names.items()}


def test_a_crowded_board_draws_the_first_of_every_family_and_what_all_are_held_against(crowd):
    board, methods, _ = crowd
    assert crowded(board)
    assert [series_name(each) for each in leading(board, methods)] == [
        "imp", "random-layer", "better", "odd", "filler-00"
    ]  # fmt: skip


def test_every_method_is_drawn_in_its_familys_figure_beside_imp_and_random_tickets(crowd):
    board, methods, families = crowd
    shown = {
        family: [name for name, _, _ in figure.legend]
        for family, figure in family_figures(board, methods, looks(families))
    }
    assert list(shown) == ["iterative", "random", "early", OTHERS, "filling"]
    assert shown["early"] == ["better", "worse", "imp", "random-layer"]
    assert shown["random"] == ["random-layer", "imp"]
    assert set().union(*shown.values()) == set(families)


def test_a_board_that_one_figure_can_hold_is_drawn_in_one(rows_of):
    task = rows_of.make_task()
    rows = rows_of.make_results(task, {"dense": [0.97], **{f"m{k:02}": [0.9, 0.8] for k in range(MANY)}}, 3)
    (board,) = boards(rows, {task.id: task})
    page = board_page(board, {}, looks({f"m{k:02}": OTHERS for k in range(MANY)}))
    assert page["families"] == []
    assert len(page["metric"].legend) == MANY


def test_methods_of_one_family_differ_in_colour_dash_and_mark(crowd):
    _, _, families = crowd
    given = looks(families)
    filling = [given[name] for name, family in families.items() if family == "filling"]
    for one, other in pairwise(filling):
        assert one.colour != other.colour and one.dash != other.dash and one.mark != other.mark
    assert len({(look.colour, look.dash, look.mark) for look in given.values()}) == len(given)
