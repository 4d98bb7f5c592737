"""Labelled images as the hub stores them, decoded into tensors, and images brought to one shape."""

import io
from collections.abc import Iterator
from typing import Any

import numpy as np
import PIL.Image
import PIL.ImageOps
import torch

from ticketbench.data import hub
from ticketbench.data.examples import Content, Examples
from ticketbench.data.sources import HubSource, Layout, OwnSource, Shape
from ticketbench.errors import TicketbenchError

_BATCH = 500
_MODES = {1: "L", 3: "RGB"}
_GREY = ("1", "L", "LA", "La")
_COLOUR = ("RGB", "RGBA", "RGBa", "RGBX", "P", "PA", "CMYK", "YCbCr", "LAB", "HSV")


def read(name: str, source: HubSource | OwnSource) -> tuple[Content, str]:
    """The examples in the order they are stored in, and where they were read from, in words.

    From the source's folder if it is one, from `$TICKETBENCH_DATA/<hub id>` where there is such a folder, else from
    the hub. Raises `TicketbenchError` where there is none of these, or what is there cannot be read as this data
    set.
    """
    with hub.stored_splits(name, source) as (stored, where):
        classes = source.classes if isinstance(source, HubSource) else _classes(stored["train"], source)
        train = decode(stored["train"], source, f"{name}: {where}, split train", source.shape, classes)
        shape = train.inputs.shape
        test = decode(
            stored[source.test],
            source,
            f"{name}: {where}, split {source.test}",
            (shape[1], shape[2], shape[3]),
            classes,
        )
    return Content(train, test, classes or int(torch.cat([train.targets, test.targets]).max()) + 1), where


def decode(stored: Any, source: Layout, where: str, shape: Shape | None, classes: int | None) -> Examples:
    """All examples of a split of the `datasets` library, in stored order. `where` begins every error's message.

    Images have `shape`, or that of the first one; labels are less than `classes` where that is known.
    """
    pixels = bytearray()
    targets: list[int] = []
    for stored_image, label in _stored_pairs(stored, source, where):
        example = f"{where}, example {len(targets)}{_file(stored_image)}"
        if not isinstance(label, int) or label < 0 or (classes is not None and label >= classes):
            expected = "a whole number from 0" if classes is None else f"0 to {classes - 1}"
            raise TicketbenchError(f"{example}: its label is {label!r}, expected {expected}.")
        image = _decoded(stored_image, source, example)
        shape = shape or (len(image.getbands()), image.height, image.width)
        _check(image, shape, source, example)
        pixels += image.tobytes()
        targets.append(label)
    if shape is None or not targets:
        raise TicketbenchError(f"{where}: has no examples.")
    channels, height, width = shape
    inputs = torch.frombuffer(pixels, dtype=torch.uint8)
    inputs = inputs.reshape(-1, height, width, channels).permute(0, 3, 1, 2).contiguous()
    return Examples(inputs, torch.tensor(targets, dtype=torch.int64))


def brought_to(shape: Shape, examples: Examples) -> Examples:
    """The same examples with images of this shape; those that have it already are left bit for bit as they are."""
    channels = examples.inputs.shape[1]
    if tuple(examples.inputs.shape[1:]) == shape:
        return examples
    last = examples.inputs.permute(0, 2, 3, 1).numpy()
    images = (PIL.Image.fromarray(each[..., 0] if channels == 1 else np.ascontiguousarray(each)) for each in last)
    pixels = np.stack([np.asarray(_resized(image, shape)) for image in images])
    inputs = torch.from_numpy(pixels.reshape(-1, *shape[1:], shape[0])).permute(0, 3, 1, 2).contiguous()
    return Examples(inputs, examples.targets)


def _resized(image: PIL.Image.Image, shape: Shape) -> PIL.Image.Image:
    channels, height, width = shape
    if image.mode != _MODES[channels]:
        image = image.convert(_MODES[channels])
    if image.size != (width, height):
        image = image.resize((width, height), PIL.Image.Resampling.BILINEAR)
    return image


def _classes(stored: Any, source: Layout) -> int | None:
    """How many classes the label column names, or nothing where it holds mere numbers."""
    return getattr((stored.features or {}).get(source.label), "num_classes", None)


def _stored_pairs(stored: Any, source: Layout, where: str) -> Iterator[tuple[Any, Any]]:
    """Encoded image and label, one example after another."""
    import datasets

    if source.image in (stored.features or {}):
        # Decoding is done here: the library's own takes two and a half times as long.
        stored = stored.cast_column(source.image, datasets.Image(decode=False))
    for batch in hub.batches(stored, _BATCH, where):
        if not {source.image, source.label} <= set(batch):
            raise TicketbenchError(
                f"{where}: has the columns {', '.join(sorted(batch))}; expected {source.image} and {source.label}."
            )
        yield from zip(batch[source.image], batch[source.label], strict=True)


def _decoded(stored: Any, source: Layout, example: str) -> PIL.Image.Image:
    """The whole image; one of a person's own data set as a viewer shows it, grey or in colour and without alpha."""
    try:
        file = stored["path"] if stored["bytes"] is None else io.BytesIO(stored["bytes"])
        image: PIL.Image.Image = PIL.Image.open(file)
        image.load()
        if isinstance(source, OwnSource):
            image = _plain(image) if source.shape is None else _resized(_plain(image), source.shape)
    except Exception as error:  # Pillow raises whatever a format's decoder met
        raise TicketbenchError(f"{example}: its image cannot be decoded: {hub.reason(error)}.") from error
    return image


def _file(stored: Any) -> str:
    """The file of an image that lies in one of its own, in parentheses."""
    return f" ({stored['path']})" if stored and stored["bytes"] is None and stored["path"] else ""


def _plain(image: PIL.Image.Image) -> PIL.Image.Image:
    PIL.ImageOps.exif_transpose(image, in_place=True)
    if "transparency" in image.info:
        image = image.convert("RGBA")
    if image.mode not in (*_GREY, *_COLOUR):
        # Pillow would clip what lies above 255.
        raise ValueError(f"its pixels are of Pillow's mode {image.mode}, expected 8 bits a channel")
    plain = "L" if image.mode in _GREY else "RGB"
    return image if image.mode == plain else image.convert(plain)


def _check(image: PIL.Image.Image, shape: Shape, source: Layout, example: str) -> None:
    channels, height, width = shape
    expected = (_MODES[channels], (width, height))
    if (image.mode, image.size) != expected:
        hint = f" Set data.shape, as in shape = [{channels}, {height}, {width}], to bring all images to one."
        hint = hint if isinstance(source, OwnSource) else ""
        raise TicketbenchError(
            f"{example}: its image is {image.mode} of {image.width} x {image.height} pixels, "
            f"expected {expected[0]} of {width} x {height}.{hint}"
        )
