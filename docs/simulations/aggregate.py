"""How often the interval of a mean over tasks holds the truth."""

from collections.abc import Iterator

import numpy as np
from model import draw, rate, table

from ticketbench.report.statistics.intervals import joint_interval
from ticketbench.report.statistics.tasks import over_tasks, p_over_tasks

REPETITIONS = 1_000
SEEDS, TASKS = (3, 5, 10), (1, 2, 4, 8)
# Accuracy, test examples and standard deviation over seeds, in points, of the tasks that are taken in this order.
KINDS = (
    (0.98, 3_000, 0.1),
    (0.92, 1_000, 0.3),
    (0.95, 3_000, 0.2),
    (0.94, 1_000, 0.5),
    (0.98, 1_000, 0.2),
    (0.93, 3_000, 0.5),
    (0.96, 1_000, 0.1),
    (0.92, 3_000, 0.3),
)


def tables(repetitions: int, rng: np.random.Generator) -> Iterator[str]:
    """Coverage of the mean over tasks, and how often two equal methods have p <= 0.05, by tasks and seeds."""
    held = np.zeros((len(TASKS), len(SEEDS)))
    false = np.zeros_like(held)
    for _ in range(repetitions):
        drawn = [draw(rng, (a, a), max(SEEDS), size, own=sd).bits.astype(np.int8) for a, size, sd in KINDS]
        for column, n in enumerate(SEEDS):
            alone = [joint_interval(one[:n]) for one, _ in drawn]
            apart = [joint_interval(one[:n] - other[:n]) for one, other in drawn]
            for row, count in enumerate(TASKS):
                truth = np.mean([a for a, *_ in KINDS[:count]])
                found = over_tasks(alone[:count])
                held[row, column] += abs(found.mean - truth) <= (found.h or 0.0)
                p = p_over_tasks(apart[:count])
                false[row, column] += p is not None and p <= 0.05
    heads = [f"n = {n}" for n in SEEDS]
    for title, counts in (("coverage of the mean", held), ("two equal methods have p up to 0.05", false)):
        rows = [[str(count), *(rate(c / repetitions) for c in row)] for count, row in zip(TASKS, counts, strict=True)]
        yield table([f"tasks: {title}", *heads], rows)
