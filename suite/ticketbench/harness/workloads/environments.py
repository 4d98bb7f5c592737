"""Games by name, from Gymnasium: made and wrapped as a task says, played, and pinned by what they are.

The packages are those of the extra `control`; nothing of them is imported before a game is asked for.
"""

import hashlib
import json
import sys
import warnings
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from ticketbench.errors import TicketbenchError, raised, unknown
from ticketbench.extras import install
from ticketbench.task import Environment

if TYPE_CHECKING:
    from ticketbench.harness.training.games import Game

_EXPECTED = f"Expected after `{install('control')}`."
ATARI = "ALE/"
_PINNED = ("gymnasium", "ale_py", "ticketbench")  # by their versions
_BOX2D = ("LunarLander", "BipedalWalker", "CarRacing")
_WRAPPERS = 1  # raised whenever what is made of a game's frames changes a bit


@dataclass(frozen=True)
class Rules:
    """A game as an agent meets it: the shape of an observation and the number of its actions."""

    shape: tuple[int, ...]
    actions: int
    digest: str
    examples: int = 0  # an agent gathers its own


def rules_of(spec: Environment) -> Rules:
    """The rules of a game. Raises `TicketbenchError` as `make_game` does."""
    game = make_game(spec)
    space: Any = game.observation_space
    actions: Any = game.action_space
    digest = _digest(spec, game)
    game.close()
    return Rules(tuple(space.shape), int(actions.n), digest)


@cache
def own_game(spec: Environment) -> str | None:
    """The digest of a game that is not of Gymnasium or ALE. Raises `TicketbenchError` as `make_game` does."""
    game = make_game(spec)
    own = _digest(spec, game) if _own_modules(spec, game) else None
    game.close()
    return own


def make_game(spec: Environment) -> "Game":
    """One game, wrapped: capped at `max_steps`, and for Atari half the resolution and `stack` frames.

    Atari's frames are grey, in [0, 1], and each pixel is the mean of 2x2: float32 (stack, 105, 80). All else about it
    is as Gymnasium has it by default: an action is repeated with probability 0.25, a game goes on over all lives.
    Observations of all games are float32.

    Raises `TicketbenchError` where a package or the game's ROM is missing, there is no such game, or it cannot be
    played by a policy of a few actions. So does a game that fails while it is played.
    """
    _need("gymnasium", spec.name)
    _need("stable_baselines3", spec.name)
    if spec.name.startswith(_BOX2D):
        _need("Box2D", spec.name)
    import gymnasium

    options: dict[str, Any] = {"disable_env_checker": True}
    if spec.max_steps is not None:
        options["max_episode_steps"] = spec.max_steps
    atari = spec.name.startswith(ATARI)
    if atari:
        ale = _need("ale_py", spec.name)
        gymnasium.register_envs(ale)
        ale.ALEInterface.setLoggerMode(ale.LoggerMode.Error)  # else the first game says who made it
        options |= {"obs_type": "grayscale", "frameskip": spec.skip}
    elif spec.stack > 1 or spec.skip > 1:
        raise TicketbenchError(
            f"data: stack and skip are for Atari's games, as in {ATARI}Breakout-v5, not {spec.name}."
        )
    try:
        with warnings.catch_warnings():  # of newer versions: a task says which one it is about
            warnings.simplefilter("ignore")
            game = gymnasium.make(spec.name, **options)
    except (gymnasium.error.UnregisteredEnv, gymnasium.error.DeprecatedEnv) as error:
        hint = "Expected an id that Gymnasium knows, as in CartPole-v1."
        raise unknown("environment", spec.name, gymnasium.registry, hint) from error
    except Exception as error:  # ALE's, a game's own, and whatever a package says that it needs
        expected = f". {_EXPECTED}" if atari and not isinstance(error, gymnasium.error.Error) else "."
        raise TicketbenchError(f"Environment {spec.name!r} cannot be made ({raised(error)}){expected}") from error
    game = _half(game, spec.stack) if atari else game
    observations, actions = game.observation_space, game.action_space
    if not isinstance(observations, gymnasium.spaces.Box) or not isinstance(actions, gymnasium.spaces.Discrete):
        raise TicketbenchError(
            f"Environment {spec.name!r}: expected observations that are arrays (Box) and numbered actions "
            f"(Discrete), got {type(observations).__name__} and {type(actions).__name__}."
        )
    if actions.start != 0:
        raise TicketbenchError(
            f"Environment {spec.name!r}: expected actions numbered from 0 (Discrete), got from {actions.start}."
        )
    return _guarded(game, spec.name)


def play(
    network: nn.Module, games: Sequence["Game"], seeds: Sequence[int], device: torch.device
) -> tuple[list[float], set[int]]:
    """Play every game once from its seed, always with the most likely action: the returns, and the actions taken.

    All games that still run are answered in one forward pass. Unscaled and unclipped rewards.
    """
    seen = [game.reset(seed=seed)[0] for game, seed in zip(games, seeds, strict=True)]
    returns, taken = [0.0] * len(games), set[int]()
    running = list(range(len(games)))
    while running:
        observations = torch.from_numpy(np.stack([seen[each] for each in running])).to(device, torch.float32)
        with torch.no_grad():
            actions: list[int] = network(observations)[:, :-1].argmax(1).tolist()
        taken.update(actions)
        still = []
        for each, action in zip(running, actions, strict=True):
            seen[each], reward, terminated, truncated, _ = games[each].step(action)
            returns[each] += float(reward)
            if not (terminated or truncated):
                still.append(each)
        running = still
    return returns, taken


def play_sampled(
    network: nn.Module, games: Sequence["Game"], seeds: Sequence[int], rng: torch.Generator, device: torch.device
) -> list[float]:
    """The unscaled return of a game from every seed, with actions drawn from the policy by a CPU generator.

    So many run at once as there are `games`; one that ends begins anew from the next seed, and all are played to
    their end. Of answers that are no numbers the first action is taken.
    """
    returns, of = [0.0] * len(seeds), list(range(min(len(games), len(seeds))))  # which seed a game is at
    seen = [games[each].reset(seed=seeds[each])[0] for each in of]
    running, begun = list(of), len(of)
    while running:
        observations = torch.from_numpy(np.stack([seen[each] for each in running])).to(device, torch.float32)
        with torch.no_grad():
            policy = network(observations)[:, :-1].cpu().double().softmax(1)
        drawn = torch.rand((len(running), 1), generator=rng, dtype=torch.float64)
        actions: list[int] = (policy.cumsum(1)[:, :-1] <= drawn).sum(1).tolist()
        still = []
        for each, action in zip(running, actions, strict=True):
            seen[each], reward, terminated, truncated, _ = games[each].step(action)
            returns[of[each]] += float(reward)
            if terminated or truncated:
                if begun == len(seeds):
                    continue
                of[each], begun = begun, begun + 1
                seen[each] = games[each].reset(seed=seeds[of[each]])[0]
            still.append(each)
        running = still
    return returns


def random_return(spec: Environment, games: int) -> float:
    """The mean return of so many games in which every action is as likely: a task's `scoring.chance`.

    Game and actions are seeded by the game's number.
    """
    game = make_game(spec)
    actions: Any = game.action_space
    total = 0.0
    for number in range(games):
        rng = np.random.default_rng(number)
        game.reset(seed=number)
        ended = False
        while not ended:
            _, reward, terminated, truncated, _ = game.step(int(rng.integers(actions.n)))
            total += float(reward)
            ended = terminated or truncated
    game.close()
    return total / games


def _need(module: str, game: str) -> Any:
    try:
        return import_module(module)
    except ImportError as error:
        raise TicketbenchError(
            f"Environment {game!r} needs {module}, which cannot be imported. {_EXPECTED}"
        ) from error


def _digest(spec: Environment, game: "Game") -> str:
    """Digest of what decides a game's course beside its seed and the actions taken.

    A game that is not of Gymnasium or ALE is pinned by the files of the modules that define its class, what that
    inherits from, its wrappers and its entry point, as imported. What these import is not covered.
    """
    used = ["gymnasium", *["ale_py"] * spec.name.startswith(ATARI), *["Box2D"] * spec.name.startswith(_BOX2D)]
    said = {
        "name": spec.name,
        "max_steps": spec.max_steps,
        "stack": spec.stack,
        "skip": spec.skip,
        "wrappers": _WRAPPERS,
        "packages": {name: import_module(name).__version__ for name in used},
    }
    if own := _own_modules(spec, game):
        said["source"] = {name: hashlib.sha256(_content(spec.name, name)).hexdigest() for name in own}
    return hashlib.sha256(json.dumps(said, sort_keys=True).encode()).hexdigest()


def _own_modules(spec: Environment, game: Any) -> list[str]:
    """The modules that make a game of one's own, by name."""
    named = {spec.name.partition(":")[0]} if ":" in spec.name else set()
    entry = game.spec.entry_point if game.spec is not None else None
    named.add(entry.partition(":")[0] if isinstance(entry, str) else getattr(entry, "__module__", "gymnasium"))
    while True:
        named |= {each.__module__ for each in type(game).__mro__}
        if game is game.unwrapped:
            known = {*_PINNED, *sys.stdlib_module_names}
            return sorted(name for name in named if name.partition(".")[0] not in known)
        game = game.env


@cache
def _content(game: str, module: str) -> bytes:
    """What a module's file held when the game was first made: what is edited later is not what runs."""
    file = getattr(import_module(module), "__file__", None)
    try:
        return Path(file or "").read_bytes()
    except OSError as error:
        raise TicketbenchError(
            f"Environment {game!r}: expected module {module} in a file that can be read; a game is pinned by it."
        ) from error


def _guarded(game: "Game", name: str) -> "Game":
    """The game with float32 observations of its space's shape, and one error for whatever it raises."""
    import gymnasium

    space: Any = game.observation_space

    def seen(observation: Any) -> NDArray[np.float32]:
        array = np.array(observation, dtype=np.float32)  # a copy: some games write all observations into one array
        if array.shape != space.shape:
            raise ValueError(f"an observation of shape {array.shape}, and its space is of shape {space.shape}")
        return array

    def failed(where: str, error: Exception) -> TicketbenchError:
        return TicketbenchError(
            f"Environment {name!r}: expected a game that can be played; {where} raised {raised(error)}."
        )

    class Guarded(gymnasium.Wrapper[NDArray[np.float32], Any, Any, Any]):
        def __init__(self) -> None:
            super().__init__(game)
            if space.dtype != np.float32:
                self.observation_space = gymnasium.spaces.Box(-np.inf, np.inf, space.shape, np.float32)

        def reset(
            self, *, seed: int | None = None, options: dict[str, Any] | None = None
        ) -> tuple[NDArray[np.float32], dict[str, Any]]:
            try:
                observation, info = self.env.reset(seed=seed, options=options)
                return seen(observation), info
            except Exception as error:
                raise failed("reset", error) from error

        def step(self, action: Any) -> tuple[NDArray[np.float32], float, bool, bool, dict[str, Any]]:
            try:
                observation, reward, terminated, truncated, info = self.env.step(action)
                return seen(observation), float(reward), bool(terminated), bool(truncated), info
            except Exception as error:
                raise failed("step", error) from error

    return Guarded()


def _half(game: "Game", stack: int) -> "Game":
    """The game seen at half its resolution, the latest `stack` frames as channels, oldest first."""
    import gymnasium

    screen: Any = game.observation_space
    height, width = (size // 2 for size in screen.shape)

    class Half(gymnasium.Wrapper[NDArray[np.float32], Any, NDArray[np.uint8], Any]):
        def __init__(self) -> None:
            super().__init__(game)
            self.observation_space = gymnasium.spaces.Box(0.0, 1.0, (stack, height, width), np.float32)
            self._frames: deque[NDArray[np.float32]] = deque(maxlen=stack)

        def reset(
            self, *, seed: int | None = None, options: dict[str, Any] | None = None
        ) -> tuple[NDArray[np.float32], dict[str, Any]]:
            frame, info = self.env.reset(seed=seed, options=options)
            self._frames.extend([_mean_of_4(frame)] * stack)
            return np.stack(self._frames), info

        def step(self, action: Any) -> tuple[NDArray[np.float32], Any, bool, bool, dict[str, Any]]:
            frame, reward, terminated, truncated, info = self.env.step(action)
            self._frames.append(_mean_of_4(frame))
            return np.stack(self._frames), reward, terminated, truncated, info

    return Half()


def _mean_of_4(frame: NDArray[Any]) -> NDArray[np.float32]:
    """Means over squares of 2x2 pixels, in [0, 1]; an odd last row or column is left out."""
    even = frame[: frame.shape[0] // 2 * 2, : frame.shape[1] // 2 * 2].astype(np.float32)
    summed = even[::2, ::2] + even[1::2, ::2] + even[::2, 1::2] + even[1::2, 1::2]
    return summed / np.float32(4 * 255)
