"""The domains: what a task's data, network, loss and score are, one file each."""

from ticketbench.harness.workloads.settings import workloads_of
from ticketbench.harness.workloads.vision import Vision

__all__ = ["Vision", "workloads_of"]
