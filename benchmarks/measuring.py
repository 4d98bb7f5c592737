"""What the benchmarks share: measuring by alternation, and a table at the end.

Contestants take turns (A B A B ...), so that whatever else a machine does falls on all of them alike. A ratio is
taken within each round, and told as the median with the smallest and the largest.
"""

import os
import platform
import resource
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median


@dataclass(frozen=True)
class Seconds:
    """What one turn took: seconds of processor time, of this process and of its ended children, and by the clock."""

    cpu: float
    wall: float

    def __sub__(self, other: "Seconds") -> "Seconds":
        return Seconds(self.cpu - other.cpu, self.wall - other.wall)


def now() -> Seconds:
    """The clocks: differences of these are what a turn took."""
    children = resource.getrusage(resource.RUSAGE_CHILDREN)
    return Seconds(time.process_time() + children.ru_utime + children.ru_stime, time.perf_counter())


def timed(work: Callable[[], object]) -> Seconds:
    """What this took."""
    began = now()
    work()
    return now() - began


def alternate(contestants: Mapping[str, Callable[[], Seconds]], rounds: int) -> dict[str, list[Seconds]]:
    """Every contestant once a round, in the same order; each says itself what its turn took."""
    turns: dict[str, list[Seconds]] = {name: [] for name in contestants}
    for round_ in range(rounds):
        for name, turn in contestants.items():
            turns[name].append(turn())
            print(f"round {round_ + 1}/{rounds}: {name} {turns[name][-1].wall:.2f} s", flush=True)
    return turns


def spread(values: Sequence[float], digits: int = 2) -> str:
    """The median, and behind it the smallest and largest of several."""
    behind = f" ({min(values):.{digits}f} to {max(values):.{digits}f})" if len(values) > 1 else ""
    return f"{median(values):.{digits}f}{behind}"


def ratio(over: Sequence[Seconds], under: Sequence[Seconds], clock: str) -> list[float]:
    """The quotient of every round, by the clock `cpu` or `wall`."""
    return [getattr(a, clock) / getattr(b, clock) for a, b in zip(over, under, strict=True)]


def table(heading: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """A Markdown table, aligned so that it also reads well where it is printed."""
    widths = [max(len(row[i]) for row in (heading, *rows)) for i in range(len(heading))]
    lines = [heading, ["-" * width for width in widths], *rows]
    return "\n".join(f"| {' | '.join(c.ljust(w) for c, w in zip(line, widths, strict=True))} |" for line in lines)


def machine() -> str:
    """What ran it: kind of processor, cores, and the versions of Python and torch."""
    import torch

    capability = torch.backends.cpu.get_cpu_capability()
    said = f"{_processor()} ({capability}), {os.cpu_count()} cores, Python {platform.python_version()}"
    return f"{said}, torch {torch.__version__}"


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text("utf-8").splitlines()
    except OSError:
        lines = []
    named = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return named[0] if named else platform.machine()
