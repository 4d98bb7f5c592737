"""Where the data sets come from, and the content that each must have."""

from dataclasses import dataclass

Shape = tuple[int, int, int]
"""Channels, height, width."""


@dataclass(frozen=True, kw_only=True)
class Source:
    """A data set of labelled images.

    `digest` is the `content_digest` of the original data set in canonical order: it, not a revision of the hub, is
    what pins the content. `test_examples` is how many its test split has, `scale` the pixel value that stands for 1.
    """

    digest: str
    shape: Shape
    classes: int
    test_examples: int
    scale: int = 255


@dataclass(frozen=True, kw_only=True)
class Layout:
    """How a data set lies on the Hugging Face hub.

    `id` is its name there and its path below `$TICKETBENCH_DATA`, `config` the hub's configuration, `image` and
    `label` are its columns, `test` is the split that it is scored on.
    """

    id: str
    config: str | None = None
    image: str = "image"
    label: str = "label"
    test: str = "test"


@dataclass(frozen=True, kw_only=True)
class HubSource(Source, Layout):
    """A known one that lies there."""


@dataclass(frozen=True, kw_only=True)
class OwnSource(Layout):
    """A person's own, there or in the folder `id`. What is nothing here is as the examples have it."""

    folder: bool = False
    digest: str | None = None
    shape: Shape | None = None
    scale: int = 255


SOURCES: dict[str, Source] = {
    "digits": Source(
        shape=(1, 8, 8),
        classes=10,
        test_examples=360,
        scale=16,
        digest="69f921707e496ad0ae444456751db1a7dba2e5790e1a99d82458bf1470a49e18",
    ),
    "mnist": HubSource(
        id="ylecun/mnist",
        config="mnist",
        shape=(1, 28, 28),
        classes=10,
        test_examples=10_000,
        digest="aabc76e83a31073f864a142ceb8515c63d7dee060608dff2a421be410e32f7c8",
    ),
    "fashion-mnist": HubSource(
        id="zalando-datasets/fashion_mnist",
        config="fashion_mnist",
        shape=(1, 28, 28),
        classes=10,
        test_examples=10_000,
        digest="371cb77562221dc042c92213ca9ef9d3dc187327b1de50ff7487bfdeb856ed99",
    ),
    "cifar-10": HubSource(
        id="uoft-cs/cifar10",
        config="plain_text",
        image="img",
        shape=(3, 32, 32),
        classes=10,
        test_examples=10_000,
        digest="bc23efbccf6df7ba88ff5e5909b42080c59960774f03965e397cf16652137c00",
    ),
}
