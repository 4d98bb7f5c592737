"""The engine: training as a pure function."""

from ticketbench.harness.training.trainer import Member, advance, load
from ticketbench.harness.training.workload import Evaluation, Order, Workload

# Raised whenever training, data or network code changes a bit; a test with golden digests fails when forgotten.
ENGINE_VERSION = 1

__all__ = ["ENGINE_VERSION", "Evaluation", "Member", "Order", "Workload", "advance", "load"]
