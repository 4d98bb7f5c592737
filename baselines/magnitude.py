"""Magnitude pruning of a trained network, ranked over all layers at once or layer by layer."""

from ticketbench import Search, Ticket, keep_largest, method


@method(
    "magnitude-global",
    title="Magnitude pruning over all layers at once, with fine-tuning",
    cites=["han2015learning", "renda2020comparing", "lee2021lamp"],
    family="after training",
)
def over_all_layers(search: Search):
    """|w| in one ranking over all layers, whatever the task's scope; between rungs the network trains on.

    The criterion of Renda et al. 2020, and the baseline "global" of Lee et al. 2021. Layers have scales of their own,
    so one whose weights are small by initialization may be emptied.

    magnitude-global, magnitude-layer, lamp and obd share their retraining, which is fine-tune's: what is left goes on
    from its trained values, at the last learning rate, with a fresh optimizer, for the steps after the task's
    `rewind_step`. So between them only the criterion differs. The papers' retraining differs from it and from each
    other: Renda et al. vary its length; Lee et al. use AdamW, and lengths of each network's own.
    """
    yield from _magnitude(search, "global")


@method(
    "magnitude-layer",
    title="Magnitude pruning in every layer, with fine-tuning",
    cites=["han2015learning", "frankle2019lottery"],
    family="after training",
)
def in_every_layer(search: Search):
    """|w| ranked in every layer apart, each keeping the rung's own count; retrained as magnitude-global.

    The layer-wise pruning of Frankle & Carbin 2019 (section 2) with Han et al.'s retraining in place of the reset:
    the task's rate for each layer, or one rate for all of them on a task that is pruned globally.
    """
    yield from _magnitude(search, "layer")


def _magnitude(search: Search, scope: str):
    trained = yield search.dense
    for rung in search.ladder:
        scores = {name: weight.abs() for name, weight in trained.prunable.items()}
        mask = keep_largest(scores, rung, within=trained.mask, scope=scope)
        begin = trained.replace(step=search.task.training.rewind_step, optimizer=None)
        trained = yield Ticket(mask, begin, schedule="last")
