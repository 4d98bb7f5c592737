"""How far a series can be pruned and still match its dense networks (protocol, sections 4.6 and 4.7)."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from ticketbench.report.boards.board import Board, Series
from ticketbench.report.boards.curves import Curve
from ticketbench.report.boards.ranking import dense_values
from ticketbench.report.statistics.matching import Critical, Matching, critical, critical_over_seeds, matching
from ticketbench.report.statistics.normalising import margin
from ticketbench.results import Row
from ticketbench.task import Task


@dataclass(frozen=True)
class Matched:
    """Two compressions of a series. Neither ranks.

    Attributes:
        matching: None where there is no margin, or no rung that every seed has.
        critical: of the seeds that have tickets with counted layers; None where there are none.
    """

    matching: Matching | None
    critical: Critical | None


def margin_of(board: Board, task: Task | None) -> float | None:
    """M, what counts as no difference on this board, on the scale that differences are taken on; None without one."""
    values = dense_values(board)
    if board.chance is None or not values:
        return None
    found = margin(values, board.chance, task.scoring.margin if task else None)
    return found if found is not None and found > 0 else None


def matched(series: Series, curve: Curve, board: Board, margin: float | None) -> Matched:
    """Matching and critical compression of a series.

    Rungs count up to the first that some seed lacks: beyond it no curve is known.
    """
    return Matched(_matching(curve, board, margin) if margin else None, _critical(series))


def _matching(curve: Curve, board: Board, margin: float) -> Matching | None:
    if 0 not in curve.rungs:
        return None
    end = min((gap.x for gap in curve.gaps), default=float("inf"))
    places = [place for place, x in enumerate(curve.x.mean(axis=0)) if x < end]
    if len(places) < 2:
        return None
    sign = 1.0 if board.higher_is_better else -1.0
    xs, ds = [], []
    for seed in range(len(curve.seeds)):
        order = sorted(places, key=lambda place: (curve.x[seed, place], place))
        if curve.items is None:
            values = curve.values[seed, order]
        else:
            values = np.stack([curve.items[place][seed] for place in order]).astype(np.float64)
        xs.append(curve.x[seed, order])
        ds.append(sign * (values - values[0]))
    return matching(xs, ds, margin)


def _critical(series: Series) -> Critical | None:
    by_seed: Mapping[int, list[Row]] = {seed: [] for seed in series.seeds}
    for row in series.rows:
        if row["kept"] and row["prunable"] and row["kept_per_layer"]:
            by_seed[row["seed"]].append(row)
    found = [
        critical(
            [row["prunable"] / row["kept"] for row in rows],
            [[layer["kept"] for layer in row["kept_per_layer"]] for row in rows],
        )
        for rows in by_seed.values()
        if rows
    ]
    return critical_over_seeds(found) if found else None
