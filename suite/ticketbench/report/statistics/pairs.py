"""All differences of a table at once (protocol, section 3.1): what `joint_interval` gives pair by pair.

Sums of squares of a difference follow from products: `|a - b|^2 = |a|^2 + |b|^2 - 2 a.b`. So two products of
matrices hold every pair's, and a table of 32 methods, 10 seeds and 10,000 examples takes no longer than one of 3.
"""

from collections.abc import Mapping
from itertools import combinations

import numpy as np
import numpy.typing as npt

from ticketbench.report.statistics.intervals import LEAST_SEEDS, Floats, Interval, Kind, interval_of


def pairwise(scores: npt.ArrayLike) -> Mapping[tuple[int, int], Interval]:
    """The paired difference `i - j` of every two methods, i before j, that share all their seeds.

    Args:
        scores: shape (methods, seeds, examples), or (methods, seeds) where there is no example part.

    Raises `ValueError` for any other shape, or a score that is not finite.
    """
    z = np.asarray(scores, dtype=np.float64)
    if z.ndim not in (2, 3) or 0 in z.shape or (z.ndim == 3 and z.shape[2] < 2) or not np.isfinite(z).all():
        raise ValueError(f"expected finite scores of methods by seeds by at least two examples, got shape {z.shape}")
    by_seed = z.mean(axis=2) if z.ndim == 3 else z
    v_example = _v_example(z) if z.ndim == 3 and z.shape[1] >= LEAST_SEEDS else np.zeros((len(z), len(z)))
    kind: Kind = "joint" if z.ndim == 3 else "seeds only"
    return {
        (i, j): interval_of(by_seed[i] - by_seed[j], float(v_example[i, j]), kind)
        for i, j in combinations(range(len(z)), 2)
    }


def _v_example(z: Floats) -> Floats:
    """`max(MS_i - MS_e, 0) / (n N)` of every difference (section 2). Shape (methods, methods)."""
    methods, n, examples = z.shape
    by_example = z.mean(axis=1)
    mean = by_example.mean(axis=1, keepdims=True)
    remainder = z - z.mean(axis=2, keepdims=True) - by_example[:, None, :] + mean[:, :, None]
    ms_example = n * _squared_distances(by_example - mean) / (examples - 1)
    ms_error = _squared_distances(remainder.reshape(methods, -1)) / ((n - 1) * (examples - 1))
    return np.asarray(np.maximum(ms_example - ms_error, 0.0) / (n * examples))


def _squared_distances(rows: Floats) -> Floats:
    products = rows @ rows.T
    squares = np.diag(products)
    return np.asarray(np.maximum(squares[:, None] + squares[None, :] - 2 * products, 0.0))
