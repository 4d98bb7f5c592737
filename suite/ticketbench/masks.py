"""Scores to masks: exact counts in every scope, and ties broken the same way everywhere.

A mask is a plain dict `{name: bool tensor of the weight's shape}` over the prunable parameters, on the CPU.
Among equal scores the earlier parameter in network order stays, then the lower flat index.
"""

from collections.abc import Mapping
from math import prod
from operator import index
from typing import SupportsIndex

import numpy as np
import torch
from torch import Tensor

from ticketbench.ladder import Rung, apportion

Mask = dict[str, Tensor]
Scores = Mapping[str, Tensor]

SCOPES = ("global", "layer", "uniform", "erk")


def keep_largest(
    scores: Scores,
    amount: "Rung | int | Mapping[str, int]",
    within: Mask | None = None,
    scope: str | None = None,
) -> Mask:
    """The mask that keeps exactly `amount` weights, those of the largest scores.

    Args:
        scores: `{name: tensor}`, of the weights' shapes, any real dtype. Inside `within` they must be finite.
        amount: a rung of the ladder, a total, or a count for every name.
        within: only weights of this mask may stay (iterative pruning). Default: all.
        scope: `global` (one ranking over all layers), `layer` (the rung's own count in every layer), `uniform`
            (one density in all layers) or `erk` (Erdős–Rényi-kernel densities, Evci et al. 2020, section 3).
            Default: the task's scope for a rung, `global` for a total, `layer` for counts by name.

    Raises:
        ValueError: scores that are not finite, names or shapes that do not fit, or more asked than there is.
    """
    if scope is not None and scope not in SCOPES:
        raise ValueError(f"unknown scope {scope!r}; it is one of {', '.join(SCOPES)}")
    amount = _whole(amount)
    names = _network_order(scores, amount, within)
    flat = {name: _ranked(name, scores[name], within) for name in names}
    room = {name: _room(name, scores[name], within) for name in names}
    chosen = scope or _natural_scope(amount)
    if chosen == "global":
        total = _total(amount)
        if total > sum(room.values()):
            raise ValueError(f"asked to keep {total} weights of {sum(room.values())}")
        joined = _largest(torch.cat([flat[name] for name in names]), total)
        parts = torch.split(joined, [flat[name].numel() for name in names])
        return {name: part.view(scores[name].shape).clone() for name, part in zip(names, parts, strict=True)}
    counts = _counts(chosen, amount, {name: scores[name].shape for name in names}, room)
    mask = {}
    for name in names:
        if not 0 <= counts[name] <= room[name]:
            raise ValueError(f"asked to keep {counts[name]} weights of {name}, which has {room[name]}")
        mask[name] = _largest(flat[name], counts[name]).view(scores[name].shape)
    return mask


def count(mask: Mask) -> int:
    """How many weights a mask keeps."""
    return sum(int(kept.sum()) for kept in mask.values())


def count_per_layer(mask: Mask) -> dict[str, int]:
    """How many weights a mask keeps of every parameter."""
    return {name: int(kept.sum()) for name, kept in mask.items()}


def _largest(scores: Tensor, keep: int) -> Tensor:
    if keep == 0:
        return torch.zeros(scores.numel(), dtype=torch.bool)
    place = scores.numel() - keep
    least = np.partition(scores.numpy(), place)[place]  # sorting 11 million scores takes 5 to 13 times as long
    mask: Tensor = scores > least
    ties = (scores == least).nonzero().flatten()
    mask[ties[: keep - int(mask.sum())]] = True
    return mask


def _ranked(name: str, scores: Tensor, within: Mask | None) -> Tensor:
    """Flat double scores on the CPU, minus infinity outside `within`."""
    flat = scores.detach().to("cpu", torch.float64).flatten()
    if within is None:
        inside = torch.ones_like(flat, dtype=torch.bool)
    else:
        if within[name].dtype != torch.bool or within[name].shape != scores.shape:
            raise ValueError(
                f"within of {name}: expected torch.bool {tuple(scores.shape)} like its scores, got "
                f"{within[name].dtype} {tuple(within[name].shape)}"
            )
        inside = within[name].flatten()
    if not torch.isfinite(flat[inside]).all():
        raise ValueError(f"scores of {name} are not all finite")
    return torch.where(inside, flat, -torch.inf)


def _room(name: str, scores: Tensor, within: Mask | None) -> int:
    return scores.numel() if within is None else int(within[name].sum())


def _network_order(scores: Scores, amount: "Rung | int | Mapping[str, int]", within: Mask | None) -> list[str]:
    """The names in network order, as far as the arguments know it; an error where they do not agree."""
    known = [within, amount.kept_per_layer if isinstance(amount, Rung) else amount]
    for other in known:
        if isinstance(other, Mapping) and set(other) != set(scores):
            odd = ", ".join(sorted(set(other) ^ set(scores)))
            raise ValueError(f"scores must name the prunable parameters and no others; these differ: {odd}")
    if isinstance(amount, Rung):
        return list(amount.kept_per_layer)
    return list(within if within is not None else scores)


def _natural_scope(amount: "Rung | int | Mapping[str, int]") -> str:
    if isinstance(amount, Rung):
        return amount.scope
    return "layer" if isinstance(amount, Mapping) else "global"


def _whole(amount: "Rung | int | Mapping[str, int]") -> "Rung | int | dict[str, int]":
    """The amount in Python's own integers: a density given by mistake would keep nothing and say nothing."""
    if isinstance(amount, Rung):
        return amount
    if isinstance(amount, Mapping):
        return {name: _count(each) for name, each in amount.items()}
    return _count(amount)


def _count(amount: SupportsIndex) -> int:
    try:
        whole = index(amount)
    except TypeError:
        whole = -1
    if whole < 0:
        raise ValueError(f"the amount to keep is a rung, or counts that are whole and not negative; got {amount!r}")
    return whole


def _total(amount: "Rung | int | Mapping[str, int]") -> int:
    if isinstance(amount, Rung):
        return amount.kept
    return sum(amount.values()) if isinstance(amount, Mapping) else amount


def _counts(
    scope: str,
    amount: "Rung | int | Mapping[str, int]",
    shapes: dict[str, torch.Size],
    room: dict[str, int],
) -> dict[str, int]:
    """How many weights each layer keeps under a scope that fixes this."""
    if scope == "layer" and not isinstance(amount, int):
        return dict(amount.kept_per_layer if isinstance(amount, Rung) else amount)
    shares = [sum(shape) if scope == "erk" else prod(shape) for shape in shapes.values()]
    total = _total(amount)
    if total > sum(room.values()):
        raise ValueError(f"asked to keep {total} weights of {sum(room.values())}")
    return dict(zip(shapes, apportion(total, shares, list(room.values())), strict=True))
