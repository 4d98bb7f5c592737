"""Measure what the protocol promises: `python docs/simulations NAME` prints the tables of docs/protocol.md.

Each NAME is a file of this folder with `REPETITIONS` and `tables(repetitions, rng)`. A rate measured in R repetitions
is good to about 1 / sqrt(R): run more with `--repetitions`, and another draw of them with `--seed`.
"""

import argparse
import time
from importlib import import_module
from pathlib import Path

import numpy as np


def main() -> None:
    """Run one simulation and print its tables as Markdown."""
    names = sorted(path.stem for path in Path(__file__).parent.glob("[!_]*.py"))
    parser = argparse.ArgumentParser(prog="python docs/simulations", description=__doc__.splitlines()[0])
    parser.add_argument("name", choices=names)
    parser.add_argument("--repetitions", type=int, help="how often each setting is drawn")
    parser.add_argument("--seed", type=int, default=0, help="of the random generator (0)")
    asked = parser.parse_args()
    simulation = import_module(asked.name)
    repetitions = asked.repetitions or simulation.REPETITIONS
    started = time.perf_counter()
    for found in simulation.tables(repetitions, np.random.default_rng(asked.seed)):
        print(found, end="\n\n", flush=True)
    print(f"{repetitions} repetitions, seed {asked.seed}, {time.perf_counter() - started:.0f} s")


if __name__ == "__main__":
    main()
