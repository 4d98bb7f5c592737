"""How a metric is printed: a number of the scale times a factor, with its unit, and what its words are."""

from dataclasses import dataclass
from math import exp

from ticketbench.report.printable import printable

_MOST = 700.0  # whose exponential is still a number


@dataclass(frozen=True)
class Unit:
    """How numbers of one scale are printed.

    Attributes:
        factor: what they are multiplied by.
        sign: stands after one that stands alone.
        name: what they are, with the unit; `quantity` is the same without it.
        points: what stands after a difference that stands alone; `differences` is what all of them are in.
        places: decimals of a number that no interval says how to round.
        exponential: what the exponential of a number is, and in short; empty where that means nothing.
        chance, chance_rate: what the level of chance is called, as a line and as a number.
        one_answer: what a collapsed network answers; empty where the rows' own reasons tell.
    """

    factor: float
    sign: str
    name: str
    points: str = ""
    differences: str = ""
    places: int = 2
    exponential: str = ""
    short: str = ""
    chance: str = "chance"
    chance_rate: str = "chance"
    one_answer: str = ""

    @property
    def quantity(self) -> str:
        """What is measured."""
        return self.name.partition(", ")[0]

    @property
    def title(self) -> str:
        """The same at the start of a sentence."""
        return self.quantity[:1].upper() + self.quantity[1:]

    def alone(self, value: float) -> str:
        """A number that no interval stands beside, with its unit."""
        return f"{signed(f'{value * self.factor:.{self.places}f}')}{self.sign}"

    def also(self, value: float) -> str:
        """The metric itself where its logarithm is printed: `ppl 92.41`; else nothing."""
        return f"{self.short} {self.itself(value)}" if self.exponential else ""

    def itself(self, value: float) -> str:
        """The metric itself, at four digits, of a number that is its logarithm."""
        return _four_digits(exp(min(value, _MOST)))

    def difference(self, said: str) -> str:
        """A printed difference with its unit."""
        return f"{said} {self.points}".rstrip()


_UNITS = {
    "accuracy": Unit(
        *(100.0, " %", "accuracy, %", "points", "percentage points"),
        chance="majority class",
        chance_rate="the majority-class rate",
        one_answer="one class",
    ),
    "perplexity": Unit(
        *(1.0, " nats", "log perplexity, nats", "nats", "nats"),
        places=3,
        exponential="perplexity",
        short="ppl",
    ),
    "return": Unit(1.0, "", "return", "", "return"),
}


def unit_of(metric: str) -> Unit:
    """Accuracy is stored as a fraction and printed in percent, perplexity enters as nats; any other is as it is."""
    name = printable(metric)
    return _UNITS.get(metric) or Unit(1.0, "", name, name, name)


def signed(text: str) -> str:
    """A number with a minus sign where it has a hyphen."""
    return text.replace("-", "−")


def score_text(value: float, unit: Unit) -> str:
    """The mean of scores as the metric has it: a geometric mean of perplexities."""
    if unit.exponential:
        return unit.itself(value)
    return signed(f"{value * unit.factor:{'.2f' if unit.factor != 1 else '.4g'}}")


def change_text(value: float, unit: Unit) -> str:
    """A difference without its unit."""
    return signed(f"{value * unit.factor:{'.2f' if unit.factor != 1 else '.3g'}}")


def _four_digits(value: float) -> str:
    return f"{value:,.0f}" if 1000 <= value < 1e15 else f"{value:.4g}"
