"""Contract: what a method is. A method is a generator of requests that sees one network at a time."""

from ticketbench.methods.checkpoint import Checkpoint
from ticketbench.methods.declare import Method, method, scorer
from ticketbench.methods.loading import find_methods, installed_methods, load_methods, shipped_methods
from ticketbench.methods.requests import Diverged, NotApplicable, Probe, Recipe, Refused, Request, Ticket, Train
from ticketbench.methods.search import Search
from ticketbench.methods.selecting import parse_selector

__all__ = [
    "Checkpoint",
    "Diverged",
    "Method",
    "NotApplicable",
    "Probe",
    "Recipe",
    "Refused",
    "Request",
    "Search",
    "Ticket",
    "Train",
    "find_methods",
    "installed_methods",
    "load_methods",
    "method",
    "parse_selector",
    "scorer",
    "shipped_methods",
]
