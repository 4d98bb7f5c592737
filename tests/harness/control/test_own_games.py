"""Games of one's own: what they may be like, what is said where they fail, and that a changed game is another."""

import importlib
import sys

import numpy as np
import pytest
import torch

from ticketbench.errors import TicketbenchError

SOURCE = '''
import gymnasium
import numpy as np


class Mine(gymnasium.Env):
    """Ends after six steps. Action 1 is rewarded; all observations are one array."""

    def __init__(self):
        self.observation_space = gymnasium.spaces.Box(0, 1, (3,), np.{dtype})
        self.action_space = gymnasium.spaces.Discrete(2, start={start})
        self.seen = np.zeros(3, dtype=np.{dtype})

    def reset(self, *, seed=None, options=None):
        super().reset(seed=seed)
        {reset}
        self.seen[:] = self.np_random.integers(0, 2, 3)
        self.steps = 0
        return self.seen, {{}}

    def step(self, action):
        self.steps += 1
        {step}
        self.seen[:] = self.np_random.integers(0, 2, 3)
        return self.seen, {reward} * action, self.steps == 6, False, {{}}


gymnasium.register("{module}-v0", entry_point=Mine)
'''
COUNT = iter(range(1000))


@pytest.fixture
def own(tmp_path, monkeypatch):
    """`own(**said)`: the name of a new game of one's own, as a task has it."""
    monkeypatch.syspath_prepend(tmp_path)

    def make(module=None, dtype="float32", start=0, reset="pass", step="pass", reward=1.0):
        module = module or f"Mine{next(COUNT)}"
        said = {"dtype": dtype, "start": start, "reset": reset, "step": step, "reward": reward}
        (tmp_path / f"{module}.py").write_text(SOURCE.format(module=module, **said))
        importlib.invalidate_caches()
        return f"{module}:{module}-v0"

    return make


@pytest.mark.parametrize("dtype", ["float32", "float64", "int64", "uint8"])
def test_whatever_numbers_it_shows_an_agent_sees_float32(own, dtype, workload_of, trained):
    workload = workload_of(name=own(dtype=dtype))
    end = trained(workload, workload.initial(0), 10)
    assert end.step == 10 and not end.history.diverged
    inputs, _ = workload.sample(40, 0, "here")
    assert inputs.dtype == torch.float32 and set(inputs.unique().tolist()) == {0.0, 1.0}
    assert 0 <= end.history.points[-1].test <= 6


def test_observations_are_apart_though_the_game_writes_them_into_one_array(own, game_of):
    from ticketbench.harness.workloads.environments import make_game

    game = make_game(game_of(own()))
    seen = [game.reset(seed=0)[0]] + [game.step(0)[0] for _ in range(5)]
    assert len(np.unique(np.stack(seen), axis=0)) > 1


def test_actions_that_do_not_count_from_0_are_refused(own, game_of):
    from ticketbench.harness.workloads.environments import make_game

    with pytest.raises(TicketbenchError, match=r"expected actions numbered from 0 \(Discrete\), got from 1\.$"):
        make_game(game_of(own(start=1)))


@pytest.mark.parametrize(
    ("said", "raised"),
    [
        ({"reset": "raise RuntimeError('no board')"}, "reset raised RuntimeError: no board"),
        ({"step": "self.board"}, "step raised AttributeError: .*no attribute 'board'"),
        ({"reset": "return self.seen"}, "reset raised ValueError: "),
        ({"step": "return self.seen, 0.0, False, {}"}, "step raised ValueError: "),
        ({"step": "return self.seen[:2], 0.0, False, False, {}"}, r"step raised ValueError: .*\(2,\).* shape \(3,\)"),
        ({"step": "return self.seen, None, False, False, {}"}, "step raised TypeError: "),
    ],
)
def test_what_it_raises_is_told_as_its_own(own, said, raised, workload_of, trained):
    name = own(**said)
    workload = workload_of(name=name)
    with pytest.raises(TicketbenchError, match=f"{name}': expected a game that can be played; {raised}"):
        trained(workload, workload.initial(0), 1)


def test_rows_of_a_game_whose_file_changed_are_made_anew(own, lab, task_of):
    from ticketbench.harness import plan

    found = lab.method(
        "@scorer('mine', title='Mine')\ndef mine(search, checkpoint):\n    return scores_of(checkpoint)"
    )
    mine, shipped = task_of(name=own()), task_of().model_copy(update={"id": "tiny/shipped"})
    lab.run([mine, shipped], [found])

    def left(task):
        plan.own_game.cache_clear()  # as in another process
        return plan.make_plan([task], [found], 1, lab.folder / "results").rows

    assert (left(mine), left(shipped)) == (0, 0)
    module = mine.data.name.partition(":")[0]
    own(module, reward=2.0)
    forget(module)
    assert (left(mine), left(shipped)) == (3, 0)


def forget(module):
    """As another process, which imports the file as it is then."""
    from ticketbench.harness.workloads import environments

    environments._content.cache_clear()
    sys.modules.pop(module, None)


def test_a_game_is_pinned_by_the_file_that_defines_it(own, game_of):
    from ticketbench.harness.workloads import environments

    def digest(name):
        forget(name.partition(":")[0])
        return environments.rules_of(game_of(name)).digest

    name = own()
    module, first = name.partition(":")[0], digest(name)
    assert digest(name) == first
    own(module, reward=2.0)
    assert digest(name) != first
