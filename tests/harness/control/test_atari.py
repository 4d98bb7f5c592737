"""Atari: every game is built, stepped, pruned and resumed with the paper's network; of learning nothing is said."""

import numpy as np
import pytest
import torch

from ticketbench.errors import TicketbenchError
from ticketbench.harness.workloads import workloads_of
from ticketbench.methods.state import derive
from ticketbench.task import load_task, shipped_tasks

pytest.importorskip("ale_py")

GAMES = [name for name in shipped_tasks() if name.startswith("atari/")]


def small(task, shrink):
    """Two games of two steps an update, two updates between evaluations, games of at most three steps."""
    agent = task.training.agent.model_copy(update={"environments": 2, "rollout": 2})
    said = {"steps": 4, "batch_size": 4, "evaluate_every": 2, "rewind_step": 2, "agent": agent}
    data = task.data.model_copy(update={"max_steps": 3, "games": 2, "evaluation_games": 1})
    training = task.training.model_copy(update=said)
    network = task.network.model_copy(update={"options": {"shrink": shrink}})
    return task.model_copy(update={"data": data, "network": network, "training": training})


def test_there_are_the_paper_s_nine():
    assert len(GAMES) == 9


@pytest.mark.parametrize("game", GAMES)
def test_two_updates_a_pruning_and_two_more_updates(game, trained):
    shrink = 1.0 if game == "atari/breakout" else 0.125  # one with the paper's widths; the others cost less
    task = small(load_task(shipped_tasks()[game]), shrink)
    workload = workloads_of(task, torch.device("cpu"))["default"]
    assert workload.shape == (4, 105, 80)
    start = workload.initial(0)
    assert start.weights["hidden.0.weight"].shape == (512 * shrink, 1920 * shrink)
    assert start.weights["output.weight"].shape == (workload.classes + 1, 512 * shrink)
    assert list(start.mask) == list(start.weights)  # biases too

    before = trained(workload, start, 2)
    rng = torch.Generator().manual_seed(0)
    mask = {name: torch.rand(kept.shape, generator=rng) < 0.5 for name, kept in start.mask.items()}
    resumed = derive(before, mask=mask)
    after = trained(workload, resumed, 4)
    assert after.step == 4 and not after.history.diverged
    assert [point.step for point in after.history.points] == [2, 4]
    assert not any(after.weights[name][~kept].any() for name, kept in mask.items())
    slots = [(name, mask[name.partition("/")[2]], slot) for name, slot in after.optimizer.items()]
    outside = [slot[~kept] for _, kept, slot in slots if slot.shape == kept.shape]
    assert len(outside) >= len(mask) and not any(each.any() for each in outside)
    for name in ("maps.0.weight", "hidden.0.weight", "output.weight"):
        assert not torch.equal(before.weights[name], start.weights[name])
        assert not torch.equal(after.weights[name], resumed.weights[name])


def test_a_training_resumed_at_an_evaluation_is_bit_identical(trained):
    task = small(load_task(shipped_tasks()["atari/breakout"]), 0.125)
    workload = workloads_of(task, torch.device("cpu"))["default"]
    start = workload.initial(0)
    rng = torch.Generator().manual_seed(0)
    mask = {name: torch.rand(kept.shape, generator=rng) < 0.5 for name, kept in start.mask.items()}
    pruned = derive(start, mask=mask)
    whole = trained(workload, pruned, 4)
    assert trained(workload, trained(workload, pruned, 2), 4).digest() == whole.digest()
    assert len(whole.memory["returns"]) == 2


def test_a_game_seen_again_from_its_seed_is_the_same_whatever_was_played_before():
    from ticketbench.harness.workloads.environments import make_game

    spec = load_task(shipped_tasks()["atari/breakout"]).data
    one, other = make_game(spec), make_game(spec)

    def played(game):
        seen = [game.reset(seed=11)[0]]
        seen += [game.step(action)[0] for action in [1, 2, 2, 3, 0, 1, 3, 3, 2, 1]]
        return np.stack(seen)

    first = played(one)
    assert (played(one) == first).all() and (played(other) == first).all()
    assert first.shape == (11, 4, 105, 80) and first.dtype == np.float32
    assert first.min() >= 0 and 0 < first.max() <= 1
    assert (first[0] == first[0][0]).all()  # a game begins with its first frame in every place
    assert (first[1:, :-1] == first[:-1, 1:]).all()  # and frames move on by one, the latest last


def test_a_pixel_is_the_mean_of_four():
    from ticketbench.harness.workloads.environments import _mean_of_4

    frame = np.array([[0, 255, 10], [255, 255, 10], [7, 7, 7]], dtype=np.uint8)
    assert _mean_of_4(frame) == pytest.approx(np.array([[0.75]]))


def test_rewards_are_clipped_in_training_and_returns_are_not():
    from ticketbench.harness.training.games import Games
    from ticketbench.harness.workloads.environments import make_game

    spec = load_task(shipped_tasks()["atari/centipede"]).data.model_copy(update={"max_steps": 100})
    games, rng, paid = Games([make_game(spec)], clip=spec.reward_clip), np.random.default_rng(0), []
    games.begin_with([3])
    games.reset()
    while not games.ended:
        games.step_async(rng.integers(games.action_space.n, size=1))
        paid.append(float(games.step_wait()[1][0]))
    assert set(paid) == {0.0, 1.0}
    assert games.ended[0] > sum(paid)


def test_a_game_that_there_is_not_is_refused_with_the_closest_name():
    from ticketbench.harness.workloads.environments import make_game

    spec = load_task(shipped_tasks()["atari/breakout"]).data.model_copy(update={"name": "ALE/Breakot-v5"})
    with pytest.raises(TicketbenchError) as caught:
        make_game(spec)
    assert str(caught.value) == (
        "Unknown environment 'ALE/Breakot-v5'. Did you mean 'ALE/Breakout-v5'? "
        "Expected an id that Gymnasium knows, as in CartPole-v1."
    )


def test_a_game_whose_rom_is_missing_is_refused_with_the_line_that_installs_it(monkeypatch, tmp_path):
    from ale_py import roms

    from ticketbench.harness.workloads.environments import make_game

    def gone(name):
        raise FileNotFoundError(f"no ROM of {name} in {tmp_path}")

    monkeypatch.setattr(roms, "get_rom_path", gone)
    spec = load_task(shipped_tasks()["atari/breakout"]).data
    with pytest.raises(TicketbenchError, match=r"cannot be made .*no ROM of breakout.*ticketbench\[control\]"):
        make_game(spec)
