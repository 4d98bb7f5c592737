"""What an agent's latency is taken on."""

import torch

from ticketbench.harness.training.determinism import seed_of
from ticketbench.harness.workloads.environments import make_game


def test_a_batch_is_what_the_test_games_begin_with(plain, game_of):
    game = make_game(game_of())
    seen = [game.reset(seed=seed_of("evaluation", "test", each))[0] for each in range(2)]
    assert torch.equal(plain.test_inputs(1), torch.from_numpy(seen[0])[None])
    assert torch.equal(plain.test_inputs(50), torch.stack([torch.from_numpy(each) for each in seen]))
    assert 0 < plain.latency(plain.initial(0)) < 10


def test_games_go_on_as_if_nothing_had_been_measured(plain, trained):
    first = trained(plain, plain.initial(0), 4)
    plain.latency(first)
    again = trained(plain, plain.initial(0), 4)
    assert all(torch.equal(weight, again.weights[name]) for name, weight in first.weights.items())
    assert first.history.points == again.history.points
