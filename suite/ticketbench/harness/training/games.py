"""Games played side by side, as stable-baselines3 takes them.

Only imported where an agent is trained: the packages of the extra `control` need not be there before.
"""

from collections.abc import Iterable, Sequence
from typing import Any

import gymnasium
import numpy as np
from numpy.typing import NDArray
from stable_baselines3.common.vec_env.base_vec_env import VecEnv

Game = gymnasium.Env[Any, Any]


class Games(VecEnv):
    """Several games of one kind: a game that ends begins anew at once, from its own generator.

    What an agent is rewarded with is `scale` times the game's own reward, then clipped to `clip` either way where
    that is given. `ended` are the returns, unscaled and unclipped, of the games that ended since it was emptied.
    """

    def __init__(self, games: Sequence[Game], scale: float = 1.0, clip: float | None = None):
        self._games, self._scale, self._clip = list(games), scale, clip
        super().__init__(len(self._games), games[0].observation_space, games[0].action_space)
        self.ended: list[float] = []
        self._returns = [0.0] * self.num_envs
        self._actions: NDArray[Any] = np.zeros(self.num_envs, dtype=np.int64)

    def begin_with(self, seeds: Iterable[int]) -> None:
        """Let the next `reset` begin every game from its own seed, whatever was played before."""
        self._seeds = list(seeds)

    def reset(self) -> NDArray[Any]:
        self.ended, self._returns = [], [0.0] * self.num_envs
        begun = [game.reset(seed=seed)[0] for game, seed in zip(self._games, self._seeds, strict=True)]
        self._reset_seeds()
        return np.stack(begun)

    def step_async(self, actions: NDArray[Any]) -> None:
        self._actions = actions

    def step_wait(self) -> tuple[NDArray[Any], NDArray[np.float32], NDArray[np.bool_], list[dict[str, Any]]]:
        """Observations, rewards, whether games ended, and for those that did what stable-baselines3 asks of them."""
        observations, rewards, dones, infos = [], [], [], []
        for index, (game, action) in enumerate(zip(self._games, self._actions.tolist(), strict=True)):
            observation, reward, terminated, truncated, _ = game.step(action)
            self._returns[index] += float(reward)
            done, info = terminated or truncated, {}
            if done:
                info = {"terminal_observation": observation, "TimeLimit.truncated": truncated and not terminated}
                self.ended.append(self._returns[index])
                self._returns[index] = 0.0
                observation, _ = game.reset()
            observations.append(observation)
            rewards.append(reward)
            dones.append(done)
            infos.append(info)
        paid = np.array(rewards, dtype=np.float32) * np.float32(self._scale)
        if self._clip is not None:
            paid = paid.clip(-self._clip, self._clip)
        return np.stack(observations), paid, np.array(dones, dtype=bool), infos

    def close(self) -> None:
        for game in self._games:
            game.close()

    def get_attr(self, attr_name: str, indices: Any = None) -> list[Any]:
        return [game.get_wrapper_attr(attr_name) for game in self._chosen(indices)]

    def set_attr(self, attr_name: str, value: Any, indices: Any = None) -> None:
        for game in self._chosen(indices):
            game.set_wrapper_attr(attr_name, value)

    def env_method(self, method_name: str, *method_args: Any, indices: Any = None, **method_kwargs: Any) -> list[Any]:
        return [game.get_wrapper_attr(method_name)(*method_args, **method_kwargs) for game in self._chosen(indices)]

    def env_is_wrapped(self, wrapper_class: Any, indices: Any = None) -> list[bool]:
        return [False for _ in self._chosen(indices)]

    def _chosen(self, indices: Any) -> list[Game]:
        return [self._games[index] for index in self._get_indices(indices)]
