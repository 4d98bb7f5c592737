"""The domains: what a task's data, network, loss and score are, one file each."""

from ticketbench.harness.workloads.domain import Domain
from ticketbench.harness.workloads.settings import domain_of, workloads_of

__all__ = ["Domain", "domain_of", "workloads_of"]
