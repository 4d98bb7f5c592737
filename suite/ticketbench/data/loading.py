"""Data sets, known ones by name: from the cache of decoded data sets, or else from where they come from."""

import hashlib
import json
from dataclasses import asdict

from ticketbench.data import cache, digits, images
from ticketbench.data.examples import Content, Dataset, canonical, content_digest
from ticketbench.data.sources import SOURCES, HubSource, OwnSource, Source
from ticketbench.errors import TicketbenchError, unknown
from ticketbench.task import Images


def load(wanted: str | Images) -> Dataset:
    """The data set of this name, or that a task's `data` names, whole, its content checked against its digest.

    Raises `TicketbenchError` where the name is unknown, the data set is missing, damaged or another one, or one of a
    person's own is not pinned: that error tells the digest to write.
    """
    name, source = _source(wanted)
    kept_as = name if isinstance(source, Source) else _kept_as(source)
    content = _cached(kept_as, source)
    if content is None:
        content = _read(kept_as, name, source)
    digest = source.digest or ""
    return Dataset(name, content.train, content.test, classes=content.classes, scale=source.scale, digest=digest)


def _source(wanted: str | Images) -> tuple[str, Source | OwnSource]:
    """What the data set is called in messages, and where it comes from."""
    name = wanted if isinstance(wanted, str) else wanted.name
    if name is not None:
        if name not in SOURCES:
            raise unknown(
                "data set", name, SOURCES, f"Known: {', '.join(SOURCES)}; data.hub or data.folder is your own."
            )
        return name, SOURCES[name]
    assert isinstance(wanted, Images)
    own = OwnSource(
        id=wanted.title,
        folder=wanted.folder is not None,
        config=wanted.config,
        image=wanted.image,
        label=wanted.label,
        test=wanted.test,
        digest=wanted.digest,
        shape=wanted.shape,
    )
    return "data.folder" if own.folder else own.id, own


def _kept_as(source: OwnSource) -> str:
    """Its name in the cache, another one for each way to read it: a digest left behind by a change finds nothing."""
    said = asdict(source) | {"digest": None}
    return f"own-{hashlib.sha256(json.dumps(said, sort_keys=True).encode()).hexdigest()[:16]}"


def _cached(kept_as: str, source: Source | OwnSource) -> Content | None:
    if source.digest is None:
        return None
    return cache.read(kept_as, source.digest, source.classes if isinstance(source, Source) else None)


def _read(kept_as: str, name: str, source: Source | OwnSource) -> Content:
    if isinstance(source, (HubSource, OwnSource)):
        read, where = images.read(name, source)
    else:
        train, test, where = digits.read(source.test_examples)
        read = Content(train, test, source.classes)
    content = Content(canonical(read.train), canonical(read.test), read.classes)
    digest = content_digest(content.train, content.test, content.classes if isinstance(source, OwnSource) else None)
    counts = f"{len(read.train):,} training and {len(read.test):,} test examples"
    if source.digest is not None and digest != source.digest:
        raise TicketbenchError(
            f"{name}: what was read from {where} is not this data set: {counts} "
            f"with content digest {digest}, expected {source.digest}."
        )
    cache.write(kept_as, digest, content, isinstance(source, OwnSource))
    if source.digest is None:
        shape = " x ".join(map(str, content.train.inputs.shape[1:]))
        raise TicketbenchError(
            f"{name}: a data set of your own is pinned by its content. Read {counts} of shape {shape} "
            f'in {content.classes} classes; if they are what you mean, write under data: digest = "{digest}"'
        )
    return content
