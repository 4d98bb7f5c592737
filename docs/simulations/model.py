"""A crossed probit model of test results: what every simulation of this folder draws its bits from.

Whether method m trained from seed s answers test example i rightly is a coin with

    P(right) = Phi(a_m + D * difficulty_i + S * stable_mi + effect_ms)

where difficulty belongs to the example (shared by all methods and seeds), `stable` to the example and the method
(what one method gets right whatever the seed), and the effect to the training. `a_m` is set so that the expected
accuracy, over other seeds and other examples, is exactly the one asked for.

D and S are chosen after LeNet-300-100 on MNIST: the example part of an accuracy of 98 % on 10,000 examples has a
standard deviation of 0.11 points, that of a difference of two methods 0.03 (`python docs/simulations model`). The
coins themselves make an accuracy vary from seed to seed on one test set, on top of the effects.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt
from scipy import special, stats

Floats = npt.NDArray[np.float64]
Bits = npt.NDArray[np.uint8]
Noise = Literal["normal", "t3", "skewed"]

REPETITIONS = 20
DIFFICULTY = 3.2
STABLE = 0.4


@dataclass(frozen=True)
class Draw:
    """One simulated table.

    Attributes:
        bits: shape (methods, seeds, examples).
        here: each method's expected accuracy over other seeds, on these examples. Shape (methods,).
    """

    bits: Bits
    here: Floats


def draw(
    rng: np.random.Generator,
    accuracies: Sequence[float],
    seeds: int,
    examples: int,
    *,
    own: float,
    shared: float = 0.0,
    noise: Noise = "normal",
) -> Draw:
    """A table of methods with these expected accuracies, paired by seed and by example.

    Args:
        accuracies: one a method, in (0, 1), over other seeds and other examples.
        own, shared: standard deviations, in percentage points of accuracy, of the effect of a seed that a method has
            for itself, and of the one that all methods share.
        noise: of the own effects: normal, Student's with 3 degrees of freedom, or skewed (one seed in twenty loses a
            point, on top of normal).
    """
    methods = len(accuracies)
    effects = points(rng, (methods, seeds), own, noise) + points(rng, (seeds,), shared)
    return draw_with(rng, accuracies, effects, examples, np.hypot(own, shared))


def draw_with(
    rng: np.random.Generator, accuracies: Sequence[float], effects: Floats, examples: int, spread: float | Floats
) -> Draw:
    """The same with effects given in percentage points, shape (methods, seeds), of standard deviation `spread`.

    Args:
        spread: one for all methods, or one a method, shape (methods,).
    """
    wanted = np.asarray(accuracies, dtype=np.float64)
    # A latent effect of that size moves the accuracy by a point; its variance flattens the curve in turn.
    fixed = 1 + DIFFICULTY**2 + STABLE**2
    per_point = 0.01 * np.sqrt(fixed) / stats.norm.pdf(stats.norm.ppf(wanted))
    spreads = (per_point * spread) ** 2
    start = stats.norm.ppf(wanted) * np.sqrt(fixed + spreads)
    difficulty = DIFFICULTY * rng.standard_normal(examples)
    stable = STABLE * rng.standard_normal((len(wanted), examples))
    of_examples = start[:, None] + difficulty + stable
    # A coin of chance Phi(a) falls right where a + noise > 0; single precision halves the time and no more.
    latent = rng.standard_normal((*effects.shape, examples), dtype=np.float32)
    latent += of_examples[:, None, :].astype(np.float32)
    latent += (per_point[:, None] * effects)[:, :, None].astype(np.float32)
    return Draw((latent > 0).astype(np.uint8), special.ndtr(of_examples / np.sqrt(1 + spreads)[:, None]).mean(axis=1))


def points(rng: np.random.Generator, shape: tuple[int, ...], sd: float, noise: Noise = "normal") -> Floats:
    """Effects of seeds in percentage points, of this standard deviation (skewed: before the accidents)."""
    if noise == "t3":
        return np.asarray(sd * rng.standard_t(3, shape) / np.sqrt(3))
    effects = sd * rng.standard_normal(shape)
    return effects - (rng.random(shape) < 0.05) if noise == "skewed" else effects


def coins(accuracy: float, examples: int) -> float:
    """What the coins alone add to an accuracy's standard deviation over seeds on one test set, in points."""
    fixed = 1 + DIFFICULTY**2 + STABLE**2
    both = stats.multivariate_normal([0, 0], [[1, 1 - 1 / fixed], [1 - 1 / fixed, 1]])
    return 100 * float(np.sqrt((accuracy - both.cdf([stats.norm.ppf(accuracy)] * 2)) / examples))


def resampled(rng: np.random.Generator, size: int, resamples: int) -> Floats:
    """How often each of so many is drawn, in every resample of a bootstrap. Shape (resamples, size)."""
    drawn = rng.integers(0, size, (resamples, size)) + size * np.arange(resamples)[:, None]
    counts = np.bincount(drawn.ravel(), minlength=size * resamples)
    return counts.reshape(resamples, size).astype(np.float64)


def table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """A Markdown table."""
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def rate(share: float) -> str:
    """A rate as printed, .95, and 1 where it is 1."""
    return f"{share:.2f}".removeprefix("0") if share < 0.995 else "1"


def tables(repetitions: int, rng: np.random.Generator) -> Iterator[str]:
    """The example parts of an accuracy and of a difference, which the model was set by; and its coins."""
    from ticketbench.report.statistics.intervals import joint_interval

    rows = []
    for accuracy in (0.98, 0.95, 0.92):
        parts = []
        for _ in range(repetitions):
            one, other = draw(rng, (accuracy, accuracy), 10, 10_000, own=0.2).bits.astype(np.float64)
            parts.append([joint_interval(each).v_example or 0.0 for each in (one, one - other)])
        alone, paired = 100 * np.sqrt(np.mean(parts, axis=0))
        rows.append([f"{100 * accuracy:.0f} %", f"{alone:.3f}", f"{paired:.3f}", f"{coins(accuracy, 10_000):.3f}"])
    heads = ["accuracy, 10,000 examples", "example part of one method", "of a difference", "coins of one training"]
    yield table(heads, rows)
