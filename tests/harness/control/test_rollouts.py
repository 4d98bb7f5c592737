"""The engine for agents: A2C as it is elsewhere, masks that hold, and trainings split where they may be."""

import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn

from ticketbench.harness.training import Member
from ticketbench.harness.training.determinism import seed_of
from ticketbench.methods.requests import NotApplicable
from ticketbench.methods.state import derive
from ticketbench.task import SGD, Adam, RMSprop


def outside(state, tensors, slot=""):
    return [tensors[f"{slot}{name}"][~kept] for name, kept in state.mask.items()]


def test_an_agent_learns_cartpole_within_seconds(workload_of, trained):
    """Random actions earn 22.6 (`cartpole/v1`); seeds 0, 1 and 2 were seen to earn 100, 172 and 130."""
    workload = workload_of(
        network={"name": "policy-mlp", "options": {"width": 64}},
        agent={"environments": 8, "rollout": 32, "entropy": 0.0, "normalize": True},
        steps=50, batch_size=256, evaluate_every=50, rewind_step=0, optimizer={"name": "adam", "lr": 0.003},
    )  # fmt: skip
    first, last = trained(workload, workload.initial(0), 50).history.points
    assert first.test < 40  # the mean of twelve games, whose standard error is about 4
    assert last.test > 60


def test_it_is_the_a2c_of_stable_baselines3(plain, trained):
    """The same network, seeds, optimizer and games in an A2C that this project has no part in."""
    import gymnasium
    from gymnasium.wrappers import TransformReward
    from stable_baselines3 import A2C
    from stable_baselines3.common.callbacks import BaseCallback
    from stable_baselines3.common.torch_layers import BaseFeaturesExtractor
    from stable_baselines3.common.vec_env import DummyVecEnv

    start, recipe = plain.initial(0), plain.training
    environments = recipe.agent.environments

    class Trunk(BaseFeaturesExtractor):
        def __init__(self, space):
            super().__init__(space, 16)
            self.layers = nn.Sequential(nn.Linear(4, 16), nn.ReLU(), nn.Linear(16, 16), nn.ReLU(), nn.Linear(16, 16))

        def forward(self, observed):
            return torch.relu(self.layers(observed))

    class Seeds(BaseCallback):
        def __init__(self):
            super().__init__()
            self.step = 0

        def _on_rollout_start(self):
            torch.manual_seed(seed_of("step", 0, 0, self.step))
            self.step += 1

        def _on_step(self):
            return True

    def game():
        return TransformReward(gymnasium.make("CartPole-v1"), lambda reward: 0.02 * reward)

    games = DummyVecEnv([game] * environments)
    games._seeds = [seed_of("games", 0, 0, 0, index) for index in range(environments)]
    theirs = A2C(
        "MlpPolicy", games, learning_rate=recipe.optimizer.lr, n_steps=recipe.agent.rollout, gamma=0.99,
        ent_coef=0.01, vf_coef=0.5, max_grad_norm=recipe.clip, rms_prop_eps=recipe.optimizer.eps, device="cpu",
        policy_kwargs={"features_extractor_class": Trunk, "net_arch": {"pi": [], "vf": []}, "ortho_init": False},
    )  # fmt: skip
    policy = theirs.policy
    with torch.no_grad():
        for index, linear in enumerate(policy.features_extractor.layers[::2]):
            linear.weight.copy_(start.weights[f"hidden.{index}.weight"])
            linear.bias.copy_(start.weights[f"hidden.{index}.bias"])
        for part, rows in ((policy.action_net, slice(0, 2)), (policy.value_net, slice(2, 3))):
            part.weight.copy_(start.weights["output.weight"][rows])
            part.bias.copy_(start.weights["output.bias"][rows])
    theirs.learn(10 * recipe.batch_size, callback=Seeds())

    ours = trained(plain, start, 10).weights
    head = torch.cat([policy.action_net.weight, policy.value_net.weight])
    assert torch.dist(ours["output.weight"], start.weights["output.weight"]) > 0.01
    torch.testing.assert_close(ours["output.weight"], head.detach(), rtol=0, atol=1e-5)
    for index, linear in enumerate(policy.features_extractor.layers[::2]):
        torch.testing.assert_close(ours[f"hidden.{index}.weight"], linear.weight.detach(), rtol=0, atol=1e-5)


@pytest.mark.parametrize(
    ("optimizer", "slots"),
    [
        (RMSprop(name="rmsprop", lr=0.01, momentum=0.9, weight_decay=0.1), ("square_avg", "momentum_buffer")),
        (Adam(name="adam", lr=0.01), ("exp_avg", "exp_avg_sq")),
        (SGD(name="sgd", lr=0.1, momentum=0.9, weight_decay=0.1), ("momentum_buffer",)),
    ],
)
def test_pruned_weights_and_their_optimizer_state_are_exactly_zero(plain, optimizer, slots, trained, pruned):
    start = pruned(plain)
    end = trained(plain, start, 3, optimizer=optimizer)
    for name, kept in start.mask.items():
        assert (end.weights[name] != start.weights[name])[kept].any(), name
    assert not any(part.any() for part in outside(start, end.weights))
    for slot in slots:
        assert not any(part.any() for part in outside(start, end.optimizer, f"{slot}/"))
        assert any(tensor.any() for name, tensor in end.optimizer.items() if name.startswith(slot))


def test_they_are_held_there_after_every_step_whatever_the_optimizer_began_with(plain, trained, pruned):
    momentum = SGD(name="sgd", lr=0.1, momentum=0.9)
    start = pruned(plain)
    buffers = {f"momentum_buffer/{name}": torch.ones_like(weight) for name, weight in start.weights.items()}
    dirty = replace(start, optimizer=buffers, optimizer_name="sgd")
    end = trained(plain, dirty, 1, optimizer=momentum)
    assert not any(part.any() for part in outside(start, end.weights))
    assert not any(part.any() for part in outside(start, end.optimizer, "momentum_buffer/"))


def test_the_norm_that_is_clipped_is_the_subnetwork_s(workload_of, trained, pruned):
    """Under gradient descent with rate 1, one step goes exactly as far as the norm is clipped to."""
    workload = workload_of(clip=1e-3)
    start = pruned(workload, density=0.05)
    end = trained(workload, start, 1, optimizer=SGD(name="sgd", lr=1.0))
    moved = torch.cat([(end.weights[name] - weight).flatten() for name, weight in start.weights.items()])
    assert float(moved.double().norm()) == pytest.approx(1e-3, rel=1e-2)


def test_without_a_clip_gradients_are_as_they_are(workload_of, trained):
    large, none = workload_of(clip=1e6), workload_of(clip=None)
    assert trained(large, large.initial(0), 2).digest() == trained(none, none.initial(0), 2).digest()


def test_a_training_split_at_evaluations_is_bit_identical_with_its_returns(plain, trained, pruned):
    for start in (plain.initial(1), pruned(plain, seed=1)):
        whole = trained(plain, start, 30, seed=1)
        state = start
        for stop in (10, 20, 30):
            assert plain.splits_at(stop)
            state = trained(plain, state, stop, seed=1)
        assert state.digest() == whole.digest()
        assert len(whole.memory["returns"]) == 12


def test_it_may_be_split_nowhere_else_because_games_begin_anew(plain, trained):
    assert [step for step in range(31) if plain.splits_at(step)] == [0, 10, 20, 30]
    start = plain.initial(1)
    split = trained(plain, trained(plain, start, 15, seed=1), 30, seed=1)
    assert split.digest() != trained(plain, start, 30, seed=1).digest()


def test_seed_and_data_order_each_draw_other_games_and_actions(plain, trained):
    start = plain.initial(0)
    ends = {
        trained(plain, start, 2, seed=seed, data_order=order).digest() for seed in (0, 1) for order in (0, 1)
    }  # fmt: skip
    assert len(ends) == 4


def test_members_do_not_change_one_another_nor_what_was_played_before(plain, workload_of, trained, pruned):
    start, other = plain.initial(0), pruned(plain)
    alone = trained(plain, start, 12)
    first, second = plain.advance([Member(other, 0), Member(start, 0)], 12)
    assert second.digest() == alone.digest() != first.digest()
    fresh = workload_of()
    assert trained(fresh, start, 12).digest() == alone.digest()


def test_another_process_makes_the_same_bits(plain, trained):
    here = trained(plain, plain.initial(0), 4).digest()
    code = (
        f"import sys; sys.path.insert(0, {str(Path(__file__).parent)!r})\n"
        "from conftest import make_workload, train\n"
        "plain = make_workload()\n"
        "print(train(plain, plain.initial(0), 4).digest())"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == here


def test_the_metric_is_the_mean_unscaled_return_of_the_latest_games(plain, trained):
    end = trained(plain, plain.initial(0), 30)
    returns = end.memory["returns"]
    assert returns.dtype == torch.float64 and len(returns) == 12
    assert bool((returns == returns.round()).all()) and float(returns.min()) >= 8  # a pole takes that long to fall
    assert end.history.points[-1].test == pytest.approx(float(returns.mean()))
    assert len(end.history.test_scores) == 2
    assert end.history.points[-1].test_loss == pytest.approx(-np.mean(end.history.test_scores))


def test_missing_returns_are_played_with_sampled_actions_and_not_remembered(workload_of, trained):
    """A policy sure of nothing earns what random actions do, 22.6, though its greedy games earn 8 to 11."""
    workload = workload_of(games=200)
    start = workload.initial(0)
    weights = {name: torch.zeros_like(weight) for name, weight in start.weights.items()}
    even = derive(start, weights=weights)
    (scored,) = workload.advance([Member(even, 0)], 0)
    (point,) = scored.history.points
    assert scored.memory == {}
    assert point.test == pytest.approx(22.6, abs=3)  # the mean of 200 has a standard error of 0.9
    assert point.test * 200 == pytest.approx(round(point.test * 200))
    assert np.mean(scored.history.test_scores) < 12


def test_one_network_has_one_score_however_it_is_submitted(workload_of, trained):
    """As the end of its own training, and anew at the last step, or one update before it."""
    workload = workload_of(
        network={"name": "policy-mlp", "options": {"width": 64}}, games=100,
        agent={"environments": 8, "rollout": 32, "entropy": 0.0, "normalize": True},
        steps=50, batch_size=256, evaluate_every=50, rewind_step=0, optimizer={"name": "adam", "lr": 1e-4},
    )  # fmt: skip
    honest = trained(workload, workload.initial(0), 50)
    assert len(honest.memory["returns"]) == 100
    mask = {name: torch.ones_like(kept) for name, kept in honest.mask.items()}
    mask["output.bias"][2] = False  # of the value, which no action depends on
    again = derive(honest, mask=mask)
    assert again.memory == {}
    ends = [trained(workload, again, 50), trained(workload, derive(again, step=49), 50)]
    (scored,), (_, last) = (end.history.points for end in ends)
    score = honest.history.points[-1].test
    spread = float(honest.memory["returns"].std()) * np.sqrt(2 / 100)
    for point in (scored, last):
        assert point.test * 100 == pytest.approx(round(point.test * 100))
        assert abs(point.test - score) < 3 * spread
    greedy = np.mean(ends[0].history.test_scores)
    assert abs(greedy - score) > 3 * spread  # which would have been another score


def test_games_in_memory_are_completed_to_as_many_as_the_metric_is_of(plain, trained):
    """What ended is known from the memory; the others are those that the same place plays at its start."""
    end = trained(plain, plain.initial(1), 10, seed=1)
    known = end.memory["returns"].tolist()
    assert 0 < len(known) < 12
    network = plain.module()
    with torch.no_grad():
        for name, weight in network.named_parameters():
            weight.copy_(end.weights[name])
    played = plain.sampled(network, 12 - len(known), 1, 0, 10)
    assert end.history.points[-1].test == pytest.approx(np.mean(known + played))


def test_played_games_are_a_function_of_network_seed_order_and_step_and_disturb_nothing(plain, workload_of):
    network = plain.module()
    torch.manual_seed(3)
    np.random.seed(3)
    before, before_numpy = torch.get_rng_state(), np.random.get_state()[1].copy()
    first = plain.sampled(network, 9, 0, 0, 10)
    assert torch.equal(torch.get_rng_state(), before) and (np.random.get_state()[1] == before_numpy).all()
    assert len(first) == 9 and min(first) >= 8
    assert plain.sampled(network, 9, 0, 0, 10) == first
    others = [(1, 0, 10), (0, 1, 10), (0, 0, 20)]
    assert all(plain.sampled(network, 9, *other) != first for other in others)


def test_what_is_played_for_the_metric_changes_no_bit_of_training(workload_of, trained):
    few, many = workload_of(games=1), workload_of(games=50)
    ends = [trained(each, each.initial(0), 20) for each in (few, many)]
    for name, weight in ends[0].weights.items():
        assert torch.equal(weight, ends[1].weights[name])
    assert ends[0].memory["returns"][-1] == ends[1].memory["returns"][-1]


def test_weights_that_are_no_numbers_are_scored_all_the_same(plain):
    network = plain.fresh_module()
    with torch.no_grad():
        network.output.weight.fill_(float("nan"))
    assert max(plain.sampled(network, 3, 0, 0, 0)) < 12  # the first action, always


def test_frozen_parameters_stay_and_other_optimizers_are_used(plain, trained):
    start = plain.initial(0)
    frozen = trained(plain, start, 2, freeze=("output.bias", "hidden.1.weight"))
    same = [name for name, weight in start.weights.items() if torch.equal(frozen.weights[name], weight)]
    assert same == ["hidden.1.weight", "output.bias"]
    adam = trained(plain, start, 2, optimizer=Adam(name="adam", lr=0.01))
    assert adam.optimizer_name == "adam" and "exp_avg/output.weight" in adam.optimizer
    # of another optimizer nothing is carried over
    again = trained(plain, adam, 3)
    assert again.optimizer_name == "rmsprop" and {name.split("/")[0] for name in again.optimizer} == {
        "square_avg", "step",
    }  # fmt: skip


def test_the_schedule_decides_the_rate_of_every_step(workload_of, trained):
    workload = workload_of(schedule={"milestones": [1], "factor": 1e-9})
    start = workload.initial(0)
    one, two = trained(workload, start, 1), trained(workload, start, 2)
    assert torch.dist(one.weights["output.weight"], start.weights["output.weight"]) > 1e-3
    torch.testing.assert_close(two.weights["output.weight"], one.weights["output.weight"], rtol=0, atol=1e-6)
    last = trained(workload, start, 1, schedule="last")
    torch.testing.assert_close(last.weights["output.weight"], start.weights["output.weight"], rtol=0, atol=1e-6)


def test_a_training_whose_weights_are_no_numbers_diverges_at_the_next_evaluation(plain, trained):
    end = trained(plain, plain.initial(0), 30, optimizer=SGD(name="sgd", lr=1e38))
    assert end.history.diverged
    assert end.step == 10


def test_an_objective_is_not_applicable_and_says_why(plain):
    with pytest.raises(NotApplicable, match="an objective: an agent learns from games that it plays"):
        plain.advance([Member(plain.initial(0), 0, objective=lambda *_: torch.tensor(0.0))], 1)


def test_nothing_is_left_changed_outside(plain, trained, pruned):
    np.random.seed(5)
    before = np.random.get_state()[1].copy()
    trained(plain, pruned(plain), 1)
    assert (np.random.get_state()[1] == before).all()
    assert torch.get_num_threads() == 1 and torch.is_grad_enabled()
    assert torch.distributions.Distribution._validate_args == __debug__
    assert all(not parameter._backward_hooks for parameter in plain.module().parameters())
