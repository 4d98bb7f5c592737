"""The chance value of a game: what random actions earn."""

from ticketbench.harness.workloads.chance import chance_of
from ticketbench.harness.workloads.environments import random_return


def test_chance_is_the_mean_return_of_so_many_games_of_random_actions(task_of):
    task = task_of()

    few, many = (chance_of(task, games) for games in (2, 5))

    assert [few.value, many.value] == [random_return(task.data, games) for games in (2, 5)]
    assert few.value != many.value
    assert few.why == "2 games of random actions, of seeds 0 to 1"
