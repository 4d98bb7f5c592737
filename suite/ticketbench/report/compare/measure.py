"""How scores and differences of a metric are printed."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Measure:
    """How scores and differences of a metric are printed: times a factor, to so many places or digits."""

    factor: float
    unit: str
    score: str
    difference: str

    def difference_text(self, value: float) -> str:
        """A difference with its unit."""
        return f"{self.difference.format(value * self.factor)} {self.unit}".replace("-", "−")


def measure_of(metric: str) -> Measure:
    """Accuracy in percent and points, perplexity's differences in nats, anything else as it is."""
    if metric == "accuracy":
        return Measure(100.0, "points", "{:.2f}", "{:.2f}")
    return Measure(1.0, "nats" if metric == "perplexity" else metric, "{:.4g}", "{:.3g}")
