"""Pruning a trained network and training it further at its last learning rate: fine-tuning."""

from ticketbench import Search, Ticket, keep_largest, method


@method(
    "fine-tune",
    title="Iterative magnitude pruning with fine-tuning",
    cites=["han2015learning", "renda2020comparing"],
    family="retraining",
    tags=["core"],
)
def fine_tuning(search: Search):
    """Prune the smallest weights, train what is left on from its trained values at the last learning rate, repeat.

    Han et al. 2015, section 3 (iterative, without their threshold and their dropout); the constant last rate and
    a fresh optimizer are Renda et al. 2020, section 3. Every round retrains for the T - k steps that follow the
    task's `rewind_step` k.
    """
    trained = yield search.dense
    for rung in search.ladder:
        scores = {name: weight.abs() for name, weight in trained.prunable.items()}
        mask = keep_largest(scores, rung, within=trained.mask)
        begin = trained.replace(step=search.task.training.rewind_step, optimizer=None)
        trained = yield Ticket(mask, begin, schedule="last")
