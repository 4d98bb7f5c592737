"""Data sets by name: from the cache of decoded data sets, or else from where they come from."""

from ticketbench.data import cache, digits, hub
from ticketbench.data.examples import Dataset, canonical, content_digest
from ticketbench.data.sources import SOURCES, HubSource
from ticketbench.errors import TicketbenchError, unknown


def names() -> tuple[str, ...]:
    """The data sets that ticketbench knows."""
    return tuple(SOURCES)


def load(name: str) -> Dataset:
    """The data set of this name, its content checked against the pinned digest wherever it came from.

    Raises `TicketbenchError` where the name is unknown, or the data set is missing, damaged or another one.
    """
    if name not in SOURCES:
        raise unknown("data set", name, names())
    source = SOURCES[name]
    found = cache.read(name, source.digest)
    if found is None:
        train, test, where = hub.read(name, source) if isinstance(source, HubSource) else digits.read()
        found = canonical(train), canonical(test)
        digest = content_digest(*found)
        if digest != source.digest:
            raise TicketbenchError(
                f"{name}: what was read from {where} is not this data set: {len(train):,} training and "
                f"{len(test):,} test examples with content digest {digest}, expected {source.digest}."
            )
        cache.write(name, digest, *found)
    return Dataset(name, *found, classes=source.classes, scale=source.scale, digest=source.digest)
