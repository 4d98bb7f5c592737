"""The errors a person can cause: one message that names the thing and says what was expected."""

from collections.abc import Iterable
from difflib import get_close_matches


class TicketbenchError(Exception):
    """A mistake its maker can mend. The command line prints it without a traceback and exits with `exit_code`."""

    exit_code = 2


def raised(error: BaseException) -> str:
    """What somebody else's code raised, in one line without a full stop."""
    return " ".join(f"{type(error).__name__}: {error}".split()).rstrip(".: ")


def unknown(kind: str, name: str, known: Iterable[str], hint: str = "") -> TicketbenchError:
    """The error for a `name` that is not among `known`, with the closest spelling if there is one."""
    names = sorted(known)
    listing = hint or f"Known: {', '.join(names)}."
    return TicketbenchError(f"Unknown {kind} {name!r}.{did_you_mean(name, names)} {listing}")


def did_you_mean(name: str, known: Iterable[str]) -> str:
    """The closest of the known names as a question after a blank; empty where none is close."""
    close = get_close_matches(name, list(known), n=1, cutoff=0.5)
    return f" Did you mean {close[0]!r}?" if close else ""
