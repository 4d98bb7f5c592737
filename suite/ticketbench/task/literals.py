"""What is said of a value that is none of the few that are allowed in its place."""

import re
from difflib import get_close_matches

from pydantic_core import ErrorDetails

Place = tuple[int | str, ...]

_OWN: dict[Place, str] = {
    ("data", "images", "name"): " One of your own is named by data.hub or data.folder.",
    ("network", "name"): " One of your own is named by network.factory.",
}


def one_of_a_few(mistake: ErrorDetails, place: Place) -> str:
    """The allowed values, what was said instead, the closest spelling, and where one of your own is named.

    Args:
        mistake: pydantic's, of type `literal_error`.
        place: where it stands in a task; under `data` the kind is named, as in `("data", "images", "name")`.
    """
    expected, said = mistake["ctx"]["expected"], mistake["input"]
    allowed = re.findall(r"'([^']*)'", expected)
    close = get_close_matches(said, allowed, n=1, cutoff=0.5) if isinstance(said, str) else []
    guess = f" Did you mean {close[0]!r}?" if close else ""
    shown = "" if isinstance(said, dict) else f", got {said!r}"
    return f"input should be {expected}{shown}.{guess}{_OWN.get(place, '')}"
