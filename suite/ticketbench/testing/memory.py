"""How much memory a stretch of code takes at its peak, as far as the operating system tells."""

import re
import resource
import sys
from pathlib import Path

_STATUS, _RESET = Path("/proc/self/status"), Path("/proc/self/clear_refs")


def begin() -> int:
    """Start over, where the system allows it; the bytes resident now, for `risen_since`."""
    try:
        _RESET.write_text("5")  # the kernel forgets the process's peak
        return _resident("VmRSS")
    except (OSError, ValueError):
        return _peak()


def risen_since(before: int) -> int:
    """By how many bytes the peak since `begin` lies above what was resident then.

    A lower bound: memory that the process already holds free is taken without a trace, and where the kernel does not
    forget a peak (elsewhere than on Linux), only what goes beyond the highest ever is seen. An accelerator's memory
    is not in it.
    """
    try:
        return max(0, _resident("VmHWM") - before)
    except (OSError, ValueError):
        return max(0, _peak() - before)


def _resident(which: str) -> int:
    found = re.search(rf"^{which}:\s+(\d+) kB", _STATUS.read_text(), re.MULTILINE)
    if found is None:
        raise ValueError(which)
    return int(found[1]) * 1024


def _peak() -> int:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == "darwin" else 1024)
