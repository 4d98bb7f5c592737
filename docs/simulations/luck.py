"""How often a dense network "wins" against another of the same task: luck, measured on the published results."""

from collections.abc import Iterator
from itertools import groupby
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq
from model import rate, table

from ticketbench.report.boards.winning import LEAST_DENSE, LEAST_TESTED
from ticketbench.report.measures import MEASURES, scaled
from ticketbench.report.statistics.winning import Runs, any_of, null_quality, null_rates
from ticketbench.report.units import change_text, unit_of

REPETITIONS = 1  # nothing is drawn: it reads results/
RESULTS = Path(__file__).parents[2] / "results"
COLUMNS = ("task", "trained_on", "status", "metric", "test_best", "best_step", "curve")


def tables(repetitions: int, rng: np.random.Generator) -> Iterator[str]:
    """The rate of luck at one rung and at any of 5 and 15, and what the winners of such pairs gain.

    A task with one dense network is left out; of fewer than five there is no luck at any rung.
    """
    rows = []
    for path in sorted(RESULTS.rglob("dense.parquet")):
        listed = [row for row in pq.read_table(path, columns=list(COLUMNS)).to_pylist() if row["status"] == "done"]
        listed.sort(key=lambda row: row["trained_on"])
        for setting, group in groupby(listed, lambda row: row["trained_on"]):
            runs = list(group)
            if len(runs) >= LEAST_DENSE:
                rows.append(_line(setting, runs))
    heads = [
        "task, setting",
        "dense networks",
        "evaluations of each",
        "q0",
        "any of 5 rungs",
        "any of 15",
        "null gain",
    ]
    yield table(heads, rows)


def _line(setting: str, rows: list[dict[str, Any]]) -> list[str]:
    metric = rows[0]["metric"]
    sign, unit = 1 if MEASURES[metric].higher_is_better else -1, unit_of(metric)
    dense = Runs([sign * scaled(row, "test_best") for row in rows], [row["best_step"] for row in rows])
    rates, gain = null_rates(dense), null_quality(dense)
    tested = len(rows) >= LEAST_TESTED
    return [
        f"{rows[0]['task']}, {setting}",
        str(len(rows)),
        str(len(rows[0]["curve"])),
        rate(rates.mean()),
        *(rate(any_of(rates, rungs)) if tested else "–" for rungs in (5, 15)),
        "–" if gain is None else f"{change_text(gain, unit)} {unit.points or unit.quantity}",
    ]
