"""What a method says of itself."""

import re
from collections.abc import Container

from ticketbench.bibliography import own_key, read_bibliography
from ticketbench.testing.finding import Finding, failed, ok
from ticketbench.testing.trial import Trial

_FIELDS = ("title", "author", "year")


def declaration(trial: Trial) -> Finding:
    """It has a title and a docstring, and its citations are known or given whole.

    A citation is a key of ticketbench's `references.bib`, or a BibTeX entry with title, author and year.
    """
    method = trial.method
    wrong: list[tuple[str, str]] = []
    if not method.title.strip():
        wrong.append(("its title is empty", 'say in a line what it is: title="..."'))
    if not method.description:
        wrong.append(("it has no docstring", "say below the def what it computes, and of which paper and equation"))
    known = read_bibliography()
    for cite in method.cites:
        if mistake := _mistake(cite, known):
            wrong.append((mistake, "give the BibTeX entry itself: cites=['@misc{key, title = {...}, ...}']"))
    if wrong:
        seen, change = ("; ".join(dict.fromkeys(said)) for said in zip(*wrong, strict=True))
        return failed(seen, "a title, a docstring and citations that can be looked up", change)
    cited = f"cites {len(method.cites)}" if method.cites else "cites nothing"
    return ok(f"titled {method.title!r}, described, {cited}, density {method.density}")


def _mistake(cite: str, known: Container[str]) -> str:
    """What is wrong with a citation; empty where nothing is."""
    if not cite.lstrip().startswith("@"):
        return "" if cite in known else f"it cites {cite!r}, which ticketbench's bibliography does not have"
    if not own_key(cite) or cite.count("{") != cite.count("}"):
        return "it cites what begins like a BibTeX entry, but is none"
    lacking = [name for name in _FIELDS if not re.search(rf"\b{name}\s*=", cite, re.IGNORECASE)]
    return f"its BibTeX entry lacks {', '.join(lacking)}" if lacking else ""
