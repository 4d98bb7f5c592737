"""Drawings in a browser: at the width they have, and against the axis that a reader chooses."""

import pytest

TASK = "tasks/digits/mlp.html"

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
