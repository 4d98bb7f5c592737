"""The published controls of digits/mlp: which part of an imp ticket mattered."""

import pytest

from ticketbench.report.boards.controls import controlled
from ticketbench.report.statistics.differences import corrected
from ticketbench.results import CONTROLS

SPARSE = [name for name in CONTROLS if name != "long-dense"]


@pytest.fixture(name="beside")
def _beside(board_of):
    (found,) = controlled(board_of("digits/mlp"))
    return found


def test_every_control_has_all_rungs_of_ten_seeds(beside):
    assert beside.series.method == "imp"
    assert list(beside.controls) == list(CONTROLS)
    for control in beside.controls.values():
        assert sorted(control.cells) == list(range(1, 9))
        assert {len(cell.seeds) for cell in control.cells.values()} == {10}


@pytest.fixture(name="separates")
def _separates(beside):
    """By control and rung: 1 where the ticket is above it, -1 below; Holm's correction covers all of them."""
    every = {(name, rung): each for name, found in beside.differences.items() for rung, each in found.items()}
    return {at: each.separates for at, each in zip(every, corrected(list(every.values())), strict=True)}


def test_from_21_times_on_mask_and_weights_and_where_they_lie_all_matter(separates):
    assert len(separates) == 40
    whole = [rung for rung in range(1, 9) if all(separates[name, rung] == 1 for name in SPARSE)]
    assert whole == [6, 7, 8]


def test_a_small_dense_network_has_fewer_weights_than_its_ticket_and_the_other_sparse_controls_as_many(beside):
    kept = {name: [control.at(rung)[0]["kept"] for rung in (6, 7, 8)] for name, control in beside.controls.items()}
    tickets = [beside.series.at(rung)[0]["kept"] for rung in (6, 7, 8)]
    fewer = {name: [round(1 - own / of, 2) for own, of in zip(kept[name], tickets, strict=True)] for name in SPARSE}
    assert fewer.pop("small-dense") == [0.07, 0.15, 0.30]
    assert list(fewer.values()) == [[0, 0, 0]] * 3


def test_a_dense_network_trained_as_long_as_the_search_is_better_from_21_times_on(separates):
    assert [separates["long-dense", rung] for rung in range(1, 9)] == [0, 0, 0, 0, 0, -1, -1, -1]
