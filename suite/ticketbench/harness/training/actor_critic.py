"""Stable-baselines3's A2C around a network and an optimizer of ours.

Only imported where an agent is trained: the packages of the extra `control` need not be there before.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
import torch
from stable_baselines3 import A2C
from stable_baselines3.common.logger import Logger
from stable_baselines3.common.policies import ActorCriticPolicy
from torch import Tensor, nn
from torch.distributions import Categorical

from ticketbench.harness.training.determinism import configure, seed_global, seed_of
from ticketbench.harness.training.games import Games
from ticketbench.task import Agent, Training

_PARTS = ("policy", "entropy", "value")


class Learner:
    """Stable-baselines3's A2C around a network of ours."""

    def __init__(
        self,
        network: nn.Module,
        optimizer: torch.optim.Optimizer,
        training: Training,
        games: Games,
        device: torch.device,
    ):
        assert training.agent is not None  # a task of an environment has one
        self._recipe: Agent = training.agent
        self._games = games
        self._agent = A2C(
            _Policy,
            games,
            n_steps=self._recipe.rollout,
            gamma=self._recipe.discount,
            ent_coef=self._recipe.entropy,
            vf_coef=self._recipe.value,
            max_grad_norm=float("inf") if training.clip is None else training.clip,
            normalize_advantage=self._recipe.normalize,
            use_rms_prop=False,
            device=device,
            policy_kwargs={"network": network, "optimizer": optimizer},
        )
        self._logger = Logger(None, [])
        self._agent.set_logger(self._logger)
        self._callback: Any = None

    def begin(self, *purpose: str | int) -> None:
        """Begin all games anew, as `learn` of stable-baselines3 does at its start."""
        self._games.begin_with(seed_of("games", *purpose, game) for game in range(self._games.num_envs))
        _, self._callback = self._agent._setup_learn(1)

    def gather(self) -> None:
        """Play on and fill the rollout buffer. Raises `NotFinite`."""
        agent = self._agent
        agent.collect_rollouts(self._games, self._callback, agent.rollout_buffer, self._recipe.rollout)

    def transitions(self) -> tuple[Tensor, Tensor]:
        """What was gathered last: observations, and action, advantage and return of each."""
        buffer = self._agent.rollout_buffer
        flat = [buffer.swap_and_flatten(each) for each in (buffer.actions, buffer.advantages, buffer.returns)]
        observations = torch.from_numpy(buffer.swap_and_flatten(buffer.observations)).float()
        targets = torch.from_numpy(np.concatenate([each.astype(np.float32) for each in flat], axis=1))
        device = self._agent.device
        return observations.to(device), targets.to(device)

    def improve(self, rate: float) -> Tensor:
        """Make one update from what was gathered: the loss that its gradient was of."""
        self._agent.lr_schedule = lambda _: rate
        self._agent.train()
        said = {part: torch.tensor(self._logger.name_to_value[f"train/{part}_loss"]) for part in _PARTS}
        return said["policy"] + self._recipe.entropy * said["entropy"] + self._recipe.value * said["value"]


class NotFinite(Exception):
    """The network's answers are not numbers that an action could be drawn by."""


class _Policy(ActorCriticPolicy):
    """A network of ours (logits and value in one tensor) as stable-baselines3 asks for a policy."""

    def __init__(
        self,
        observations: Any,
        actions: Any,
        schedule: Any,
        network: nn.Module,
        optimizer: Any,
        use_sde: bool = False,
    ):
        super().__init__(observations, actions, schedule)
        self.network, self.optimizer = network, optimizer

    def _build(self, lr_schedule: Any) -> None:
        """Nothing: the network is there."""

    def forward(self, obs: Tensor, deterministic: bool = False) -> tuple[Tensor, Tensor, Tensor]:
        """Actions drawn from torch's global generator, values, and the actions' log probabilities."""
        answers = self.network(obs)
        if not bool(torch.isfinite(answers).all()):
            raise NotFinite
        drawn = _actions(answers)
        actions = drawn.sample()
        return actions, answers[:, -1:], drawn.log_prob(actions)

    def predict_values(self, obs: Any) -> Tensor:
        values: Tensor = self.network(obs)[:, -1:]
        return values

    def evaluate_actions(self, obs: Any, actions: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        answers = self.network(obs)
        drawn = _actions(answers)
        return answers[:, -1:], drawn.log_prob(actions), drawn.entropy()


def _actions(answers: Tensor) -> Any:
    return Categorical(logits=answers[:, :-1], validate_args=False)


def rollouts(
    network: nn.Module, training: Training, games: Games, size: int, device: torch.device, *purpose: str | int
) -> tuple[Tensor, Tensor]:
    """At least `size` transitions of a policy as it stands, in games that are seeded by the purpose.

    Observations (n, *shape), and float32 (n, 3): action, advantage and return of each. Seeds torch's own generators.
    """
    configure()
    with numpy_undisturbed():
        learner = Learner(network, torch.optim.SGD(network.parameters(), lr=0.0), training, games, device)
        learner.begin(*purpose)
        gathered: list[tuple[Tensor, Tensor]] = []
        while sum(len(inputs) for inputs, _ in gathered) < size:
            seed_global(device, "rollout", *purpose, len(gathered))
            learner.gather()
            gathered.append(learner.transitions())
    return torch.cat([inputs for inputs, _ in gathered]), torch.cat([targets for _, targets in gathered])


@contextmanager
def numpy_undisturbed() -> Iterator[None]:
    """NumPy's global generator, which A2C shuffles its batch by, afterwards as it was."""
    before = np.random.get_state()
    try:
        yield
    finally:
        np.random.set_state(before)
