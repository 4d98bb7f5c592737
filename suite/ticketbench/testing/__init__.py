"""The conformance suite: what holds of every method, checked on a method of anyone's.

`ticketbench check my_method.py` runs it. In a repository of one's own it is inherited as tests for pytest:

    from ticketbench.testing import MethodConformance

    class TestMine(MethodConformance):
        method = "my_method.py"
"""

from ticketbench.testing.checks import CHECKS
from ticketbench.testing.conformance import ConformanceWarning, MethodConformance, examine
from ticketbench.testing.finding import Finding

__all__ = ["CHECKS", "ConformanceWarning", "Finding", "MethodConformance", "examine"]
