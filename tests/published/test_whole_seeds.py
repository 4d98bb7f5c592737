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
FIRST_THREE = {"imp", "imp-late", "random-layer"}
PUBLISHED = {  # each method's number of seeds
    "digits/mlp": dict.fromkeys(EVERY, 10),
    "digits/conv": dict.fromkeys(EVERY, 10),
    "mnist/lenet-300-100": {"imp": 1, "imp-reinit": 1, "random-layer": 1},
    "mnist/lenet-300-100-ci": dict.fromkeys(EVERY, 5),
    "mnist/dataset-transfer-ci": dict.fromkeys(FIRST_TEN, 5),
    "fashion-mnist/lenet-300-100-ci": dict.fromkeys(FIRST_TEN, 5),
    "mnist/data-halves": {"imp": 3, "random-layer": 3},
    "mnist/label-split": {"imp": 3, "random-layer": 3},
    "mnist/optimizer-transfer": {"imp": 1, "random-layer": 1},
    "tiny-shakespeare/lstm-ci": dict.fromkeys(FIRST_THREE, 5),
    "cartpole/ci": dict.fromkeys(FIRST_THREE, 5),
    "multi30k/transformer-ci": {"random-layer": 1},
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
    (task,), seeds = find_tasks(name), PUBLISHED[name]
    settings, rungs = task.setting_names, range(1, task.ladder.rounds + 1)
    cells = [(a, b, rung) for a in settings for b in settings for rung in rungs]
    whole = {method: Counter((*cell, seed, "") for cell in cells for seed in range(n)) for method, n in seeds.items()}
    files = {path.stem: tickets(path) for path in (results / name).glob("*.parquet")}
    dense = files.pop("dense")
    assert {*files} == {*seeds}
    assert {method: found for method, found in files.items() if found != whole[method]} == {}
    assert dense == Counter((s, s, 0, seed, "") for s in settings for seed in range(max(seeds.values())))
