"""What a page says of where its numbers came from."""

import shlex
from dataclasses import replace
from types import SimpleNamespace

import pytest

from ticketbench.report.boards.board import boards
from ticketbench.report.origin import changes, commands, facts, names_of, notices, parameters, row_command


@pytest.fixture
def task(rows_of):
    return rows_of.make_task()


def told(found, task, methods):
    return notices(found, changes(found, task, methods))


def only(rows):
    (board,) = boards(rows, {})
    return board


def test_the_command_names_every_method_with_its_parameters_and_seeds(rows_of, task):
    rows = rows_of.make_results(task, {"dense": [0.9], "imp": [0.9, 0.8]}, seeds=3, examples=50)
    rows += [
        rows_of.make_row(task, "rigl", 1, seed, method_params='{"interval": 50, "mode": "erk"}', test_final=0.5)
        for seed in range(3)
    ]

    assert commands([only(rows)], {"imp", "rigl"}) == [
        "ticketbench run digits/mlp --method imp --method \"rigl(interval=50, mode='erk')\" --seeds 3"
    ]


def test_what_a_stranger_wrote_is_quoted_for_the_shell(rows_of, task):
    rows = [rows_of.make_row(task, "x", 1, 0, method_params='{"a": "$(reboot)\'"}', test_final=0.5)]

    (command,) = commands([only(rows)], {"x"})

    assert shlex.split(command)[4] == """x(a="$(reboot)'")"""
    assert "'x(a=" in command


def test_methods_with_other_numbers_of_seeds_are_a_command_of_their_own(rows_of, task):
    rows = rows_of.make_results(task, {"imp": [0.9]}, seeds=3) + rows_of.make_results(task, {"mine": [0.9]}, seeds=5)

    assert commands([only(rows)], {"imp"}) == [
        "ticketbench run digits/mlp --method imp --seeds 3",
        "ticketbench run digits/mlp --method FILE.py:mine --seeds 5",
    ]


def test_a_method_of_a_users_file_is_named_by_a_file_and_so_is_one_that_goes_before_an_installed_one(rows_of, task):
    from ticketbench.methods import installed_methods

    imp = installed_methods()["imp"]
    own = {"mine": replace(imp, name="mine"), "one-shot": replace(imp, name="one-shot", digest="f" * 64), "imp": imp}
    rows = rows_of.make_results(task, {name: [0.9] for name in ("imp", "one-shot", "mine", "snip")}, seeds=3)

    (command,) = commands([only(rows)], names_of(own))

    selectors = [word for word in command.split() if not word.startswith(("-", "\\"))][3:-1]
    assert selectors == ["imp", "FILE.py:mine", "FILE.py:one-shot", "snip"]
    assert "--method FILE.py:mine " in row_command(
        next(row for row in rows if row["method"] == "mine"), names_of(own)
    )


def test_a_long_command_is_one_command_over_several_lines(rows_of, task):
    rows = [rows_of.make_row(task, f"a-method-of-some-length-{number}", 1, 0, test_final=0.9) for number in range(6)]

    (command,) = commands([only(rows)], {row["method"] for row in rows})

    assert max(map(len, command.splitlines())) < 100
    named = [row["method"] for row in rows]
    assert command.replace("\\\n", "").split() == [
        *("ticketbench", "run", "digits/mlp"),
        *(word for name in named for word in ("--method", name)),
        *("--seeds", "1"),
    ]


def test_parameters_are_printed_as_the_command_line_takes_them():
    assert parameters("{}") == ""
    assert parameters('{"interval": 50, "scope": "layer"}') == "(interval=50, scope='layer')"
    assert parameters("not json") == "(not json)"


def test_differing_facts_are_all_listed_with_how_many_rows_have_them(rows_of, task):
    rows = [rows_of.make_row(task, "imp", 1, seed, device="cuda" if seed == 2 else "cpu") for seed in range(3)]

    assert dict(facts(rows))["Device"] == [("cpu", 2), ("cuda", 1)]


def test_a_reader_is_told_of_other_versions_wordings_and_files(rows_of, task):
    rows = rows_of.make_results(task, {"imp": [0.9]}, seeds=3)
    assert told([only(rows)], task, {}) == []

    stale = [row | {"task_digest": "f" * 64} if row["seed"] == 0 else row for row in rows]
    assert told([only(stale)], task, {}) == [
        "1 of 3 rows were made under another wording of this task than its file here."
    ]
    newer = task.model_copy(update={"version": 2})
    assert told([only(rows)], newer, {}) == [
        "These are results of version 1 of the task; its file here is version 2."
    ]
    edited = [row | {"method_digest": f"{row['seed']}" * 64} for row in rows]
    assert told([only(edited)], task, {}) == ["Rows of one method were made by different versions of its file: imp."]


def test_a_reader_is_told_where_all_rows_were_made_by_another_file_or_engine_than_those_here(rows_of, task):
    rows = rows_of.make_results(task, {"dense": [0.95], "imp": [0.9], "snip": [0.9], "mine": [0.9]}, seeds=3)
    here = {name: SimpleNamespace(digest=digest) for name, digest in {"imp": "0" * 64, "snip": "1" * 64}.items()}
    said = "All rows of a method were made by another version of its file than the one here: snip."
    assert told([only(rows)], task, here) == [said]

    again = [row | {"method_digest": "1" * 64} if row["method"] == "snip" else row for row in rows]
    assert told([only(again)], task, here) == []

    older = [row | {"engine_version": 0} for row in again]
    assert told([only(older)], task, here) == [
        "Rows were made by version 0 of the training engine; here it is version 1."
    ]


def test_a_method_with_controls_is_run_with_them(rows_of, task):
    rows = rows_of.make_results(task, {"imp": [0.9], "one-shot": [0.9]}, seeds=3)
    rows += rows_of.make_controls(task, "imp", {"shuffled": [0.8]}, seeds=3)

    assert commands([only(rows)], {"imp", "one-shot"}) == [
        "ticketbench run digits/mlp --method one-shot --seeds 3",
        "ticketbench run digits/mlp --method imp --seeds 3 --control shuffled",
    ]


def test_several_boards_of_a_task_are_one_command_and_a_strange_setting_is_named(rows_of):
    task = rows_of.make_settings_task({"s1": 0.25, "s2": 0.3})
    pairs = [("s1", "s1"), ("s1", "s2"), ("s1", "s3")]
    found = boards(rows_of.make_matrix(task, {pair: {"imp": [0.9]} for pair in pairs}, 3), {task.id: task})

    assert len(commands(found, {})) == 1
    assert told(found, task, {}) == ["The task’s file here has no setting s3, which some rows name."]


def test_a_dense_row_is_made_again_beside_one_cheap_method_and_no_default_ones(rows_of, task):
    row = rows_of.make_row(task, "dense", 0, 2, test_final=0.9)

    assert row_command(row, {"imp"}) == "ticketbench run digits/mlp --method prune-only --seeds 3"
