"""docs/tasks.md or docs/domains.md tells every key that a task file can have, in a table or at a place in prose."""

import re
from pathlib import Path

from ticketbench.task import task_schema

DOCS = Path(__file__).parents[2] / "docs"
TASKS, DOMAINS = ((DOCS / name).read_text("utf-8") for name in ("tasks.md", "domains.md"))

# Keys that no table's first cell has: what begins the paragraph, list or block that tells them.
PLACES = {
    "| `data.name` |": "hub folder",
    "| `data.labels`, `.relabel`, `.part` |": "part",
    "| `network.name`,": "factory",
    "| `training.optimizer` | `{": "lr momentum nesterov weight_decay betas eps alpha",
    "| `training.schedule` |": "warmup milestones factor decay",
    "| `ladder.scope` |": "layers",
    "| `scoring` |": "primary chance margin metric",
    "| `references` |": "column density value cite where",
    "[[references]]": "method found_on trained_on claim sign against",
    "`column` is a number": "bound differs plus_minus note",
    "digest = ": "digest",
    "- **`hub`**": "config",
    "- `image` and": "image label test",
    'kind = "text"': "sequence streams",
    'kind = "translation"': "source target vocabulary longest beam length_penalty",
    'kind = "environment"': "reward_scale games evaluation_games",
    "agent = {": "environments rollout discount entropy value",
    "Keys that are not shown above": "max_steps reward_clip stack skip normalize",
}


def keys():
    """The keys of all tables of the schema."""
    schema = task_schema()
    tables = [schema, *schema["$defs"].values()]
    return {key for table in tables for key in table.get("properties", {})}


def first_cells():
    """The keys in the first cells of the tables of a task's and of a setting's keys."""
    tables = [
        TASKS.partition(f"| key | {second} |")[2].partition("\n\n")[0] for second in ("meaning", "what it changes")
    ]
    cells = " ".join(re.findall(r"^\| (.*?) \|", "\n".join(tables), re.M))
    return words_of(re.findall(r"`([^`]+)`", cells))


def words_of(code):
    return set(re.findall(r"\w+", " ".join(code)))


def told_at(place):
    """The keys of a block, or the words of a passage's code, from this place to an empty line or its row's end."""
    _, found, after = f"{TASKS}\n\n{DOMAINS}".partition(place)
    assert found, place
    passage = place + after.partition("\n" if place.startswith("|") else "\n\n")[0]
    block, _, _ = passage.partition("```")
    return words_of(re.findall(r"`([^`]+)`", block)) if "`" in block else set(re.findall(r"(\w+) = ", passage))


def test_every_key_of_a_task_is_told():
    assert len(keys()) > 80
    listed = {key for told in PLACES.values() for key in told.split()}
    assert sorted(keys() - first_cells() - listed) == []


def test_the_places_in_prose_tell_their_keys():
    missing = {place: sorted(set(told.split()) - told_at(place)) for place, told in PLACES.items()}
    assert {place: untold for place, untold in missing.items() if untold} == {}
