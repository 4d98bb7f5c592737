"""The site in a real browser: what a reader can do, from a file, from a server, by keyboard, without scripts."""

import json
from urllib.parse import unquote, urldefrag, urlsplit

import pytest

from ticketbench.methods.declare import Method
from ticketbench.report.site.build import build_site

EVIL = "</script><script>window.injected = 1</script><img src=x onerror='window.injected = 1'>"
TASK = "tasks/digits/mlp.html"
ACCURACY = {
    "dense": [0.95],
    "imp": [0.95, 0.94, 0.90],
    "imp-late": [0.96, 0.92, 0.91],
    "lamp": [0.94, 0.93, 0.88],
    "snip": [0.93, 0.95, 0.85],
    "random-layer": [0.92, 0.89, 0.70],
}
FAMILIES = {"imp": "iterative", "imp-late": "iterative", "lamp": "after training", "snip": "at initialization"}
FIELDS = ("step", "training_loss", "validation_loss", "validation", "test_loss", "test")
COST = {"imp": 3.0, "imp-late": 3.0, "lamp": 1.0, "snip": 0.1, "random-layer": 0.0}


def with_costs(rows, steps=800, batch=60):
    """The rows with a search as costly as COST says, in dense trainings, and operations that follow the weights."""
    for row in rows:
        if row["kind"] != "dense":
            row["search_examples"] = int(COST.get(row["method"], 1.0) * steps * batch)
            row |= {"flops_dense": 100_000, "flops": 100_000 * row["kept"] // row["prunable"]}
    return rows


@pytest.fixture(scope="module")
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
            row["curve"] = [
                dict(zip(FIELDS, (step, 2.0, 2.1, 0.1 + step / 920, 2.2, 0.5), strict=True))
                for step in range(0, 801, 40)
            ]
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


@pytest.fixture(scope="module")
def browser(site, browser_on):
    return browser_on(f"{site.as_uri()}/")


def names(browser, table="#table-1 table.board"):
    """The row heads of a table, first lines, as they stand."""
    return [each.splitlines()[0] for each in browser.all(f"{table} tbody tr > :first-child")]


def count(browser, section="#table-1"):
    return browser.find(f"{section} .bar [role=status]").text


def head(browser, column, section="#table-1"):
    """The button in a column's head."""
    return browser.find(f"{section} table.board thead th:nth-child({column}) button")


def choose(browser, label, value, section="#table-1"):
    script = """
    const labels = [...document.querySelectorAll(`${arguments[0]} .bar label`)];
    const field = labels.find((each) => each.innerText.startsWith(arguments[1])).control;
    field.value = arguments[2];
    field.dispatchEvent(new Event("input", { bubbles: true }));
    field.dispatchEvent(new Event("change", { bubbles: true }));
    """
    browser.run(script, section, label, value)


def addresses(site):
    """Every page below the site's folder."""
    return sorted(str(path.relative_to(site)) for path in site.rglob("*.html"))


LINKS = """
return [...document.querySelectorAll("[href], [src]")].map((each) => each.href?.baseVal ?? each.href ?? each.src);
"""
PRESS = """
for (const each of document.querySelectorAll("summary, .sort, .legend button, .axes input")) each.click();
for (const field of document.querySelectorAll(".bar input, .bar select")) {
  if (field.type === "search") field.value = "onerror";
  for (const kind of ["input", "change"]) field.dispatchEvent(new Event(kind, { bubbles: true }));
}
for (const mark of document.querySelectorAll(".live svg path")) {
  mark.dispatchEvent(new MouseEvent("mousemove", { bubbles: true }));
}
"""
INJECTED = "return [window.injected ?? 0, document.querySelectorAll('img, main script:not([type])').length]"


def some_rows(root, links):
    """Some of the links to the page that shows any row, one with hostile text among them."""
    rows = sorted(each for each in links if "/row.html#task=" in each)
    evil = [each for each in rows if "onerror" in unquote(each)]
    assert evil
    return [each.removeprefix(root) for each in [*rows[:1], *evil[:1]]]


@pytest.mark.parametrize("source", ["file", "server"])
def test_every_page_opens_without_a_complaint_or_a_foreign_request_and_runs_nothing_of_strangers(
    site, browser_on, serve, source
):
    browser = browser_on(f"{site.as_uri()}/" if source == "file" else serve(site))
    browser.complaints(), browser.requests()
    pages = addresses(site) if source == "file" else ["index.html", "methods/imp.html", TASK]
    links = set()

    for page in pages:
        browser.open(page)
        links |= {(page, link) for link in browser.run(LINKS)}
        assert {width: browser.excess(width) for width in (390, 1300)} == {390: 0, 1300: 0}, page
        browser.run(PRESS)
        assert browser.run(INJECTED) == [0, 0], page
    for address in some_rows(browser.root, {link for _, link in links}):
        browser.open(address, ready=False)
        browser.wait("return document.querySelector('#row').innerText.length > 100")
        assert browser.run(INJECTED) == [0, 0], address

    assert browser.complaints() == []
    known = (browser.root, "data:", "blob:", "about:", "chrome:", "chrome-untrusted:")  # the last: the browser's own
    assert [url for url in browser.requests() if not url.startswith(known)] == []
    resolve(site, browser.root, links)


def resolve(site, root, links):
    """Every link of these pages, and every script and style, is a file of the site, and its anchor is there."""
    for page, link in links:
        if link.startswith(("data:", "https://")):
            continue
        assert link.startswith(root), f"{page}: {link}"
        path, anchor = urldefrag(link.removeprefix(root))
        file = site / unquote(urlsplit(path).path)
        assert file.is_file(), f"{page}: {link}"
        if anchor and file.name != "row.html":
            assert f'id="{anchor}"' in file.read_text("utf-8"), f"{page}: {link}"


def test_a_column_sorts_as_numbers_both_ways_with_dense_first_and_the_missing_last(browser):
    browser.open(TASK)
    own = names(browser)
    assert own[0] == "Dense network"

    def scores():
        cells = browser.run("""
        return [...document.querySelectorAll("#table-1 table.board tbody tr:not(.dense)")]
          .map((row) => row.cells[4].querySelector(".mean").textContent)""")
        assert cells[-1] == "–"  # filters, whatever the order
        return [float(each) for each in cells[:-1]]

    head(browser, 5).click()
    assert scores() == sorted(scores(), reverse=True)
    assert browser.all("#table-1 th[aria-sort=descending]") == ["2.78×\n36 %"]
    assert names(browser)[0] == "Dense network"
    assert count(browser) == "7 methods, by 2.78×, descending"

    head(browser, 5).click()
    assert scores() == sorted(scores())
    assert browser.all("#table-1 th[aria-sort=ascending]") == ["2.78×\n36 %"]

    head(browser, 5).click()
    assert names(browser) == own
    assert browser.all("#table-1 th[aria-sort]") == []
    head(browser, 3).click()
    assert names(browser)[1] == "random-layer"  # cost: the least first


def test_a_number_of_another_compression_than_its_column_is_sorted_last(browser):
    browser.open(TASK)
    for _ in range(2):  # falling, then rising
        head(browser, 4).click()
        assert set(names(browser)[-2:]) == {"random-layer", "filters"}


CHART = """
const frame = document.querySelector("#curve .curve");
const box = frame.querySelector("svg").viewBox.baseVal;
if (Math.abs(box.width - frame.clientWidth) > 1) return null;
return [...frame.querySelectorAll("text[text-anchor=end]")].map((each) => each.textContent);
"""


def row_of(browser, method="snip"):
    """Opens a row's page."""
    browser.open(f"row.html#task=digits%2Fmlp&method={method}&rung=1", ready=False)
    browser.wait("return document.querySelector('#rows td a')").click()
    browser.wait("return document.querySelector('#again')")


@pytest.mark.parametrize("width", [390, 1300])
def test_a_row_s_chart_is_drawn_at_the_width_it_has_with_four_ticks_or_more(browser, width):
    size = {"width": width, "height": 900, "deviceScaleFactor": 1, "mobile": False}
    browser.driver.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", size)
    try:
        row_of(browser)
        assert len(browser.wait(CHART)) >= 4
        assert browser.run("return document.documentElement.scrollWidth") <= width
    finally:
        browser.driver.execute_cdp_cmd("Emulation.clearDeviceMetricsOverride", {})


def test_on_a_narrow_page_the_frontier_fits_and_a_group_s_heading_stays_in_sight(browser):
    size = {"width": 390, "height": 900, "deviceScaleFactor": 1, "mobile": False}
    browser.driver.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", size)
    try:
        browser.open(TASK)
        shown = browser.run("""
        return [...document.querySelectorAll(".frontier svg")].filter((each) => each.getClientRects().length)
          .map((each) => each.getBoundingClientRect().width <= each.closest(".scroll").clientWidth);
        """)
        assert shown == [True]
        ends = browser.run("""
        return [...document.querySelectorAll("tr.family .stay")].map((each) => each.getBoundingClientRect())
          .map((box) => [box.left, box.right]);
        """)
        assert ends and all(left >= 0 and right <= 390 for left, right in ends)
    finally:
        browser.driver.execute_cdp_cmd("Emulation.clearDeviceMetricsOverride", {})


def test_a_method_s_results_are_sorted_and_methods_filtered_by_family(browser):
    browser.open("methods.html")
    choose(browser, "Family", "iterative", "#methods")
    assert set(names(browser, "#methods table")) == {"imp", "imp-late"}

    browser.open("methods/snip.html", ready=False)
    browser.wait("return document.documentElement.dataset.tables === 'ready'")
    browser.find("#results thead th:nth-child(5) button").click()
    assert browser.all("#results th[aria-sort=descending]") == ["Score"]


def test_a_group_apart_stays_below_its_heading(browser):
    browser.open("tasks/digits/label-split.html")
    browser.run("document.querySelector('details.cell').open = true")
    table = "details.cell[open] [aria-label^='Accuracy of every method'] table.board"
    for press in range(3):
        heads = names(browser, table)
        apart = next(place for place, name in enumerate(heads) if name.startswith("Carries trained weights"))
        assert heads[0] == "Dense network"
        assert set(heads[1:apart]) == {"imp", "snip"}
        assert heads[apart + 1 :] == ["lamp"], press
        browser.find(f"{table} thead th:nth-child(4) button").click()


def test_text_family_cost_class_and_tag_filter_and_what_is_left_is_said(browser):
    browser.open(TASK)
    region = browser.find("#table-1 .bar [role=status]")
    assert region.text == "7 methods"
    browser.find("#table-1 input[type=search]").send_keys("imp")
    assert names(browser) == ["Dense network", "imp-late", "imp"]
    assert region.text == "2 of 7 methods"
    browser.find("#table-1 .bar button").click()
    assert region.text == "7 methods"

    choose(browser, "Family", "iterative")
    assert set(names(browser)[1:]) == {"imp", "imp-late"}
    choose(browser, "Family", "")
    choose(browser, "Cost class", "2x")
    assert names(browser)[1:] == ["lamp"]
    choose(browser, "Cost class", "5x")
    assert set(names(browser)[1:]) == {"imp", "imp-late"}
    choose(browser, "Cost class", "")
    choose(browser, "Tag", "tag-imp-late")
    assert names(browser)[1:] == ["imp-late"]
    choose(browser, "Find", "nothing at all")
    assert browser.all("#table-1 table.board td.dt-empty") == ["No methods match."]
    assert names(browser)[0] == "Dense network"


def test_columns_can_be_left_out_and_spanning_cells_follow(browser):
    browser.open(TASK)
    browser.find("#table-1 .choice summary").click()
    boxes = {each.text: each for each in browser.driver.find_elements("css selector", "#table-1 .choice label")}
    assert list(boxes) == ["Seeds", "Cost", "1.67×", "2.78×", "4.63×"]
    boxes["Seeds"].click()
    boxes["1.67×"].click()

    heads = browser.all("#table-1 table.board thead th")
    assert [each.splitlines()[0] for each in heads] == ["Method", "Cost", "2.78×", "4.63×"]
    spans = browser.run("""
    const cells = [...document.querySelectorAll("#table-1 .dense > *")];
    return cells.filter((each) => !each.hidden).map((each) => each.colSpan);
    """)
    assert spans == [1, 1, 2]


def test_the_address_holds_the_view_and_opens_it_again_with_anchors_untouched(site, browser_on, serve):
    for root in (f"{site.as_uri()}/", serve(site)):
        browser = browser_on(root)
        browser.open(f"{TASK}#speed-1")
        head(browser, 6).click()
        choose(browser, "Find", "imp")
        choose(browser, "Family", "iterative")
        browser.find("#table-1 .choice summary").click()
        browser.find("#table-1 .choice label").click()
        browser.find('#accuracy-1 input[value="sparsity"]').click()
        browser.run("document.querySelector('#accuracy-1 [data-series=imp] button').click()")
        address = browser.driver.current_url
        assert address.endswith("#speed-1")
        before = names(browser), browser.all("#table-1 table.board thead th"), count(browser)
        assert before[2] == "2 of 7 methods, by 4.63×, descending"

        browser.open(address.removeprefix(root))

        assert (names(browser), browser.all("#table-1 table.board thead th"), count(browser)) == before
        assert browser.driver.current_url == address
        assert browser.find('#accuracy-1 input[value="sparsity"]').is_selected()
        assert browser.all("#accuracy-1 [aria-pressed=true]") == ["imp"]
        browser.run("document.querySelector('nav a[href=\"#table-1\"]').click()")
        assert names(browser) == before[0]
        browser.find("#table-1 .bar > button").click()
        assert "table-1." not in browser.driver.current_url


FOCUSED = r"""
const now = document.activeElement;
if (now.closest("#table-1") === null) return null;
const style = getComputedStyle(now);
return [now.tagName, now.innerText?.split("\n")[0] ?? "", style.outlineStyle, parseFloat(style.outlineWidth)];
"""


def test_everything_is_reached_and_done_by_keyboard_with_a_focus_that_shows(browser):
    from selenium.webdriver.common.keys import Keys

    browser.open(TASK)
    browser.run("document.querySelector('#table-1 input[type=search]').focus()")
    seen = []
    for _ in range(40):
        browser.press(Keys.TAB)
        seen.append(browser.run(FOCUSED))
    reached = [each for each in seen if each]
    assert {"Method", "Seeds", "Cost", "1.67×", "4.63×"} <= {text for tag, text, *_ in reached if tag == "BUTTON"}
    assert [tag for tag, *_ in reached][:4] == ["SELECT", "SELECT", "SELECT", "SUMMARY"]
    assert all(style != "none" and width >= 1 for _, _, style, width in reached)

    browser.run("document.querySelector('#table-1 thead th:nth-child(6) button').focus()")
    browser.press(Keys.ENTER)
    assert browser.all("#table-1 th[aria-sort=descending]") == ["4.63×\n21.6 %"]
    browser.press(Keys.SPACE)
    assert browser.all("#table-1 th[aria-sort=ascending]") == ["4.63×\n21.6 %"]
    assert browser.focus().text.startswith("4.63×")

    browser.run("document.querySelector('#table-1 .choice summary').focus()")
    browser.press(Keys.ENTER, Keys.TAB, Keys.SPACE)
    assert "Seeds" not in browser.all("#table-1 table.board thead th")
    browser.press(Keys.ESCAPE)
    assert not browser.run("return document.querySelector('#table-1 .choice').open")

    browser.run("document.querySelector('#accuracy-1 .axes input:checked').focus()")
    browser.press(Keys.ARROW_RIGHT)
    assert browser.run("return document.querySelector('#accuracy-1 .axes input:checked').value") == "sparsity"
    browser.run("document.querySelector('#accuracy-1 [data-series=imp] button').focus()")
    browser.press(Keys.ENTER)
    assert browser.all("#accuracy-1 [aria-pressed=true]") == ["imp"]
    browser.press(Keys.SPACE)
    assert browser.all("#accuracy-1 [aria-pressed=true]") == []


def test_every_control_has_a_name_and_every_region_too(site, browser):
    for page in ("index.html", TASK):
        browser.open(page)
        tree = browser.driver.execute_cdp_cmd("Accessibility.getFullAXTree", {})["nodes"]
        roles = {"button", "checkbox", "radio", "searchbox", "combobox", "link", "region", "group", "image", "table"}
        nameless = [
            node["role"]["value"]
            for node in tree
            if not node.get("ignored")
            and node.get("role", {}).get("value") in roles - {"table", "group"}
            and not node.get("name", {}).get("value")
        ]
        assert nameless == [], page


def test_the_accuracy_figure_stands_against_what_a_reader_chooses(browser):
    browser.open(TASK)
    titles = {
        "compression": "compression",
        "sparsity": "sparsity, % of prunable weights",
        "speedup": "theoretical speed-up",
        "cost": "search and training, in dense trainings",
    }
    asked = browser.run("return [...document.querySelectorAll('#accuracy-1 .axes input')].map((each) => each.value)")
    assert asked == list(titles)
    for value, title in titles.items():
        browser.find(f'#accuracy-1 input[value="{value}"]').click()
        browser.wait(
            """return [...document.querySelectorAll("#accuracy-1 .live svg text")]
            .some((each) => each.textContent === arguments[0])""",
            title,
        )
    assert browser.find("#accuracy-1 h2").text.lower() == "accuracy against search cost"
    browser.find('#accuracy-1 input[value="compression"]').click()
    assert "accuracy-1.axis" not in browser.driver.current_url


def test_an_axis_that_the_rows_know_nothing_of_is_no_choice(browser):
    browser.open("tasks/digits/label-split.html")
    asked = browser.run("""
    return [...document.querySelector(".axes").querySelectorAll("input")].map((each) => each.value);
    """)

    assert asked == ["compression", "sparsity", "cost"]


def test_without_scripts_tables_and_drawings_are_whole(browser):
    browser.driver.execute_cdp_cmd("Emulation.setScriptExecutionDisabled", {"value": True})
    try:
        browser.open(TASK, ready=False)
        assert browser.driver.find_elements("css selector", ".bar, .axes, .sort") == []
        table = browser.find("#table-1 table.board").text
        assert all(name in table for name in (*FAMILIES, "Dense network", "random-layer", "filters"))
        drawn = browser.find("#accuracy-1 .static .wide svg")
        assert drawn.is_displayed() and drawn.size["width"] > 500
    finally:
        browser.driver.execute_cdp_cmd("Emulation.setScriptExecutionDisabled", {"value": False})


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_on_paper_controls_are_gone_and_drawings_are_the_static_ones(browser, scheme):
    colour = "return getComputedStyle(document.documentElement).getPropertyValue(arguments[0])"
    browser.open(f"{TASK}?accuracy-1.axis=cost")
    light = browser.run(colour, "--method-0")
    assert browser.find("#accuracy-1 h2").text == "Accuracy against search cost"
    features = [{"name": "prefers-color-scheme", "value": scheme}]
    browser.driver.execute_cdp_cmd("Emulation.setEmulatedMedia", {"media": "print", "features": features})
    try:
        scripted = browser.driver.find_elements("css selector", ".bar, .axes, .live")
        assert scripted and not any(each.is_displayed() for each in scripted)
        assert browser.find("#accuracy-1 .static .wide svg").is_displayed()
        assert browser.find("#accuracy-1 h2").text == "Accuracy against compression"
        assert [browser.run(colour, name) for name in ("--paper", "--method-0")] == ["#fff", light]
    finally:
        browser.driver.execute_cdp_cmd("Emulation.setEmulatedMedia", {"media": "", "features": []})
