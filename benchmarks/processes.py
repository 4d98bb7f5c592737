"""Two processes against one: the same `ticketbench run`, side by side and one after another, on fresh stores.

Everything that a user waits for is counted: starting Python, loading torch in every process, the dense networks
that methods wait for. One thread each.
"""

import argparse
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from statistics import median

from measuring import Seconds, alternate, machine, ratio, spread, table, timed

COMMAND = (sys.executable, "-m", "ticketbench")


def run(task: str, methods: Sequence[str], seeds: int, jobs: int) -> Seconds:
    """One whole run in an empty folder."""
    chosen = [word for method in methods for word in ("--method", method)]
    with tempfile.TemporaryDirectory() as folder:
        place = Path(folder)
        command = [*COMMAND, "run", task, *chosen, "--seeds", str(seeds), "--jobs", str(jobs), "--device", "cpu"]
        command += ["--results", str(place / "results"), "--store", str(place / "store")]
        return timed(lambda: checked(command))


def checked(command: Sequence[str]) -> None:
    """Run it; should it fail, say what it said."""
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        sys.exit(f"{done.stdout}{done.stderr}\nended with {done.returncode}: {' '.join(command)}")


def measure(task: str, methods: Sequence[str], seeds: int, processes: int, rounds: int) -> str:
    """Both ways in turn, and what they took."""
    one, many = "1 process", f"{processes} processes"
    turns = alternate(
        {one: partial(run, task, methods, seeds, 1), many: partial(run, task, methods, seeds, processes)}, rounds
    )
    rows = []
    for name, took in turns.items():
        faster = [1 / quotient for quotient in ratio(took, turns[one], "wall")]
        busy = [turn.cpu / turn.wall for turn in took]
        walls, cpus = [turn.wall for turn in took], [turn.cpu for turn in took]
        rows.append((name, spread(walls, 1), spread(cpus, 1), f"{median(busy):.2f}", spread(faster)))
    heading = ("", "s by the clock", "s of processor", "cores busy", "times as fast")
    said = f"{task}, {', '.join(methods)}, {seeds} seeds: {rounds} rounds, median (smallest to largest)"
    return f"{machine()}\n{said}\n\n{table(heading, rows)}"


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--task", default="digits/mlp", help="an id or a TOML file (default: %(default)s)")
    parser.add_argument("--method", action="append", help="may be repeated (default: imp)")
    parser.add_argument("--seeds", type=int, default=8, help="default: %(default)s")
    parser.add_argument("--processes", type=int, default=2, help="against one (default: %(default)s)")
    parser.add_argument("--rounds", type=int, default=5, help="turns of each (default: %(default)s)")
    given = parser.parse_args()
    print(measure(given.task, given.method or ["imp"], given.seeds, given.processes, given.rounds))
