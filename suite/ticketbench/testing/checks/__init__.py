"""The conformance checks, each its own function from a trial to a finding."""

from collections.abc import Callable

from ticketbench.testing.checks.costs import cost, own_recipe, time_and_memory
from ticketbench.testing.checks.declaring import declaration
from ticketbench.testing.checks.outside import held_out_data, reading
from ticketbench.testing.checks.places import device, everywhere
from ticketbench.testing.checks.repeating import determinism, seeds
from ticketbench.testing.checks.tickets import counts, pruned_stay_zero
from ticketbench.testing.finding import Finding
from ticketbench.testing.trial import Trial

Check = Callable[[Trial], Finding]

CHECKS: dict[str, Check] = {
    check.__name__: check
    for check in (
        declaration,
        counts,
        pruned_stay_zero,
        determinism,
        seeds,
        held_out_data,
        reading,
        cost,
        own_recipe,
        time_and_memory,
        everywhere,
        device,
    )
}
