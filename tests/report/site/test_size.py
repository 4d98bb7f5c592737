"""A site with as many methods and rungs as a full one: no page or script of data grows beyond two megabytes."""

import pytest

from ticketbench.methods.declare import Method
from ticketbench.report.site.build import build_site

LIMIT = 2_000_000


@pytest.fixture(scope="module")
def site(rows_of, tmp_path_factory):
    """24 methods of 8 families on 20 rungs with curves of 50 evaluations; seeds are few, since no page lists them."""
    folder = tmp_path_factory.mktemp("size")
    task = rows_of.make_task()
    ladder = task.ladder.model_copy(update={"rounds": 20, "prune": 0.2})
    task = task.model_copy(update={"ladder": ladder})
    methods = {
        name: Method(name, title=f"A title of method {name}", function=print, family=f"family {number % 8}")
        for number, name in enumerate(f"method-{number}" for number in range(24))
    }
    levels = {name: [0.95 - 0.01 * rung for rung in range(20)] for name in methods}
    rows = rows_of.make_results(task, {"dense": [0.95], **levels}, seeds=2, examples=50)
    curve = rows_of.make_curve([(40 * n, *(1 / (n + k) for k in range(2, 7))) for n in range(50)])
    results = rows_of.write_results(folder / "results", [row | {"curve": curve} for row in rows])
    build_site([results], folder / "site", {task.id: task}, methods)
    return folder / "site"


def test_no_page_and_no_script_of_data_is_beyond_two_megabytes(site):
    sizes = {path.relative_to(site).as_posix(): path.stat().st_size for path in site.rglob("*") if path.is_file()}
    pages = {name: size for name, size in sizes.items() if name.endswith((".html", ".js")) and "assets/" not in name}

    assert sizes["tasks/digits/mlp.html"] > 400_000  # it is as full as it was meant to be
    assert {name: size for name, size in pages.items() if size > LIMIT} == {}


def test_rows_of_a_cell_lie_in_one_or_two_scripts(site):
    parts = [path for path in (site / "rows/digits/mlp").iterdir() if path.name != "index.js"]

    assert len(parts) > 3
    assert max(path.stat().st_size for path in parts) < LIMIT / 2
