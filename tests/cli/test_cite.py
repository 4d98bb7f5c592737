"""`ticketbench cite`: entries on stdout, all else on stderr."""

import re
from pathlib import Path

import pytest

from ticketbench.results import read_rows

FROZEN = Path(__file__).parents[1] / "frozen" / "2"
IMP = FROZEN / "digits" / "mlp" / "imp.parquet"


def keys(out):
    return re.findall(r"^@\w+\{(.+),$", out, re.M)


@pytest.fixture
def row():
    return next(row for row in read_rows(IMP) if row["kind"] == "ticket")


def test_a_method_and_a_task_are_cited_with_the_suite_and_nothing_twice(ticketbench):
    said = ticketbench("cite", "imp", "digits/mlp", "imp-reinit")
    assert (said.code, said.err) == (0, "")
    assert keys(said.out) == ["ticketbench", "frankle2019lottery", "alpaydin1998digits"]
    assert ticketbench("cite", "imp", "digits/mlp:imp").out == ticketbench("cite", "imp", "digits/mlp").out


def test_task_and_method_in_one_argument_are_both_cited(ticketbench):
    assert keys(ticketbench("cite", "digits/mlp:snip").out) == ["ticketbench", "alpaydin1998digits", "lee2019snip"]
    assert keys(ticketbench("cite", "digits/mlp:dense").out) == ["ticketbench", "alpaydin1998digits"]


def test_a_row_is_found_by_eight_digits_and_cited_with_its_papers(ticketbench, row):
    for wanted in (row["row_id"], row["row_id"][:8]):
        said = ticketbench("cite", wanted, "--results", FROZEN)
        assert said.code == 0
        assert keys(said.out) == [
            "ticketbench", f"ticketbench-{row['row_id'][:12]}", "alpaydin1998digits", "frankle2019lottery",
        ]  # fmt: skip
        assert said.err.startswith("The ticket of imp on digits/mlp (version 1), seed 0, rung 1 ")
        assert f"{row['test_final']:.6g}" in said.err and row["row_id"] in said.err


def test_a_row_of_a_method_that_is_not_here_is_cited_without_its_papers(ticketbench):
    row = next(row for row in read_rows(IMP.with_name("others.parquet")) if row["method"] == "odd-failing")
    said = ticketbench("cite", row["row_id"], "--results", FROZEN)
    assert said.code == 0 and "alpaydin1998digits" in keys(said.out)
    assert "Method 'odd-failing' is not known here; name its file as well" in said.err


def test_files_of_one_s_own_are_cited(ticketbench, task, author):
    path = author("""
        @method("mine", title="Mine", cites=["@misc{mine2026,\\n  title = {Mine}}", "frankle2019lottery", "nobody"])
        def mine(search):
            yield search.dense
    """)
    said = ticketbench("cite", path, task)
    assert keys(said.out)[:3] == ["ticketbench", "mine2026", "frankle2019lottery"]
    assert said.err == "method mine cites 'nobody', which is neither a key known here nor BibTeX.\n"
    Path("old (1)").mkdir()
    assert ticketbench("cite", Path(path).rename("old (1)/mine.py"), task).out == said.out


@pytest.mark.parametrize(
    ("name", "guess"), [("impp", "imp"), ("digits/mpl", "digits/mlp"), ("digits/mlp:im", "imp"), ("snipp", "snip")]
)
def test_an_unknown_name_is_one_error_with_the_nearest(ticketbench, name, guess):
    message = ticketbench("cite", "imp", name).message
    assert message.startswith("Unknown task, method or row ") and f"Did you mean '{guess}'?" in message


def test_ids_that_name_no_row_or_several_are_one_error(ticketbench, row, tmp_path):
    assert ticketbench("cite", "0123456789", "--results", FROZEN).message.endswith(
        "no row's id begins with 0123456789."
    )
    assert "there is no such folder" in ticketbench("cite", row["row_id"], "--results", tmp_path / "none").message
    message = ticketbench("cite", row["row_id"][:7], "--results", FROZEN).message
    assert "Unknown task, method or row" in message and "eight hexadecimal digits or more of its id" in message


def test_a_row_is_cited_by_an_id_in_capitals(ticketbench, row):
    lower, upper = (ticketbench("cite", id, "--results", FROZEN) for id in (row["row_id"], row["row_id"].upper()))
    assert upper == lower and upper.code == 0


def test_a_colon_without_a_method_is_refused(ticketbench, task):
    for name in ("digits/mlp:", f"{task}:"):
        assert ticketbench("cite", name).message.startswith(f"{name}: expected a method after the colon, as in ")
