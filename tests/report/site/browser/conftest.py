"""A site with what can go wrong in it, built once, and the browser that its readers use."""

import json

import pytest

from ticketbench.methods.declare import Method
from ticketbench.report.site.build import build_site

EVIL = "</script><script>window.injected = 1</script><img src=x onerror='window.injected = 1'>"
ACCURACY = {
    "dense": [0.95],
    "imp": [0.95, 0.94, 0.90],
    "imp-late": [0.96, 0.92, 0.91],
    "lamp": [0.94, 0.93, 0.88],
    "snip": [0.93, 0.95, 0.85],
    "random-layer": [0.92, 0.89, 0.70],
}
FAMILIES = {"imp": "iterative", "imp-late": "iterative", "lamp": "after training", "snip": "at initialization"}
COST = {"imp": 3.0, "imp-late": 3.0, "lamp": 1.0, "snip": 0.1, "random-layer": 0.0}


def with_costs(rows, steps=800, batch=60):
    """The rows with a search as costly as COST says, in dense trainings, and operations that follow the weights."""
    for row in rows:
        if row["kind"] != "dense":
            row["search_examples"] = int(COST.get(row["method"], 1.0) * steps * batch)
            row |= {"flops_dense": 100_000, "flops": 100_000 * row["kept"] // row["prunable"]}
    return rows


@pytest.fixture(scope="session")
def site(rows_of, tmp_path_factory):
    """A site with what can go wrong in it, and hostile text wherever a stranger may write."""
    folder = tmp_path_factory.mktemp("site")
    task = rows_of.make_task().model_copy(update={"title": f"Digits {EVIL}", "description": EVIL})
    rows = with_costs(rows_of.make_results(task, ACCURACY, seeds=5, examples=100))
    for row in rows:
        if (row["method"], row["rung"], row["seed"]) == ("lamp", 3, 1):
            rows_of.without_score(row, "diverged", EVIL)
    for row in rows:
        if (row["method"], row["rung"]) == ("random-layer", 1):
            row["kept"] = row["prunable"] // 3  # another compression than its column's
        if row["method"] == "snip":
            row["curve"] = rows_of.make_curve(
                [(step, 2.0, 2.1, 0.1 + step / 920, 2.2, 0.5) for step in range(0, 801, 40)]
            )
    rows += [
        rows_of.make_row(task, "filters", rung, seed, status="not applicable", reason=EVIL)
        for rung in (1, 2, 3)
        for seed in range(5)
    ]
    hostile = {"label": EVIL, "method_params": json.dumps({"mode": EVIL})}
    rows += with_costs(rows_of.make_results(task, {"snip": [0.9, 0.8, 0.6]}, seeds=5, examples=100, **hostile))
    settings = rows_of.make_settings_task({"low": 0.2, "high": 0.2}, title=EVIL)
    pairs = {
        (found_on, trained_on): {"imp": [0.9, 0.8], "lamp": [0.8, 0.85], "snip": [0.7, 0.6]}
        | ({"dense": [0.95]} if found_on == trained_on else {})
        for found_on in ("low", "high")
        for trained_on in ("low", "high")
    }
    others = rows_of.make_matrix(settings, pairs, seeds=3)
    for row in others:
        row["carried"] = row["method"] == "lamp"
        row["flops"] = row["flops_dense"] = None
    tasks = {each.id: each for each in (task, settings)}
    methods = {
        name: Method(name, f"{name} {EVIL}", lambda search: iter(()), family=family, tags=(f"tag-{name}",))
        for name, family in FAMILIES.items()
    }
    results = rows_of.write_results(folder / "results", [*rows, *others])
    build_site([results], folder / "site", tasks, methods)
    return folder / "site"


@pytest.fixture(scope="session")
def browser(site, browser_on):
    return browser_on(f"{site.as_uri()}/")
