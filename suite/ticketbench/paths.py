"""Where things lie: the folders that come with the package, and the user's own."""

import os
from pathlib import Path

import platformdirs

from ticketbench.errors import TicketbenchError

_PACKAGE = Path(__file__).parent


def shipped(folder: str) -> Path:
    """The folder `tasks`, `baselines` or `leaderboard` that comes with this installation.

    An installed wheel carries them under `ticketbench/shipped/`; a checkout has them beside `suite/`.
    """
    for place in (_PACKAGE / "shipped" / folder, _PACKAGE.parents[1] / folder):
        if place.is_dir():
            return place
    raise TicketbenchError(f"This installation of ticketbench lacks its folder {folder!r}; install it again.")


def cache_folder() -> Path:
    """The user's cache folder: decoded data sets and, unless `TICKETBENCH_STORE` says otherwise, the store."""
    return Path(platformdirs.user_cache_dir("ticketbench", appauthor=False))


def default_store() -> Path:
    """Where checkpoints go: `$TICKETBENCH_STORE`, or else the user's cache folder."""
    return folder_named_by("TICKETBENCH_STORE") or cache_folder() / "store"


def folder_named_by(variable: str) -> Path | None:
    """The folder that a variable of the environment names; None where it is not set or empty.

    Raises `TicketbenchError` where it begins with `~` and a name that is nobody's here.
    """
    named = os.environ.get(variable)
    try:
        return Path(named).expanduser() if named else None
    except RuntimeError:
        raise TicketbenchError(f"{variable} is {named}: nobody of that name has a folder here.") from None
