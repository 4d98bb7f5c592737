"""What is written down along a training: evaluations on the grid, early losses, distances travelled."""

from collections.abc import Mapping
from math import isfinite

import numpy as np
import torch
from torch import Tensor, nn

from ticketbench.harness.training.workload import Workload
from ticketbench.methods.state import History, Point, State, Tensors

EARLY_LOSSES = 16


class Recorder:
    """Keeps a training's history without making the device wait: sums stay there between evaluations.

    Only a training with the plain loss is evaluated; another ends the evaluation history.
    """

    def __init__(self, start: State, network: nn.Module, workload: Workload, plain: bool):
        self._network, self._workload, self._plain = network, workload, plain
        goes_on = bool(start.history.points) == plain
        past = start.history if goes_on else History(start.step, diverged=start.history.diverged)
        self._start = past.start
        self._points = list(past.points)
        self._path = past.path_length
        self._past_losses = past.early_losses
        self._sum = torch.zeros((), dtype=torch.float64, device=workload.device)
        self._sum += past.loss_sum
        self._count = past.loss_count
        self._early: list[Tensor] = []
        self._correct, self._scores, self._one_answer = past.test_correct, past.test_scores, past.one_answer
        self._origin = _copies(past.origin, workload.device)
        self._anchor = _copies(past.anchor, workload.device)
        self._moved = past.distance_moved
        self.diverged = past.diverged
        if plain and not goes_on:
            self._origin = self._now()
            self._evaluate(start.step, None)

    def step(self, step: int, loss: Tensor) -> None:
        """Take note of the loss that led to `step`, and evaluate where the grid says so."""
        self._sum += loss
        self._count += 1
        if self._plain and step - self._start <= EARLY_LOSSES:
            self._early.append(loss)
        if step % self._workload.training.evaluate_every == 0 or step == self._workload.steps:
            mean = float(self._sum) / self._count
            self._sum.zero_()
            self._count = 0
            self.diverged = not isfinite(mean)
            if self._plain:
                self._evaluate(step, mean)

    def history(self, step: int) -> History:
        """What a checkpoint at `step` says of its past; at the end nothing is left to compare with."""
        ended = step == self._workload.steps
        return History(
            start=self._start,
            points=tuple(self._points),
            early_losses=(*self._past_losses, *(float(loss) for loss in self._early)),
            path_length=self._path,
            distance_moved=self._moved,
            loss_sum=float(self._sum),
            loss_count=self._count,
            diverged=self.diverged,
            test_correct=self._correct,
            test_scores=self._scores,
            one_answer=self._one_answer,
            origin={} if ended else _copies(self._origin, torch.device("cpu")),
            anchor={} if ended else _copies(self._anchor, torch.device("cpu")),
        )

    def _evaluate(self, step: int, training_loss: float | None) -> None:
        now = self._now()
        self._path += _distance(self._anchor, now) if self._anchor else 0.0
        self._moved = _distance(self._origin, now)
        self._anchor = now
        score = self._workload.evaluate(self._network)
        self._network.train()
        self._points.append(
            Point(step, training_loss, score.validation_loss, score.validation, score.test_loss, score.test)
        )
        self._correct = b"" if score.test_correct is None else np.packbits(score.test_correct.numpy()).tobytes()
        self._scores = score.test_scores
        self._one_answer = score.one_answer
        self.diverged = self.diverged or not isfinite(score.validation_loss)

    def _now(self) -> Tensors:
        return {name: weight.detach().clone() for name, weight in self._network.named_parameters()}


def _distance(one: Mapping[str, Tensor], other: Mapping[str, Tensor]) -> float:
    """L2 distance over all parameters, summed in double precision."""
    squares = [(one[name].double() - other[name].double()).square().sum() for name in other]
    return float(torch.stack(squares).sum().sqrt())


def _copies(tensors: Mapping[str, Tensor], device: torch.device) -> Tensors:
    return {name: tensor.to(device, copy=True) for name, tensor in tensors.items()}
