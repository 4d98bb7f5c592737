"""Between chance and dense: the normalised metric and the margin that counts as no difference.

The definitions are those of the project's protocol, sections 4.3 and 4.5.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from math import ceil, isfinite, log

import numpy as np
import numpy.typing as npt

from ticketbench.report.statistics.intervals import Floats

LEAST_MARGIN = 0.005
_CLEAR = 5  # the dense network is that many standard deviations from chance, or nothing is normalised by it


@dataclass(frozen=True)
class Anchors:
    """The two constants that a metric is normalised between, on the scale that differences are taken on.

    Attributes:
        chance, dense: `f(chance)`, and the mean of `f` over the dense networks of one setting.
    """

    chance: float
    dense: float

    @property
    def way(self) -> float:
        """From chance to dense; negative where lower is better."""
        return self.dense - self.chance

    def g(self, values: npt.ArrayLike) -> Floats:
        """How far values on that scale (or bits, or any linear combination that sums to 1) are: 0 chance, 1 dense."""
        return (np.asarray(values, dtype=np.float64) - self.chance) / self.way


def anchors(dense: Sequence[float], chance: float | None, metric: str = "accuracy") -> Anchors | None:
    """The anchors of a task version and setting, from all its dense seeds.

    None, and the task is "kept apart", without dense seeds or a chance value, or where dense is not clear of chance
    by five standard deviations over its seeds.
    """
    if chance is None or not len(dense):
        return None
    values = np.array([on_scale(value, metric) for value in dense])
    found = Anchors(on_scale(chance, metric), float(values.mean()))
    sd = float(values.std(ddof=1)) if len(values) > 1 else 0.0
    return found if abs(found.way) >= _CLEAR * sd and found.way != 0 else None


def on_scale(value: float, metric: str) -> float:
    """`f`, the scale that differences are taken on: perplexity as its logarithm, all else as it is.

    Raises `ValueError` for a value that is no number, or a perplexity that is not above 0.
    """
    if not isfinite(value) or (metric == "perplexity" and value <= 0):
        raise ValueError(f"{value} is no {metric}")
    return log(value) if metric == "perplexity" else value


def normalised(value: float, dense: float, chance: float, metric: str = "accuracy") -> float:
    """`g`: how far a value is from chance (0) to dense (1). Never clipped.

    Raises `ValueError` where dense is chance.
    """
    found = Anchors(on_scale(chance, metric), on_scale(dense, metric))
    if found.way == 0:
        raise ValueError("the dense network scores what chance scores: nothing lies between them")
    return (on_scale(value, metric) - found.chance) / found.way


def default_margin(dense: Sequence[float], chance: float, metric: str = "accuracy") -> float | None:
    """The share of the way from dense to chance that counts as no difference, where a task says none.

    `max(0.005, sd of g)` over the dense seeds, rounded up to three decimals. None with fewer than two seeds, or
    where the dense networks are not clear of chance by five standard deviations.
    """
    found = anchors(dense, chance, metric)
    if found is None or len(dense) < 2:
        return None
    sd = float(np.std([on_scale(value, metric) for value in dense], ddof=1))
    return ceil(round(1000 * max(LEAST_MARGIN, sd / abs(found.way)), 9)) / 1000


def margin(dense: Sequence[float], chance: float, share: float | None, metric: str = "accuracy") -> float | None:
    """M, the same in the units of `f`: `share` (or else the default) of the way from dense to chance."""
    share = share if share is not None else default_margin(dense, chance, metric)
    if share is None or not len(dense):
        return None
    mean = float(np.mean([on_scale(value, metric) for value in dense]))
    return share * abs(mean - on_scale(chance, metric))
