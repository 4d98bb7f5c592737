"""Layer-adaptive magnitude pruning (Lee, Park, Mo, Ahn & Shin 2021)."""

import torch

from ticketbench import Search, Ticket, keep_largest, method


@method("lamp", title="Layer-adaptive magnitude pruning (LAMP)", cites=["lee2021lamp"], family="after training")
def layer_adaptive(search: Search):
    """w^2 over the sum of the squares of all weights of its layer that are at least as large, ranked globally.

    The LAMP score of Lee et al. 2021. With the weights of a layer in ascending order of magnitude,

        score(u) = W[u]^2 / sum over v >= u of W[v]^2.

    The largest weight of each layer scores 1, so that none is emptied while there are at least as many weights to
    keep as layers. The order inside a layer is that of the magnitudes: what the score sets is how many each layer
    keeps. The paper ranks equal weights one after another in any order, which leaves one weight at 1; here the one
    that comes first stays longest, as in every mask of this suite. Squares and sums are double, added from the
    largest weight down. (The authors' code adds from the smallest, subtracts from the total in single precision, and
    keeps ties.)

    Retrained as magnitude-global, so that only the criterion differs. The paper retrains with AdamW at its one
    learning rate, without a schedule (its code: jaeho-lee/layer-adaptive-sparsity).
    """
    trained = yield search.dense
    for rung in search.ladder:
        scores = {name: lamp_scores(weight) for name, weight in trained.prunable.items()}
        mask = keep_largest(scores, rung, within=trained.mask, scope="global")
        begin = trained.replace(step=search.task.training.rewind_step, optimizer=None)
        trained = yield Ticket(mask, begin, schedule="last")


def lamp_scores(weight: torch.Tensor) -> torch.Tensor:
    """The scores of one layer, double, of the weight's shape. Pruned weights, which are zero, score 0."""
    squares = weight.double().square().flatten()
    descending, order = torch.sort(squares, descending=True, stable=True)
    ranked = torch.where(descending > 0, descending / descending.cumsum(0), 0.0)
    return torch.empty_like(squares).index_copy_(0, order, ranked).view(weight.shape)
