"""What the numbers mean: intervals of one method at one point, as pure functions on arrays.

The definitions are those of the project's protocol. Nothing here knows of rows, files or pages.
"""

from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Literal

import numpy as np
import numpy.typing as npt
from scipy import stats

Floats = npt.NDArray[np.float64]
Kind = Literal["joint", "seeds only", "examples only", "none"]

LEVEL = 0.95
LEAST_SEEDS = 3  # for an interval over seeds
_ROUNDING = 1e-12  # of a mean square: what two sums of the same terms may differ by


@dataclass(frozen=True)
class Interval:
    """A mean and how far it is to be trusted, in the units of the metric.

    Attributes:
        mean: the grand mean.
        sd: standard deviation over the seeds' means (ddof = 1); None for one seed.
        seeds: how many seeds, n.
        v_seed, v_example: variance of the mean that comes of the seeds, and of the test examples.
        h_seed, h_example, h: half-widths; h is the one shown. None where there is no such interval.
        low, high: the interval's ends: mean -+ h, or Wilson's for a single run.
        kind: `joint` (other seeds and other examples), `seeds only`, `examples only` (one run) or `none`.
    """

    mean: float
    sd: float | None
    seeds: int
    v_seed: float | None
    v_example: float | None
    h_seed: float | None
    h_example: float | None
    h: float | None
    low: float | None
    high: float | None
    kind: Kind

    @property
    def reversed(self) -> "Interval":
        """The interval of the negative, which is that of a difference the other way round."""
        low, high = ((-end if end is not None else None) for end in (self.high, self.low))
        return replace(self, mean=-self.mean, low=low, high=high)


def joint_interval(scores: npt.ArrayLike, level: float = LEVEL) -> Interval:
    """The interval of a seeds x examples matrix: "other seeds and other test examples from the same source".

    The two-way random-effects decomposition without replication: with `MS_s`, `MS_i`, `MS_e` the mean squares
    of seeds, examples and remainder, `V_seed = MS_s / (n N)` and `V_example = max(MS_i - MS_e, 0) / (n N)`.

    Args:
        scores: shape (seeds, examples): bits, or any fixed linear combination of bits.
        level: of the two-sided interval.

    Raises `ValueError` for any other shape, or a score that is not finite.
    """
    z = np.asarray(scores, dtype=np.float64)
    if z.ndim != 2 or z.shape[0] < 1 or z.shape[1] < 2:
        raise ValueError(f"expected a matrix of seeds by at least two examples, got shape {z.shape}")
    if not np.isfinite(z).all():
        raise ValueError("expected finite scores: a seed without a value counts as chance, or leaves its cell")
    n, examples = z.shape
    by_seed, by_example, mean = z.mean(axis=1), z.mean(axis=0), z.mean()
    if n < LEAST_SEEDS:
        return _without_interval(by_seed)
    centred = z - mean
    of_seeds, of_examples = examples * np.square(by_seed - mean).sum(), n * np.square(by_example - mean).sum()
    # What seeds and examples leave of the whole: the remainder's sum of squares, without the remainder's matrix.
    of_rest = max(np.einsum("si,si->", centred, centred) - of_seeds - of_examples, 0.0)
    ms_example, ms_error = of_examples / (examples - 1), of_rest / ((n - 1) * (examples - 1))
    beyond = float(ms_example - ms_error)
    v_example = beyond / (n * examples) if beyond > _ROUNDING * ms_example else 0.0
    return interval_of(by_seed, v_example, "joint", level)


def seeds_interval(values: npt.ArrayLike, level: float = LEVEL) -> Interval:
    """The t-interval over seeds, for what has no example part: "other seeds, this test set".

    Args:
        values: shape (seeds,): one value a seed.

    Raises `ValueError` for any other shape, or a value that is not finite.
    """
    by_seed = np.asarray(values, dtype=np.float64)
    if by_seed.ndim != 1 or len(by_seed) < 1:
        raise ValueError(f"expected one value a seed, got shape {by_seed.shape}")
    if not np.isfinite(by_seed).all():
        raise ValueError("expected finite values: a seed without one counts as chance, or leaves its cell")
    return interval_of(by_seed, 0.0, "seeds only", level)


def interval_of(by_seed: Floats, v_example: float, kind: Kind = "joint", level: float = LEVEL) -> Interval:
    """The interval of seeds' means and the variance that comes of the examples, with fewer seeds than three none.

    Args:
        by_seed: shape (seeds,), each seed's mean over the examples.
    """
    if len(by_seed) < LEAST_SEEDS:
        return _without_interval(by_seed)
    n, mean = len(by_seed), float(by_seed.mean())
    sd = float(by_seed.std(ddof=1))
    v_seed = sd**2 / n
    h_seed = _t(level, n - 1) * float(np.sqrt(v_seed))
    h_example = _z(level) * float(np.sqrt(v_example))
    h = float(np.hypot(h_seed, h_example))
    return Interval(mean, sd, n, v_seed, v_example, h_seed, h_example, h, mean - h, mean + h, kind)


def single_run(correct: int, examples: int, level: float = LEVEL) -> Interval:
    """The Wilson interval of one run, blind to seeds. `correct` of `examples` test examples were right."""
    low, high = wilson(correct, examples, level)
    return Interval(correct / examples, None, 1, None, None, None, None, None, low, high, "examples only")


def wilson(successes: int, trials: int, level: float = LEVEL) -> tuple[float, float]:
    """Wilson's score interval of a proportion (Wilson 1927, without continuity correction)."""
    if not 0 <= successes <= trials or trials < 1:
        raise ValueError(f"expected successes among at least one trial, got {successes} of {trials}")
    p, z2 = successes / trials, _z(level) ** 2
    middle = (p + z2 / (2 * trials)) / (1 + z2 / trials)
    half = np.sqrt(z2 * (p * (1 - p) / trials + z2 / (4 * trials**2))) / (1 + z2 / trials)
    # At the edges the formula gives 0 and 1 up to rounding.
    return (0.0 if successes == 0 else float(middle - half)), (1.0 if successes == trials else float(middle + half))


def effective_value(status: str, value: float | None, chance: float | None) -> float | None:
    """What a row counts for: a method is charged for what it did, never for what was not run.

    `done` and `collapsed` count as their metric, `diverged` and `failed` as the task's chance value; anything
    else, a missing chance value included, counts for nothing and leaves its cell incomplete.
    """
    if status in ("done", "collapsed"):
        return value
    if status in ("diverged", "failed"):
        return chance
    return None


def unpack_bits(packed: bytes, examples: int) -> npt.NDArray[np.uint8]:
    """Bits of `test_correct`, shape (examples,): the first example is the highest bit of the first byte.

    Raises `ValueError` where the bytes are not exactly as many as so many examples need, or padding is set.
    """
    if len(packed) != (examples + 7) // 8:
        raise ValueError(f"{len(packed)} bytes do not hold {examples} examples")
    bits = np.unpackbits(np.frombuffer(packed, dtype=np.uint8), bitorder="big")
    if bits[examples:].any():
        raise ValueError(f"bits are set beyond example {examples}")
    return bits[:examples]


def decimals_for(half_width: float) -> int:
    """Decimals that show a half-width at two significant digits (0.0996 is 0.10: two), and the mean beside it."""
    if not half_width > 0 or not np.isfinite(half_width):
        return 2
    exponent = int(f"{half_width:.1e}".partition("e")[2])
    return max(0, 1 - exponent)


def plus_minus(mean: float, half_width: float) -> tuple[str, str]:
    """Mean and half-width as printed, the half-width at two significant digits and the mean to as many places."""
    places = decimals_for(half_width)
    return f"{mean:.{places}f}", f"{half_width:.{places}f}"


def _without_interval(by_seed: Floats) -> Interval:
    sd = float(by_seed.std(ddof=1)) if len(by_seed) > 1 else None
    return Interval(float(by_seed.mean()), sd, len(by_seed), None, None, None, None, None, None, None, "none")


@lru_cache
def _t(level: float, df: int) -> float:
    return float(stats.t.ppf(0.5 + level / 2, df))


@lru_cache
def _z(level: float) -> float:
    return float(stats.norm.ppf(0.5 + level / 2))
