"""What the cells of a transfer matrix say beside their numbers."""

from types import SimpleNamespace

import pytest

from ticketbench.report.boards.board import boards
from ticketbench.report.site.matrix_page import matrix_page
from ticketbench.report.site.page import usual_kind

S = ("s1", "s2")
CHANCE = 0.3


@pytest.fixture(name="lines")
def _lines(rows_of):
    """`lines(rows)`: what the cell found on s1 and trained on s2 says at rungs 1 and 2, by its lines' names."""
    task = rows_of.make_settings_task(dict.fromkeys(S, CHANCE))

    def found(rows):
        cells = {(each.found_on, each.trained_on): each for each in boards(rows, {task.id: task})}
        (grid,) = matrix_page(cells, S, {}).ordinary
        (pair,) = [each for each in grid.pairs if each.trained_on == "s2"]
        assert grid.seeds == 5
        return {name: [cell.notes for cell in shown] for name, _, shown in pair.lines}

    pairs = [(a, b) for a in S for b in S]
    rows = rows_of.make_matrix(task, {(s, s): {"dense": [0.96]} for s in S}, 5)
    for a, b in pairs:
        at = {"found_on": a, "trained_on": b}
        rows += rows_of.make_results(task, {"imp": [0.9, 0.8], "random-layer": [0.85, 0.7]}, 5, **at)
        rows += rows_of.make_controls(task, "imp", {"shuffled": [0.84, 0.72]}, 5, **at)
    found.rows = rows
    return found


def at(row, found_on, **named):
    return (row["found_on"], row["trained_on"], row["rung"]) == (found_on, "s2", 2) and named.items() <= row.items()


@pytest.mark.parametrize(
    ("found_on", "side", "line", "word"),
    [
        ("s2", {"method": "random-layer"}, "Against random", "random"),
        ("s2", {"method": "imp", "kind": "ticket"}, "Transfer gap", "found there"),
        ("s1", {"method": "imp", "kind": "control"}, "Advantage", "shuffled"),
    ],
)
def test_a_difference_says_in_how_many_seeds_the_other_side_collapsed(found_on, side, line, word, lines, rows_of):
    dead = [row for row in lines.rows if at(row, found_on, **side) and row["seed"] < 2]
    rows = [rows_of.collapsed([row], CHANCE)[0] if row in dead else row for row in lines.rows]

    notes = lines(rows)
    assert len(dead) == 2
    assert notes.pop(line) == [(), (f"× {word}: 2 collapsed",)]
    assert set(notes) == {"Score", "Transfer gap", "Advantage", "Against random", "Against dense"} - {line}
    assert all(each == [(), ()] for each in notes.values())


def test_a_score_says_where_it_is_of_fewer_seeds_than_the_others(lines):
    rows = [row for row in lines.rows if not (at(row, "s1", method="imp", kind="ticket") and row["seed"] == 4)]

    assert lines(rows)["Score"] == [(), ("4 of 5 seeds",)]


def test_a_difference_says_where_it_is_of_fewer_seeds_than_the_scores(lines):
    rows = [row for row in lines.rows if row["method"] != "random-layer" or row["seed"] == 0]

    notes = lines(rows)
    assert notes.pop("Against random") == [("1 seed",)] * 2
    assert all(each == [(), ()] for each in notes.values())


@pytest.mark.parametrize("kinds", [["joint", "seeds only"], ["seeds only", "joint"], ["none", "none", "seeds only"]])
def test_the_usual_kind_of_interval_is_one_whatever_the_order_of_the_cells(kinds):
    cells = [SimpleNamespace(score=SimpleNamespace(kind=kind)) for kind in kinds]
    assert usual_kind([*cells, SimpleNamespace(score=None)]) == "seeds only"
    assert usual_kind([]) == "none"
