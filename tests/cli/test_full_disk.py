"""A disk that is full: one message, nothing that was stored lost, and the same command goes on once there is room."""

import re

import pytest

from ticketbench.results import COMPARED, read_rows, result_files

METHOD = """
    @method("mine", title="Mine")
    def mine(search, rung):
        trained = yield search.dense
        scores = {name: weight.abs() for name, weight in trained.prunable.items()}
        yield Ticket(keep_largest(scores, rung), search.initial)
"""


CANNOT = "ticketbench: results/tiny/mlp/mine.parquet: cannot be written: "


@pytest.fixture
def typed(task, author):
    author(METHOD)
    return "run", "tiny.toml", "--method", "mine.py", "--jobs", 1


def compared(here):
    rows = [row for path in result_files(here / "results") for row in read_rows(path)]
    return [{name: repr(row[name]) for name in COMPARED} for row in rows]


def rows_of(path):
    """What every row of a file says, by its id; not a number equals itself."""
    return {row["row_id"]: repr(row) for row in read_rows(path)}


def files(folder):
    return {path: path.read_bytes() for path in folder.rglob("*") if path.is_file() and path.suffix != ".lock"}


def test_a_store_without_room_is_told_and_the_same_command_goes_on(
    ticketbench, typed, here, tmp_path, monkeypatch, no_file_above
):
    whole = tmp_path / "whole"
    assert ticketbench(*typed, "--results", whole).code == 0
    (size, *_) = sorted(path.stat().st_size for path in (tmp_path / "store").rglob("*.safetensors"))
    monkeypatch.setenv("TICKETBENCH_STORE", str(tmp_path / "other"))
    with no_file_above(size - 1):
        said = ticketbench(*typed)
    assert said.code == 2
    assert said.err == (
        f"ticketbench: The store {tmp_path / 'other'} cannot be written: File too large. Nothing in it was lost; "
        "make room or name another with --store, and the same command goes on where it stopped.\n"
    )
    assert not [path for path in (tmp_path / "other").rglob("*") if path.suffix in (".tmp", ".safetensors")]
    assert ticketbench(*typed).code == 0
    assert compared(here) == [
        {name: repr(row[name]) for name in COMPARED} for path in result_files(whole) for row in read_rows(path)
    ]


def test_results_without_room_are_told_and_what_was_there_stays(ticketbench, typed, here, tmp_path, no_file_above):
    assert ticketbench(*typed).code == 0
    (here / "results/tiny/mlp/mine.parquet").unlink()
    stored, kept = files(tmp_path / "store"), files(here / "results")
    with no_file_above(2000):
        said = ticketbench(*typed)
    assert said.code == 2
    assert re.fullmatch(f"{CANNOT}.*File too large. Nothing was changed.\n", said.err)
    assert files(tmp_path / "store") == stored and files(here / "results") == kept
    said = ticketbench(*typed)
    assert said.code == 0 and "0 trainings run, 6 found in the store." in said.out
    assert len(compared(here)) == 4


def test_rows_that_are_added_to_a_file_leave_it_whole_when_there_is_no_room(ticketbench, typed, here, no_file_above):
    assert ticketbench(*typed).code == 0
    kept = {path: rows_of(path) for path in result_files(here / "results")}
    largest = max(path.stat().st_size for path in kept)
    with no_file_above(largest + 100):  # enough for what is there, and not for another seed's rows beside it
        said = ticketbench(*typed, "--seeds", 2)
    assert said.code == 2
    assert re.fullmatch(f"{CANNOT}.*File too large. Nothing was changed.\n", said.err)
    assert all(rows.items() <= rows_of(path).items() for path, rows in kept.items())
    assert ticketbench(*typed, "--seeds", 2).code == 0
    assert len(compared(here)) == 8
