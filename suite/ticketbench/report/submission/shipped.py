"""What comes with ticketbench, read as data: an editable checkout holds files of strangers while they are checked."""

from functools import cache
from pathlib import Path

from ticketbench.methods.declare import RESERVED
from ticketbench.paths import shipped
from ticketbench.report.submission.declaration import Declaration, read_declaration


def declarations() -> dict[Path, Declaration]:
    """The declaration in every method file that comes with this installation. None of them is run."""
    places = sorted(path for path in shipped("baselines").glob("*.py") if path.is_file())
    return {path: _read(path.read_bytes()) for path in places}


def taken(name: str, file: str) -> bool:
    """Whether a method of this name comes with ticketbench, and not as an earlier submission of this same file."""
    places = [path for path, said in declarations().items() if name in said.methods]
    return name in RESERVED or any(path.name != file or not path.with_suffix(".toml").exists() for path in places)


def has_own_recipe(declaration: Declaration) -> bool:
    """Whether a method trains by a recipe of its own, itself or by another method that it asks for.

    Asking for a method by a name that is not written out, or is none that comes with ticketbench, counts as one.
    """
    known = declarations().values()
    waiting, seen = [declaration], set[int]()
    while waiting:
        said = waiting.pop()
        if id(said) in seen:
            continue
        seen.add(id(said))
        if said.own_recipe:
            return True
        for name in said.uses - set(said.methods):
            of_it = [each for each in known if name in each.methods]
            if not of_it:
                return True
            waiting += of_it
    return False


@cache
def _read(content: bytes) -> Declaration:
    return read_declaration(content)
