"""How the command line ends where neither a command nor its user decides."""

import os
import subprocess
import sys

import pytest

from ticketbench.cli import tasks


@pytest.mark.parametrize("typed", ["tasks", "--help"])
def test_where_nobody_reads_on_it_ends_as_a_program_whose_pipe_was_closed(typed):
    """Not with 1, which says that something regressed or parted."""
    reading, writing = os.pipe()
    os.close(reading)
    done = subprocess.run(
        [sys.executable, "-m", "ticketbench", typed], stdout=writing, stderr=subprocess.PIPE, check=False
    )
    os.close(writing)
    assert (done.returncode, done.stderr) == (141, b"")


def test_an_end_of_file_that_nobody_typed_is_a_fault_and_no_ctrl_c(ticketbench, monkeypatch):
    def fails():
        raise EOFError

    monkeypatch.setattr(tasks, "callback", lambda **_: fails())
    said = ticketbench("tasks")
    assert said.code == 70
    assert "EOFError" in said.err and "this is a fault of ticketbench itself" in said.err


@pytest.mark.parametrize(
    ("raised", "said"), [(KeyboardInterrupt(), "Stopped."), (KeyboardInterrupt("So."), "Stopped. So.")]
)
def test_ctrl_c_is_told_in_one_line_with_what_the_command_says_of_it(ticketbench, monkeypatch, raised, said):
    def stopped(**_):
        raise raised

    monkeypatch.setattr(tasks, "callback", stopped)
    found = ticketbench("tasks")
    assert (found.code, found.out, found.err) == (130, "", f"\n{said}\n")
