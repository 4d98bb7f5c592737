"""Networks by name, their initial weights, and which of their weights a mask covers."""

from ticketbench.networks.build import build, meets, prunable

__all__ = ["build", "meets", "prunable"]
