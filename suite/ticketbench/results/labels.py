"""What a row's label says: a ticket's is its method's own, a control's is NAME, or NAME of LABEL of its ticket."""

from collections.abc import Mapping
from typing import Any

CONTROLS = {  # in the order in which they are trained and read
    "shuffled": "mask shuffled within layers",
    "reinitialized": "same mask, weights newly drawn",
    "random-layer": "random mask with as many weights in each layer",
    "small-dense": "a smaller dense network with about as many weights",
    "long-dense": "the dense network, trained as long as the whole search",
}
_OF = " of "


def control_label(name: str, of: str) -> str:
    """The label of a control of a ticket, which may have none itself."""
    return f"{name}{_OF}{of}" if of else name


def control_of(row: Mapping[str, Any]) -> tuple[str, str]:
    """The control that a row is, and its ticket's label; of a row that is none, nothing and its own label."""
    if row["kind"] != "control":
        return "", row["label"]
    name, _, of = row["label"].partition(_OF)
    return name, of
