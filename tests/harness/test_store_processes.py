"""Two processes at one store: a lock ends with its holder, and no one reads half a file."""

import signal
import subprocess
import sys
import threading
import time

from ticketbench.harness.store import Store

LINE, OTHER = "0123abcd" * 8, "89abcdef" * 8

_HOLDS = """
import sys, time
from pathlib import Path
from ticketbench.harness.store import Store

with Store(Path(sys.argv[1])).lock("0123abcd" * 8):
    print("held", flush=True)
    time.sleep(60)
"""


def test_a_lock_ends_with_its_process_however_it_ends(tmp_path):
    holder = subprocess.Popen([sys.executable, "-c", _HOLDS, str(tmp_path)], stdout=subprocess.PIPE, text=True)
    taken = threading.Event()

    def take():
        with Store(tmp_path).lock(LINE):
            taken.set()

    thread = threading.Thread(target=take, daemon=True)
    try:
        assert holder.stdout.readline() == "held\n"
        with Store(tmp_path).lock(OTHER):
            pass  # another line's is free
        thread.start()
        assert not taken.wait(0.3)
        holder.send_signal(signal.SIGKILL)
        assert taken.wait(20)
    finally:
        holder.kill()
        holder.wait()
        holder.stdout.close()
    thread.join()


_WRITES = """
import sys
from pathlib import Path
import torch
from ticketbench.harness.store import Measured, Store, Stored
from ticketbench.methods.state import State

line = "0123abcd" * 8
both = [Stored(State(1, {"w": torch.full((500_000,), fill)}, {}, {}), Measured()) for fill in (1.0, 2.0)]
store = Store(Path(sys.argv[1]))
store.put(line, 1, both[0], keep=True)
print("there", flush=True)
turn = 0
while True:
    turn = 1 - turn
    store.put(line, 1, both[turn], keep=True)
"""


def test_no_one_reads_half_a_file(tmp_path):
    """While another process writes two checkpoints of two megabytes over each other, one reads either of them."""
    writer = subprocess.Popen([sys.executable, "-c", _WRITES, str(tmp_path)], stdout=subprocess.PIPE, text=True)
    try:
        assert writer.stdout.readline() == "there\n"
        seen, until = set(), time.monotonic() + 15
        readings = 0
        while time.monotonic() < until and not (len(seen) == 2 and readings > 60):
            found = Store(tmp_path).get(LINE, 1)
            assert found is not None
            values = found.state.weights["w"]
            assert (values == values[0]).all()
            seen.add(float(values[0]))
            readings += 1
        assert seen == {1.0, 2.0}
    finally:
        writer.kill()
        writer.wait()
        writer.stdout.close()
