"""What is scored without learning, by kind of data: the value of a task's `scoring.chance`."""

from dataclasses import dataclass
from math import exp

from ticketbench.data import splits
from ticketbench.errors import TicketbenchError
from ticketbench.harness.workloads.environments import random_return
from ticketbench.harness.workloads.language import Language
from ticketbench.harness.workloads.reading import blocks_of
from ticketbench.task import Environment, Images, Task, Text


@dataclass(frozen=True)
class Chance:
    """A value in the task's metric, and what it is, in words."""

    value: float
    why: str


def chance_of(task: Task, games: int) -> Chance:
    """The chance value of a task without settings, or of one of its settings.

    Args:
        games: how many are played with random actions, where the task is about a game.

    Raises `TicketbenchError` where the data cannot be had, or the value is infinite.
    """
    data = task.data
    if isinstance(data, Images):
        return _of_images(data)
    if isinstance(data, Text):
        return _of_text(data)
    if isinstance(data, Environment):
        return _of_games(data, games)
    return Chance(0.0, "the low end of BLEU's scale, not the score of a constant answer")


def _of_images(data: Images) -> Chance:
    """The accuracy of the best constant answer on the test set."""
    targets = splits(data).test.targets
    counts = targets.bincount()
    most = int(counts.max())
    classes = " and as many of class ".join(str(int(each)) for each in (counts == most).nonzero())
    return Chance(most / len(targets), f"{most:,} of the {len(targets):,} test images are of class {classes}")


def _of_text(data: Text) -> Chance:
    """The perplexity of the test blocks where every token is as likely as it is frequent in the training text."""
    found = Language.load(data)
    text = found.text
    blocks = blocks_of(text.test, found.streams, found.sequence)
    if blocks is None:
        raise TicketbenchError(f"{data.name}: its test text is no block of {data.streams} streams long.")
    shares = text.train.bincount(minlength=len(text.vocabulary)).double() / len(text.train)
    of_tests = shares[blocks.targets]
    if not of_tests.all():
        raise TicketbenchError(
            f"{data.name}: its test text has tokens that its training text lacks, so the perplexity of the training "
            "text's frequencies is infinite."
        )
    return Chance(
        exp(-float(of_tests.log().mean())),
        "perplexity of the test blocks under the frequencies of tokens in the training text",
    )


def _of_games(data: Environment, games: int) -> Chance:
    """The mean return of actions that are all as likely."""
    return Chance(random_return(data, games), f"{games:,} games of random actions, of seeds 0 to {games - 1}")
