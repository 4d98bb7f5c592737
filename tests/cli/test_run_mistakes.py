"""Ways to get `run` wrong, and what is said of each."""

import os

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import torch

from ticketbench.results import read_rows, write_rows

MISTAKES = {
    "run digits/mpl": "Unknown task 'digits/mpl'. Did you mean 'digits/mlp'? `ticketbench tasks` lists them;",
    "run mnist/*x": "Unknown task 'mnist/*x'.",
    "run none.toml": "none.toml: there is no such task file.",
    "run tiny.toml -m impp": "Unknown method 'impp'. Did you mean 'imp'? `ticketbench methods` lists them;",
    "run tiny.toml -m none.py": "none.py: cannot be read: No such file or directory.",
    "run tiny.toml -m mine.py:yours": "Unknown method of mine.py 'yours'. Known: mine.",
    "run tiny.toml -m tiny.toml": "tiny.toml: is not a Python file.",
    "run tiny.toml --device nonsense": "--device nonsense: there is no such device; it is cpu, cuda, cuda:1",
    "run tiny.toml --device meta": "--device meta: there is no such device; it is cpu, cuda, cuda:1",
    "run tiny.toml --device cpu:x": "--device cpu:x: there is no such device here",
    "run tiny.toml --results tiny.toml": "--results tiny.toml: is a file; results go into a folder.",
    "run tiny.toml --results tiny.toml/results": "--results tiny.toml/results: cannot be made: Not a directory.",
    "run tiny.toml --results /proc/results": "--results /proc/results: cannot be made: ",
    "run tiny.toml --store tiny.toml": "The store tiny.toml cannot be made: ",
}


@pytest.mark.parametrize("typed", MISTAKES)
def test_a_mistake_is_one_message_that_names_the_thing(ticketbench, task, author, here, typed):
    author()
    before = {*here.rglob("*")}
    message = ticketbench(*typed.split(), "--jobs", 1).message
    assert message.startswith(MISTAKES[typed]) and "\n" not in message
    assert {*here.rglob("*")} - before <= {here / "results"}


@pytest.mark.skipif(torch.cuda.is_available(), reason="asks for CUDA where there is none")
def test_cuda_where_there_is_none_is_one_message(ticketbench, task):
    assert (
        "--device cuda: there is no such device here" in ticketbench("run", "tiny.toml", "--device", "cuda").message
    )


def test_options_that_cannot_be_are_told_as_such(ticketbench, task):
    for typed, said in (
        (("--seeds", 0), "0 is not in the range x>=1"),
        (("--seeds", "many"), "'many' is not a valid integer"),
        (("--jobs", 0), "0 is not in the range x>=1"),
        (("--rungs", 3), "No such option"),
        (("--store-limit", -1), "-1.0 is not in the range x>=0"),
    ):
        answer = ticketbench("run", "tiny.toml", *typed)
        assert answer.code == 2 and said in answer.err and "Traceback" not in answer.err


def test_a_results_folder_that_may_not_be_written_is_told_before_anything_is_trained(
    ticketbench, task, here, monkeypatch
):
    (here / "results").mkdir()
    monkeypatch.setattr(os, "access", lambda path, mode: not mode & os.W_OK)  # a superuser may write everywhere
    assert ticketbench("run", "tiny.toml").message == "--results results: cannot be written to."


def test_two_tasks_of_one_id_are_told_apart_or_refused(ticketbench, task, here):
    (here / "other.toml").write_text(task.read_text().replace("steps = 30", "steps = 20"))
    message = ticketbench("run", "tiny.toml", "other.toml").message
    assert message == "Two tasks are named 'tiny/mlp'; give yours an id of its own."


def test_two_methods_of_one_name_are_refused(ticketbench, task, author):
    mine = author()
    mine.write_text(mine.read_text().replace('"mine"', '"imp"'))
    message = ticketbench("run", "tiny.toml", "-m", "mine.py", "-m", "imp").message
    assert message.startswith("Two methods are named 'imp': mine.py and ") and message.endswith("imp.py.")


def test_data_that_is_missing_is_one_message_that_says_what_to_set(ticketbench, here, tmp_path, monkeypatch):
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    (tmp_path / "data").mkdir()
    for where, said in (
        (tmp_path / "data", "is neither in TICKETBENCH_DATA"),
        (tmp_path / "none", "is not a folder"),
    ):
        monkeypatch.setenv("TICKETBENCH_DATA", str(where))
        message = ticketbench("run", "mnist/lenet-300-100-ci", "--seeds", 1, "--jobs", 1).message
        assert (
            message.startswith("mnist: ") and said in message and "Set " in message and "TICKETBENCH_DATA" in message
        )


NEVER_A_METHOD = {
    "@method('mine', title='Mine')\ndef mine(search):\n    return search.dense\n": "method 'mine': never yields",
    "@method('mine', title='Mine')\ndef mine():\n    yield\n": "method 'mine': takes (search) or (search, rung)",
    "@method('mine')\ndef mine(search):\n    yield\n": "cannot be loaded: TypeError: method() missing 1 required",
    "def mine(search):\n    yield search.dense\n": "declares no method; decorate a generator with @",
    "def mine(search:\n": "cannot be loaded: SyntaxError: '(' was never closed",
    "import nothing_of_this_name\n": "cannot be loaded: ModuleNotFoundError: No module named 'nothing_of_this_name'",
    "import sys\nsys.exit(0)\n": "cannot be loaded: SystemExit: 0",
    "@method('dense', title='Mine')\ndef mine(search):\n    yield\n": "this name belongs to the dense network",
}


@pytest.mark.parametrize("source", NEVER_A_METHOD, ids=range(len(NEVER_A_METHOD)))
def test_a_file_that_is_no_method_is_one_message(ticketbench, task, author, source):
    author(source)
    message = ticketbench("run", "tiny.toml", "--method", "mine.py").message
    assert message.startswith("mine.py: ") and NEVER_A_METHOD[source] in message and "\n" not in message


def damaged(file):
    whole = file.read_bytes()
    rows = read_rows(file)
    yield "is not a readable Parquet file", whole[: len(whole) // 2]
    yield "is not a readable Parquet file", b""
    yield "is not a readable Parquet file", b"rung,kept\n1,296\n"
    pq.write_table(pa.table({"name": ["somebody else's"]}), file)
    yield "is a Parquet file, but does not hold ticketbench results.", file.read_bytes()
    write_rows(file, [{**rows[0], "seed": 7}])
    yield "its id does not fit its key", file.read_bytes()


def test_a_damaged_or_foreign_file_among_the_results_is_named_and_left_alone(ticketbench, task, author, here):
    author()
    typed = "run", "tiny.toml", "-m", "mine.py", "--jobs", 1
    ticketbench(*typed)
    file = here / "results/tiny/mlp/mine.parquet"
    whole = file.read_bytes()
    for said, content in damaged(file):
        file.write_bytes(content)
        message = ticketbench(*typed).message
        assert message.startswith("results/tiny/mlp/mine.parquet: ") and said in message
        assert "\n" not in message and file.read_bytes() == content
        file.write_bytes(whole)
    assert "0 rows made, 4 were there already" in ticketbench(*typed).out
