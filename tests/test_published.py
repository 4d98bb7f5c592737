"""The published rows against what the literature agrees on, as paired differences with joint intervals."""

from pathlib import Path

import pyarrow.parquet as pq
import pytest

from ticketbench.methods.loading import shipped_methods
from ticketbench.report.boards.board import boards
from ticketbench.report.boards.scores import paired
from ticketbench.report.statistics.differences import corrected
from ticketbench.results import read_rows
from ticketbench.task import find_tasks

RESULTS = Path(__file__).parents[1] / "results"
LENET, CONV = "mnist/lenet-300-100-ci", "digits/conv"
LSTM, TRANSLATION, CARTPOLE = "tiny-shakespeare/lstm-ci", "multi30k/transformer-ci", "cartpole/ci"


def board_of(name):
    (task,) = find_tasks(name)
    rows = [row for path in sorted((RESULTS / name).glob("*.parquet")) for row in read_rows(path)]
    (found,) = boards(rows, {name: task})
    return found


def dense_scores(name):
    return [row["test_final"] for row in board_of(name).dense_rows]


def separations(name, better, worse):
    """By rung: 1 where the first method's scores lie above the second's, Holm corrected over the rungs, -1 below."""
    board = board_of(name)
    series = {each.method: each for each in board.series}
    differences = [
        paired(series[better].at(r), series[worse].at(r), board.column, board.chance) for r, _ in board.rungs
    ]
    return {rung: each.separates for (rung, _), each in zip(board.rungs, corrected(differences), strict=True)}


def test_rows_are_of_their_methods_files_as_they_are_here():
    """A method's file that changes makes its rows again, or they are of a file that nobody can read here."""
    known = {name: {method.digest} for name, method in shipped_methods().items()}
    for path in sorted(RESULTS.rglob("*.parquet")):
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
def test_at_high_compression_the_order_is_the_literatures(name, rungs, better, worse, source):
    found = separations(name, better, worse)
    assert [found[rung] for rung in rungs] == [1] * len(rungs), source


def test_ranked_over_all_layers_one_shot_falls_below_random_masks_at_the_highest_compression():
    """It all but empties the widest layers there, as iterating does not: why every layer's count stands in a row."""
    assert [separations(CONV, "one-shot", "random-layer")[rung] for rung in (7, 8)] == [-1, -1]
    assert [separations(CONV, "imp", "random-layer")[rung] for rung in (7, 8)] == [1, 1]


def test_the_language_model_has_learnt_what_counting_characters_cannot_tell():
    (task,) = find_tasks(LSTM)
    assert task.scoring.chance == pytest.approx(28.87, abs=0.005)  # of a model that knows how frequent each one is
    found = dense_scores(LSTM)
    assert len(found) == 5 and max(found) < task.scoring.chance / 4


def test_of_text_winning_tickets_do_better_than_random_ones():
    """Yu et al. 2020, Figure 1: at every density. Here the least that is pruned separates too little."""
    found = separations(LSTM, "imp-late", "random-layer")
    assert found == {1: 0, 2: -1, 3: -1, 4: -1, 5: -1, 6: -1, 7: -1, 8: -1}  # a lower perplexity


def test_at_initialization_synflow_beats_magnitude_at_the_three_highest_compressions():
    """Of 13 to 31 times, as Tanaka et al. 2020 have it; at lower ones the intervals do not tell the two apart."""
    assert list(separations(CONV, "synflow", "magnitude-init").values()) == [0] * 5 + [1] * 3


def test_the_translator_is_far_above_trivial_answers():
    """Of those that multi30k/transformer names, a lucky training sentence said of everything does best."""
    (found,) = dense_scores(TRANSLATION)
    assert found > 5 * 2.46


def test_the_policy_solves_the_game():
    found = dense_scores(CARTPOLE)
    assert len(found) == 5 and min(found) >= 475  # where Gymnasium calls CartPole-v1 solved


def test_of_a_game_winning_tickets_earn_more_than_random_ones_where_these_no_longer_learn():
    """Yu et al. 2020, Figure 4."""
    found = separations(CARTPOLE, "imp-late", "random-layer")
    assert [found[rung] for rung in (4, 5)] == [1, 1]
