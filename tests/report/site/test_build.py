"""The site as a reader meets it: the numbers, the warnings, and nothing that needs a network or scripts."""

import re
import shutil
from types import SimpleNamespace

import pytest

from ticketbench.errors import TicketbenchError
from ticketbench.methods.declare import Method
from ticketbench.report.boards.board import boards
from ticketbench.report.site.build import build_site
from ticketbench.report.statistics.intervals import plus_minus
from ticketbench.results import write_rows
from ticketbench.task import find_tasks

EVIL = "</script><script>alert('reason')</script><img src=x onerror=alert(1)>"


@pytest.fixture(scope="module")
def built(rows_of, tmp_path_factory):
    """A site of two tasks: one with everything that can go wrong, one that is a ci sibling."""
    folder = tmp_path_factory.mktemp("site")
    task = rows_of.make_task().model_copy(update={"title": f"Digits {EVIL}"})
    accuracy = {
        "dense": [0.95],
        "imp": [0.95, 0.94, 0.9],
        "imp-reinit": [0.94, 0.92, 0.86],
        "one-shot": [0.94, 0.93, 0.88],
        "random-layer": [0.93, 0.9, 0.8],
    }
    rows = rows_of.make_results(task, accuracy, seeds=5, examples=100)
    for row in rows:
        if (row["method"], row["rung"], row["seed"]) == ("one-shot", 3, 1):
            rows_of.without_score(row, "diverged", EVIL)
        if (row["method"], row["rung"]) == ("random-layer", 3) and row["seed"] < 2:
            row |= {"status": "collapsed", "reason": "answers class 4 for every test example"}
    rows = [row for row in rows if (row["method"], row["rung"], row["seed"]) != ("imp-reinit", 2, 4)]
    rows += [
        rows_of.make_row(task, "filters", rung, seed, status="not applicable", reason="needs convolutions")
        for rung in (1, 2, 3)
        for seed in range(5)
    ]
    sibling = rows_of.make_task("mnist/lenet-300-100-ci")
    others = rows_of.make_results(sibling, {"dense": [0.98], "imp": [0.98] * 5}, seeds=3, examples=100)
    tasks = {task.id: task, sibling.id: sibling}
    methods = {
        "imp": Method(
            "imp", title="Iterative & <b>bold</b>", function=print, cites=("frankle2019lottery",), family="iterative"
        )
    }
    results = rows_of.write_results(folder / "results", [*rows, *others])
    index = build_site([results], folder / "site", tasks, methods)
    return SimpleNamespace(
        index=index,
        site=folder / "site",
        results=results,
        tasks=tasks,
        methods=methods,
        board=boards(rows, tasks)[0],
        digits=folder / "site/tasks/digits/mlp.html",
        mnist=folder / "site/tasks/mnist/lenet-300-100-ci.html",
    )


def rungs(page):
    """Which table of a page has every method at every rung."""
    return next(
        place for place, table in enumerate(page.tables) if [c.strip() for c in table[0][1:3]] == ["Seeds", "Cost"]
    )


def test_numbers_in_the_table_are_the_statistics(built, read):
    page = read(built.digits)

    for series in built.board.series:
        row = page.row(rungs(page), series.method)
        for place, (rung, _) in enumerate(built.board.rungs):
            score = series.cells[rung].score
            if score is None:
                assert row[3 + place] == "–"
            else:
                mean, half = plus_minus(100 * score.mean, 100 * score.h)
                assert row[3 + place].startswith(f"{mean} ± {half}")
    dense = built.board.dense.score
    mean, half = plus_minus(100 * dense.mean, 100 * dense.h)
    assert page.row(rungs(page), "Dense")[3] == f"{mean} ± {half}"


def test_columns_are_compressions_and_the_order_is_stated(built, read):
    page = read(built.digits)
    heads = [" ".join(each.split()) for each in page.tables[rungs(page)][0]]

    assert heads == ["Method", "Seeds", "Cost", "1.67× 60 %", "2.78× 36 %", "4.63× 21.6 %"]
    assert "in the order of their means at 4.63×" in page.text
    assert "not a ranking" in page.text
    assert "for other seeds and other test examples from the same source" in page.text


def test_no_status_is_silent(built, read):
    page = read(built.digits)

    assert page.row(rungs(page), "one-shot")[5].endswith("1 diverged")
    assert page.row(rungs(page), "random-layer")[5].endswith("2 collapsed")
    assert page.row(rungs(page), "imp-reinit")[4].endswith("4 of 5 seeds")
    listed = [[" ".join(cell.split()) for cell in row] for row in page.tables[rungs(page) + 1][1:]]
    assert ["one-shot", "diverged", "4.63×", "seed 1", EVIL] in listed
    assert ["random-layer", "collapsed", "4.63×", "seeds 0–1", "answers class 4 for every test example"] in listed
    assert ["filters", "not applicable", "every rung", "seeds 0–4", "needs convolutions"] in listed


def test_what_strangers_write_is_text_and_never_markup(built, read):
    for path in built.site.rglob("*.html"):
        page = read(path)
        assert not any(tag == "img" or "onerror" in attributes for tag, attributes in page.tags)
        assert not any(tag == "b" and "bold" in str(attributes) for tag, attributes in page.tags)
        assert "<b>bold" not in page.source
        assert "<script>alert" not in page.source
    assert EVIL in read(built.digits).text
    assert "Iterative & <b>bold</b>" in read(built.digits).text


def test_references_of_another_recipe_are_marked_and_the_difference_is_listed(built, read):
    page = read(built.mnist)
    rows = [" ".join(" ".join(row).split()) for table in page.tables for row in table]
    steps = (built.tasks["mnist/lenet-300-100-ci"].training.steps, 50000)
    (parent,) = find_tasks("mnist/lenet-300-100")

    assert sum("≠ not comparable another recipe" in row for row in rows) == len(parent.references) > 0
    assert f"training.steps {steps[0]} {steps[1]}" in rows
    assert any("98.3 ± 0.1 %" in row and "imp" in row for row in rows)
    assert "same recipe" not in page.text


def test_a_page_says_how_its_numbers_were_made(built, read):
    text = read(built.digits).text

    assert re.search(r"ticketbench run digits/mlp .*--method imp .*--seeds 5\n", text, re.DOTALL)
    assert "torch 2.11.0, numpy 2.4.0" in text
    assert "--method one-shot" in text and "FILE.py:filters" in text  # which nothing here brings
    assert "again; on the same kind of processor, with the same software, every compared field comes out" in text
    assert "training.batch_size" in text
    assert "Frankle" in text


def test_the_index_lists_the_tasks_and_what_they_hold(built, read):
    page = read(built.index)

    assert [" ".join(cell.split()) for cell in page.tables[0][2]] == [
        "LeNet-300-100 on MNIST, in minutes mnist/lenet-300-100-ci",
        "ci",
        "1",
        "3",
        "18",
    ]


def test_nothing_is_loaded_from_anywhere_else_and_every_local_link_resolves(built, read):
    for path in built.site.rglob("*.html"):
        page = read(path)
        for tag, attributes in page.tags:
            target = attributes.get("src") or attributes.get("href")
            if not target or target.startswith("data:"):
                continue
            if tag != "a":
                assert "//" not in target, f"{path}: <{tag}> loads {target}"
            if not target.startswith("https://"):
                file, _, anchor = target.partition("#")
                assert (path.parent / file).exists() if file else anchor in page.ids, f"{path}: {target}"
    assert "http" not in (built.site / "assets/style.css").read_text("utf-8")
    assert "url(" not in (built.site / "assets/style.css").read_text("utf-8")


def test_figures_are_there_without_scripts_and_each_has_a_description(built, read):
    page = read(built.digits)
    drawn = [attributes for tag, attributes in page.tags if attributes.get("role") == "img"]
    drawn = [attributes for attributes in drawn if attributes.get("class") == "static"]

    assert len(drawn) == 4  # accuracy, speed, and both for the four curves
    assert all(attributes["aria-label"] for attributes in drawn)
    assert page.source.count('class="marks"') == 2 + len(drawn)  # those of full width are there for narrow pages too


def test_equal_results_give_equal_bytes(built, tmp_path):
    build_site([built.results], tmp_path, built.tasks, built.methods)

    files = sorted(path.relative_to(tmp_path) for path in tmp_path.rglob("*") if path.is_file())
    assert files == sorted(path.relative_to(built.site) for path in built.site.rglob("*") if path.is_file())
    assert all((tmp_path / name).read_bytes() == (built.site / name).read_bytes() for name in files)


def test_rows_alone_make_a_page_and_so_do_one_or_two_seeds_and_dense_networks_alone(rows_of, tmp_path, read):
    task = rows_of.make_task()
    accuracy = {"dense": [0.9], "one": [0.9], "two": [0.9]}
    rows = [
        row
        for row in rows_of.make_results(task, accuracy, seeds=2, examples=100)
        if row["method"] != "one" or row["seed"] == 0
    ]
    lonely = rows_of.make_task("digits/conv")
    rows += rows_of.make_results(lonely, {"dense": [0.9]}, seeds=3, examples=100)
    results = rows_of.write_results(tmp_path / "results", rows)

    build_site([results], tmp_path / "site", {})

    page = read(tmp_path / "site/tasks/digits/mlp.html")
    assert re.fullmatch(r"[\d.]+ [\d.]+–[\d.]+( examples only)?", page.row(rungs(page), "one")[3])
    assert re.fullmatch(r"[\d.]+ no interval", page.row(rungs(page), "two")[3])
    assert "the rows alone" in page.text
    lone = read(tmp_path / "site/tasks/digits/conv.html")
    assert lone.row(rungs(lone), "Dense")[1] == "3"


def test_bands_of_one_seed_are_said_to_leave_other_seeds_out(rows_of, tmp_path, read):
    task = rows_of.make_task()
    said = {}
    for seeds in (1, 3):
        rows = rows_of.make_results(task, {"dense": [0.9], "imp": [0.9]}, seeds=seeds, examples=100)
        build_site([rows_of.write_results(tmp_path / f"{seeds}", rows)], tmp_path / f"{seeds}-site", {})
        said[seeds] = read(tmp_path / f"{seeds}-site/tasks/digits/mlp.html").text

    assert "95 % intervals of one seed, for other test examples only (Wilson)" in said[1]
    assert "one seed, for other test examples only" not in said[3]


def test_no_results_is_one_message_with_the_folder_and_a_command(tmp_path):
    with pytest.raises(TicketbenchError, match=rf"{tmp_path}: there are no results. `ticketbench run digits/mlp`"):
        build_site([tmp_path], tmp_path / "site", {})
    with pytest.raises(TicketbenchError, match="nowhere: there is no such folder of results"):
        build_site([tmp_path / "nowhere"], tmp_path / "site", {})


def test_a_truncated_file_and_a_task_that_is_a_path_are_refused(rows_of, tmp_path):
    task = rows_of.make_task()
    results = rows_of.write_results(tmp_path / "cut", [rows_of.make_row(task, "imp", 1, 0)])
    file = results / "digits/mlp/imp.parquet"
    file.write_bytes(file.read_bytes()[:-20])
    with pytest.raises(TicketbenchError, match=r"imp.parquet: is not a readable Parquet file"):
        build_site([results], tmp_path / "site", {})

    row = rows_of.make_row(task.model_copy(update={"id": "../../outside"}), "imp", 1, 0)
    (tmp_path / "path/a/b").mkdir(parents=True)
    results = rows_of.write_results(tmp_path / "path/a/b", [row])
    with pytest.raises(TicketbenchError, match=r"'../../outside', which is no task's id"):
        build_site([tmp_path / "path"], tmp_path / "site", {})
    assert not (tmp_path / "site").exists()


def test_the_same_rows_in_two_folders_are_shown_once_and_contradicting_ones_refused(rows_of, tmp_path, read):
    task = rows_of.make_task()
    rows = rows_of.make_results(task, {"dense": [0.9], "imp": [0.9]}, seeds=3, examples=100)
    one, two = (rows_of.write_results(tmp_path / name, rows) for name in ("one", "two"))

    index = read(build_site([one, two], tmp_path / "site", {}))
    assert [cell.strip() for cell in index.tables[0][1]][-1] == "6"

    rows[-1]["best_step"] += 40
    rows_of.write_results(two, rows)
    with pytest.raises(TicketbenchError, match="best_step"):
        build_site([one, two], tmp_path / "site", {})


def test_a_conflict_in_files_of_several_tasks_names_these_files(rows_of, tmp_path):
    rows = [
        row
        for name in ("digits/mlp", "digits/conv")
        for row in rows_of.make_results(rows_of.make_task(name), {"imp": [0.9]}, seeds=1, examples=100)
    ]
    files = [tmp_path / "results" / name for name in ("one.parquet", "two.parquet")]
    write_rows(files[0], rows)
    write_rows(files[1], [row | {"best_step": row["best_step"] + 40} for row in rows])
    with pytest.raises(TicketbenchError) as caught:
        build_site([tmp_path / "results"], tmp_path / "site", {})
    assert f"({files[0]}, {files[1]})" in str(caught.value)


def test_a_site_that_cannot_be_written_is_one_message(built, tmp_path):
    (tmp_path / "site").write_text("a file", "utf-8")

    with pytest.raises(TicketbenchError, match="the site cannot be written"):
        build_site([built.results], tmp_path / "site", built.tasks)


PROBE = """<script>
addEventListener("load", async () => {
  const charts = [...document.querySelectorAll("[data-chart]")];
  const drawn = () => charts.every((chart) => chart.matches(".drawn"));
  for (let i = 0; i < 200 && !drawn(); i++) await new Promise((resolve) => setTimeout(resolve, 25));
  const legend = charts[0].querySelector(".legend");
  legend.querySelector('[data-series="imp"]').click();
  const asked = performance.getEntriesByType("resource").map((entry) => entry.name);
  document.body.dataset.probe = JSON.stringify({
    drawn: charts.filter((c) => c.matches(".drawn") && c.querySelector(".live svg path")).length,
    faded: legend.querySelectorAll(".faded").length,
    elsewhere: asked.filter((name) => !/^(file|data|blob):/.test(name)),
    sideways: document.documentElement.scrollWidth - innerWidth,
  });
});
</script></body>"""


@pytest.mark.parametrize("width", [500, 1280])
def test_in_a_browser_figures_come_alive_legends_pick_and_nothing_is_fetched_or_overflows(
    built, tmp_path, width, browse
):
    site = tmp_path / "site"
    shutil.copytree(built.site, site)
    page = site / "tasks/digits/mlp.html"
    page.write_text(page.read_text("utf-8").replace("</body>", PROBE), "utf-8")

    dom, log = browse(page, tmp_path / "profile", width)

    assert "CONSOLE" not in log, log
    probe = re.search(r'data-probe="([^"]*)"', dom)
    assert probe, "the page's scripts did not run to their end"
    said = probe[1].replace("&quot;", '"')
    assert '"drawn":4' in said
    assert '"faded":3' in said
    assert '"elsewhere":[]' in said
    assert int(re.search(r'"sideways":(-?\d+)', said)[1]) <= 0


def test_the_first_page_opens_without_a_complaint(built, tmp_path, browse):
    dom, log = browse(built.index, tmp_path / "profile", 1280)

    assert "CONSOLE" not in log, log
    assert "How much of a network can be pruned?" in dom
