"""Every key that a task file can have is told in docs/tasks.md or docs/domains.md."""

import re
from pathlib import Path

from ticketbench.task import task_schema

DOCS = Path(__file__).parents[2] / "docs"
PAGES = "\n".join((DOCS / name).read_text("utf-8") for name in ("tasks.md", "domains.md"))


def keys():
    """The keys of all tables of the schema."""
    schema = task_schema()
    tables = [schema, *schema["$defs"].values()]
    return {key for table in tables for key in table.get("properties", {})}


def told():
    """All words that the pages print as code, in a line or in a block."""
    code = re.findall(r"```\w*\n(.*?)```|`([^`\n]+)`", PAGES, re.S)
    return set(re.findall(r"\w+", " ".join(block + span for block, span in code)))


def test_every_key_of_a_task_is_told():
    assert len(keys()) > 80
    assert sorted(keys() - told()) == []
