"""Data sets in memory: decoded once, in canonical order, checked against a pinned content digest, split."""

from ticketbench.data.examples import Dataset, Examples
from ticketbench.data.loading import load
from ticketbench.data.split import Split, Splits, splits

__all__ = ["Dataset", "Examples", "Split", "Splits", "load", "splits"]
