"""Movement pruning (Sanh et al. 2020): keep the weights that move away from zero while a network is fine-tuned."""

from collections.abc import Mapping
from dataclasses import dataclass

import torch
from torch import Tensor

from ticketbench import Rung, Search, Ticket, Train, keep_largest, method

SCORE = "score of "


@dataclass(frozen=True)
class MovementPruning:
    """The loss of the network under the top v of each layer's weights by score, straight-through to the scores.

    `kept` is how many stay of each layer at the end; `begin` and `end` are the steps between which v falls.
    """

    kept: Mapping[str, int]
    begin: int
    end: int

    def __call__(self, network, weights, extra, inputs, targets, step, rng, loss):
        progress = min(1.0, max(0.0, (step - self.begin) / (self.end - self.begin)))
        masked = {}
        for name, kept in self.kept.items():
            score = extra[SCORE + name]
            mask = top(score, count_at(score.numel(), kept, progress))
            masked[name] = weights[name] * straight_through(mask, score)
        return loss(network, {**weights, **masked}, inputs, targets)


@method(
    "movement",
    title="Movement pruning of the trained network",
    cites=["sanh2020movement"],
    family="learned mask",
)
def movement_pruning(search: Search, rung: Rung, *, warmup: float = 0.1, cooldown: float = 0.2):
    """Fine-tune the trained network while scores learn which weights grow and which shrink; keep the former.

    Sanh et al. 2020 (arXiv 2005.07683), hard movement pruning: the network runs with W * Top_v(S), and the
    straight-through gradient of a score is dL/dW' * W, so that S sums up -dL/dW' * W: how far a weight moved away
    from zero. Scores start at zero; v falls from 1 on the cubic schedule of Zhu & Gupta 2018 between warm-up and
    cool-down. The shares of these are those of the authors' SQuAD command (README of movement-pruning: warm-up of
    one tenth, cool-down of two).

    The method is for transfer: it fine-tunes pretrained weights. Here these are the dense network's own at the end
    of training, taken through T further steps of the task's recipe with a fresh optimizer. The last of them, the
    cool-down, are the ticket's: its mask is fixed from there on (in the paper scores still move it), and it is
    trained with the plain loss.

    One optimizer and rate train weights and scores (the paper: Adam for both, scores faster). Since scores start at
    zero and only their order counts, a rate of their own would leave that order as it is, but for weight decay: the
    task's acts on the scores too, and the authors' optimizer groups set none for theirs. As in the authors' code
    every matrix is ranked by itself, and keeps the rung's count, also on a task pruned globally: the scores of
    layers differ in scale, and one ranking over all of them empties some.
    """
    if not 0 <= warmup <= 1 or not 0 <= cooldown <= 1:
        raise ValueError(f"warmup and cooldown are shares of T, from 0 to 1; got {warmup} and {cooldown}")
    begin, end = round(warmup * search.steps), round((1 - cooldown) * search.steps)
    if begin >= end:
        raise ValueError(
            f"warmup and cooldown leave at least one of T = {search.steps} steps between them; {warmup} and "
            f"{cooldown} have the first end at step {begin} and the second begin at step {end}"
        )
    pretrained = yield search.dense
    scores = {SCORE + name: torch.zeros_like(weight) for name, weight in pretrained.prunable.items()}
    tuned = yield Train(
        pretrained.replace(step=0, optimizer=None, extra=scores),
        end,
        objective=MovementPruning(dict(rung.kept_per_layer), begin, end),
    )
    learned = {name: tuned.extra[SCORE + name] for name in pretrained.mask}
    yield Ticket(keep_largest(learned, rung, scope="layer"), tuned.replace(extra={}))


def count_at(size: int, kept: int, progress: float) -> int:
    """size * v_t, where v_t = v_f + (1 - v_f) (1 - progress)^3 and v_f = kept / size."""
    return round(kept + (size - kept) * (1 - progress) ** 3)


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
