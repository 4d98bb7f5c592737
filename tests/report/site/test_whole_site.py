"""The site as a whole: every link leads somewhere, the same bytes from any process, methods, rows, downloads."""

import json
import os
import re
import subprocess
import sys
from types import SimpleNamespace
from urllib.parse import parse_qsl
from xml.etree import ElementTree

import pandas as pd
import pytest

from ticketbench.report.site.build import build_site
from ticketbench.results import row_id

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


def called(path):
    return json.loads(re.fullmatch(r"ticketbench\.\w+\((.*)\);\n", path.read_text("utf-8"), re.DOTALL)[1])


def test_every_link_on_every_page_leads_somewhere(whole, read):
    pages = {path: read(path) for path in whole.site.rglob("*.html")}
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
    assert len({path.parts[len(whole.site.parts)] for path in pages}) >= 6
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


def test_the_same_results_give_the_same_bytes_in_another_process_with_other_hashes(whole, files_of, tmp_path):
    (tmp_path / "build.py").write_text(BUILD, "utf-8")
    command = [sys.executable, tmp_path / "build.py", whole.folder, tmp_path / "site"]
    subprocess.run(command, check=True, env=os.environ | {"PYTHONHASHSEED": "77"}, timeout=600)

    here, there = files_of(whole.site), files_of(tmp_path / "site")
    assert sorted(here) == sorted(there)
    assert [name for name in here if here[name] != there[name]] == []


def test_pages_and_scripts_of_data_are_small(whole, files_of):
    for name, content in files_of(whole.site).items():
        assert name.startswith("assets/") or f"/{whole.edition}/assets/" in name or len(content) < 2_000_000, name


def test_a_methods_page_shows_its_file_parameters_papers_and_results_as_text(whole, read):
    page = read(whole.site / "methods/mine.html")
    text = " ".join(page.text.split())

    assert " ".join((whole.folder / "mine.py").read_text("utf-8").split()) in text
    assert "Mine & <b>only</b> mine" in text and "A second paragraph with <script>alert(2)</script>." in text
    assert "Parameter power 2.0 by default" in text and "Parameter mode '<u>' by default" in text
    assert "@misc{own, title = {Mine <i>}}" in text and "@inproceedings{frankle2019lottery," in text
    assert whole.methods["mine"].digest in text
    (row,) = [row for row in page.tables[0] if "digits/mlp" in row[0]]
    assert row[2].strip() == "5" and re.match(r"\s*[\d.]+\s+± [\d.]+", row[4])
    assert not any(tag in ("u", "i", "b", "img") for tag, _ in page.tags)


def test_on_paper_a_method_s_file_is_whole(whole, browser_on):
    browser = browser_on(f"{whole.site.as_uri()}/")
    browser.open("methods/mine.html", ready=False)
    browser.run("document.querySelector('pre.source code').append('\\nx'.repeat(400))")
    browser.driver.execute_cdp_cmd("Emulation.setEmulatedMedia", {"media": "print"})
    try:
        cut = browser.run("const p = document.querySelector('pre.source'); return p.scrollHeight - p.clientHeight")
        assert cut <= 1
    finally:
        browser.driver.execute_cdp_cmd("Emulation.setEmulatedMedia", {"media": ""})


def test_a_method_whose_file_is_not_at_hand_has_a_page_and_so_has_one_with_no_name_for_a_file(whole, read):
    assert "was not at hand" in read(whole.site / "methods/imp.html").text
    (strange,) = (whole.site / "methods").glob("other.*.html")
    assert whole.rows[-1]["method"].replace("\u2028", "?") in read(strange).text
    listed = read(whole.site / "methods.html")
    assert {"methods/mine.html", "methods/imp.html", f"methods/{strange.name}"} <= {
        said.get("href") for _, said in listed.tags
    }


def test_downloads_hold_what_the_page_shows(whole, read):
    folder = whole.site / "tasks/digits/mlp"
    page = read(whole.site / "tasks/digits/mlp.html")
    offered = {said["href"] for tag, said in page.tags if tag == "a" and "download" in said}

    rows = pd.read_parquet(folder / "rows.parquet")
    assert set(rows["row_id"]) == {row_id(row) for row in whole.rows}
    assert offered == {f"mlp/{path.name}" for path in folder.iterdir()}
    table = pd.read_csv(folder / "table.csv")
    own = table[(table["method"] == "mine") & (table["rung"] == 2)].iloc[0]
    assert own["low"] < own["mean"] < own["high"] and own["seeds"] == 5
    assert own["mean"] == pytest.approx(rows[(rows["method"] == "mine") & (rows["rung"] == 2)]["test_final"].mean())
    assert own["compression"] == pytest.approx(11900 / 4284)
    assert own["compression_over_all_parameters"] == pytest.approx(12060 / (4284 + 160))
    assert table["compression_over_all_parameters"].min() == 1  # of the dense network
    assert table["label"].dropna().str.startswith("'=1+1").all()
    for path in folder.glob("*.svg"):
        assert "var(" not in path.read_text("utf-8")
        ElementTree.parse(path)
    assert ">mine<" in (folder / "metric.svg").read_text("utf-8")


def test_the_ranking_and_its_figure_can_be_taken_away(whole):
    folder = whole.site / "tasks/digits/mlp"
    ranking = pd.read_csv(folder / "ranking.csv").set_index("method")

    assert ranking.loc["mine", "rank"] == 1 and ranking.loc["mine", "area"] > ranking.loc["imp", "area"]
    assert ranking.loc["mine", "area_interval"].startswith("±")
    at = min(name for name in ranking.columns if re.fullmatch(r"at_\d+x_percent", name))
    score, said = ranking.loc["mine", [at, f"{at}_interval"]]
    half = float(said.removeprefix("± "))
    table = pd.read_csv(folder / "table.csv").query("method == 'mine' and rung > 0")
    assert 100 * table["mean"].min() <= score <= 100 * table["mean"].max()
    assert 50 * table["half_width"].min() < half < 200 * table["half_width"].max()
    text = (folder / "ranking.tex").read_text("utf-8")
    assert "\nmine & 1" in text and "Holm within this table only" in text
    frontier = ElementTree.parse(folder / "frontier.svg").getroot()
    assert {"mine"} <= {each.text for each in frontier.iter("{http://www.w3.org/2000/svg}text")}


def test_no_page_or_download_holds_a_control_character(whole, files_of):
    for name, content in files_of(whole.site).items():
        if name.endswith((".html", ".svg", ".tex", ".csv")):
            assert not set(content.decode("utf-8")) & set("\u2028\u202e\x1b\x07"), name


def test_methods_stand_in_one_table_with_their_families(whole, read):
    page = read(whole.site / "methods.html")

    (table,) = page.tables
    assert {row[0].strip(): row[1].strip() for row in table if row[0].strip() in ("mine", "imp")}["mine"] == "own"
    assert ("tr", {"data-family": "own"}) in page.tags


def test_lists_of_methods_and_of_no_editions_say_how_to_cite_the_suite(whole, read, tmp_path):
    build_site([whole.results], tmp_path / "site", whole.tasks)

    for path in (whole.site / "methods.html", tmp_path / "site/editions.html"):
        assert "@software{ticketbench," in read(path).text


def test_the_row_page_says_what_it_is_without_scripts(whole, read):
    page = read(whole.site / "row.html")

    assert "scripts are off" in page.text and "Parquet" in page.text
    assert "test is drawn, never used" in page.text


def shows(browse, page, anchor, tmp_path):
    """The row page's visible text and document after its scripts ran for an address."""
    dom, log = browse(SimpleNamespace(as_uri=lambda: f"{page.as_uri()}#{anchor}"), tmp_path / "profile", 1280)
    assert "CONSOLE" not in log, log
    return dom, re.sub(r"<[^>]*>", " ", dom.partition("<main")[2])


def test_in_a_browser_a_row_shows_all_of_it_and_hostile_text_stays_text(whole, tmp_path, browse):
    row = next(row for row in whole.rows if row["status"] == "collapsed")

    dom, text = shows(browse, whole.site / "row.html", row_id(row), tmp_path)

    text = " ".join(text.split())
    over_all = row["parameters"] / (row["kept"] + row["parameters"] - row["prunable"])
    assert f"{over_all:.3g}× compression over all parameters" in text
    assert "imp, seed 4" in text and "ticketbench run digits/mlp --method imp --seeds 5" in text
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


def test_in_a_browser_a_cell_lists_its_rows_and_a_wrong_address_says_so(whole, tmp_path, browse, read):
    page = read(whole.site / "tasks/digits/mlp.html")
    strange = next(
        said["href"] for _, said in page.tags if "__proto__" in said.get("href", "") and "rung=2" in said["href"]
    )

    dom, _ = shows(browse, whole.site / "row.html", strange.partition("#")[2], tmp_path)
    assert len(re.findall(r'href="row.html#[0-9a-f]{32}"', dom)) == 3 and "<img" not in dom
    assert links(dom) == ["#rows", "#citing"] and dom.count("@misc{ticketbench-") == 3

    dom, text = shows(browse, whole.site / "row.html", "0" * 32, tmp_path)
    assert links(dom) == []
    assert f"No row here has an id that begins with {'0' * 32}." in text


@pytest.mark.parametrize(
    ("address", "said"),
    [
        (lambda row: row_id(row)[:12], ", seed 4 "),
        (lambda row: row_id(row)[:7], " is no row’s id: expected its 32 hexadecimal digits"),
        (lambda row: "nonsense", "“nonsense” is no row’s id: expected its 32 hexadecimal digits"),
        (lambda row: "columns", "What the columns mean"),
    ],
    ids=["the first digits", "too few digits", "no digits", "the guide to the columns"],
)
def test_in_a_browser_an_address_is_a_row_or_says_what_is_wrong_with_it(whole, tmp_path, browse, address, said):
    row = next(row for row in whole.rows if row["status"] == "collapsed")
    dom, text = shows(browse, whole.site / "row.html", address(row), tmp_path)
    assert said in text
    assert re.search(r'id="columns"( hidden="")?', dom)[0].endswith('hidden=""') == (said[:4] != "What")
