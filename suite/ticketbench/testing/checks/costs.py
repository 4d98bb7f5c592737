"""What a method costs, and what of it the harness could count."""

from statistics import median

from ticketbench.testing.checks.tickets import NO_TICKETS
from ticketbench.testing.finding import Finding, failed, not_applicable, ok, warning
from ticketbench.testing.following import Run
from ticketbench.testing.trial import Trial

# A method's own code may take this many epochs of the task's training before it looks like a training itself;
# seconds beside it, because the built-in tasks' epochs take hundredths of one.
HIDDEN_EPOCHS, HIDDEN_SECONDS = 5, 0.5
FEWER = 5  # and so many times fewer examples than a training of that length takes are fewer for sure
# What no known method comes near, a rung: bounds that only a mistake passes.
ABSURD_EPOCHS, ABSURD_SECONDS = 100, 20
ABSURD_COPIES, ABSURD_BYTES = 1000, 2 * 2**30


def cost(trial: Trial) -> Finding:
    """What it trains and passes through `search.network` is charged; weights of its own making are marked `edited`.

    A method may train inside itself: its examples are counted as they pass, and its tickets are marked. What looks
    like a training that the account has not seen is a warning, and fails where tickets start from weights that the
    harness did not make: optimizer steps on more examples than were counted, the batches that it asked for taken as
    what a step takes (five times as many, to fail); or more than five epochs' worth of time (and half a second) on
    fewer than a fifth of a batch for each epoch's worth.
    """
    run, own = trial.first, trial.first.own
    if not run.tickets or run.trouble:
        return not_applicable(NO_TICKETS)
    steps = max(int(row["search_steps"]) for row in run.scored)
    passed = _examples(run, trial.method.per_rung)
    edited = sum(bool(row["edited"]) for row in run.scored)
    epochs = own.seconds / trial.epoch_seconds
    took = f"its own code took {own.seconds:.2f} s, {epochs:.1f} epochs of the task's training"
    charged = f"charged {steps} training steps a ticket at most, and {passed} examples of its own"
    if own.optimizer_steps:
        took += f", and {own.optimizer_steps} optimizer steps"
    slow = own.seconds > max(HIDDEN_SECONDS, HIDDEN_EPOCHS * trial.epoch_seconds)
    unseen = slow and passed < run.task.training.batch_size * epochs / FEWER
    learned = own.optimizer_steps * (median(own.batches) if own.batches else 1)
    if edited and (unseen or passed < learned / FEWER or passed < own.optimizer_steps):
        return failed(
            f"{edited} tickets start from weights of your own making; {took}; {passed} examples were counted",
            "whatever trains weights is on the account: as a Train that the harness runs, or by examples that pass "
            "through search.network",
            "yield Train(checkpoint, until, objective=..., recipe=...) in place of a loop of your own; or pass every "
            "example through the module of search.network, called itself and not by its forward",
        )
    if unseen or passed < learned:
        return warning(
            f"{took}; {passed} examples were counted",
            "what learns from examples passes them through search.network",
            "nothing, where the time goes into other work or your optimizer needs no examples; otherwise see that "
            "they are counted",
        )
    if edited:
        return warning(
            f"{edited} of {len(run.scored)} tickets start from weights of your own making; {charged}; {took}",
            "allowed, and marked `edited` in every such row",
            "nothing, where that is the method; where it is a training, a Train that you yield is not marked",
        )
    return ok(f"{charged}; {took}")


def _examples(run: Run, per_rung: bool) -> int:
    """The examples that passed through `search.network`: an account goes on to the last rung, or is of one rung."""
    passed: dict[int, int] = {}
    for row in run.scored:
        trained = int(row["search_steps"]) * run.task.training.batch_size
        passed[row["rung"]] = max(passed.get(row["rung"], 0), int(row["search_examples"]) - trained)
    return sum(passed.values()) if per_rung else max(passed.values())


def own_recipe(trial: Trial) -> Finding:
    """No weights that a recipe of its own has trained are submitted at the last step, to be scored as they are.

    Weights of the method's own making, after such a training, are told as well: nobody can tell where they are from.
    """
    if not trial.first.tickets:
        return not_applicable(NO_TICKETS)
    mine = [ticket for ticket in trial.first.tickets if ticket.as_it_is and ticket.own_recipe]
    if mine:
        return warning(
            f"weights trained by a recipe of your own are scored as they are: {len(mine)} of "
            f"{len(trial.first.tickets)} tickets start at the last step, from a Train with an objective or a recipe",
            "tickets that the task's own recipe trains, so that accuracies are comparable",
            "read docs/rulebook.md, which says where this is allowed; elsewhere submit an earlier step, or "
            "checkpoint.replace(step=...)",
        )
    edited = sum(bool(row["edited"]) for row in trial.first.scored)
    if edited and trial.first.own_recipes:
        return warning(
            f"{edited} of {len(trial.first.scored)} tickets start from weights of your own making, after a Train "
            "with an objective or a recipe: whether that has trained them cannot be told",
            "tickets that the task's own recipe trains, so that accuracies are comparable",
            "start from the checkpoint that Train sends back, or from its replace(mask=..., step=...)",
        )
    return ok("every ticket is trained by the task's recipe, or comes out of it")


def time_and_memory(trial: Trial) -> Finding:
    """Its own seconds a rung, beside one epoch of training, and the most memory that its own code takes.

    It fails beyond 100 epochs and 20 seconds a rung, or beyond 2 GiB and a thousand copies of the network. Memory is
    what the process holds at its peak, above what it held when the method was resumed: a lower bound, since memory
    that the process has free already is taken unseen, and an accelerator's is not in it.
    """
    run = trial.first
    if not run.asked:
        return not_applicable(NO_TICKETS)
    rungs = run.task.ladder.rounds
    seconds = run.own.seconds / rungs
    copies = ABSURD_COPIES * next((row["bytes_dense"] for row in run.scored if row["bytes_dense"]), 0)
    told = (
        f"{seconds:.3f} s a rung of its own, {seconds / trial.epoch_seconds:.1f} epochs of the task's training; "
        f"{run.own.memory / 2**20:.0f} MiB at the peak, beyond what was held before"
    )
    if seconds > max(ABSURD_SECONDS, ABSURD_EPOCHS * trial.epoch_seconds):
        return failed(
            told,
            f"at most {ABSURD_EPOCHS} epochs or {ABSURD_SECONDS} s a rung on {run.task.id}",
            "look for a loop over single weights or examples; sort once, and take all rungs from it",
        )
    if run.own.memory > max(ABSURD_BYTES, copies):
        return failed(
            told,
            f"at most {ABSURD_BYTES // 2**30} GiB, or {ABSURD_COPIES} times the network",
            "look for a tensor of weights by weights, or of examples by weights; go by layers or batches",
        )
    return ok(told)
