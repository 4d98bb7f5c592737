"""Labelled images as the hub stores them, decoded into tensors."""

import io
from collections.abc import Iterator
from typing import Any

import PIL.Image
import torch

from ticketbench.data.examples import Examples
from ticketbench.data.sources import HubSource
from ticketbench.errors import TicketbenchError

_BATCH = 500
_MODES = {1: "L", 3: "RGB"}


def decode(stored: Any, source: HubSource, where: str) -> Examples:
    """All examples of a split of the `datasets` library, in stored order. `where` begins every error's message."""
    channels, height, width = source.shape
    pixels = bytearray()
    targets: list[int] = []
    for image, label in _stored_pairs(stored, source, where):
        example = f"{where}, example {len(targets)}"
        if not isinstance(label, int) or not 0 <= label < source.classes:
            raise TicketbenchError(f"{example}: its label is {label!r}, expected 0 to {source.classes - 1}.")
        pixels += _pixels(image, source, example)
        targets.append(label)
    inputs = torch.frombuffer(pixels, dtype=torch.uint8) if pixels else torch.empty(0, dtype=torch.uint8)
    inputs = inputs.reshape(-1, height, width, channels).permute(0, 3, 1, 2).contiguous()
    return Examples(inputs, torch.tensor(targets, dtype=torch.int64))


def _stored_pairs(stored: Any, source: HubSource, where: str) -> Iterator[tuple[Any, Any]]:
    """Encoded image and label, one example after another."""
    import datasets

    if source.image in (stored.features or {}):
        # Decoding is done here: the library's own takes two and a half times as long.
        stored = stored.cast_column(source.image, datasets.Image(decode=False))
    batches = iter(stored.iter(_BATCH))
    while True:
        try:
            batch = next(batches, None)
        except Exception as error:  # the library raises what its many readers raise
            raise TicketbenchError(f"{where}: cannot be read: {reason(error)}.") from error
        if batch is None:
            return
        if not {source.image, source.label} <= set(batch):
            raise TicketbenchError(
                f"{where}: has the columns {', '.join(sorted(batch))}; expected {source.image} and {source.label}."
            )
        yield from zip(batch[source.image], batch[source.label], strict=True)


def _pixels(stored: Any, source: HubSource, example: str) -> bytes:
    """The image's bytes, row by row, the channels of a pixel side by side."""
    channels, height, width = source.shape
    try:
        image = PIL.Image.open(io.BytesIO(stored["bytes"]))
        pixels = image.tobytes()
    except Exception as error:  # Pillow raises whatever a format's decoder met
        raise TicketbenchError(f"{example}: its image cannot be decoded: {reason(error)}.") from error
    expected = (_MODES[channels], (width, height))
    if (image.mode, image.size) != expected:
        raise TicketbenchError(
            f"{example}: its image is {image.mode} of {image.width} x {image.height} pixels, "
            f"expected {expected[0]} of {width} x {height}."
        )
    return pixels


def reason(error: BaseException) -> str:
    """What went wrong at the bottom of a chain of errors, in one line: long messages end with why."""
    while error.__cause__ is not None:
        error = error.__cause__
    lines = str(error).strip().splitlines() or [type(error).__name__]
    return " ... ".join(dict.fromkeys((lines[0], lines[-1]))).rstrip(".")
