"""Networks by name, their initial weights, which of them a mask covers, and smaller networks of the same kind."""

from ticketbench.networks.build import build
from ticketbench.networks.covered import meets, prunable
from ticketbench.networks.factory import source_digest
from ticketbench.networks.memory import Remembering, apart, go_on, memory_of, remember
from ticketbench.networks.smaller import can_shrink, smaller

__all__ = [
    "Remembering",
    "apart",
    "build",
    "can_shrink",
    "go_on",
    "meets",
    "memory_of",
    "prunable",
    "remember",
    "smaller",
    "source_digest",
]
