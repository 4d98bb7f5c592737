"""The published rows of transfer between data sets, as paired differences with joint intervals.

Each test's family, which Holm's correction covers, is the rungs of one cell.
"""

import pytest

MNIST, FASHION = "mnist", "fashion-mnist"
HOME = [(MNIST, MNIST), (FASHION, FASHION)]
AWAY = [(MNIST, FASHION), (FASHION, MNIST)]
RUNGS = (1, 2, 3, 4, 5)


@pytest.fixture(name="matrix")
def _matrix(cells):
    """Its boards, by where tickets were found and where they were trained."""
    return cells("mnist/dataset-transfer-ci")


@pytest.mark.parametrize("cell", HOME)
@pytest.mark.parametrize("control", ["random-layer", "imp-reinit"])
def test_at_home_a_ticket_is_above_random_masks_and_above_its_own_mask_reinitialized(
    matrix, separations, cell, control
):
    assert separations(matrix[cell], "imp", matrix[cell], control) == dict.fromkeys(RUNGS, 1)


@pytest.mark.parametrize("cell", AWAY)
def test_no_ticket_is_as_good_as_the_target_s_own(matrix, separations, cell):
    own = (cell[1], cell[1])
    assert separations(matrix[cell], "imp", matrix[own], "imp") == dict.fromkeys(RUNGS, -1)


@pytest.mark.parametrize(("cell", "above"), [((FASHION, MNIST), [2, 3, 5]), ((MNIST, FASHION), [])])
def test_away_a_ticket_of_fashion_mnist_is_above_random_masks_at_three_rungs_and_one_of_mnist_at_none(
    matrix, separations, cell, above
):
    own = (cell[1], cell[1])
    found = separations(matrix[cell], "imp", matrix[own], "random-layer")
    assert found == {rung: int(rung in above) for rung in RUNGS}
