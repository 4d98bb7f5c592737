"""The engine for agents: advantage actor-critic (A2C), a step of the task being one of its updates.

Rollouts, returns, loss, clipping and update are stable-baselines3's own; the network, its optimizer, the masks and
all seeds are ours. The state of a game cannot be kept, so games begin anew where a training starts and at every
evaluation, from seeds that are a function of the step: there, and only there, a training may be split without a bit
changing. What an unfinished game had earned by then is no return, though it led to the updates already made.

Only imported where an agent is trained: the packages of the extra `control` need not be there before.
"""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from typing import Any, Protocol

import numpy as np
import torch
from torch import Tensor, nn

from ticketbench.harness.training.actor_critic import Learner, NotFinite, numpy_undisturbed
from ticketbench.harness.training.determinism import configure, seed_global, seed_of
from ticketbench.harness.training.games import Games
from ticketbench.harness.training.optimizers import learning_rate, save_state
from ticketbench.harness.training.recorder import Recorder
from ticketbench.harness.training.trainer import Member, load, on_cpu, resume
from ticketbench.harness.training.workload import Evaluation, Workload
from ticketbench.methods.requests import NotApplicable
from ticketbench.methods.state import State, Tensors

_RETURNS = "returns"


class Player(Workload, Protocol):
    """What a domain of games gives the engine beside the rest: of how many returns the metric is, and others."""

    @property
    def last_games(self) -> int: ...

    def sampled(self, network: nn.Module, count: int, *purpose: str | int) -> list[float]:
        """Unscaled returns of so many games with sampled actions: a function of the network and the purpose."""


def advance_agents(members: Sequence[Member], until: int, workload: Player, games: Games) -> list[State]:
    """Every member advanced to step `until`, or to the evaluation at which its loss was not finite.

    `games` are as many as the recipe's environments; whatever was played in them before changes nothing. The returns
    of the latest games travel in `State.memory`.

    Raises `NotApplicable` where a method trains with a loss of its own.
    """
    configure()
    with numpy_undisturbed():
        return [_advance(member, until, workload, games) for member in members]


def _advance(member: Member, until: int, workload: Player, games: Games) -> State:
    if member.objective is not None:
        raise NotApplicable(
            "an objective: an agent learns from games that it plays as its network stands, and a loss of the "
            "method's own may judge another network"
        )
    start, device, training = member.start, workload.device, workload.training
    network = workload.module()
    load(network, start)
    weights: dict[str, Tensor] = dict(network.named_parameters())
    spec = member.optimizer or workload.optimizer
    moving, optimizer, carried = resume(member, spec, weights)

    scored = _Scored(workload, member)
    record = Recorder(start, network, scored, member.plain)
    step = start.step
    if step < until and not record.diverged:
        learner = Learner(network, optimizer, training, games, device)
        masks = {moving[n]: kept.to(device) for n, kept in start.mask.items() if n in moving and not bool(kept.all())}
        with _masked(optimizer, masks):
            while step < until and not record.diverged:
                if step == start.step or step % training.evaluate_every == 0:
                    learner.begin(member.seed, member.data_order, step)
                rate = learning_rate(spec.lr, training.schedule, step, workload.steps, member.schedule)
                seed_global(device, "step", member.seed, member.data_order, step)
                np.random.seed(seed_of("batch", member.seed, member.data_order, step) % 2**32)
                loss = _step(learner, rate)
                scored.note(games)
                step += 1
                scored.step = step
                record.step(step, loss)

    return State(
        step=step,
        weights=on_cpu(weights),
        buffers=on_cpu(dict(network.named_buffers())),
        mask=start.mask,
        optimizer=save_state(optimizer, weights) if step > start.step else carried,
        optimizer_name=spec.name,
        extra=start.extra,
        history=record.history(step),
        memory=scored.memory(),
    )


def _step(learner: Learner, rate: float) -> Tensor:
    """The loss of one rollout and one update; not a number where there was nothing left to play with."""
    try:
        learner.gather()
    except NotFinite:
        return torch.tensor(float("nan"))
    return learner.improve(rate)


class _Scored:
    """The workload with what an evaluation cannot know: how the games of training went, and where it is."""

    def __init__(self, of: Player, member: Member):
        self._of, self._member = of, member
        memory = member.start.memory
        self._returns: list[float] = memory[_RETURNS].tolist() if _RETURNS in memory else []
        self.step = member.start.step

    def __getattr__(self, name: str) -> Any:
        return getattr(self._of, name)

    def note(self, games: Games) -> None:
        """Take over the returns of games that have ended; the latest ones are kept."""
        self._returns = (self._returns + games.ended)[-self._of.last_games :]
        games.ended = []

    def memory(self) -> Tensors:
        return {_RETURNS: torch.tensor(self._returns, dtype=torch.float64)} if self._returns else {}

    def evaluate(self, network: nn.Module) -> Evaluation:
        """The mean return of the latest games of training; those that are missing are played, and not remembered.

        Actions are sampled in both, so that the mean is of one kind wherever a training begins and ends.
        """
        score = self._of.evaluate(network)
        returns, missing = self._returns, self._of.last_games - len(self._returns)
        if missing:
            purpose = (self._member.seed, self._member.data_order, self.step)
            returns = returns + self._of.sampled(network, missing, *purpose)
        return replace(score, test=float(np.mean(returns)))


@contextmanager
def _masked(optimizer: torch.optim.Optimizer, masks: Mapping[Tensor, Tensor]) -> Iterator[None]:
    """Hold weights and optimizer state outside the masks at exactly zero.

    Gradients outside are zero before their norm is clipped, so that the norm is the subnetwork's.
    """

    def hold(*_: Any) -> None:
        with torch.no_grad():
            for weight, kept in masks.items():
                slots = [slot for slot in optimizer.state[weight].values() if slot.shape == weight.shape]
                for each in (weight, *slots):
                    each.mul_(kept)

    hooks: list[Any] = [_hooked(weight, kept) for weight, kept in masks.items()]
    if masks:
        hooks.append(optimizer.register_step_post_hook(hold))
    try:
        yield
    finally:
        for hook in hooks:
            hook.remove()


def _hooked(weight: Tensor, kept: Tensor) -> Any:
    return weight.register_hook(lambda gradient: gradient * kept)  # type: ignore[no-untyped-call]
