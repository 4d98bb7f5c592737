"""Games: an agent that learns from those it plays itself, and the return of the latest of them."""

from collections.abc import Sequence
from functools import cached_property
from typing import TYPE_CHECKING, Any, NoReturn, Self

import torch
from torch import Tensor, nn
from torch.distributions import Categorical
from torch.func import functional_call

from ticketbench.harness.training import Evaluation, Member
from ticketbench.harness.training.determinism import generator, seed_of
from ticketbench.harness.workloads.domain import Batch, Domain
from ticketbench.harness.workloads.environments import Rules, make_game, play, play_sampled, rules_of
from ticketbench.harness.workloads.fit import check_logits
from ticketbench.methods.state import State, Tensors
from ticketbench.task import Environment, Task

if TYPE_CHECKING:
    from ticketbench.harness.training.games import Game, Games

MOST_ROLLOUTS = 100  # that one batch of examples may be drawn from


class Control(Domain):
    """One game, many at a time. See `Domain`.

    The metric is the paper's (Yu et al. 2020): the mean return of the last `data.games` games that ended in training,
    with sampled actions and rewards as the game gives them. It is the mean of so many wherever it is taken: where
    fewer have ended since the training began (at its start, for a checkpoint that is scored as it is, soon after a
    restart), the missing ones are played by the policy as it stands, with sampled actions too.

    The evaluation plays `data.evaluation_games` games for validation and as many others for test, from the same seeds
    for every network, each time with the most likely action. Validation is the mean return of the former and its loss
    minus that; the returns of the latter are a row's `test_scores`, and their mean, negated, the loss on test. They
    are not part of the metric.
    """

    higher_is_better = True
    one_answer = "one action in every state of the evaluation's games, played greedily"
    packages = ("gymnasium", "stable-baselines3", "ale-py", "box2d")

    def __init__(self, task: Task, device: torch.device, found: Rules | None = None, steps: int | None = None):
        """`found` are the game's rules, where they are at hand; `steps` is T, where other settings decide it."""
        if not isinstance(task.data, Environment):
            raise TypeError(f"{task.id}: expected data of kind environment, not {task.data.kind}")
        self.spec = task.data
        self.rules = found or self.load(task.data)
        steps = steps or task.training.total_steps(0)
        super().__init__(
            task,
            device,
            shape=self.rules.shape,
            classes=self.rules.actions,
            examples=steps * task.training.batch_size,
            test_examples=task.data.evaluation_games,
            data_digest=self.rules.digest,
            steps=steps,
        )

    @staticmethod
    def load(spec: Environment) -> Rules:
        return rules_of(spec)

    def again(self, task: Task, steps: int | None) -> Self:
        return type(self)(task, self.device, self.rules, steps)

    def check(self, setting: str) -> None:
        super().check(setting)
        what = f"observations, for {self.classes} actions and a value,"
        check_logits(self, setting, torch.zeros(2, *self.shape), (2, self.classes + 1), what)

    def order(self, seed: int, data_order: int) -> NoReturn:
        raise TypeError(f"{self.task.id}: an agent gathers its examples as it learns; they have no order")

    def splits_at(self, step: int) -> bool:
        """Games begin anew at evaluations, and can be split nowhere else."""
        return step % self.training.evaluate_every == 0

    def advance(self, members: Sequence[Member], until: int) -> list[State]:
        """Every member trained to step `until`. See `ticketbench.harness.training.rollouts.advance_agents`."""
        from ticketbench.harness.training.rollouts import advance_agents

        return advance_agents(members, until, self, self._games)

    def sample(self, size: int, seed: int, *purpose: str | int) -> Batch:
        """Transitions that the initial policy of the seed meets, none twice: observations, and (size, 3) targets.

        Of as many whole rollouts as hold `size` of them. Targets are action, advantage and return. Raises ValueError
        above `MOST_ROLLOUTS` of them.
        """
        most = MOST_ROLLOUTS * self.training.batch_size
        if size > most:
            raise ValueError(
                f"batches: size {size}; expected at most {most}, what {MOST_ROLLOUTS} rollouts of "
                f"{self.training.batch_size} transitions hold"
            )
        from ticketbench.harness.training.actor_critic import rollouts

        devices = [self.device] if self.device.type == "cuda" else []
        with torch.random.fork_rng(devices=devices):
            network = self.fresh_module()
            drawn = self.initial(seed).weights
            with torch.no_grad():
                for name, weight in network.named_parameters():
                    weight.copy_(drawn[name])
            found = rollouts(network, self.training, self._games, size, self.device, "sample", seed, *purpose)
        chosen = torch.randperm(len(found[0]), generator=generator("sample", seed, *purpose))[:size].to(self.device)
        return found[0][chosen], found[1][chosen]

    def gathered(self, size: int) -> int:
        """How many transitions are played for a sample of that size: those of whole rollouts."""
        each = self.training.batch_size
        return -(-size // each) * each

    def loss(self, network: nn.Module, weights: Tensors | None, inputs: Tensor, targets: Tensor) -> Tensor:
        """A2C's loss: of the policy, of the value, and the entropy bonus, with the weights of the recipe.

        `targets` has action, advantage and return of every observation, (B, 3).
        """
        assert self.training.agent is not None
        recipe = self.training.agent
        answers = network(inputs) if weights is None else functional_call(network, weights, (inputs,))
        policy: Any = Categorical(logits=answers[:, :-1], validate_args=False)
        advantages = targets[:, 1]
        if recipe.normalize:
            advantages = (advantages - advantages.mean()) / (advantages.std() + 1e-8)
        policy_loss = -(advantages * policy.log_prob(targets[:, 0].long())).mean()
        value_loss = nn.functional.mse_loss(answers[:, -1], targets[:, 2].to(answers.dtype))
        loss: Tensor = policy_loss - recipe.entropy * policy.entropy().mean() + recipe.value * value_loss
        return loss

    def test_inputs(self, most: int) -> Tensor:
        """What the test games begin with, seen in a game made for it alone."""
        game = make_game(self.spec)
        seeds = [seed_of("evaluation", "test", each) for each in range(min(most, self.spec.evaluation_games))]
        seen = [torch.from_numpy(game.reset(seed=seed)[0]) for seed in seeds]
        game.close()
        return torch.stack(seen).to(self.device)

    def evaluate(self, network: nn.Module) -> Evaluation:
        """Validation and test games, all played at once with the most likely action."""
        network.eval()
        each = self.spec.evaluation_games
        seeds = [seed_of("evaluation", part, game) for part in ("validation", "test") for game in range(each)]
        returns, taken = play(network, self._evaluated, seeds, self.device)
        validation, test = sum(returns[:each]) / each, sum(returns[each:]) / each
        return Evaluation(
            validation_loss=-validation,
            validation=validation,
            test_loss=-test,
            test=test,
            test_correct=None,
            one_answer=len(taken) == 1,
            test_scores=tuple(returns[each:]),
        )

    def sampled(self, network: nn.Module, count: int, *purpose: str | int) -> list[float]:
        """Unscaled returns of so many games with sampled actions: a function of the network and the purpose.

        No global generator is drawn from.
        """
        network.eval()
        seeds = [seed_of("metric", *purpose, game) for game in range(count)]
        return play_sampled(network, self._evaluated, seeds, generator("metric", *purpose), self.device)

    @property
    def last_games(self) -> int:
        """How many returns the metric is the mean of."""
        return self.spec.games

    @cached_property
    def _games(self) -> "Games":
        from ticketbench.harness.training.games import Games

        assert self.training.agent is not None
        made = self._made(self.training.agent.environments)
        return Games(made, self.spec.reward_scale, self.spec.reward_clip)

    @cached_property
    def _evaluated(self) -> "list[Game]":
        return self._made(2 * self.spec.evaluation_games)

    def _made(self, count: int) -> "list[Any]":
        return [make_game(self.spec) for _ in range(count)]
