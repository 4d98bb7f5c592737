"""The published controls of digits/mlp: which part of an imp ticket mattered."""

import pytest

from ticketbench.report.boards.controls import controlled
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


def test_from_8_times_on_mask_and_weights_and_where_they_lie_all_matter(beside):
    """Below it, about a point at most lies between a ticket and any network that is as sparse."""
    for name in SPARSE:
        assert all(beside.differences[name][rung].low > 0 for rung in range(4, 9)), name
        assert all(abs(beside.differences[name][rung].mean) < 0.0105 for rung in range(1, 4)), name


def test_a_dense_network_trained_as_long_as_the_search_is_no_worse_and_better_from_21_times_on(beside):
    against = beside.differences["long-dense"]
    assert [against[rung].low <= 0 for rung in range(1, 9)] == [True] * 8
    assert [rung for rung in range(1, 9) if against[rung].high < 0] == [6, 7, 8]
