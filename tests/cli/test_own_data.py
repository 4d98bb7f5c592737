"""The images and the network of one's own that docs/tasks.md shows, run as the page says."""

import re
from pathlib import Path

import numpy as np
import PIL.Image
import pytest

from ticketbench.results import SCORED, read_rows

PAGE = Path(__file__).parents[2] / "docs" / "tasks.md"
SHOWN = dict(re.findall(r"^```(?:toml|python)\n# (\S+)\n(.*?)^```", PAGE.read_text("utf-8"), re.S | re.M))
SHORT = """
id = "mine/photos-short"
version = 1
title = "Our classifier on our photos, in seconds"
tier = "smoke"
extends = "photos.toml"

[training]
steps = 4
evaluate_every = 2

[ladder]
rounds = 2
"""

HUB = """
id = "mine/digits"
version = 1
title = "A data set of the hub"
tier = "smoke"

[data]
hub = "ylecun/mnist"
config = "mnist"
validation = 20

[network]
name = "lenet-300-100"
init = "glorot-normal"

[training]
steps = 4
batch_size = 10
optimizer = { name = "adam", lr = 0.001 }
evaluate_every = 2

[ladder]
prune = 0.5
rounds = 2
scope = "global"
"""


@pytest.fixture
def shown(here):
    """The page's files, and photos of two classes where photos.toml looks for them."""
    for name in ("photos.toml", "our_networks.py"):
        (here / name).write_text(SHOWN[name], "utf-8")
    for split, count in (("train", 80), ("test", 10)):
        for label, kind in enumerate(("cat", "dog")):
            folder = here / "photos" / split / kind
            folder.mkdir(parents=True)
            for each in range(count):
                pixels = np.random.default_rng([split == "test", label, each]).integers(0, 256, (24, 40, 3))
                PIL.Image.fromarray(pixels.astype(np.uint8)).save(folder / f"{each}.png")
    return here


def test_a_folder_of_photos_and_a_factory_of_one_s_own_run_together_as_the_page_says(shown, ticketbench):
    (shown / "short.toml").write_text(SHORT, "utf-8")
    photos = shown / "photos.toml"
    command = ("run", "./short.toml", "--method", "imp", "--method", "random-layer", "--seeds", 1, "--jobs", 1)

    first = ticketbench(*command).message
    assert "160 training and 20 test examples of shape 3 x 32 x 32 in 2 classes" in first
    (pin,) = re.findall(r'digest = "[0-9a-f]{64}"$', first)
    photos.write_text(photos.read_text("utf-8").replace("[data]\n", f"[data]\n{pin}\n"), "utf-8")
    second = ticketbench(*command)

    assert (second.code, second.err) == (0, "")
    results = shown / "results" / "mine" / "photos-short"
    rows = [row for path in sorted(results.glob("*.parquet")) for row in read_rows(path)]
    assert [(row["method"], row["rung"]) for row in rows] == [
        ("dense", 0),
        *((method, rung) for method in ("imp", "random-layer") for rung in (1, 2)),
    ]
    assert {row["status"] for row in rows} <= set(SCORED)
    assert {row["test_examples"] for row in rows} == {20}
    convolution = 3 * 16 * 3 * 3  # channels, width and kernel; the head is not counted
    assert {row["prunable"] for row in rows} == {convolution}
    assert sorted({row["kept"] for row in rows}) == [convolution // 4, convolution // 2, convolution]


def test_a_data_set_of_the_hub_runs_once_its_digest_is_written_down(ticketbench, here, mnist_mirror):
    mirror = mnist_mirror(train=80, test=20)
    ours = here / "ours.toml"
    ours.write_text(HUB, "utf-8")
    command = ("run", "./ours.toml", "--method", "random-layer", "--seeds", 1, "--jobs", 1)

    first = ticketbench(*command).message
    assert first.startswith("ylecun/mnist: ") and "80 training and 20 test examples of shape 1 x 28 x 28" in first
    (pin,) = re.findall(r'digest = "[0-9a-f]{64}"$', first)
    ours.write_text(HUB.replace("[data]\n", f"[data]\n{pin}\n"), "utf-8")
    second = ticketbench(*command)

    assert (second.code, second.err) == (0, "")
    rows = read_rows(here / "results/mine/digits/random-layer.parquet")
    assert [(row["rung"], row["test_examples"]) for row in rows] == [(1, 20), (2, 20)]
    assert {f'digest = "{row["data_digest"]}"' for row in rows} == {pin}
    assert mirror.digest not in pin  # which has no number of classes in it
