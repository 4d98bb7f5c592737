"""The published rows of transfer between data sets, as paired differences with joint intervals.

Holm's correction covers the rungs of one cell at home, and both directions at one rung away, as on the matrix's page.
"""

import pytest

from ticketbench.report.boards.transfer import matrices

MNIST, FASHION = "mnist", "fashion-mnist"
HOME = [(MNIST, MNIST), (FASHION, FASHION)]
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


@pytest.fixture(name="away")
def _away(matrix):
    """The cells of `imp` off the diagonal, by rung and by where tickets were found and trained."""
    (found,) = [each for each in matrices(matrix, (MNIST, FASHION)) if each.key[0] == "imp"]
    return {(rung, each.found_on, each.trained_on): each for rung in RUNGS for each in found.crossings[rung]}


def test_no_ticket_is_as_good_as_the_target_s_own(away):
    assert {at: each.gap.separates for at, each in away.items()} == dict.fromkeys(away, -1)


def test_away_a_ticket_of_fashion_mnist_is_above_random_masks_at_three_rungs_and_one_of_mnist_at_one(away):
    separates = {at: each.against_random.separates for at, each in away.items()}
    assert [separates[rung, FASHION, MNIST] for rung in RUNGS] == [0, 1, 1, 0, 1]
    assert [separates[rung, MNIST, FASHION] for rung in RUNGS] == [0, 0, 0, 1, 0]
    assert away[4, MNIST, FASHION].against_random.interval.mean == pytest.approx(0.003, abs=5e-4)
