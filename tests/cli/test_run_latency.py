"""`run --latency`: measured where rows are made, and no reason to make them again."""

from ticketbench.results import read_rows


def latencies(here):
    return [
        row["latency"] for name in ("dense", "mine") for row in read_rows(here / f"results/tiny/mlp/{name}.parquet")
    ]


def test_rows_that_a_run_makes_have_a_latency_where_it_is_asked_for(ticketbench, task, author, here):
    author()
    typed = "run", "tiny.toml", "--method", "mine.py"
    said = ticketbench(*typed, "--jobs", 2, "--latency")
    assert said.code == 0 and "--jobs 1 times it alone" in said.err
    measured = latencies(here)
    assert len(measured) == 4 and all(seconds > 0 for seconds in measured)
    said = ticketbench(*typed, "--latency")
    assert "0 rows made" in said.out and "times it alone" not in said.err
    assert latencies(here) == measured


def test_rows_without_it_are_not_made_again_for_it(ticketbench, task, author, here):
    author()
    typed = "run", "tiny.toml", "--method", "mine.py", "--jobs", 1
    assert ticketbench(*typed).code == 0
    said = ticketbench("run", "tiny.toml", "--method", "mine.py", "--latency")
    assert "0 rows made, 4 were there already" in said.out and "times it alone" not in said.err
    assert latencies(here) == [None] * 4
