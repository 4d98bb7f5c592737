"""What is said of a value that is none of the few that are allowed in its place."""

import re

from pydantic_core import ErrorDetails

from ticketbench.errors import did_you_mean

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
    guess = did_you_mean(said, allowed) if isinstance(said, str) else ""
    shown = "" if isinstance(said, dict) else f", got {said!r}"
    return f"input should be {expected}{shown}.{guess}{_OWN.get(place, '')}"
