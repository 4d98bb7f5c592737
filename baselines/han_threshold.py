"""Pruning below a threshold in units of each layer's standard deviation (Han et al. 2015)."""

import torch

from ticketbench import Checkpoint, Search, Ticket, method


@method(
    "han-threshold",
    title="Weights below half a standard deviation of their layer, pruned with retraining",
    cites=["han2015learning", "zmora2019distiller"],
    family="after training",
    density="outcome",
)
def below_the_threshold(search: Search, *, s: float = 0.5):
    """Remove |w| < s times the standard deviation of the layer's weights, retrain, repeat; density is an outcome.

    Han et al. 2015, section 3 (remove the connections below a threshold, retrain, iterate) and section 4 (the
    threshold is "a quality parameter multiplied by the standard deviation of a layer's weights"). Every round gives
    the next rung's ticket, at whatever density it has reached. A round that finds no weight below its threshold
    retrains what is left, and its ticket has the density of the one before.

    Open in the paper, and chosen here: one s = 1/2 for all layers and rounds (Han et al. give each layer its own and
    change it from round to round). The standard deviation is that of the weights that are left, anew in every round,
    so that the threshold grows as small weights go; with the pruned ones counted as zeros it would shrink, and a
    second round prune little. It divides by their number: they are all there are, no sample. (Zmora et al. 2019, in
    Distiller's sensitivity pruner, measure once, on the dense network, divide by one less, and let training pull
    further weights under that threshold.) A weight at its threshold stays. Retrained as fine-tune; the paper
    retrains LeNet at a tenth of its learning rate and lowers dropout, which these networks do not have.

    Raises:
        ValueError: s is not above 0, or so large that a round would leave no weight at all.
    """
    if not s > 0:
        raise ValueError(f"s: expected a number of standard deviations above 0, got {s!r}")
    trained = yield search.dense
    for rung in search.ladder:
        mask = at_least(s, trained)
        if not any(kept.any() for kept in mask.values()):
            raise ValueError(
                f"s: at {s!r} standard deviations rung {rung.index} would keep no weight; make it smaller"
            )
        begin = trained.replace(step=search.task.training.rewind_step, optimizer=None)
        trained = yield Ticket(mask, begin, rung, schedule="last")


def at_least(s: float, trained: Checkpoint) -> dict[str, torch.Tensor]:
    """The mask of the kept weights with |w| >= s * (standard deviation of the layer's kept weights)."""
    weights, mask = trained.prunable, {}
    for name, kept in trained.mask.items():
        weight = weights[name].double()
        sigma = float(weight[kept].std(correction=0)) if kept.any() else 0.0
        mask[name] = kept & (weight.abs() >= s * sigma)
    return mask
