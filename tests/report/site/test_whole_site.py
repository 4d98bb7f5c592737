"""The site as a whole: every link leads somewhere, the same bytes from any process, editions that stay, downloads."""

import json
import os
import re
import shutil
import subprocess
import sys
from types import SimpleNamespace
from urllib.parse import parse_qsl
from xml.etree import ElementTree

import pandas as pd
import pytest
import yaml

from ticketbench.errors import TicketbenchError
from ticketbench.methods import load_methods
from ticketbench.report.site.build import build_site
from ticketbench.results import row_id

EVIL = (
    "</script><script>document.title = 'injected'</script><img src=x onerror=\"document.title = 'injected'\">\u2028"
)
SHOWN = EVIL.replace("\u2028", "?")
EDITION = "2026-11"
MINE = '''"""A file with </code><script>alert(1)</script> in it."""
from ticketbench import scorer

CITES = ["frankle2019lottery", "@misc{own, title = {Mine <i>}}"]

@scorer("mine", title="Mine & <b>only</b> mine", cites=CITES, family="own")
def mine(search, checkpoint, *, power: float = 2.0, mode="<u>"):
    """Scores by `power`.

    A second paragraph with <script>alert(2)</script>.
    """
    return {name: weight.abs() ** power for name, weight in checkpoint.prunable.items()}
'''
BUILD = """
import sys
from pathlib import Path
from ticketbench.methods import load_methods
from ticketbench.report.site.build import build_site
from ticketbench.task import Task

if __name__ == "__main__":
    folder, out = map(Path, sys.argv[1:])
    tasks = [Task.model_validate_json(path.read_text("utf-8")) for path in sorted(folder.glob("*.json"))]
    methods = {each.name: each for each in load_methods(folder / "mine.py")}
    build_site([folder / "results"], out, {task.id: task for task in tasks}, methods, jobs=2, edition="2026-11")
"""


def with_curve(rows_of, row):
    points = [
        (step, 2.0 - step / 1e3, 2.1 - step / 1e3, 0.1 + step / 1e3, 2.2, step / 900) for step in range(0, 801, 40)
    ]
    layers = [{"layer": f"hidden{EVIL}.weight", "kept": row["kept"], "prunable": row["prunable"]}]
    return row | {"curve": rows_of.make_curve(points), "kept_per_layer": layers}


@pytest.fixture(scope="module")
def built(rows_of, tmp_path_factory):
    """A site of two tasks with an edition, a method's own file, and hostile text wherever a stranger may write."""
    folder = tmp_path_factory.mktemp("whole")
    (folder / "mine.py").write_text(MINE, "utf-8")
    methods = {each.name: each for each in load_methods(folder / "mine.py")}
    task = rows_of.make_task().model_copy(update={"title": f"Digits {EVIL}"})
    accuracy = {"dense": [0.95], "mine": [0.95, 0.9], "imp": [0.94, 0.85]}
    rows = [with_curve(rows_of, row) for row in rows_of.make_results(task, accuracy, seeds=5, examples=100)]
    rows[-1] |= {"status": "collapsed", "reason": EVIL}
    strange = rows_of.make_results(
        task, {f"__proto__ {EVIL}": [0.9, 0.8]}, seeds=3, examples=100, label=f"=1+1 {EVIL}"
    )
    other = rows_of.make_task("digits/conv")
    small = rows_of.make_results(other, {"dense": [0.9], "imp": [0.9]}, seeds=3, examples=100)
    results = rows_of.write_results(folder / "results", [*rows, *small])
    rows_of.write_results(folder / "results/strangers", [row | {"method_digest": "f" * 64} for row in strange])
    tasks = {each.id: each for each in (task, other)}
    for each in tasks.values():
        (folder / f"{each.id.replace('/', '-')}.json").write_text(each.model_dump_json(), "utf-8")
    build_site([results], folder / "site", tasks, methods, edition=EDITION)
    return SimpleNamespace(
        folder=folder, site=folder / "site", results=results, rows=[*rows, *strange], tasks=tasks, methods=methods
    )


def files_of(folder):
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def called(path):
    return json.loads(re.fullmatch(r"ticketbench\.\w+\((.*)\);\n", path.read_text("utf-8"), re.DOTALL)[1])


def test_every_link_on_every_page_leads_somewhere(built, read):
    pages = {path: read(path) for path in built.site.rglob("*.html")}
    cells = set()
    for path, page in pages.items():
        for tag, said in page.tags:
            target = said.get("src") or said.get("href")
            if not target or target.startswith("data:"):
                continue
            assert tag == "a" or "//" not in target, f"{path}: <{tag}> loads {target}"
            if target.startswith("https://"):
                continue
            file, _, anchor = target.partition("#")
            found = (path.parent / file).resolve() if file else path
            assert found.is_file(), f"{path}: {target}"
            if found.name == "row.html" and "=" in anchor:
                cells.add((found.parent, anchor))
            elif anchor:
                assert anchor in pages[found].ids, f"{path}: {target}"
    assert len({path.parts[len(built.site.parts)] for path in pages}) >= 6
    assert len(cells) > 20
    for root, anchor in cells:
        assert rows_there(root, dict(parse_qsl(anchor))), anchor


def rows_there(root, asked):
    """The rows that the row page would list for an address."""
    said = {"kind": "ticket", "params": "{}", "label": "", "found_on": "default", "trained_on": "default"} | asked
    _, methods = called(root / f"rows/{said['task']}/index.js")
    rungs = dict(methods)[said["method"]]
    wanted = {part for rung, parts in rungs if said.get("rung") in (None, str(rung)) for part in parts}
    rows = []
    for number in wanted:
        part = called(root / f"rows/{said['task']}/{number}.js")
        columns = part["columns"].items()
        rows += [part["same"] | {name: each[place] for name, each in columns} for place in range(part["count"])]
    names = {
        "kind": "kind",
        "method": "method",
        "params": "method_params",
        "label": "label",
        "trained_on": "trained_on",
    }
    return [row for row in rows if all(row[column] == said[name] for name, column in names.items())]


def test_the_same_results_give_the_same_bytes_in_another_process_with_other_hashes(built, tmp_path):
    (tmp_path / "build.py").write_text(BUILD, "utf-8")
    command = [sys.executable, tmp_path / "build.py", built.folder, tmp_path / "site"]
    subprocess.run(command, check=True, env=os.environ | {"PYTHONHASHSEED": "77"}, timeout=600)

    here, there = files_of(built.site), files_of(tmp_path / "site")
    assert sorted(here) == sorted(there)
    assert [name for name in here if here[name] != there[name]] == []


def test_pages_and_scripts_of_data_are_small(built):
    for name, content in files_of(built.site).items():
        assert name.startswith("assets/") or f"/{EDITION}/assets/" in name or len(content) < 2_000_000, name


def test_a_methods_page_shows_its_file_parameters_papers_and_results_as_text(built, read):
    page = read(built.site / "methods/mine.html")
    text = " ".join(page.text.split())

    assert " ".join(MINE.split()) in text
    assert "Mine & <b>only</b> mine" in text and "A second paragraph with <script>alert(2)</script>." in text
    assert "Parameter power 2.0 by default" in text and "Parameter mode '<u>' by default" in text
    assert "@misc{own, title = {Mine <i>}}" in text and "@inproceedings{frankle2019lottery," in text
    assert built.methods["mine"].digest in text
    (row,) = [row for row in page.tables[0] if "digits/mlp" in row[0]]
    assert row[2].strip() == "5" and re.match(r"\s*[\d.]+\s+± [\d.]+", row[4])
    assert not any(tag in ("u", "i", "b", "img") for tag, _ in page.tags)


def test_on_paper_a_method_s_file_is_whole(built, browser_on):
    browser = browser_on(f"{built.site.as_uri()}/")
    browser.open("methods/mine.html", ready=False)
    browser.run("document.querySelector('pre.source code').append('\\nx'.repeat(400))")
    browser.driver.execute_cdp_cmd("Emulation.setEmulatedMedia", {"media": "print"})
    try:
        cut = browser.run("const p = document.querySelector('pre.source'); return p.scrollHeight - p.clientHeight")
        assert cut <= 1
    finally:
        browser.driver.execute_cdp_cmd("Emulation.setEmulatedMedia", {"media": ""})


def test_a_method_whose_file_is_not_at_hand_has_a_page_and_so_has_one_with_no_name_for_a_file(built, read):
    assert "was not at hand" in read(built.site / "methods/imp.html").text
    (strange,) = (built.site / "methods").glob("other.*.html")
    assert f"__proto__ {SHOWN}" in read(strange).text
    listed = read(built.site / "methods.html")
    assert {"methods/mine.html", "methods/imp.html", f"methods/{strange.name}"} <= {
        said.get("href") for _, said in listed.tags
    }


def test_downloads_hold_what_the_page_shows(built, read):
    folder = built.site / "tasks/digits/mlp"
    page = read(built.site / "tasks/digits/mlp.html")
    offered = {said["href"] for tag, said in page.tags if tag == "a" and "download" in said}

    rows = pd.read_parquet(folder / "rows.parquet")
    assert set(rows["row_id"]) == {row_id(row) for row in built.rows}
    assert offered == {f"mlp/{path.name}" for path in folder.iterdir()}
    table = pd.read_csv(folder / "table.csv")
    own = table[(table["method"] == "mine") & (table["rung"] == 2)].iloc[0]
    assert own["low"] < own["mean"] < own["high"] and own["seeds"] == 5
    assert own["mean"] == pytest.approx(rows[(rows["method"] == "mine") & (rows["rung"] == 2)]["test_final"].mean())
    assert table["label"].dropna().str.startswith("'=1+1").all()
    for path in folder.glob("*.svg"):
        assert "var(" not in path.read_text("utf-8")
        ElementTree.parse(path)
    assert ">mine<" in (folder / "metric.svg").read_text("utf-8")


def test_the_ranking_and_its_figure_can_be_taken_away(built):
    folder = built.site / "tasks/digits/mlp"
    ranking = pd.read_csv(folder / "ranking.csv").set_index("method")

    assert ranking.loc["mine", "rank"] == 1 and ranking.loc["mine", "area"] > ranking.loc["imp", "area"]
    assert ranking.loc["mine", "area_interval"].startswith("±")
    text = (folder / "ranking.tex").read_text("utf-8")
    assert "\nmine & 1" in text and "Holm within this table only" in text
    frontier = ElementTree.parse(folder / "frontier.svg").getroot()
    assert {"mine"} <= {each.text for each in frontier.iter("{http://www.w3.org/2000/svg}text")}


def test_no_page_or_download_holds_a_control_character(built):
    for name, content in files_of(built.site).items():
        if name.endswith((".html", ".svg", ".tex", ".csv")):
            assert not set(content.decode("utf-8")) & set("\u2028\u202e\x1b\x07"), name


def test_methods_stand_in_one_table_with_their_families(built, read):
    page = read(built.site / "methods.html")

    (table,) = page.tables
    assert {row[0].strip(): row[1].strip() for row in table if row[0].strip() in ("mine", "imp")}["mine"] == "own"
    assert ("tr", {"data-family": "own"}) in page.tags


def test_lists_of_methods_and_of_no_editions_say_how_to_cite_the_suite(built, read, tmp_path):
    build_site([built.results], tmp_path / "site", built.tasks)

    for path in (built.site / "methods.html", tmp_path / "site/editions.html"):
        assert "@software{ticketbench," in read(path).text


def test_the_row_page_says_what_it_is_without_scripts(built, read):
    page = read(built.site / "row.html")

    assert "scripts are off" in page.text and "Parquet" in page.text
    assert "test is drawn, never used" in page.text


def shows(browse, page, anchor, tmp_path):
    """The row page's visible text and document after its scripts ran for an address."""
    dom, log = browse(SimpleNamespace(as_uri=lambda: f"{page.as_uri()}#{anchor}"), tmp_path / "profile", 1280)
    assert "CONSOLE" not in log, log
    return dom, re.sub(r"<[^>]*>", " ", dom.partition("<main")[2])


def test_in_a_browser_a_row_shows_all_of_it_and_hostile_text_stays_text(built, tmp_path, browse):
    row = next(row for row in built.rows if row["status"] == "collapsed")

    dom, text = shows(browse, built.site / "row.html", row_id(row), tmp_path)

    text = " ".join(text.split())
    assert "imp, seed 4" in text and "ticketbench run digits/mlp --method FILE.py:imp --seeds 5" in text
    assert "Test values are drawn, never used" in text and dom.count('class="line test"') == 4
    assert row_id(row) in text and f"@misc{{ticketbench-{row_id(row)[:12]}," in text
    assert f"ticketbench verify rows.parquet --row {row_id(row)[:12]} " in text
    assert "equal in every bit" in text.partition("Computing it again")[2].partition("Citing it")[0]
    assert "digest of the row's key" in text and "torch 2.11.0, numpy 2.4.0" in text
    assert text.count("&lt;img src=x") >= 3  # the reason, a layer's name, the value of the column
    assert "<img" not in dom and "<title>imp, seed 4" in dom


def links(dom):
    """What the page's own navigation leads to."""
    return re.findall(r'href="(.*?)"', dom.partition('aria-label="This page"')[2].partition("</nav>")[0])


def test_in_a_browser_a_cell_lists_its_rows_and_a_wrong_address_says_so(built, tmp_path, browse, read):
    page = read(built.site / "tasks/digits/mlp.html")
    strange = next(
        said["href"] for _, said in page.tags if "__proto__" in said.get("href", "") and "rung=2" in said["href"]
    )

    dom, _ = shows(browse, built.site / "row.html", strange.partition("#")[2], tmp_path)
    assert len(re.findall(r'href="row.html#[0-9a-f]{32}"', dom)) == 3 and "<img" not in dom
    assert links(dom) == ["#rows", "#citing"] and dom.count("@misc{ticketbench-") == 3

    dom, text = shows(browse, built.site / "row.html", "0" * 32, tmp_path)
    assert links(dom) == []
    assert f"No row here has the id {'0' * 32}." in text


def test_an_edition_is_marked_linked_and_cited_and_holds_the_whole_site(built, read):
    frozen = built.site / "editions" / EDITION
    manifest = json.loads((frozen / "manifest.json").read_text("utf-8"))

    assert manifest["rows"] == len(built.rows) + 6
    assert manifest["tasks"][1] == {"id": "digits/mlp", "versions": [1], "rows": len(built.rows)}
    assert set(manifest["files"]) == set(files_of(frozen)) - {"manifest.json"}
    assert f"Edition {EDITION}, frozen" in " ".join(read(frozen / "tasks/digits/mlp.html").text.split())
    assert "frozen: these pages" not in read(built.site / "index.html").text
    assert f"editions/{EDITION}/index.html" in (built.site / "index.html").read_text("utf-8")
    assert f"ticketbench-{EDITION}," in read(built.site / "editions.html").text


def copied(built, tmp_path):
    return shutil.copytree(built.site, tmp_path / "site")


def test_a_later_build_leaves_an_edition_as_it_is_and_lists_it(built, rows_of, tmp_path, read):
    site = copied(built, tmp_path)
    before = files_of(site / "editions")
    task = rows_of.make_task("digits/conv")
    rows = rows_of.make_results(task, {"dense": [0.9]}, seeds=2, examples=100)
    build_site([rows_of.write_results(tmp_path / "new", rows)], site, {task.id: task})

    assert files_of(site / "editions") == before
    assert f"editions/{EDITION}/index.html" in (site / "tasks/digits/conv.html").read_text("utf-8")


def test_freezing_a_name_twice_or_by_no_name_is_refused_and_changes_nothing(built, tmp_path):
    site = copied(built, tmp_path)
    before = files_of(site)
    with pytest.raises(TicketbenchError, match="edition 2026-11 is there already, and an edition never changes"):
        build_site([built.results], site, built.tasks, edition=EDITION)
    for name in ("../up", "november", "2026", ".2026-11"):
        with pytest.raises(TicketbenchError, match="cannot name an edition: expected year and month, as in 2026-11"):
            build_site([built.results], site, built.tasks, edition=name)
    assert files_of(site) == before


@pytest.mark.parametrize(
    ("harm", "said"),
    [
        (lambda folder: (folder / "index.html").write_text("other", "utf-8"), "index.html was changed"),
        (lambda folder: (folder / "row.html").unlink(), "row.html is missing"),
        (lambda folder: (folder / "new.html").write_text("", "utf-8"), "new.html does not belong to it"),
        (
            lambda folder: (folder / "manifest.json").write_text("{", "utf-8"),
            "its manifest.json is missing",
        ),
    ],
)
def test_a_damaged_edition_is_named_by_the_next_build(built, tmp_path, harm, said):
    site = copied(built, tmp_path)
    harm(site / "editions" / EDITION)
    with pytest.raises(TicketbenchError, match=rf"edition 2026-11 is damaged: {said}"):
        build_site([built.results], site, built.tasks)


def test_what_a_number_for_good_needs_is_one_message_naming_all_of_it(rows_of, tmp_path):
    task = rows_of.make_task(chance=None)
    stale = rows_of.make_task("digits/conv")
    rows = rows_of.make_results(task, {"dense": [0.9]}, seeds=1, examples=100)
    rows += rows_of.make_results(stale, {"dense": [0.9]}, seeds=2, examples=100, task_digest="0" * 64)
    results = rows_of.write_results(tmp_path / "results", rows)

    with pytest.raises(TicketbenchError) as caught:
        build_site([results], tmp_path / "site", {each.id: each for each in (task, stale)}, edition=EDITION)

    assert "digits/mlp: declares no chance value" in str(caught.value)
    assert "digits/conv: 2 rows were made under another wording of the task" in str(caught.value)
    assert list((tmp_path / "site").iterdir()) == []


def test_the_workflow_that_publishes_is_yaml_and_writes_only_where_it_keeps_an_edition():
    from pathlib import Path

    workflow = yaml.safe_load((Path(__file__).parents[3] / ".github/workflows/pages.yml").read_text("utf-8"))

    assert workflow["permissions"] == {}
    granted = {name: job["permissions"] for name, job in workflow["jobs"].items()}
    assert granted == {
        "build": {"contents": "read"},
        "keep": {"contents": "write"},
        "publish": {"pages": "write", "id-token": "write"},
    }
    commands = [step.get("run", "") for job in workflow["jobs"].values() for step in job["steps"]]
    assert not any("${{" in command for command in commands)  # what a person types stays out of scripts
    assert any("ticketbench leaderboard" in command for command in commands)
