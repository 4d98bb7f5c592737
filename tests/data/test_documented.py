"""The table of data sets in docs/tasks.md: all that have a place on the hub, and where."""

import re
from pathlib import Path

from ticketbench.data.pairs import PAIR_SOURCES
from ticketbench.data.sources import SOURCES, HubSource
from ticketbench.data.text import TEXTS

PAGE = (Path(__file__).parents[2] / "docs" / "tasks.md").read_text("utf-8")
SECTION = PAGE.partition("\n## Data sets\n")[2].partition("\n## ")[0]


def test_every_data_set_on_the_hub_has_its_row():
    images = {name: source for name, source in SOURCES.items() if isinstance(source, HubSource)}
    kinds = {"images": images, "text": TEXTS, "translation": PAIR_SOURCES}
    rows = re.findall(r"^\| `([^`]+)` \| `(\w+)` \| `([^`]+)` \| (?:`([^`]+)` )?\|$", SECTION, re.M)
    assert rows == [
        (name, kind, source.id, source.config or "")
        for kind, sources in kinds.items()
        for name, source in sources.items()
    ]


def test_the_page_names_those_that_nobody_has_pinned():
    loose = [name for sources in (TEXTS, PAIR_SOURCES) for name, source in sources.items() if source.digest is None]
    assert f"No digest is pinned for {' and '.join(f'`{name}`' for name in loose)}:" in " ".join(SECTION.split())
