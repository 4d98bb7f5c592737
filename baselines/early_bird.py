"""Early-Bird tickets (You et al. 2020): prune channels as soon as the pruning mask stops changing."""

from dataclasses import dataclass

import torch
from torch import Tensor, nn

from ticketbench import Checkpoint, Rung, Search, Ticket, Train, method

LAYERS = (nn.Linear, nn.Conv1d, nn.Conv2d, nn.Conv3d)
NORMS = (nn.BatchNorm1d, nn.BatchNorm2d, nn.BatchNorm3d)


@dataclass(frozen=True)
class SparseChannels:
    """The plain loss plus `strength` times the L1 norm of these batch-norm scales, computed in so many bits."""

    scales: tuple[str, ...]
    strength: float
    bits: int = 32

    def __call__(self, network, weights, extra, inputs, targets, step, rng, loss):
        penalty = self.strength * sum(weights[name].abs().sum() for name in self.scales)
        if self.bits == 32:
            return loss(network, weights, inputs, targets) + penalty
        layers = [module for module in network.modules() if isinstance(module, LAYERS)]
        hooks = [
            layer.register_forward_pre_hook(lambda _, given: (rounded(given[0], self.bits),)) for layer in layers
        ]
        try:
            low = {name: rounded(w, self.bits) if w.dim() > 1 else w for name, w in weights.items()}
            return loss(network, low, inputs, targets) + penalty
        finally:
            for hook in hooks:
                hook.remove()


@method(
    "early-bird",
    title="Early-Bird ticket: channels by batch-norm scale, drawn early in training",
    cites=["you2020earlybird"],
    family="early",
    needs=["batch norm"],
    density="nearest",
)
def early_bird(
    search: Search,
    rung: Rung,
    *,
    strength: float = 1e-4,
    threshold: float = 0.1,
    memory: int = 5,
    interval: int = 0,
    precision: int = 32,
):
    """Train with small batch-norm scales; once the mask of the smallest has settled, prune them and train on.

    You et al. 2020 (arXiv 1909.11957), section 3 and algorithm 1: after every epoch the channels of smallest |gamma|
    are drawn, over all layers at once (Liu et al. 2017), and the share in which two such masks differ is their
    distance. As in the authors' code (GATECH-EIC/Early-Bird-Tickets, main.py) the ticket is drawn when the newest of
    the last five masks is within 0.1 of the four others; their text has five distances between successive masks. The
    code draws before an epoch, the text after it, as here. The network then trains on from where it is, with the
    plain loss (their retraining keeps the penalty) and the optimizer's state. If no mask settles, the last one
    drawn, at step T, is the ticket. The row's `start_step` says when it was drawn; T may mean that none settled, or
    that the last one did.

    The paper prunes a share of the channels, the ladder counts weights: as many channels go as bring the kept
    weights nearest to the rung. A channel is the filter of a layer whose output goes straight into a batch norm;
    all its weights are masked. Its bias, its batch norm's shift and the next layer's inputs stay, so that a pruned
    channel is a constant. Layers that no batch norm follows keep all weights, and every layer its channel of
    largest scale (our choice; the code would leave it empty). Low rungs may therefore be out of reach: their tickets
    are the sparsest there is, and scored at that density.

    `interval` is in steps: by default an epoch where the task counts in epochs, else T / 20. `precision=8` is the
    low-precision search of section 4: weights and the inputs of layers are rounded to 8 bits, straight-through, with
    one scale a tensor, while a copy in full precision is trained; batch norms' scales and shifts, gradients and the
    optimizer stay full. We have not compared this with the section's own text. The released code (main_lp.py) is
    another scheme, WAGE in 8 bits: it rounds every parameter in place, gamma too, so that no full copy is left, and
    also activations, errors and gradients, the last stochastically. The ticket is trained in full precision.
    """
    if not 2 <= precision <= 32 or memory < 2 or interval < 0:
        raise ValueError(
            f"expected precision of 2 to 32 bits, memory of 2 or more masks and interval of 0 or more steps, "
            f"got {precision}, {memory} and {interval}"
        )
    filters = normed_filters(search)
    objective = SparseChannels(tuple(filters), strength, precision)
    epochs = search.task.training.epochs or 20
    every = interval or max(1, round(search.steps / epochs))
    checkpoint, masks = search.initial, []
    for step in [*range(every, search.steps, every), search.steps]:
        checkpoint = yield Train(checkpoint, step, objective=objective)
        masks = [*masks, draw(checkpoint, filters, rung)][-memory:]
        if settled(masks, memory, threshold):
            break
    yield Ticket(weight_mask(checkpoint, filters, masks[-1]), checkpoint)


def normed_filters(search: Search) -> dict[str, str]:
    """The scale of every batch norm that takes its input straight from a pruned layer, and that layer's weight.

    Which layer that is comes from one forward pass: the tensor that the one gave is the tensor that the other took.
    """
    network, prunable = search.network(search.initial), search.initial.mask
    names = {id(parameter): name for name, parameter in network.named_parameters()}
    given: dict[int, tuple[Tensor, str]] = {}  # the tensor too, so that its id is not given to another
    found: dict[str, str] = {}

    def after_layer(module: nn.Module, inputs: tuple[Tensor, ...], output: Tensor) -> None:
        given[id(output)] = (output, names[id(module.weight)])

    def before_norm(module: nn.Module, inputs: tuple[Tensor, ...]) -> None:
        _, weight = given.get(id(inputs[0]), (None, ""))
        if weight in prunable and module.weight is not None:
            found[names[id(module.weight)]] = weight

    for module in network.modules():
        if isinstance(module, LAYERS):
            module.register_forward_hook(after_layer)
        elif isinstance(module, NORMS):
            module.register_forward_pre_hook(before_norm)
    ((inputs, _),) = search.batches(1, 1)
    with torch.no_grad():
        network(inputs)
    if not found:
        raise ValueError("no batch norm takes its input straight from a layer that is pruned")
    return found


def draw(checkpoint: Checkpoint, filters: dict[str, str], rung: Rung) -> Tensor:
    """Which channels stay, as one bool tensor over those of all batch norms in turn."""
    weights = checkpoint.weights
    scales = [weights[name].abs() for name in filters]
    return largest_channels(scales, [weights[name][0].numel() for name in filters.values()], rung.prunable, rung.kept)


def largest_channels(scales: list[Tensor], sizes: list[int], total: int, kept: int) -> Tensor:
    """All channels but those of the smallest scales, so many that nearest to `kept` of `total` weights are left.

    `scales` holds the |gamma| of every layer, `sizes` how many weights a filter of it has. The largest of each
    layer stays. Of equal scales the earlier stays; of two equally near counts, the larger is left.
    """
    protected = torch.cat([torch.arange(len(each)) == each.argmax() for each in scales])
    size = torch.cat([torch.full((len(each),), n) for each, n in zip(scales, sizes, strict=True)])
    flat = torch.cat(scales)
    order = torch.argsort(flat, descending=True, stable=True).flip(0)
    order = order[~protected[order]]
    left = total - torch.cat([torch.zeros(1, dtype=torch.long), size[order].cumsum(0)])
    mask = torch.ones(len(flat), dtype=torch.bool)
    mask[order[: int((left - kept).abs().argmin())]] = False
    return mask


def settled(masks: list[Tensor], memory: int, threshold: float) -> bool:
    """Whether there are as many masks as are remembered, and the newest is near all the others."""
    return len(masks) == memory and all(distance(masks[-1], each) <= threshold for each in masks[:-1])


def distance(one: Tensor, other: Tensor) -> float:
    """The share of channels in which two masks differ: their Hamming distance, normalised."""
    return float((one != other).double().mean())


def weight_mask(checkpoint: Checkpoint, filters: dict[str, str], channels: Tensor) -> dict[str, Tensor]:
    """The mask without the filters of pruned channels."""
    mask = checkpoint.mask
    parts = torch.split(channels, [len(mask[name]) for name in filters.values()])
    for name, stays in zip(filters.values(), parts, strict=True):
        mask[name] &= stays.view(-1, *[1] * (mask[name].dim() - 1))
    return mask


def rounded(tensor: Tensor, bits: int) -> Tensor:
    """Rounded to the nearest of 2^bits - 1 levels within the largest magnitude, straight-through."""
    unit = tensor.detach().abs().amax().clamp_min(1e-30) / (2 ** (bits - 1) - 1)
    return tensor + (torch.round(tensor.detach() / unit) * unit - tensor.detach())
