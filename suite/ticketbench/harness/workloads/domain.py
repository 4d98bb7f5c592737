"""A domain: what a task's data, network, loss and score are. What all of them have alike stands here."""

import time
from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import replace
from functools import cached_property
from typing import Any, ClassVar, Protocol, Self

import torch
from torch import Tensor, nn
from torch.utils.flop_counter import FlopCounterMode

from ticketbench.errors import TicketbenchError
from ticketbench.harness.training import Evaluation, Member, Order, advance, trainer
from ticketbench.harness.training.determinism import configure, seed_global
from ticketbench.methods.requests import NotApplicable
from ticketbench.methods.state import History, State, Tensors
from ticketbench.networks import build, prunable
from ticketbench.task import Network, Task, Training

Batch = tuple[Tensor, Tensor]
Shape = tuple[int, ...]


class Loaded(Protocol):
    """A task's data, as one of its settings has it: its digest, and how many training examples there are."""

    @property
    def digest(self) -> str: ...

    @property
    def examples(self) -> int: ...


class Domain(ABC):
    """One task and setting on one device: all that the harness asks of a domain.

    Attributes:
        metric, higher_is_better: what networks are scored by; the name follows from the task's kind of data.
        one_answer: what is said of a network that answers everything alike.
        packages: distributions beside torch whose versions decide what it computes.
        input_dtype: of what networks are given.
        shape, classes: of one input (without the batch), and how many outputs a network's head needs.
        steps: T, the length of a whole training.
        prunable: names of what masks cover, in network order.
    """

    higher_is_better: ClassVar[bool]
    one_answer: ClassVar[str]
    packages: ClassVar[tuple[str, ...]] = ()
    input_dtype: ClassVar[torch.dtype] = torch.float32
    metric_signature: str | None = None  # how exactly the metric was computed, where its name leaves that open

    def __init__(
        self,
        task: Task,
        device: torch.device,
        *,
        shape: Shape,
        classes: int,
        examples: int,
        test_examples: int,
        data_digest: str,
        steps: int | None = None,
    ):
        """`steps` is T, where other settings of the task decide it."""
        configure()
        self.task, self.device, self.metric = task, device, task.metric
        self.training, self.optimizer = task.training, task.training.optimizer
        self.shape, self.classes = shape, classes
        self.examples, self.test_examples, self.data_digest = examples, test_examples, data_digest
        self.steps = steps or task.training.total_steps(examples)
        self._module = self.fresh_module()
        self._initial_of: Domain | None = None
        left_out = (*task.ladder.exclude, *task.network.unshared)
        self.prunable = prunable(self._module, left_out, task.ladder.cover)

    @staticmethod
    @abstractmethod
    def load(spec: Any) -> Loaded:
        """The data of a task or of one of its settings. Raises `TicketbenchError` where it cannot be had."""

    @abstractmethod
    def again(self, task: Task, steps: int | None) -> Self:
        """The same data on the same device, for a task that differs in its network or training."""

    @abstractmethod
    def order(self, seed: int, data_order: int) -> Order:
        """The order in which a training meets its examples."""

    @abstractmethod
    def sample(self, size: int, seed: int, *purpose: str | int) -> Batch:
        """Inputs and targets of `size` training examples, none twice: a function of what it is given."""

    @abstractmethod
    def loss(self, network: nn.Module, weights: Tensors | None, inputs: Tensor, targets: Tensor) -> Tensor:
        """The plain mean loss, with other weights where given."""

    @abstractmethod
    def test_inputs(self, most: int) -> Tensor:
        """Inputs of the first so many test examples, or of all where there are fewer, on the device."""

    @abstractmethod
    def evaluate(self, network: nn.Module) -> Evaluation:
        """Validation and test scores of the network, in eval mode."""

    def sample_per_class(self, per_class: int, seed: int, *purpose: str | int) -> Batch:
        """Training examples, `per_class` of every class. Raises `NotApplicable` where examples have no classes."""
        raise NotApplicable(f"batches: per_class={per_class}, but the examples of {self.task.id} have no classes")

    def gathered(self, size: int) -> int:
        """How many examples are newly made for a sample of that size, and charged: none where they are at hand."""
        return 0

    def check(self, setting: str) -> None:
        """Raises `TicketbenchError` where the network has nothing to prune; a domain may ask for more."""
        if not self.prunable:
            weights = self.task.ladder.cover == "weights"
            wanted = "linear or convolutional layer whose weight" if weights else "parameter that"
            raise TicketbenchError(
                f"{self.task.id}: network {self.task.network.title} (setting {setting}): there is nothing to prune; "
                f"expected a {wanted} neither ladder.exclude nor network.unshared names."
            )

    def advance(self, members: Sequence[Member], until: int) -> list[State]:
        """Every member trained to step `until`. See `ticketbench.harness.training.advance`."""
        return advance(members, until, self)

    def splits_at(self, step: int) -> bool:
        """Whether a training that is split at this step gives the same bits as one that is not."""
        return True

    @cached_property
    def flops(self) -> tuple[float, dict[str, float]]:
        """Floating-point operations of one example forward, dense: in all, and of what every prunable tensor does.

        Counted are matrix products and convolutions; biases, norms and embeddings do none.
        """
        counter = FlopCounterMode(display=False)
        module = self.fresh_module().eval()
        with counter, torch.no_grad():
            module(torch.zeros(1, *self.shape, dtype=self.input_dtype, device=self.device))
        by_module = {path: sum(ops.values()) for path, ops in counter.get_flop_counts().items()}
        root = type(module).__name__
        layers = {n: float(by_module.get(f"{root}.{n.removesuffix('.weight')}", 0)) for n in self.prunable}
        return float(counter.get_total_flops()), layers

    def latency(self, state: State) -> float:
        """Median seconds of a pass in evaluation mode over a training batch's number of test inputs, on one thread.

        The network is one of its own, and generators are afterwards as they were: a training never notices.
        """
        from torch.utils.benchmark import Timer  # takes longer to import than most networks to answer

        devices = [self.device] if self.device.type == "cuda" else []
        with torch.random.fork_rng(devices=devices), torch.no_grad():
            network = self.fresh_module().eval()
            trainer.load(network, replace(state, memory={}))
            timed = {"network": network, "inputs": self.test_inputs(self.training.batch_size)}
            timer = Timer("network(inputs)", timer=self._clock, globals=timed, num_threads=1)
            return timer.blocked_autorange().median

    def _clock(self) -> float:
        """Seconds, once the device is done. The timer's own clock waits for the current device, whichever is used."""
        if self.device.type == "cuda":
            torch.cuda.synchronize(self.device)
        return time.perf_counter()

    def draw_as(self, other: "Domain") -> None:
        """Draw the initial weights that settings share as this other setting does."""
        self._initial_of = other

    def with_network(self, network: Network) -> Self:
        """The same data and training for another network."""
        return self.again(self.task.model_copy(update={"network": network}), self.steps)

    def with_training(self, training: Training) -> Self:
        """The same data and network under another training, whose length is in steps."""
        return self.again(self.task.model_copy(update={"training": training}), None)

    def fresh_module(self) -> nn.Module:
        """A new network on the device, whatever its weights."""
        return build(self.task.network, self.shape, self.classes).to(self.device)

    def module(self) -> nn.Module:
        """The engine's own network, the same object every time."""
        return self._module

    def initial(self, seed: int, draw: int = 0) -> State:
        """The dense network before training: weights drawn on the CPU, a function of seed and draw.

        All settings of a task draw alike, but for the parameters that are not shared.
        """
        drawn = self._draw(seed, draw)
        if self._initial_of is None:
            return drawn
        shared, own = self._initial_of._draw(seed, draw).weights, self.task.network.unshared
        return replace(drawn, weights={n: w if n in own else shared[n] for n, w in drawn.weights.items()})

    def moved(self, state: State, seed: int, draw: int = 0) -> State:
        """A network of another setting as this one trains it: evaluated anew, with unshared parameters of its own.

        These are of this draw of the setting's initial weights. Itself where there is nothing to change.
        """
        own = self.task.network.unshared
        if not own:  # what another setting's test set was answered says nothing here
            changed = state.history.points or state.memory
            return replace(state, history=History(state.step), memory={}) if changed else state
        drawn = self.initial(seed, draw).weights
        optimizer = state.optimizer and {n: t for n, t in state.optimizer.items() if n.split("/", 1)[1] not in own}
        return replace(
            state,
            weights={name: drawn[name] if name in own else weight for name, weight in state.weights.items()},
            optimizer=optimizer or None,
            optimizer_name=state.optimizer_name if optimizer else "",
            history=History(state.step),
            memory={},
        )

    def _draw(self, seed: int, draw: int) -> State:
        seed_global(torch.device("cpu"), "weights", seed, draw)
        network = build(self.task.network, self.shape, self.classes)
        weights = {n: p.detach().clone().contiguous() for n, p in network.named_parameters()}
        return State(
            step=0,
            weights=weights,
            buffers={n: b.detach().clone() for n, b in network.named_buffers()},
            mask={name: torch.ones_like(weights[name], dtype=torch.bool) for name in self.prunable},
        )
