"""Decoded data sets, kept in the user's cache folder.

A file is named after the pinned digest and its content is checked against that digest at every reading, so that
neither another copy of the data set nor a damaged file can answer.
"""

import logging
from pathlib import Path
from tempfile import NamedTemporaryFile

import safetensors.torch
import torch
from safetensors import SafetensorError

from ticketbench.data.examples import Content, Examples, content_digest
from ticketbench.paths import cache_folder


def path(name: str, digest: str) -> Path:
    """Where the decoded data set of this name and pinned digest is kept."""
    return cache_folder() / "data" / f"{name}-{digest[:16]}.safetensors"


def read(name: str, digest: str, classes: int | None) -> Content | None:
    """Both splits in canonical order, or nothing where there is no whole and true copy.

    `classes` is how many the data set has; nothing where its digest covers that number, which is then kept with it.
    """
    try:
        # Bytes, not a memory map: what was checked must not change under the program that uses it.
        tensors = safetensors.torch.load(path(name, digest).read_bytes())
        train = Examples(tensors["train.inputs"], tensors["train.targets"])
        test = Examples(tensors["test.inputs"], tensors["test.targets"])
        counted = None if classes is not None else int(tensors["classes"])
        whole = content_digest(train, test, counted) == digest
        return Content(train, test, classes or counted or 0) if whole else None
    except (OSError, SafetensorError, KeyError, TypeError, ValueError, RuntimeError):
        return None


def write(name: str, digest: str, content: Content, covers_classes: bool) -> None:
    """Keep the decoded data set. A folder that cannot be written costs the next run time, and this one nothing.

    `covers_classes` says that the digest covers the number of classes, which is then kept too.
    """
    kept = path(name, digest)
    tensors = {
        "train.inputs": content.train.inputs,
        "train.targets": content.train.targets,
        "test.inputs": content.test.inputs,
        "test.targets": content.test.targets,
    }
    if covers_classes:
        tensors["classes"] = torch.tensor(content.classes)
    keep(kept, safetensors.torch.save(tensors), f"{name}: the decoded data set", "decodes it again")


def keep(kept: Path, content: bytes, what: str, again: str) -> None:
    """Write a file whole or not at all; where the folder cannot be written, a warning says what the next run does."""
    try:
        kept.parent.mkdir(parents=True, exist_ok=True)
        with NamedTemporaryFile(dir=kept.parent, prefix=f"{kept.stem}-", suffix=".tmp", delete=False) as file:
            temporary = Path(file.name)
        try:
            temporary.write_bytes(content)
            temporary.replace(kept)
        finally:
            temporary.unlink(missing_ok=True)
    except OSError as error:
        logging.getLogger(__name__).warning(
            "%s could not be kept in %s (%s); the next run %s.", what, kept.parent, error.strerror or error, again
        )
