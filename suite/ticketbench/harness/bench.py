"""What a method is shown of one task, setting and seed: the harness's side of `Search`."""

from collections.abc import Callable, Generator, Iterable, Iterator
from contextlib import ExitStack, contextmanager
from copy import deepcopy
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from ticketbench.harness.charges import Charges
from ticketbench.harness.training.determinism import generator
from ticketbench.harness.trainings import Trainings
from ticketbench.harness.workloads import Domain
from ticketbench.ladder import Rung, rungs
from ticketbench.methods import Checkpoint, Method, NotApplicable, Search, find_methods
from ticketbench.methods.search import Batch
from ticketbench.methods.state import State
from ticketbench.task import Task


@contextmanager
def undisturbed() -> Iterator[None]:
    """Torch as the harness needs it, whatever a method has left on at its yield, and afterwards as it was.

    Under `no_grad` nothing trains; under autocast, another default type or device it would train other bits.
    """
    dtype = torch.get_default_dtype()
    torch.set_default_dtype(torch.float32)
    try:
        with ExitStack() as modes:
            modes.enter_context(torch.inference_mode(False))
            modes.enter_context(torch.enable_grad())
            for device in ("cpu", "cuda"):
                if torch.is_autocast_enabled(device):
                    modes.enter_context(torch.autocast(device, enabled=False))
            if torch.get_default_device().type != "cpu":
                modes.enter_context(torch.device("cpu"))
            yield
    finally:
        torch.set_default_dtype(dtype)


def reset_modes() -> None:
    """Torch's own defaults: a method that changed them has done so for itself alone."""
    torch.set_grad_enabled(True)
    torch.set_default_dtype(torch.float32)
    torch.set_default_device(None)


class Bench(Search):
    """One search, as the harness holds it: a method gets what `shown` gives.

    `rung` is the index of the one it is for, where the method is run once a rung. `dense_rung` is rung 0; `drawn`
    holds the initial weights that the harness has handed out; `inapplicable` what the domain could not give, as it
    was told.
    """

    def __init__(self, task: Task, method: Method, setting: str, seed: int, rung: int | None, trainings: Trainings):
        self.task, self.setting, self.seed = task.in_setting(setting).model_copy(deep=True), setting, seed
        self._workload = trainings.workloads[setting]
        self.steps = self._workload.steps
        self.dense_rung, *below = ladder_of(task, self._workload)
        self.ladder = tuple(below)
        self.rng = generator("method", seed, method.name, rung or 0)
        self.charges = Charges(trainings.known, self._workload.training.batch_size)
        self.drawn: dict[int, Checkpoint] = {}
        self.inapplicable: list[NotApplicable] = []

    @property
    def initial(self) -> Checkpoint:
        return self._draw(0)

    def reinitialized(self, draw: int) -> Checkpoint:
        if draw < 1:
            raise ValueError(f"draws of reinitialized weights count from 1, got {draw}")
        return self._draw(draw)

    @undisturbed()
    def network(self, checkpoint: Checkpoint) -> nn.Module:
        state = checkpoint.state()
        self.charges.read(checkpoint.trainings)
        network = self._workload.fresh_module().eval()
        # By name, as they are trained: a state dict names tied weights twice, and some buffers not at all.
        with torch.no_grad():
            for name, parameter in network.named_parameters():
                parameter.copy_(state.weights[name])
            for name, buffer in network.named_buffers():
                buffer.copy_(state.buffers[name])
        return self.charges.count(network)

    def batches(
        self, count: int, size: int | None = None, draw: int = 0, per_class: int | None = None
    ) -> list[Batch]:
        if (size is None) == (per_class is None):
            raise ValueError("batches: say either size or per_class")
        if per_class is not None and per_class < 1:
            raise ValueError(f"batches: per_class {per_class}; a batch has at least one of each class")
        if size is not None and not 0 < size <= self._workload.examples:
            raise ValueError(f"batches: size {size} of {self._workload.examples} training examples")
        chosen = []
        for index in range(count):
            purpose = ("batches", draw, index)
            if size is not None:
                chosen.append(self._workload.sample(size, self.seed, *purpose))
                self.charges.scored += self._workload.gathered(size)
            else:
                chosen.append(self._per_class(per_class or 0, purpose))
        return chosen

    def _per_class(self, per_class: int, purpose: tuple[str | int, ...]) -> Batch:
        try:
            return self._workload.sample_per_class(per_class, self.seed, *purpose)
        except NotApplicable as error:
            self.inapplicable.append(error)
            raise

    def loss(self, network: nn.Module, inputs: Tensor, targets: Tensor) -> Tensor:
        return self._workload.loss(network, None, inputs, targets)

    def method(self, name: str, rung: Rung | None = None, **parameters: Any) -> Generator[Any, Any, Any]:
        return _delegate(self, name, rung, parameters)

    def drawn_for_controls(self) -> Checkpoint:
        """Initial weights that no method can draw, so that a control never trains a ticket's own."""
        return self._draw(-1)

    def draw_of(self, state: State) -> int | None:
        """The draw of initial weights that all kept weights come from; None where they come from none."""
        for draw, checkpoint in self.drawn.items():
            if starts_from(state, checkpoint.state()):
                return draw
        return None

    def handle(self, checkpoint: Checkpoint, load: Callable[[], State]) -> Checkpoint:
        """The checkpoint as this search's method holds it: read on its account, from what `load` gives."""
        return Checkpoint(
            checkpoint.key, checkpoint.step, load, trainings=checkpoint.trainings, on_read=self.charges.read
        )

    def made(self, checkpoint: Checkpoint) -> bool:
        """Whether it is a checkpoint of this search, its tensors read on this search's account."""
        return type(checkpoint) is Checkpoint and checkpoint.read_by(self.charges.read)

    @undisturbed()
    def _draw(self, draw: int) -> Checkpoint:
        if draw not in self.drawn:
            state = self._workload.initial(self.seed, draw)
            self.drawn[draw] = Checkpoint(None, 0, lambda: state, on_read=self.charges.read)
        return self.drawn[draw]


def shown(bench: Bench) -> Search:
    """The search as its method holds it. It reads its attributes but sets none; task and ladder are copies.

    What requests are judged by (the account, the draws of initial weights, the data) is no attribute of it.
    """

    class Shown(Search):
        def __setattr__(self, name: str, _: Any) -> None:
            raise AttributeError(f"search.{name}: a search cannot be changed")

        @property
        def initial(self) -> Checkpoint:
            return bench.initial

        def reinitialized(self, draw: int) -> Checkpoint:
            return bench.reinitialized(draw)

        def network(self, checkpoint: Checkpoint) -> nn.Module:
            return bench.network(checkpoint)

        def batches(
            self, count: int, size: int | None = None, draw: int = 0, per_class: int | None = None
        ) -> list[Batch]:
            return bench.batches(count, size, draw, per_class)

        def loss(self, network: nn.Module, inputs: Tensor, targets: Tensor) -> Tensor:
            return bench.loss(network, inputs, targets)

        def method(self, name: str, rung: Rung | None = None, **parameters: Any) -> Generator[Any, Any, Any]:
            return _delegate(self, name, rung, parameters)

    Shown.__name__ = Shown.__qualname__ = "Search"  # as messages name it
    search = Shown()
    for name in ("task", "setting", "seed", "steps", "rng"):
        vars(search)[name] = getattr(bench, name)
    vars(search)["ladder"] = deepcopy(bench.ladder)
    return search


def _delegate(search: Search, name: str, rung: Rung | None, parameters: dict[str, Any]) -> Generator[Any, Any, Any]:
    found = find_methods([name])
    if len(found) != 1:
        raise ValueError(f"search.method: {name} names {len(found)} methods, not one")
    if found[0].per_rung and rung is None:
        raise ValueError(f"search.method: {name} is run once a rung; say which: search.method({name!r}, rung)")
    if rung is not None and not found[0].per_rung:
        raise ValueError(f"search.method: {name} is run on the whole ladder; say search.method({name!r})")
    return found[0].with_parameters(**parameters).start(search, rung)


def ladder_of(task: Task, workload: Domain) -> tuple[Rung, ...]:
    """The task's ladder on its network, rung 0 (dense) first."""
    sizes = {name: parameter.numel() for name, parameter in workload.module().named_parameters()}
    return rungs(task.ladder, {name: sizes[name] for name in workload.prunable})


def weights_made_by(state: State, made: Iterable[State], draws: Iterable[State] = ()) -> bool:
    """Whether every kept weight equals that of one of these states, place by place, and every buffer one.

    Of several draws of initial weights all places that are left must come from one: a choice among many, place by
    place, comes as near to any weights as one likes.
    """
    left = [_unlike(_Left.all_of(state), state, draw) for draw in draws] or [_Left.all_of(state)]
    others = iter(made)
    while all(each.any() for each in left):
        other = next(others, None)
        if other is None:
            return False
        left = [_unlike(each, state, other) for each in left]
    return True


@dataclass(frozen=True)
class _Left:
    """Places of weights, and buffers, that no state has been found for yet."""

    places: dict[str, Tensor]
    buffers: tuple[str, ...]

    @staticmethod
    def all_of(state: State) -> "_Left":
        whole = {name: torch.ones_like(weight, dtype=torch.bool) for name, weight in state.weights.items()}
        return _Left(whole | state.mask, tuple(state.buffers))

    def any(self) -> bool:
        return bool(self.buffers) or any(bool(places.any()) for places in self.places.values())


def _unlike(left: _Left, state: State, other: State) -> _Left:
    """What of it differs from this other state too."""
    return _Left(
        {name: places & (state.weights[name] != other.weights[name]) for name, places in left.places.items()},
        tuple(name for name in left.buffers if not torch.equal(state.buffers[name], other.buffers[name])),
    )


def starts_from(state: State, initial: State) -> bool:
    """Whether all kept weights are those of this draw of initial weights."""
    return weights_made_by(State(state.step, state.weights, {}, state.mask), [initial])
