"""Other tasks, and another device."""

import torch

from ticketbench.testing.checks.tickets import NO_TICKETS
from ticketbench.testing.finding import Finding, failed, not_applicable, ok, warning
from ticketbench.testing.trial import Trial


def everywhere(trial: Trial) -> Finding:
    """It works on linear layers and on convolutions, pruned by layer and globally, and on two settings.

    Where it needs what a network lacks it is not applicable there, which is as good.
    """
    if trial.first.trouble:
        return not_applicable(NO_TICKETS)
    runs = trial.runs_elsewhere
    for what, run in runs.items():
        if run.trouble.startswith("failed"):
            return failed(
                f"on a task with {what}: {run.trouble}",
                "a ticket for every rung on every task that has what the method needs",
                "go by search.initial.prunable, whose tensors have any number of dimensions; where a method is for "
                'some networks only, declare it: needs=["convolutions"] or needs=["batch norm"]',
            )
    if ill := [f"on {what}: {run.trouble}" for what, run in runs.items() if run.trouble.startswith("diverged")]:
        return warning("; ".join(ill), "losses that stay finite", "look at what its tickets start from")
    aside = [what for what, run in runs.items() if run.trouble]
    works = [what for what in runs if what not in aside]
    said = f"works on {'; '.join(works)}" if works else "needs what no other task has"
    return ok(said + (f"; not applicable on {'; '.join(aside)}, by its needs" if aside else ""))


def device(trial: Trial) -> Finding:
    """On an accelerator it works as well, and finds tickets of the same size."""
    if not torch.cuda.is_available():
        return not_applicable("no CUDA")
    if trial.first.trouble:
        return not_applicable(NO_TICKETS)
    run = trial.run_on(trial.home, device=torch.device("cuda"))
    if run.trouble:
        return failed(
            f"on {torch.cuda.get_device_name()}: {run.trouble}",
            "the same method, wherever examples and networks lie",
            "put tensors of your own where inputs are: torch.zeros(..., device=inputs.device); checkpoints and masks "
            "stay on the CPU",
        )
    here, there = ([row["kept"] for row in each.scored] for each in (trial.first, run))
    if trial.method.density == "exact" and here != there:
        return failed(f"it kept {there}, on the CPU {here}", "the same counts", "count in whole numbers, on the CPU")
    return ok(f"works on {torch.cuda.get_device_name()}")
