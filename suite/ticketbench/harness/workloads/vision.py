"""Image classification: tensors in memory, cross-entropy, accuracy."""

from dataclasses import replace
from typing import Any, Self

import torch
from torch import Tensor, nn
from torch.func import functional_call

from ticketbench.data import Split, Splits, splits
from ticketbench.harness.training import Evaluation
from ticketbench.harness.training.determinism import generator
from ticketbench.harness.training.order import Batches, DataOrder
from ticketbench.harness.workloads.domain import Batch, Domain
from ticketbench.harness.workloads.fit import check_logits
from ticketbench.methods.state import Tensors
from ticketbench.task import Task

_CHUNK = 500  # examples evaluated at once: more falls out of a core's cache
_TRIED = 2  # images a network is tried on: one alone would hide a network that takes all examples for one


class Vision(Domain):
    """Images in memory. See `Domain`."""

    higher_is_better = True
    one_answer = "one class for every test example"

    def __init__(self, task: Task, device: torch.device, found: Splits | None = None, steps: int | None = None):
        """`found` are the task's splits, where they are at hand; `steps` is T, where other settings decide it."""
        found = found or self.load(task.data)
        self._train, self._validation = _to(found.train, device), _to(found.validation, device)
        self._test = _to(found.test, device)
        self._splits = replace(found, train=self._train, validation=self._validation, test=self._test)
        super().__init__(
            task,
            device,
            shape=tuple(found.train.inputs.shape[1:]),
            classes=found.classes,
            examples=found.examples,
            test_examples=len(found.test.targets),
            data_digest=found.digest,
            steps=steps,
        )

    @staticmethod
    def load(spec: Any) -> Splits:
        return splits(spec)

    def again(self, task: Task, steps: int | None) -> Self:
        return type(self)(task, self.device, self._splits, steps)

    def check(self, setting: str) -> None:
        super().check(setting)
        check_logits(self, setting, torch.zeros(_TRIED, *self.shape), (_TRIED, self.classes), "images")

    def order(self, seed: int, data_order: int) -> Batches:
        drawn = DataOrder(self.examples, self.training.batch_size, seed, data_order, self.device)
        return Batches(drawn, self.batch)

    def batch(self, indices: Tensor) -> Batch:
        """Training examples: float32 (B, C, H, W) and int64 (B,)."""
        return self._train.inputs[indices], self._train.targets[indices]

    def sample(self, size: int, seed: int, *purpose: str | int) -> Batch:
        drawn = torch.randperm(self.examples, generator=generator("sample", seed, *purpose))[:size]
        return self.batch(drawn.to(self.device))

    def sample_per_class(self, per_class: int, seed: int, *purpose: str | int) -> Batch:
        """Training examples, `per_class` of every class that there are any of, class by class."""
        drawn = torch.randperm(self.examples, generator=generator("sample", seed, *purpose))
        targets = self._train.targets.cpu()[drawn]
        labels = sorted(set(targets.tolist()))  # under data.labels fewer than the head has outputs
        chosen = [drawn[targets == label][:per_class] for label in labels]
        if short := [label for label, found in zip(labels, chosen, strict=True) if len(found) < per_class]:
            raise ValueError(f"per_class={per_class}: class {short[0]} has fewer training examples")
        return self.batch(torch.cat(chosen).to(self.device))

    def loss(self, network: nn.Module, weights: Tensors | None, inputs: Tensor, targets: Tensor) -> Tensor:
        """Mean cross-entropy."""
        logits = network(inputs) if weights is None else functional_call(network, weights, (inputs,))
        return nn.functional.cross_entropy(logits, targets)

    def test_inputs(self, most: int) -> Tensor:
        return self._test.inputs[:most]

    def evaluate(self, network: nn.Module) -> Evaluation:
        """Mean cross-entropy and accuracy on the validation and test sets."""
        validation_loss, correct, _ = self._score(network, self._validation)
        test_loss, test_correct, answers = self._score(network, self._test)
        return Evaluation(
            validation_loss=float(validation_loss),
            validation=float(correct.double().mean()),
            test_loss=float(test_loss),
            test=float(test_correct.double().mean()),
            test_correct=test_correct.cpu(),
            one_answer=bool((answers == answers[0]).all()),
        )

    def _score(self, network: nn.Module, split: Split) -> tuple[Tensor, Tensor, Tensor]:
        """Mean loss, which examples are right, and the answers. Nothing leaves the device."""
        network.eval()
        loss = torch.zeros((), dtype=torch.float64, device=self.device)
        answers = []
        with torch.no_grad():
            for inputs, targets in zip(
                torch.split(split.inputs, _CHUNK), torch.split(split.targets, _CHUNK), strict=True
            ):
                logits = network(inputs)
                loss += nn.functional.cross_entropy(logits, targets, reduction="sum")
                answers.append(logits.argmax(1))
        answered = torch.cat(answers)
        return loss / len(answered), answered == split.targets, answered


def _to(split: Split, device: torch.device) -> Split:
    return Split(split.inputs.to(device), split.targets.to(device))
