"""Stopped at any moment in any way, the same command goes on, and the rows are those of a run that was not."""

import os
import random
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from ticketbench.cli import main
from ticketbench.methods import shipped_methods
from ticketbench.results import read_rows, result_files

STEPS = 150
METHODS = ("imp", "random-layer", "fine-tune")
# Dense, and for each of three methods four rungs, with two seeds; imp's and fine-tune's dense network is dense's.
TRAININGS = 2 * (1 + 3 * 4)


TASK = {"training__steps": STEPS, "training__schedule": {}, "ladder__rounds": 4, "network__options__hidden": [40]}


@pytest.fixture
def command(lab):
    """A function from methods, and a number of seeds and of processes, to what a person types after `ticketbench`."""

    def typed(*methods: object, seeds: int = 2, jobs: int = 1) -> list[str]:
        chosen = [word for name in methods for word in ("--method", str(name))]
        return ["run", str(lab.folder / "tiny-mlp.toml"), *chosen, "--seeds", str(seeds), "--jobs", str(jobs),
                "--results", str(lab.folder / "results"), "--store", str(lab.folder / "store")]  # fmt: skip

    return typed


@pytest.fixture
def arguments(lab, command):
    lab.task(**TASK)
    return command(*METHODS)


@pytest.fixture(scope="module")
def uninterrupted(tmp_path_factory, new_lab):
    """The rows of a run that nothing stopped, and the files of its store."""
    lab = new_lab(tmp_path_factory.mktemp("whole"))
    rows = lab.run([lab.task(**TASK)], [shipped_methods()[name] for name in METHODS], 2)
    return rows, checkpoints(lab.folder / "store").keys()


def checkpoints(store: Path) -> dict[str, int]:
    """The inode of every checkpoint: another where a file was written anew."""
    return {str(path.relative_to(store)): path.stat().st_ino for path in store.rglob("*.safetensors")}


def begin(arguments, **how):
    return subprocess.Popen(
        [sys.executable, "-m", "ticketbench", *arguments],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        **how,
    )


def finish(arguments, monkeypatch, capsys):
    """The same command in this process: exit code, what it said, and what it said to stderr."""
    monkeypatch.setattr(sys, "argv", ["ticketbench", *arguments])
    with pytest.raises(SystemExit) as ended:
        main()
    return ended.value.code, *capsys.readouterr()


def trained(said: str) -> int:
    return int(re.search(r"(\d+) trainings run", said)[1])


def rows_of(lab, folder="results"):
    return [row for path in result_files(lab.folder / folder) for row in read_rows(path)]


def test_killed_at_random_moments_it_goes_on_where_it_stopped(
    lab, arguments, uninterrupted, compared, monkeypatch, capsys
):
    whole, files = uninterrupted
    store, delays = lab.folder / "store", []
    for _ in range(2):
        before = len(checkpoints(store))
        process = begin(arguments)
        while len(checkpoints(store)) == before and process.poll() is None:
            time.sleep(0.005)
        delays.append(random.uniform(0, 0.5))
        time.sleep(delays[-1])
        process.kill()
        process.communicate()
    stored = checkpoints(store)
    assert 0 < len(stored) < len(files), f"the kills came too late or too soon ({delays})"
    done_before = {row["row_id"]: row for row in rows_of(lab)}

    code, out, err = finish(arguments, monkeypatch, capsys)
    assert (code, err) == (0, "")
    after = checkpoints(store)
    assert after.keys() == files
    assert stored.items() <= after.items()  # nothing that was stored was written again
    new = [path for path in after.keys() - stored.keys() if path.endswith(f"/{STEPS}.safetensors")]
    assert trained(out) == len(new)
    rows = rows_of(lab)
    assert compared(rows) == compared(whole)
    assert done_before.items() <= {row["row_id"]: row for row in rows}.items()  # nor any row

    code, out, _ = finish(arguments, monkeypatch, capsys)
    assert code == 0
    assert f"0 rows made, {len(whole)} were there already; 0 trainings run, 0 found in the store." in out
    assert rows_of(lab) == rows


def test_two_runs_at_once_share_the_work_and_end_alike(lab, arguments, uninterrupted, compared):
    processes = [begin(arguments), begin(arguments)]
    said = [process.communicate(timeout=300) for process in processes]
    assert [process.returncode for process in processes] == [0, 0], said
    assert sum(trained(out) for out, _ in said) == TRAININGS
    assert compared(rows_of(lab)) == compared(uninterrupted[0])
    assert checkpoints(lab.folder / "store").keys() == uninterrupted[1]


def children(process) -> list[str]:
    try:
        return Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text().split()
    except OSError:
        return []


@pytest.mark.skipif(not Path("/proc/self/task").is_dir(), reason="counts child processes in /proc")
def test_control_c_ends_all_processes_with_one_message(lab, command):
    lab.task(**TASK)
    process = begin(command(*METHODS, jobs=2), start_new_session=True)
    while len(children(process)) < 3 and process.poll() is None:  # two workers, and what keeps account of them
        time.sleep(0.01)
    started = children(process)
    os.killpg(process.pid, signal.SIGINT)  # as a terminal does: to the workers too, here while they are starting
    out, err = process.communicate(timeout=60)
    assert (process.returncode, out) == (130, "")
    assert err == "\nStopped. Nothing is lost: the same command goes on where it stopped.\n"
    assert len(started) == 3
    until = time.monotonic() + 10
    while (left := [each for each in started if Path(f"/proc/{each}").exists()]) and time.monotonic() < until:
        time.sleep(0.01)
    assert not left


def test_control_c_in_the_middle_of_a_search_loses_nothing(lab, command, compared, monkeypatch, capsys):
    source = """
        import os
        import signal

        @method("mine", title="Mine")
        def mine(search):
            dense = yield search.dense
            first, second, third = masks_of(search, dense)
            yield Ticket(first, search.initial)
            if os.environ.get("STOP"):
                os.kill(os.getpid(), signal.SIGINT)
            yield [Ticket(second, search.initial), Ticket(third, search.initial)]
    """
    lab.task()
    found = lab.method(source)
    arguments = command(found.source, seeds=1)
    monkeypatch.setenv("STOP", "yes")
    code, _, err = finish(arguments, monkeypatch, capsys)
    assert (code, err) == (130, "\nStopped. Nothing is lost: the same command goes on where it stopped.\n")
    assert [row["kind"] for row in rows_of(lab)] == ["dense"]
    monkeypatch.delenv("STOP")
    code, out, _ = finish(arguments, monkeypatch, capsys)
    assert code == 0
    assert "2 trainings run, 2 found in the store" in out
    assert compared(rows_of(lab)) == compared(lab.run([lab.task()], [found], 1, "whole", "whole-store"))


def test_a_worker_killed_alone_ends_the_run_in_words_and_the_same_command_goes_on(lab, command, monkeypatch, capsys):
    lab.task()
    found = lab.method(f"""
        import os
        import signal

        @method("mine", title="Mine")
        def mine(search):
            dense = yield search.dense
            first, *others = masks_of(search, dense)
            yield Ticket(first, search.initial)
            if os.getpid() != {os.getpid()}:
                os.kill(os.getpid(), signal.SIGKILL)
            yield [Ticket(mask, search.initial) for mask in others]
    """)
    code, _, err = finish(command(found.source, jobs=2), monkeypatch, capsys)
    assert code == 2
    assert err.startswith(
        "ticketbench: A worker process was killed by signal 9 (SIGKILL) while it ran tiny/mlp mine, seed "
    )
    assert "Nothing stored is lost: the same command goes on where it stopped" in err and err.count("\n") == 1
    stored = checkpoints(lab.folder / "store")
    assert finish(command(found.source), monkeypatch, capsys)[0] == 0
    assert stored.items() <= checkpoints(lab.folder / "store").items()
    assert {row["status"] for row in rows_of(lab)} == {"done"} and len(rows_of(lab)) == 8


def test_what_an_edited_method_made_before_is_replaced_and_it_says_so(lab, command, monkeypatch, capsys):
    source = """
        @method("mine", title="Mine")
        def mine(search):
            yield [Ticket(mask, search.reinitialized(DRAW)) for mask in masks_of(search, search.initial)]
    """
    lab.task()
    found = lab.method(source.replace("DRAW", "1"))
    arguments = command(found.source, seeds=1)
    assert finish(arguments, monkeypatch, capsys)[0] == 0
    before = rows_of(lab)
    lab.method(source.replace("DRAW", "2"))
    code, out, _ = finish(arguments, monkeypatch, capsys)
    assert code == 0
    assert "3 rows were made by another version of their task, game, method or engine: made anew." in out
    assert "3 rows made (3 done), 1 were there already; 3 trainings run, 0 found in the store." in out
    after = rows_of(lab)
    assert {row["row_id"] for row in after} == {row["row_id"] for row in before}
    assert {row["method_digest"] for row in after if row["kind"] == "ticket"} != {found.digest}
    assert [row["test_correct"] for row in after[1:]] != [row["test_correct"] for row in before[1:]]

    lab.task(training__steps=20)
    code, out, _ = finish(arguments, monkeypatch, capsys)
    assert code == 0
    assert "4 rows were made by another version of their task" in out
    assert "4 rows made" in out and len(rows_of(lab)) == 4
