"""A board's table in a browser: sorted, filtered, its columns chosen, and the view that the address holds."""

TASK = "tasks/digits/mlp.html"


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
        apart = next(place for place, name in enumerate(heads) if name.startswith("Carries weights"))
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
