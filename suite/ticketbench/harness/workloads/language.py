"""Language modelling: running text, cross-entropy of the next token, perplexity."""

from dataclasses import replace
from functools import cached_property
from math import exp
from typing import Self

import torch
from torch import Tensor, nn
from torch.func import functional_call

from ticketbench.data.text import running_text
from ticketbench.errors import TicketbenchError
from ticketbench.harness.training import Evaluation
from ticketbench.harness.workloads.domain import Batch, Domain
from ticketbench.harness.workloads.fit import check_logits
from ticketbench.harness.workloads.reading import Blocks, Reading, Ring, blocks_of, in_reading_order, sampled
from ticketbench.methods.state import Tensors
from ticketbench.networks import apart, go_on
from ticketbench.task import Task, Text

_LARGEST = 709.0  # nats: e to a higher power is no double


class Language(Domain):
    """One text, read by one network on one device. An example is a sequence of tokens.

    Networks take tokens, int64 (B, T), and give logits, floats (B, T, classes). See `ticketbench.networks.memory` for
    what they carry from sequence to sequence.
    """

    higher_is_better = False
    one_answer = "one token is the likeliest at every place of the test text"
    input_dtype = torch.int64

    def __init__(self, task: Task, device: torch.device, found: Reading | None = None, steps: int | None = None):
        """`found` is the task's text, where it is at hand; `steps` is T, where other settings decide it."""
        assert isinstance(task.data, Text)
        found = found or self.load(task.data)
        if len(found.text.train) < task.training.batch_size:
            raise TicketbenchError(
                f"{task.id}: training.batch_size {task.training.batch_size:,} is more columns than the training text "
                f"has tokens, {len(found.text.train):,}."
            )
        parts = {split: getattr(found.text, split).to(device) for split in ("train", "validation", "test")}
        self._found = replace(found, text=replace(found.text, **parts))
        self._validation, self._test = self._blocks("validation"), self._blocks("test")
        super().__init__(
            task,
            device,
            shape=(found.sequence,),
            classes=len(found.text.vocabulary),
            examples=found.examples,
            test_examples=len(self._test),
            data_digest=found.digest,
            steps=steps,
        )

    @staticmethod
    def load(spec: Text) -> Reading:
        """The task's text. Raises `TicketbenchError` where it cannot be had, or is shorter than a sequence."""
        found = Reading(running_text(spec), spec.sequence, spec.streams)
        if not found.examples:
            raise TicketbenchError(
                f"{spec.name}: data.sequence {spec.sequence:,} is longer than the training text, "
                f"{len(found.text.train):,} tokens."
            )
        return found

    def again(self, task: Task, steps: int | None) -> Self:
        return type(self)(task, self.device, self._found, steps)

    def order(self, seed: int, data_order: int) -> Ring:
        """The training text as a ring, which no epoch ends."""
        return Ring(self._found.text.train, self._found.sequence, self.training.batch_size, seed, data_order)

    def sample(self, size: int, seed: int, *purpose: str | int) -> Batch:
        """Sequences and what follows each of their tokens, int64 (size, T) both."""
        return sampled(self._found.text.train, self._found.sequence, size, "sample", seed, *purpose)

    def loss(self, network: nn.Module, weights: Tensors | None, inputs: Tensor, targets: Tensor) -> Tensor:
        """Mean cross-entropy of the next token, in nats."""
        logits = network(inputs) if weights is None else functional_call(network, weights, (inputs,))
        return nn.functional.cross_entropy(logits.flatten(0, 1), targets.flatten())

    def test_inputs(self, most: int) -> Tensor:
        """Blocks of the test text, side by side: int64 (`most` or fewer, T)."""
        return self._test.inputs.flatten(0, 1)[:most]

    def evaluate(self, network: nn.Module) -> Evaluation:
        """Mean cross-entropy and perplexity on the validation and test texts, each read from nothing.

        A text is cut into streams that the network reads side by side, what it remembers carried from block to block.
        A score is the mean of a block's T tokens, in nats. Blocks are of one size, so perplexity is e to the mean of
        the scores. They stand in the order of the text; what fills no block is not read.
        """
        validation, _ = self._score(network, self._validation)
        test, one_answer = self._score(network, self._test)
        loss, test_loss = float(validation.mean()), float(test.mean())
        return Evaluation(
            validation_loss=loss,
            validation=_perplexity(loss),
            test_loss=test_loss,
            test=_perplexity(test_loss),
            test_correct=None,
            one_answer=one_answer,
            test_scores=tuple(test.tolist()),
        )

    def check(self, setting: str) -> None:
        """Raises `TicketbenchError` where there is nothing to prune, or tokens do not give logits of the next."""
        super().check(setting)
        inputs = self._test.inputs[0]
        check_logits(self, setting, inputs, (*inputs.shape, self.classes), "tokens")

    @cached_property
    def flops(self) -> tuple[float, dict[str, float]]:
        """Floating-point operations of one sequence forward, dense: in all, and of what every prunable tensor does.

        Two for every entry of a matrix and every token, by formula: torch's counter is blind to LSTM kernels. As with
        the counter, biases and what is done to single numbers are not counted; the embedding is looked up.
        """
        looked_up = {id(part.weight) for part in self.module().modules() if isinstance(part, nn.Embedding)}
        products = {
            name: 2.0 * weight.numel() * self._found.sequence
            for name, weight in self.module().named_parameters()
            if weight.dim() > 1 and id(weight) not in looked_up
        }
        return sum(products.values()), {name: products.get(name, 0.0) for name in self.prunable}

    def _score(self, network: nn.Module, blocks: Blocks) -> tuple[Tensor, bool]:
        """The mean loss of every block, float64 in reading order, and whether one token is the likeliest everywhere.

        Nothing leaves the device before the end.
        """
        network.eval()
        scores, least, most = [], [], []
        with torch.no_grad(), apart(network):
            for inputs, targets in blocks:
                logits = network(inputs)
                each = nn.functional.cross_entropy(logits.flatten(0, 1), targets.flatten(), reduction="none")
                scores.append(each.view_as(targets).mean(1, dtype=torch.float64))
                answers = logits.argmax(-1)
                least.append(answers.min())
                most.append(answers.max())
                go_on(network)
        one_answer = bool(torch.stack(least).min() == torch.stack(most).max())
        return in_reading_order(torch.stack(scores)).cpu(), one_answer

    def _blocks(self, split: str) -> Blocks:
        text, streams, sequence = getattr(self._found.text, split), self._found.streams, self._found.sequence
        blocks = blocks_of(text, streams, sequence)
        if blocks is None:
            raise TicketbenchError(
                f"{self._found.text.name}: the {split} text, {len(text):,} tokens, has no {streams:,} streams "
                f"(data.streams) of {sequence:,} tokens (data.sequence) and the one after."
            )
        return blocks


def _perplexity(nats: float) -> float:
    return exp(min(nats, _LARGEST))
