"""What a person at a terminal sees while rows are made, and how it is counted."""

import os
import pty
import re
import subprocess
import sys
import time
from types import SimpleNamespace

from ticketbench.cli import progress
from ticketbench.cli.progress import Account, Lines
from ticketbench.harness.shard import Asked, Finished, Scored


def test_at_a_terminal_a_bar_goes_to_its_end(task, author):
    author("""
        @method("mine", title="Mine")
        def mine(search, rung):
            yield Ticket(masks_of(search)[rung.index - 1], search.initial)
    """)
    outer, inner = pty.openpty()
    typed = [sys.executable, "-m", "ticketbench", "run", "tiny.toml", "--method", "mine.py", "--jobs", "1"]
    environment = os.environ | {"TERM": "xterm-256color", "COLUMNS": "120"}
    environment.pop("NO_COLOR", None)
    process = subprocess.Popen(typed, stdout=inner, stderr=inner, stdin=inner, env=environment)
    os.close(inner)
    shown = b""
    while True:
        try:
            read = os.read(outer, 65536)
        except OSError:  # its end, on Linux
            break
        if not read:
            break
        shown += read
    os.close(outer)
    assert process.wait(60) == 0
    said = shown.decode()
    assert "\x1b[" in said and "Traceback" not in said
    plain = re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", said)
    assert "4/4" in plain and "4 trained, 0 from store" in plain
    assert "4 rows made (4 done); 4 trainings run, 0 found in the store." in plain
    assert "[4/4]" not in plain  # that is for files


def account(rows=10):
    return Account(SimpleNamespace(rows=rows))


def row(status, reason=""):
    return {"status": status, "reason": reason}


def test_what_is_done_and_left_is_counted():
    count = account(10)
    for event in (Asked(True), Asked(False), Asked(True), Scored(), Scored(), Scored()):
        count.take(event)
    assert (count.ran, count.stored, count.scored, count.left) == (2, 1, 3, 7)
    count.take(Finished([row("done"), row("done"), row("done"), row("failed", "why"), row("diverged")], frozenset()))
    assert (count.rows, count.scored, count.left) == (5, 5, 5)  # rungs without a ticket have rows too
    assert count.statuses == {"done": 3, "failed": 1, "diverged": 1}
    assert [each["reason"] for each in count.failures] == ["why"]
    count.take(Finished([row("done")] * 8, frozenset()))
    assert count.left == 0  # several tickets a rung are more than were planned


def test_the_time_left_is_by_the_rate_so_far(monkeypatch):
    count = account(10)
    assert count.told() == "0 trained, 0 from store"
    now = count.began + 30
    monkeypatch.setattr(time, "monotonic", lambda: now)
    for _ in range(3):
        count.take(Scored())
    assert count.told() == "0 trained, 0 from store, about 70 s left"
    assert [progress._span(seconds) for seconds in (0.2, 89, 90, 5399, 5400, 86400)] == [
        "1 s", "89 s", "2 min", "90 min", "1.5 h", "24.0 h",
    ]  # fmt: skip


def test_a_long_search_gets_a_line_now_and_then(monkeypatch, capsys):
    shard = SimpleNamespace(task=SimpleNamespace(id="tiny/mlp"), method=SimpleNamespace(called="mine"), seed=4)
    count = account()
    lines = Lines(count)
    lines(shard, Asked(True))
    assert capsys.readouterr().out == ""
    now = time.monotonic() + 31
    monkeypatch.setattr(time, "monotonic", lambda: now)
    lines(shard, Asked(True))
    lines(shard, Asked(True))
    assert capsys.readouterr().out == "[0/10] tiny/mlp mine, seed 4: under way (2 trained, 0 from store)\n"
