"""The published rows against what the literature agrees on, as paired differences with joint intervals."""

import pyarrow.parquet as pq
import pytest

from ticketbench.methods.loading import shipped_methods
from ticketbench.task import find_tasks

LENET, CONV = "mnist/lenet-300-100-ci", "digits/conv"
LSTM, TRANSLATION, CARTPOLE = "tiny-shakespeare/lstm-ci", "multi30k/transformer-ci", "cartpole/ci"


@pytest.fixture(name="dense_scores")
def _dense_scores(board_of):
    """`dense_scores(task)`: at the last step, seed by seed."""
    return lambda name: [row["test_final"] for row in board_of(name).dense_rows]


@pytest.fixture(name="order")
def _order(board_of, separations):
    """`order(task, better, worse)`: by rung, 1 where the first method's scores lie above the second's, -1 below."""

    def found(name, better, worse):
        board = board_of(name)
        return separations(board, better, board, worse)

    return found


def test_rows_are_of_their_methods_files_as_they_are_here(results):
    """A method's file that changes makes its rows again, or they are of a file that nobody can read here."""
    known = {name: {method.digest} for name, method in shipped_methods().items()}
    for path in sorted(results.rglob("*.parquet")):
        if path.stem != "dense":
            said = pq.read_table(path, columns=["method_digest"])["method_digest"].unique().to_pylist()
            assert set(said) == known[path.stem], path


@pytest.mark.parametrize(
    ("better", "worse", "source"),
    [
        ("imp", "one-shot", "Frankle & Carbin 2019, section 5: iterative pruning finds smaller tickets"),
        ("one-shot", "random-layer", "Frankle & Carbin 2019, section 2: masks matter"),
        ("imp", "imp-reinit", "Frankle & Carbin 2019, section 2: initial weights matter"),
    ],
)
@pytest.mark.parametrize(("name", "rungs"), [(LENET, range(6, 11)), (CONV, range(5, 7))])
def test_at_high_compression_the_order_is_the_literatures(order, name, rungs, better, worse, source):
    found = order(name, better, worse)
    assert [found[rung] for rung in rungs] == [1] * len(rungs), source


def test_ranked_over_all_layers_one_shot_falls_below_random_masks_at_the_highest_compression(order):
    """It all but empties the widest layers there, as iterating does not: why every layer's count stands in a row."""
    assert [order(CONV, "one-shot", "random-layer")[rung] for rung in (7, 8)] == [-1, -1]
    assert [order(CONV, "imp", "random-layer")[rung] for rung in (7, 8)] == [1, 1]


def test_the_language_model_has_learnt_what_counting_characters_cannot_tell(dense_scores):
    (task,) = find_tasks(LSTM)
    assert task.scoring.chance == pytest.approx(28.87, abs=0.005)  # of a model that knows how frequent each one is
    found = dense_scores(LSTM)
    assert len(found) == 5 and max(found) < task.scoring.chance / 4


def test_of_text_winning_tickets_do_better_than_random_ones(order):
    """Yu et al. 2020, Figure 1: at every density. Here the least that is pruned separates too little."""
    found = order(LSTM, "imp-late", "random-layer")
    assert found == {1: 0, 2: -1, 3: -1, 4: -1, 5: -1, 6: -1, 7: -1, 8: -1}  # a lower perplexity


def test_at_initialization_synflow_beats_magnitude_at_the_three_highest_compressions(order):
    """Of 13 to 31 times, as Tanaka et al. 2020 have it; at lower ones the intervals do not tell the two apart."""
    assert list(order(CONV, "synflow", "magnitude-init").values()) == [0] * 5 + [1] * 3


def test_the_translator_is_far_above_trivial_answers(dense_scores):
    """Of those that multi30k/transformer names, a lucky training sentence said of everything does best."""
    (found,) = dense_scores(TRANSLATION)
    assert found > 5 * 2.46


def test_the_policy_solves_the_game(dense_scores):
    found = dense_scores(CARTPOLE)
    assert len(found) == 5 and min(found) >= 475  # where Gymnasium calls CartPole-v1 solved


def test_of_a_game_winning_tickets_earn_more_than_random_ones_where_these_no_longer_learn(order):
    """Yu et al. 2020, Figure 4."""
    found = order(CARTPOLE, "imp-late", "random-layer")
    assert [found[rung] for rung in (4, 5)] == [1, 1]
