"""Weight rewinding and learning-rate rewinding (Renda, Frankle & Carbin 2020), at any step."""

from ticketbench import Search, Ticket, keep_largest, method


@method(
    "weight-rewind",
    title="Iterative magnitude pruning with weight rewinding",
    cites=["renda2020comparing", "frankle2019stabilizing"],
    family="iterative magnitude",
)
def weight_rewinding(search: Search, *, step: int | None = None):
    """Weights and learning rates go back to step k of the dense training, then on to the end (Renda et al. 2020).

    The paper's retraining time t is T - k. `step` is k, 0 to T, by default the task's `rewind_step`: there it is
    imp-late, and at 0 it is imp. A sweep is one command: --method 'weight-rewind(step=0)' --method
    'weight-rewind(step=100)'. At T a ticket is the pruned network at step T, not trained again. The optimizer starts
    afresh at k, as in imp-late (our choice).

    Raises:
        ValueError: a step that the training does not have.
    """
    k = _rewind_step(search, step)
    early = yield search.at(k)
    early = early.replace(optimizer=None)
    trained = yield search.dense
    for rung in search.ladder:
        scores = {name: weight.abs() for name, weight in trained.prunable.items()}
        mask = keep_largest(scores, rung, within=trained.mask)
        trained = yield Ticket(mask, early)


@method(
    "lr-rewind",
    title="Iterative magnitude pruning with learning-rate rewinding",
    cites=["renda2020comparing"],
    family="retraining",
)
def learning_rate_rewinding(search: Search, *, step: int | None = None):
    """As fine-tune, but with the original schedule's learning rates from step k on (Renda et al. 2020).

    Weights stay as trained; only the schedule goes back. `step` is k, 0 to T, by default the task's `rewind_step`.
    The optimizer starts afresh at k.

    Raises:
        ValueError: a step that the training does not have.
    """
    k = _rewind_step(search, step)
    trained = yield search.dense
    for rung in search.ladder:
        scores = {name: weight.abs() for name, weight in trained.prunable.items()}
        mask = keep_largest(scores, rung, within=trained.mask)
        trained = yield Ticket(mask, trained.replace(step=k, optimizer=None))


def _rewind_step(search: Search, step: int | None) -> int:
    if step is None:
        return search.task.training.rewind_step
    if type(step) is not int or not 0 <= step <= search.steps:
        raise ValueError(f"step: expected a step of the training, 0 to {search.steps}, got {step!r}")
    return step
