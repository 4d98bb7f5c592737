"""Image classification: tensors in memory, cross-entropy, accuracy."""

from dataclasses import replace
from functools import cached_property

import torch
from torch import Tensor, nn
from torch.func import functional_call
from torch.utils.flop_counter import FlopCounterMode

from ticketbench.data import Split, Splits, splits
from ticketbench.harness.training import Evaluation
from ticketbench.harness.training.determinism import configure, generator, seed_global
from ticketbench.methods.state import History, State, Tensors
from ticketbench.networks import build, prunable
from ticketbench.task import Network, Task, Training

_CHUNK = 500  # examples evaluated at once: more falls out of a core's cache


class Vision:
    """One task and setting on one device. See `ticketbench.harness.training.Workload`."""

    metric = "accuracy"
    higher_is_better = True

    def __init__(self, task: Task, device: torch.device, found: Splits | None = None, steps: int | None = None):
        """`found` are the task's splits, where they are at hand; `steps` is T, where other settings decide it."""
        configure()
        self.task, self.device = task, device
        self.training, self.optimizer = task.training, task.training.optimizer
        found = found or splits(task.data)
        self._train, self._validation = _to(found.train, device), _to(found.validation, device)
        self._test = _to(found.test, device)
        self._splits = replace(found, train=self._train, validation=self._validation, test=self._test)
        self.data_digest, self.classes = found.digest, found.classes
        self.shape = (found.train.inputs.shape[1], found.train.inputs.shape[2], found.train.inputs.shape[3])
        self.examples, self.test_examples = len(found.train.targets), len(found.test.targets)
        self.steps = steps or task.training.total_steps(self.examples)
        self._module = self.fresh_module()
        self._initial_of: Vision | None = None
        self.prunable = prunable(self._module, (*task.ladder.exclude, *task.network.unshared))

    def draw_as(self, other: "Vision") -> None:
        """Draw the initial weights that settings share as this other setting does."""
        self._initial_of = other

    def with_network(self, network: Network) -> "Vision":
        """The same data and training for another network."""
        task = self.task.model_copy(update={"network": network})
        return Vision(task, self.device, self._splits, self.steps)

    def with_training(self, training: Training) -> "Vision":
        """The same data and network under another training, whose length is in steps."""
        task = self.task.model_copy(update={"training": training})
        return Vision(task, self.device, self._splits)

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
            return replace(state, history=History(state.step)) if state.history.points else state
        drawn = self.initial(seed, draw).weights
        optimizer = state.optimizer and {n: t for n, t in state.optimizer.items() if n.split("/", 1)[1] not in own}
        return replace(
            state,
            weights={name: drawn[name] if name in own else weight for name, weight in state.weights.items()},
            optimizer=optimizer or None,
            optimizer_name=state.optimizer_name if optimizer else "",
            history=History(state.step),
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

    def batch(self, indices: Tensor) -> tuple[Tensor, Tensor]:
        """Training examples: float32 (B, C, H, W) and int64 (B,)."""
        return self._train.inputs[indices], self._train.targets[indices]

    def sample(self, size: int, seed: int, *purpose: str | int) -> Tensor:
        """Indices of `size` training examples, none twice."""
        drawn = torch.randperm(self.examples, generator=generator("sample", seed, *purpose))[:size]
        return drawn.to(self.device)

    def sample_per_class(self, per_class: int, seed: int, *purpose: str | int) -> Tensor:
        """Indices of `per_class` training examples of every class that there are any of, class by class."""
        drawn = torch.randperm(self.examples, generator=generator("sample", seed, *purpose))
        targets = self._train.targets.cpu()[drawn]
        labels = sorted(set(targets.tolist()))  # under data.labels fewer than the head has outputs
        chosen = [drawn[targets == label][:per_class] for label in labels]
        if short := [label for label, found in zip(labels, chosen, strict=True) if len(found) < per_class]:
            raise ValueError(f"per_class={per_class}: class {short[0]} has fewer training examples")
        return torch.cat(chosen).to(self.device)

    def loss(self, network: nn.Module, weights: Tensors | None, inputs: Tensor, targets: Tensor) -> Tensor:
        """Mean cross-entropy."""
        logits = network(inputs) if weights is None else functional_call(network, weights, (inputs,))
        return nn.functional.cross_entropy(logits, targets)

    def evaluate(self, network: nn.Module) -> Evaluation:
        """Mean cross-entropy and accuracy on the validation and test sets."""
        validation_loss, correct, _ = self._score(network, self._validation)
        test_loss, test_correct, answers = self._score(network, self._test)
        return Evaluation(
            validation_loss=float(validation_loss),
            validation=float(correct.double().mean()),
            test_loss=float(test_loss),
            test=float(test_correct.double().mean()),
            test_correct=test_correct.cpu(),
            one_answer=bool((answers == answers[0]).all()),
        )

    @cached_property
    def flops(self) -> tuple[float, dict[str, float]]:
        """Floating-point operations of one example forward, dense: in all, and of every prunable weight's layer."""
        counter = FlopCounterMode(display=False)
        module = self.fresh_module().eval()
        with counter, torch.no_grad():
            module(torch.zeros(1, *self.shape, device=self.device))
        by_module = {path: sum(ops.values()) for path, ops in counter.get_flop_counts().items()}
        root = type(module).__name__
        layers = {n: float(by_module.get(f"{root}.{n.removesuffix('.weight')}", 0)) for n in self.prunable}
        return float(counter.get_total_flops()), layers

    def _score(self, network: nn.Module, split: Split) -> tuple[Tensor, Tensor, Tensor]:
        """Mean loss, which examples are right, and the answers. Nothing leaves the device."""
        network.eval()
        loss = torch.zeros((), dtype=torch.float64, device=self.device)
        answers = []
        with torch.no_grad():
            for inputs, targets in zip(
                torch.split(split.inputs, _CHUNK), torch.split(split.targets, _CHUNK), strict=True
            ):
                logits = network(inputs)
                loss += nn.functional.cross_entropy(logits, targets, reduction="sum")
                answers.append(logits.argmax(1))
        answered = torch.cat(answers)
        return loss / len(answered), answered == split.targets, answered


def _to(split: Split, device: torch.device) -> Split:
    return Split(split.inputs.to(device), split.targets.to(device))
