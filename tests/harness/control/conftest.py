"""What the tests of control share: a few updates on CartPole, and how a training of them is made."""

import pytest
import torch

from ticketbench.harness.training import Member
from ticketbench.methods.state import State, derive
from ticketbench.task import Environment, Task

pytest.importorskip("gymnasium")
pytest.importorskip("stable_baselines3")

ENVIRONMENTS, ROLLOUT = 4, 8
CARTPOLE = {
    "id": "tiny/cartpole",
    "version": 1,
    "title": "A few updates on CartPole",
    "tier": "smoke",
    "data": {
        "kind": "environment", "name": "CartPole-v1", "reward_scale": 0.02, "games": 12, "evaluation_games": 2,
    },
    "network": {"name": "policy-mlp", "options": {"width": 16}},
    "training": {
        "steps": 30, "batch_size": ENVIRONMENTS * ROLLOUT, "evaluate_every": 10, "rewind_step": 10, "clip": 0.5,
        "optimizer": {"name": "rmsprop", "lr": 0.002},
        "agent": {
            "environments": ENVIRONMENTS, "rollout": ROLLOUT, "discount": 0.99, "entropy": 0.01, "value": 0.5,
        },
    },
    "ladder": {"cover": "parameters", "scope": "global", "prune": 0.5, "rounds": 2},
}  # fmt: skip


def make_task(network=None, agent=None, games=None, name=None, **training) -> Task:
    changed = CARTPOLE["training"] | training
    changed["agent"] = changed["agent"] | (agent or {})
    data = CARTPOLE["data"] | ({"games": games} if games else {}) | ({"name": name} if name else {})
    network = network or CARTPOLE["network"]
    return Task.model_validate(CARTPOLE | {"data": data, "network": network, "training": changed})


def make_workload(**changes):
    from ticketbench.harness.workloads.control import Control

    return Control(make_task(**changes), torch.device("cpu"))


def train(workload, start: State, until: int, seed: int = 0, **member) -> State:
    (state,) = workload.advance([Member(start, seed, **member)], until)
    return state


@pytest.fixture(scope="session")
def task_of():
    """`task_of(network=None, agent=None, games=None, name=None, **training)`: the small task with these changes."""
    return make_task


@pytest.fixture(scope="session")
def workload_of():
    """`workload_of(...)`: the small task's workload with the changes that `task_of` takes."""
    return make_workload


@pytest.fixture(scope="session")
def plain():
    """The small task's workload as it is."""
    return make_workload()


@pytest.fixture(scope="session")
def trained():
    """`trained(workload, start, until, seed=0, **member)`: the state that the training ends in."""
    return train


@pytest.fixture(scope="session")
def pruned():
    """`pruned(workload, density=0.3, seed=0)`: initial weights under a random mask of all parameters."""

    def make(workload, density: float = 0.3, seed: int = 0) -> State:
        state, rng = workload.initial(seed), torch.Generator().manual_seed(7)
        mask = {name: torch.rand(kept.shape, generator=rng) < density for name, kept in state.mask.items()}
        return derive(state, mask=mask)

    return make


@pytest.fixture(scope="session")
def game_of():
    """`game_of(name="CartPole-v1", **said)`: what a task says of a game."""

    def make(name: str = "CartPole-v1", **said) -> Environment:
        return Environment(kind="environment", name=name, games=5, evaluation_games=2, **said)

    return make
