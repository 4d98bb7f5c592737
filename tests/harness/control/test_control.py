"""Control tasks: what is played, what a score is of, what methods are given, and what is said where it cannot be."""

import sys
from functools import partial

import numpy as np
import pytest
import torch

from ticketbench.errors import TicketbenchError
from ticketbench.harness.store import Store
from ticketbench.harness.trainings import Trainings
from ticketbench.harness.workloads import domain_of, workloads_of
from ticketbench.methods import find_methods
from ticketbench.methods.requests import NotApplicable
from ticketbench.methods.state import derive
from ticketbench.task import load_task, shipped_tasks


def network_of(workload, state):
    network = workload.fresh_module()
    with torch.no_grad():
        for name, parameter in network.named_parameters():
            parameter.copy_(state.weights[name])
    return network


def leaning(network):
    """A policy that pushes to the side the pole leans to: action 1 where its angle is above zero."""
    with torch.no_grad():
        for parameter in network.parameters():
            parameter.zero_()
        network.hidden[0].weight[0, 2] = network.hidden[1].weight[0, 0] = network.hidden[2].weight[0, 0] = 1.0
        network.hidden[0].weight[1, 2] = -1.0
        network.hidden[1].weight[1, 1] = network.hidden[2].weight[1, 1] = 1.0
        network.output.weight[1, 0] = network.output.weight[0, 1] = 1.0
    return network


def test_evaluation_games_have_fixed_seeds_and_the_most_likely_actions(plain, workload_of):
    network = network_of(plain, plain.initial(3))
    torch.manual_seed(1)
    first = plain.evaluate(network)
    torch.manual_seed(2)
    assert workload_of().evaluate(network) == plain.evaluate(network) == first
    assert first.test_correct is None and len(first.test_scores) == plain.test_examples == 2
    assert first.validation_loss == -first.validation
    assert first.test == -first.test_loss == pytest.approx(np.mean(first.test_scores))


def test_one_game_after_another_ends_as_all_of_them_side_by_side(plain, game_of):
    from ticketbench.harness.workloads.environments import make_game, play

    network = leaning(plain.fresh_module().eval())
    games = [make_game(game_of()) for _ in range(5)]
    returns, taken = play(network, games, range(5), torch.device("cpu"))
    alone = [play(network, games[:1], [seed], torch.device("cpu"))[0][0] for seed in range(5)]
    assert returns == alone
    assert len(set(returns)) > 1 and taken == {0, 1}


def test_a_network_that_always_takes_one_action_is_told_apart(plain):
    network = network_of(plain, plain.initial(0))
    with torch.no_grad():
        network.output.weight.zero_()
        network.output.bias.copy_(torch.tensor([1.0, 0.0, 0.0]))
    assert plain.evaluate(network).one_answer
    assert plain.evaluate(network).test < 12  # pushed one way, the pole falls at once
    assert not plain.evaluate(leaning(network)).one_answer
    assert plain.one_answer == "one action in every state of the evaluation's games, played greedily"


def test_the_loss_is_that_of_stable_baselines3_on_the_same_rollout(workload_of, game_of):
    from ticketbench.harness.training.actor_critic import Learner
    from ticketbench.harness.training.games import Games
    from ticketbench.harness.workloads.environments import make_game

    for normalize in (False, True):
        workload = workload_of(agent={"normalize": normalize, "entropy": 0.1})
        network = network_of(workload, workload.initial(0))
        games = Games([make_game(game_of()) for _ in range(4)], scale=0.02)
        still = torch.optim.SGD(network.parameters(), lr=0.0)
        learner = Learner(network, still, workload.training, games, torch.device("cpu"))
        learner.begin("here")
        for _ in range(3):
            learner.gather()
            inputs, targets = learner.transitions()
            ours = workload.loss(network, None, inputs, targets)
            given = workload.loss(network, dict(network.named_parameters()), inputs, targets)
            theirs = learner.improve(0.0)
            assert float(ours.detach()) == float(given.detach()) == pytest.approx(float(theirs), abs=1e-6)


def test_batches_are_rollouts_of_the_initial_policy_and_a_function_of_their_purpose(plain, trained):
    torch.manual_seed(9)
    before = torch.get_rng_state()
    inputs, targets = plain.sample(50, 0, "batches", 0, 0)
    assert torch.equal(torch.get_rng_state(), before)
    assert inputs.shape == (50, 4) and inputs.dtype == torch.float32 and targets.shape == (50, 3)
    assert set(targets[:, 0].tolist()) == {0.0, 1.0}
    assert len(inputs.unique(dim=0)) == 50
    trained(plain, plain.initial(4), 1)
    again = plain.sample(50, 0, "batches", 0, 0)
    assert torch.equal(again[0], inputs) and torch.equal(again[1], targets)
    for other in [(1, "batches", 0, 0), (0, "batches", 0, 1)]:
        assert not torch.equal(plain.sample(50, *other)[0], inputs)
    advantages, returns = targets[:, 1], targets[:, 2]
    values = network_of(plain, plain.initial(0))(inputs)[:, -1].detach()
    torch.testing.assert_close(returns - advantages, values, rtol=0, atol=1e-5)


def test_a_batch_is_drawn_from_a_hundred_rollouts_at_most_and_whole_rollouts_are_counted(workload_of):
    workload = workload_of(steps=200)
    assert [workload.gathered(size) for size in (1, 32, 33, 3200)] == [32, 32, 64, 3200]
    with pytest.raises(ValueError, match=r"batches: size 3201; expected at most 3200, what 100 rollouts of 32"):
        workload.sample(3201, 0, "batches", 0, 0)


def test_examples_have_no_classes(plain):
    with pytest.raises(NotApplicable, match="per_class=2, but the examples of tiny/cartpole have no classes"):
        plain.sample_per_class(2, 0)


def test_the_data_s_digest_says_which_game_is_played(game_of, task_of):
    digest = domain_of(task_of()).load
    same = digest(game_of())
    assert same == digest(game_of(reward_scale=0.1)) and same.digest == digest(game_of()).digest
    others = [game_of("Acrobot-v1"), game_of(max_steps=50), game_of("CartPole-v0")]
    assert len({same.digest, *(digest(other).digest for other in others)}) == 4


def test_a_cap_ends_games_and_leaves_the_reward_as_it_is(game_of):
    from ticketbench.harness.workloads.environments import random_return

    assert random_return(game_of(max_steps=5), 3) == 5.0


@pytest.mark.parametrize("task", [name for name, path in shipped_tasks().items() if name.startswith("cartpole/")])
def test_chance_is_what_random_actions_earn(task):
    from ticketbench.harness.workloads.environments import random_return

    loaded = load_task(shipped_tasks()[task])
    assert loaded.scoring.chance == random_return(loaded.data, 1000)


@pytest.mark.parametrize("task", ["acrobot/v1", "lunar-lander/v3"])
def test_the_other_games_train_two_updates(task, trained, pruned):
    loaded = load_task(shipped_tasks()[task])
    agent = loaded.training.agent.model_copy(update={"environments": 2, "rollout": 8})
    small = {"steps": 2, "batch_size": 16, "evaluate_every": 1, "rewind_step": 0, "agent": agent}
    data = loaded.data.model_copy(update={"max_steps": 20, "games": 2, "evaluation_games": 1})
    loaded = loaded.model_copy(update={"data": data, "training": loaded.training.model_copy(update=small)})
    workload = workloads_of(loaded, torch.device("cpu"))["default"]
    start = pruned(workload)
    whole = trained(workload, start, 2)
    assert trained(workload, trained(workload, start, 1), 2).digest() == whole.digest()
    assert not whole.history.diverged and whole.weights["output.weight"].shape == (workload.classes + 1, 256)


def test_a_lander_s_bits_do_not_depend_on_games_that_were_broken_off(trained):
    """Whole games, with the ground: physics whose state outlived a game would show in the next."""
    loaded = load_task(shipped_tasks()["lunar-lander/v3"])
    agent = loaded.training.agent.model_copy(update={"environments": 2, "rollout": 90})
    small = {"steps": 4, "batch_size": 180, "evaluate_every": 2, "rewind_step": 0, "agent": agent}
    loaded = loaded.model_copy(
        update={
            "data": loaded.data.model_copy(update={"games": 4, "evaluation_games": 1}),
            "training": loaded.training.model_copy(update=small),
        }
    )
    fresh, used = (workloads_of(loaded, torch.device("cpu"))["default"] for _ in range(2))
    trained(
        used, used.initial(5), 3, seed=5
    )  # one update after an evaluation: all games are in the air or on the ground
    alone = trained(fresh, fresh.initial(0), 4)
    assert len(alone.memory["returns"]) >= 2 and float(alone.memory["returns"].min()) < -50  # some have crashed
    assert trained(used, used.initial(0), 4).digest() == alone.digest()


def test_an_unknown_game_and_one_without_numbered_actions_are_refused(game_of):
    from ticketbench.harness.workloads.environments import make_game

    for wrong, close in [("CartPoll-v1", "CartPole-v1"), ("CartPole-v9", "CartPole-v1")]:
        with pytest.raises(TicketbenchError) as caught:
            make_game(game_of(wrong))
        assert str(caught.value) == (
            f"Unknown environment {wrong!r}. Did you mean {close!r}? "
            "Expected an id that Gymnasium knows, as in CartPole-v1."
        )
    with pytest.raises(TicketbenchError, match=r"'LunarLander-v2'\. Did you mean 'LunarLander-v3'\? Expected an id"):
        make_game(game_of("LunarLander-v2"))
    with pytest.raises(TicketbenchError, match=r"'nowhere:Mine-v0' cannot be made \(ModuleNotFoundError: .*\)\.$"):
        make_game(game_of("nowhere:Mine-v0"))
    with pytest.raises(TicketbenchError, match=r"'Pendulum-v1': expected .* numbered actions .* Box and Box"):
        make_game(game_of("Pendulum-v1"))
    with pytest.raises(TicketbenchError, match="stack and skip are for Atari's games"):
        make_game(game_of(stack=4))


@pytest.mark.parametrize(
    ("package", "game"),
    [
        ("gymnasium", "CartPole-v1"),
        ("stable_baselines3", "CartPole-v1"),
        ("ale_py", "ALE/Pong-v5"),
        ("Box2D", "LunarLander-v3"),
    ],
)
def test_a_missing_package_is_named_with_the_line_that_installs_it(package, game, monkeypatch, game_of):
    from ticketbench.harness.workloads.environments import make_game

    monkeypatch.setitem(sys.modules, package, None)
    with pytest.raises(TicketbenchError) as caught:
        make_game(game_of(game))
    assert str(caught.value) == (
        f"Environment {game!r} needs {package}, which cannot be imported. "
        'Expected after `pip install "ticketbench[control]"`.'
    )


def test_what_another_extra_would_install_is_told_without_ours(monkeypatch, game_of):
    from gymnasium.error import DependencyNotInstalled

    from ticketbench.harness.workloads.environments import make_game

    def missing(*_, **__):
        raise DependencyNotInstalled('MuJoCo is not installed, run `pip install "gymnasium[mujoco]"`')

    monkeypatch.setattr("gymnasium.make", missing)
    with pytest.raises(TicketbenchError, match=r"cannot be made \(DependencyNotInstalled: [^)]*\)\.$") as caught:
        make_game(game_of("Hopper-v5"))
    assert str(caught.value).count("pip install") == 1


@pytest.mark.parametrize(
    ("answer", "got"),
    [
        ("answers[:, :2]", r"but got float32 of shape \(2, 2\)"),
        ("answers.argmax(1)", r"but got int64 of shape \(2,\)"),
        ("(answers, answers)", "but got a value of type tuple"),
        ("answers @ answers", "but it raised RuntimeError"),
    ],
)
def test_a_network_with_another_head_is_refused(answer, got, task_of, tmp_path, monkeypatch):
    name = f"own_{abs(hash(answer))}"
    (tmp_path / f"{name}.py").write_text(
        "from torch import nn\n"
        "class Own(nn.Linear):\n"
        "    def __init__(self, shape, actions):\n"
        "        super().__init__(shape[0], actions + 1)\n"
        "    def forward(self, observations):\n"
        "        answers = super().forward(observations)\n"
        f"        return {answer}\n"
    )
    monkeypatch.chdir(tmp_path)
    expected = r"expected logits of shape \(2, 3\) from observations, for 2 actions and a value,"
    with pytest.raises(TicketbenchError, match=f"{expected} .*{got}"):
        workloads_of(task_of(network={"factory": f"{name}:Own"}), torch.device("cpu"))


def test_a_search_gives_rows_of_returns_with_a_score_for_every_test_game(lab, task_of, workload_of):
    task = task_of(steps=20)
    rows = lab.search(*find_methods(["imp-late"]), task)
    assert len(rows) == 2
    for row in rows:
        assert row["status"] == "done" or (row["status"], row["reason"]) == ("collapsed", workload_of().one_answer)
        assert row["metric"] == "return" and row["higher_is_better"]
        assert len(row["test_scores"]) == row["test_examples"] == 2 and row["test_correct"] is None
        assert row["test_final"] >= 8 and row["start_step"] == 10
        assert {"gymnasium", "stable-baselines3"} <= {package["name"] for package in row["packages"]}
    assert rows[0]["kept"] == round(0.5 * rows[0]["prunable"]) and rows[0]["prunable"] == rows[0]["parameters"]


def test_the_games_that_a_probe_plays_are_drawn_by_its_seed(lab, task_of, plain):
    found = lab.method("""
        @method("mine", title="Mine")
        def mine(search):
            yield Probe(search.initial, "at its start")
    """)
    (probe, *_) = lab.search(found, task_of(), seed=1)
    trainings, start = lab.trainings(task_of()), plain.initial(1)
    played = [trainings.score(start, "default", seed).points[-1].test for seed in (0, 1)]
    assert probe["test_final"] == played[1] != played[0]


def test_a_stored_training_goes_on_from_an_evaluation_alone(tmp_path, trained, task_of):
    """A checkpoint off the grid is no place to go on from: the line is trained again from its start."""
    from ticketbench.harness.trainings import Course
    from ticketbench.methods import Checkpoint

    task = task_of()
    ends = []
    for stops in [(30,), (10, 15, 30)]:
        workloads = workloads_of(task, torch.device("cpu"))
        trainings = Trainings(workloads, Store(tmp_path / str(len(stops)), 10**9))
        start = Checkpoint(None, 0, partial(workloads["default"].initial, 0))
        for stop in stops:
            last = trainings.plan(start, stop, Course("default", 0))
            start = trainings.checkpoint(last, keep=True)
        ends.append(trainings.state(last).digest())
    assert ends[0] == ends[1]


def test_a_mask_of_a_trained_network_forgets_the_returns(plain, trained, pruned):
    end = trained(plain, plain.initial(0), 10)
    assert "returns" in end.memory
    assert derive(end, mask=pruned(plain).mask).memory == {}
    assert derive(end, fresh_optimizer=True).memory == end.memory
