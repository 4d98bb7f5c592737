"""Published are whole seeds of every method that README names, each rung and cell once: no seed is dropped unseen."""

from collections import Counter

import pyarrow.parquet as pq
import pytest

from ticketbench.methods import shipped_methods
from ticketbench.task import find_tasks

EVERY = {*shipped_methods()}
FIRST_TEN = {
    "imp", "imp-late", "imp-reinit", "one-shot", "one-shot-reinit", "prune-only", "fine-tune", "lr-rewind",
    "random-layer", "random-global",
}  # fmt: skip
PUBLISHED = {  # methods and seeds
    "digits/mlp": (EVERY, 10),
    "digits/conv": (EVERY, 10),
    "mnist/lenet-300-100-ci": (EVERY, 5),
    "mnist/dataset-transfer-ci": (FIRST_TEN, 5),
    "fashion-mnist/lenet-300-100-ci": (FIRST_TEN, 5),
    "mnist/data-halves": ({"imp", "random-layer"}, 3),
    "mnist/label-split": ({"imp"}, 1),
    "tiny-shakespeare/lstm-ci": ({"imp", "imp-late", "random-layer"}, 5),
    "cartpole/ci": ({"imp", "imp-late", "random-layer"}, 5),
    "multi30k/transformer-ci": ({"random-layer"}, 1),
}


def tickets(path):
    """How many rows there are by setting found on, setting trained on, rung, seed and label; controls left out."""
    columns = ("found_on", "trained_on", "rung", "seed", "label")
    table = pq.read_table(path, columns=[*columns, "kind"]).to_pylist()
    return Counter(tuple(row[name] for name in columns) for row in table if row["kind"] in ("dense", "ticket"))


def test_these_tasks_are_published_and_no_others(results):
    assert {path.parent.relative_to(results).as_posix() for path in results.rglob("*.parquet")} == {*PUBLISHED}


@pytest.mark.parametrize("name", PUBLISHED)
def test_every_method_has_a_ticket_of_every_seed_in_every_cell(results, name):
    (task,), (methods, seeds) = find_tasks(name), PUBLISHED[name]
    settings, rungs = task.setting_names, range(1, task.ladder.rounds + 1)
    files = {path.stem: tickets(path) for path in (results / name).glob("*.parquet")}
    dense = Counter((s, s, 0, seed, "") for s in settings for seed in range(seeds))
    whole = Counter((a, b, r, seed, "") for a in settings for b in settings for r in rungs for seed in range(seeds))
    assert {*files} == {"dense", *methods}
    assert {method: found for method, found in files.items() if found != whole and method != "dense"} == {}
    assert files["dense"] == dense
