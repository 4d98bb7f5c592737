"""Edge-popup (Ramanujan et al. 2020): a subnetwork of untrained weights, found by training a score for each."""

import math
from collections.abc import Mapping
from dataclasses import dataclass

import torch
from torch import Tensor

from ticketbench import Recipe, Rung, Search, Ticket, Train, keep_largest, method

SCORE = "score of "


@dataclass(frozen=True)
class EdgePopup:
    """The loss of the subnetwork of the `kept` weights a layer with the largest |score|, straight-through."""

    kept: Mapping[str, int]

    def __call__(self, network, weights, extra, inputs, targets, step, rng, loss):
        scores = {name: extra[SCORE + name].abs() for name in self.kept}
        subnetwork = {
            name: weights[name] * straight_through(top(score, self.kept[name]), score)
            for name, score in scores.items()
        }
        return loss(network, {**weights, **subnetwork}, inputs, targets)


@method(
    "edge-popup",
    title="Edge-popup: an untrained subnetwork of random weights",
    cites=["ramanujan2020hidden"],
    family="learned mask",
)
def edge_popup(search: Search, rung: Rung, *, init: str = "signed-constant"):
    """Train scores for T steps, the weights held at their initial values; score the best subnetwork as it is.

    Ramanujan et al. 2020 (arXiv 1911.13299), section 3: the forward pass takes the top k % of each layer's weights
    by score, the backward pass gives all scores the straight-through gradient dL/dW' * W, by the task's recipe. No
    weight is ever trained, nor a bias nor a batch norm's scale and shift: these too stay at their initial values
    (the authors' networks have no biases, and batch norms without scale and shift). Running statistics are the last
    step's. The recipe's weight decay acts on what is trained, so on the scores alone. The paper's scores are
    positive; as in the authors' code (allenai/hidden-networks) a score is the absolute value of what is trained,
    which starts uniform as Kaiming's with a = sqrt(5): within 1 / sqrt(fan-in).

    `init` is "signed-constant" (the signs of the task's initial weights times sqrt(2 / fan-in), the paper's best),
    "kaiming-normal" (drawn anew, its other) or "task" (the very weights that every method of the seed starts from).
    Layers keep the rung's count each, also on a task pruned globally, since the paper prunes every layer at one rate.
    """
    weights = initial_weights(search, init)
    scores = {SCORE + name: kaiming_uniform(w, search.rng) for name, w in search.initial.prunable.items()}
    found = yield Train(
        search.initial.replace(weights=weights, extra=scores),
        search.steps,
        objective=EdgePopup(dict(rung.kept_per_layer)),
        recipe=Recipe(freeze=tuple(search.initial.weights)),
    )
    learned = {name: found.extra[SCORE + name].abs() for name in search.initial.mask}
    yield Ticket(keep_largest(learned, rung, scope="layer"), found.replace(extra={}))


def initial_weights(search: Search, init: str) -> dict[str, Tensor]:
    """The prunable weights that are held fixed."""
    weights = search.initial.prunable
    if init == "task":
        return weights
    if init == "signed-constant":
        return {name: torch.sign(w) * math.sqrt(2 / w[0].numel()) for name, w in weights.items()}
    if init == "kaiming-normal":
        rng = search.rng
        return {n: torch.randn(w.shape, generator=rng) * math.sqrt(2 / w[0].numel()) for n, w in weights.items()}
    raise ValueError(f'init is "task", "signed-constant" or "kaiming-normal", not {init!r}')


def kaiming_uniform(weight: Tensor, rng: torch.Generator) -> Tensor:
    """Uniform within 1 / sqrt(fan-in), of the weight's shape."""
    return (2 * torch.rand(weight.shape, generator=rng) - 1) / math.sqrt(weight[0].numel())


def top(scores: Tensor, count: int) -> Tensor:
    """1 at the `count` largest scores of a layer, else 0; ties go to the lower flat index."""
    flat = scores.detach().flatten()
    if flat.is_cuda or count == 0:  # a sort does not make the host wait for the device, as a count of ties would
        order = torch.argsort(flat, descending=True, stable=True)
        return torch.zeros_like(flat).index_fill(0, order[:count], 1.0).view_as(scores)
    least = flat.kthvalue(flat.numel() - count + 1).values  # a sort at every step takes several times as long
    mask = flat > least
    ties = (flat == least).nonzero().flatten()
    mask[ties[: count - int(mask.sum())]] = True
    return mask.to(scores.dtype).view_as(scores)


def straight_through(mask: Tensor, scores: Tensor) -> Tensor:
    """The mask, whose gradient is passed on to the scores as it is."""
    return mask + (scores - scores.detach())
