"""A network at a moment, as plain tensors: what the store keeps and a training starts from.

Outside the mask, weights and optimizer state are exactly zero; `derive` is the one place that sees to it.
"""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from typing import Any

import torch
from torch import Tensor

from ticketbench.masks import Mask

Tensors = dict[str, Tensor]


@dataclass(frozen=True)
class Point:
    """One evaluation. `training_loss` is the mean over the steps since the one before; None where there is none."""

    step: int
    training_loss: float | None
    validation_loss: float
    validation: float
    test_loss: float
    test: float


@dataclass(frozen=True)
class History:
    """What was evaluated under one mask since a start. A new mask, weights, buffers or step begins another.

    `origin` holds the weights at the start and `anchor` those at the latest evaluation, for the distances
    travelled; `loss_sum` and `loss_count` the training loss since then, so that a training may be split
    between evaluations without a bit changing. `test_correct` says which test examples the latest evaluation
    got right, packed, first example in the highest bit, or `test_scores` what it scored on each where there is no
    right and wrong, and `one_answer` whether it gave one answer to all of them. A training that `diverged` has
    nothing after that.
    """

    start: int
    points: tuple[Point, ...] = ()
    early_losses: tuple[float, ...] = ()
    path_length: float = 0.0
    distance_moved: float = 0.0
    loss_sum: float = 0.0
    loss_count: int = 0
    diverged: bool = False
    test_correct: bytes = b""
    test_scores: tuple[float, ...] = ()
    one_answer: bool = False
    origin: Tensors = field(default_factory=dict)
    anchor: Tensors = field(default_factory=dict)

    def facts(self) -> dict[str, Any]:
        """All but the tensors, as JSON would have it."""
        said = asdict(replace(self, origin={}, anchor={}))
        del said["origin"], said["anchor"]
        if not self.test_scores:  # so that a key that came later leaves the digests of others as they were
            del said["test_scores"]
        return said | {"test_correct": self.test_correct.hex()}

    @staticmethod
    def from_facts(said: Mapping[str, Any], origin: Tensors, anchor: Tensors) -> "History":
        """The inverse of `facts`."""
        return History(
            **{
                **said,
                "points": tuple(Point(**point) for point in said["points"]),
                "early_losses": tuple(said["early_losses"]),
                "test_scores": tuple(said.get("test_scores", ())),
                "test_correct": bytes.fromhex(said["test_correct"]),
                "origin": origin,
                "anchor": anchor,
            }
        )


@dataclass(frozen=True)
class State:
    """A network at a moment. All tensors on the CPU; `mask` over the prunable parameters, in network order.

    `optimizer` holds the optimizer's tensors as `"<slot>/<parameter>"`, None where it is fresh;
    `optimizer_name` says which optimizer wrote them. `memory` is what a training goes on with beside the network: a
    hidden state, the returns of the latest games. Like the history it ends where mask, weights, buffers or step are
    others.
    """

    step: int
    weights: Tensors
    buffers: Tensors
    mask: Mask
    optimizer: Tensors | None = None
    optimizer_name: str = ""
    extra: Tensors = field(default_factory=dict)
    history: History = field(default_factory=lambda: History(0))
    memory: Tensors = field(default_factory=dict)

    def groups(self) -> dict[str, Tensors]:
        """All its tensors, by what they are; an optimizer without any, as none."""
        return {
            "weights": self.weights,
            "buffers": self.buffers,
            "mask": self.mask,
            "optimizer": self.optimizer or {},
            "extra": self.extra,
            "origin": self.history.origin,
            "anchor": self.history.anchor,
            "memory": self.memory,
        }

    def digest(self) -> str:
        """Digest of the whole content: names, shapes, types, bits, step and history."""
        heading = {"step": self.step, "optimizer": self.optimizer_name, "history": self.history.facts()}
        hasher = hashlib.sha256(json.dumps(heading, sort_keys=True).encode())
        for group, tensors in self.groups().items():
            for name, tensor in tensors.items():
                hasher.update(f"{group}/{name}:{tensor.dtype}:{tuple(tensor.shape)};".encode())
                hasher.update(_bits(tensor).numpy().data)
        return hasher.hexdigest()


def mask_digest(mask: Mask) -> str:
    """Digest of a mask: names, shapes and bits, in network order."""
    hasher = hashlib.sha256()
    for name, kept in mask.items():
        hasher.update(f"{name}:{tuple(kept.shape)};".encode())
        hasher.update(_bits(kept).numpy().data)
    return hasher.hexdigest()


def check_mask(mask: Any, like: Mask) -> Mask:
    """`mask` in network order, checked against the prunable parameters. Raises ValueError saying what is wrong."""
    if not isinstance(mask, Mapping):
        raise ValueError(f"a mask is a dict of bool tensors by parameter name, not {type(mask).__name__}")
    if set(mask) != set(like):
        odd = ", ".join(sorted(set(mask) ^ set(like)))
        raise ValueError(f"a mask names every prunable parameter and no others; these differ: {odd}")
    for name, expected in like.items():
        given = mask[name]
        if not isinstance(given, Tensor) or given.dtype != torch.bool or given.shape != expected.shape:
            described = f"{given.dtype} {tuple(given.shape)}" if isinstance(given, Tensor) else type(given).__name__
            raise ValueError(f"mask of {name}: expected torch.bool {tuple(expected.shape)}, got {described}")
    return {name: _copy(mask[name]) for name in like}


def derive(
    state: State,
    *,
    mask: Any = None,
    weights: Mapping[str, Tensor] | None = None,
    buffers: Mapping[str, Tensor] | None = None,
    step: int | None = None,
    fresh_optimizer: bool = False,
    extra: Mapping[str, Tensor] | None = None,
) -> State:
    """The state with these parts replaced and all outside its mask exactly zero; itself where nothing changes.

    A mask may grow: weights and optimizer state that it takes in start at zero. Raises ValueError.
    """
    new_mask = state.mask if mask is None else check_mask(mask, state.mask)
    new_weights = state.weights if weights is None else _overlaid("weights", state.weights, weights)
    new_buffers = state.buffers if buffers is None else _overlaid("buffers", state.buffers, buffers)
    if mask is not None or weights is not None:
        new_weights = _masked(new_weights, new_mask)
    new_step = state.step if step is None else step
    if type(new_step) is not int or new_step < 0:
        raise ValueError(f"step: expected a whole number, 0 or more, got {new_step!r}")
    optimizer = None if fresh_optimizer else state.optimizer
    new_extra = state.extra if extra is None else {n: _copy(_tensor("extra", n, t)) for n, t in extra.items()}

    same_network = _same(new_weights, state.weights) and _same(new_buffers, state.buffers)
    restarted = not (_same(new_mask, state.mask) and same_network and new_step == state.step)
    if not restarted and _same(new_extra, state.extra) and optimizer is state.optimizer:
        return state
    if restarted and optimizer is not None:
        optimizer = _masked(optimizer, new_mask)
    return State(
        step=new_step,
        weights=new_weights,
        buffers=new_buffers,
        mask=new_mask,
        optimizer=optimizer,
        optimizer_name=state.optimizer_name if optimizer is not None else "",
        extra=new_extra,
        history=History(new_step) if restarted else state.history,
        memory={} if restarted else state.memory,
    )


def _masked(tensors: Tensors, mask: Mask) -> Tensors:
    """Tensors with exact zeros outside the mask; optimizer slots are named `slot/parameter`."""
    result = {}
    for name, tensor in tensors.items():
        kept = mask.get(name.split("/", 1)[-1])
        if kept is not None and kept.shape == tensor.shape:
            tensor = torch.where(kept, tensor, torch.zeros_like(tensor))
        result[name] = tensor
    return result


def _overlaid(kind: str, old: Tensors, new: Mapping[str, Tensor]) -> Tensors:
    if foreign := set(new) - set(old):
        raise ValueError(f"{kind}: the network has no {', '.join(sorted(foreign))}")
    for name, tensor in new.items():
        if _tensor(kind, name, tensor).shape != old[name].shape:
            raise ValueError(f"{kind} of {name}: expected shape {tuple(old[name].shape)}, got {tuple(tensor.shape)}")
    return {name: _copy(new[name], tensor.dtype) if name in new else tensor for name, tensor in old.items()}


def _copy(tensor: Tensor, dtype: torch.dtype | None = None) -> Tensor:
    return tensor.detach().to("cpu", dtype or tensor.dtype, copy=True).contiguous()


def _tensor(kind: str, name: str, given: Any) -> Tensor:
    if not isinstance(given, Tensor):
        raise ValueError(f"{kind} of {name}: expected a tensor, got {type(given).__name__}")
    return given


def _same(one: Tensors, other: Tensors) -> bool:
    """Whether names, types, shapes and values agree."""
    return one is other or (one.keys() == other.keys() and all(_equal(one[name], other[name]) for name in other))


def _equal(one: Tensor, other: Tensor) -> bool:
    """By value, so that a pruned weight may be minus zero, or else by bits, so that NaN equals itself."""
    if one.dtype != other.dtype or one.shape != other.shape:
        return False
    return one is other or torch.equal(one, other) or torch.equal(_bits(one), _bits(other))


def _bits(tensor: Tensor) -> Tensor:
    return tensor.contiguous().flatten().view(torch.uint8)
