"""What a method must not have seen, and what its file reaches for."""

from ticketbench.testing.checks.repeating import determinism
from ticketbench.testing.checks.tickets import NO_TICKETS
from ticketbench.testing.finding import Finding, failed, not_applicable, ok, warning
from ticketbench.testing.following import same
from ticketbench.testing.source import reaches
from ticketbench.testing.trial import Trial


def held_out_data(trial: Trial) -> Finding:
    """With noise for validation and test examples, it submits the same masks and the same starting weights."""
    if not trial.first.tickets:
        return not_applicable(NO_TICKETS)
    if determinism(trial).status == "failed":
        return not_applicable("its tickets change from run to run; see determinism")
    true, noisy = trial.first.tickets, trial.on_noise.tickets
    differing = [n for n, (a, b) in enumerate(zip(true, noisy, strict=False), 1) if not same(a.mask, b.mask)]
    starts = [n for n, (a, b) in enumerate(zip(true, noisy, strict=False), 1) if a.start != b.start]
    if not differing and not starts and len(true) == len(noisy):
        return ok(f"{len(true)} tickets the same where validation and test examples are noise")
    what = "its mask" if differing else "its starting weights" if starts else "how many tickets there are"
    which = f"ticket {(differing or starts)[0]}: " if differing or starts else ""
    return failed(
        f"{which}{what} changed when validation and test examples were replaced by noise",
        "tickets that depend on training examples alone: the test set then says what they are worth",
        "take examples from search.batches; leave search's underscored attributes and a checkpoint's state() alone; "
        "to choose between candidates, hold back some of the training examples",
    )


def reading(trial: Trial) -> Finding:
    """Its file, read as text: imports and calls that reach data, the network or the harness outside `search`.

    Only the file itself is read, so what it imports may do so unseen: this tells whoever reviews it where to look.
    """
    source = trial.method.source
    if source is None:
        return not_applicable("it was not loaded from a file")
    found = reaches(source.read_bytes())
    if not found:
        return ok("its file reaches for nothing beside ticketbench's public names and what computes")
    return warning(
        f"{source.name}: {'; '.join(found)}",
        "examples from search.batches, networks from search.network, and nothing from anywhere else",
        "do without; or, where the method is about other data, say so in its docstring and when you submit it",
    )
