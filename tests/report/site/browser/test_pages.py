"""Whole pages in a browser: from a file or a server, by keyboard, on a narrow screen, without scripts, on paper."""

from urllib.parse import unquote, urldefrag, urlsplit

import pytest

TASK = "tasks/digits/mlp.html"


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


def test_without_scripts_tables_and_drawings_are_whole(browser):
    browser.driver.execute_cdp_cmd("Emulation.setScriptExecutionDisabled", {"value": True})
    try:
        browser.open(TASK, ready=False)
        assert browser.driver.find_elements("css selector", ".bar, .axes, .sort") == []
        table = browser.find("#table-1 table.board").text
        assert all(
            name in table for name in ("Dense network", "imp", "imp-late", "lamp", "snip", "random-layer", "filters")
        )
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
