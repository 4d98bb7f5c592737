"""The page of a task with settings: the matrix, its warnings, the ledger's verdicts, and the boards beneath."""

import re
import shutil
from types import SimpleNamespace

import pytest

from ticketbench.report.boards.board import boards
from ticketbench.report.boards.transfer import matrices
from ticketbench.report.site.build import build_site
from ticketbench.report.site.looks import CHANCE_LINE
from ticketbench.report.site.panels import panels
from ticketbench.task import Reference

S = ("s1", "s2")
CHANCE = {"s1": 0.25, "s2": 0.3}
DENSITIES = (0.6, 0.36, 0.216)


def reference(**said):
    at = {"cite": "morcos2019one", "where": "Figure 1", "method": "imp", "found_on": "s1", "trained_on": "s2"}
    return Reference.model_validate(at | {"column": "test_final"} | said)


def label_split(rows_of):
    task = rows_of.make_settings_task(CHANCE)
    references = (
        reference(density=DENSITIES[2], value=0.3),
        reference(density=DENSITIES[0], claim="Worse.", sign="lower", against={"method": "dense"}),
        reference(density=DENSITIES[0], value=0.5, differs="trained for one epoch"),
        reference(claim="Tickets hold inductive biases.", column=None),
        reference(
            density=DENSITIES[0],
            claim="A quarter is worse than half.",
            sign="higher",
            against={"method": "imp", "density": DENSITIES[2]},
        ),
    )
    return task.model_copy(update={"references": references})


def label_split_rows(rows_of, task):
    """Tickets that transfer badly and at last not at all, some that carry trained weights, and controls."""
    pairs = [(a, b) for a in S for b in S]
    rows = rows_of.make_matrix(task, {(s, s): {"dense": [0.96]} for s in S}, 5, examples=1000)
    for a, b in pairs:
        at = {"found_on": a, "trained_on": b, "examples": 1000}
        loss = 0.0 if a == b else 0.06
        accuracy = {"imp": [0.95 - loss, 0.93 - loss, 0.9 - loss], "random-layer": [0.9, 0.85, 0.8]}
        rows += rows_of.make_results(task, accuracy, 5, **at)
        rows += rows_of.make_results(task, {"late": [0.95, 0.94, 0.93]}, 5, carried=True, **at)
        rows += rows_of.make_controls(task, "imp", {"shuffled": [0.89, 0.84, 0.79]}, 5, **at)
    rows += rows_of.make_results(task, {"snip": [0.9]}, 5, found_on="s1", trained_on="s1", examples=1000)
    dead = ("imp", "s1", "s2", 3)
    names = ("method", "found_on", "trained_on", "rung")
    return [rows_of.collapsed([row], 0.3)[0] if tuple(row[name] for name in names) == dead else row for row in rows]


@pytest.fixture(scope="module")
def built(rows_of, tmp_path_factory):
    folder = tmp_path_factory.mktemp("settings")
    task = label_split(rows_of)
    rows = label_split_rows(rows_of, task)
    results = rows_of.write_results(folder / "results", rows)
    build_site([results], folder / "site", {task.id: task})
    found = {(each.found_on, each.trained_on): each for each in boards(rows, {task.id: task})}
    page = folder / "site/tasks/digits/label-split.html"
    return SimpleNamespace(page=page, site=folder / "site", cells=found, results=results, tasks={task.id: task})


def rows_under(page, head):
    """The lines of the first table with this first head, cells joined."""
    (table, *_) = [each for each in page.tables if each[0][0].split() == head.split()]
    return [[" ".join(cell.split()) for cell in row] for row in table]


def test_each_method_has_a_panel_for_every_pair_of_settings_and_random_tickets_are_in_all(built, read):
    page = read(built.page)
    panels = [attributes["aria-label"] for _, attributes in page.tags if attributes.get("class") == "drawn"]

    assert len(panels) == 8  # imp and late; random-layer is a line in each, snip lacks cells
    assert sum("found on s1 and trained on s2" in each for each in panels) == 2
    assert page.source.count("random tickets, found where they are trained") == 2
    assert "not in the matrix: snip." in page.text
    assert "Read down the columns, never along the rows" in page.text


def test_every_panel_has_the_rule_of_the_majority_class_where_its_rate_is_known(built, rows_of):
    rows = label_split_rows(rows_of, rows_of.make_settings_task(CHANCE))
    unknown = {(each.found_on, each.trained_on): each for each in boards(rows, {})}
    for cells, rules in ((built.cells, 1), (unknown, 0)):
        drawn, legend = panels(next(iter(matrices(cells, S))), cells)
        assert [each.drawn.count(f'stroke-dasharray="{",".join(map(str, CHANCE_LINE.dash))}"') for each in drawn] == [
            rules
        ] * 4
        assert ("majority class" in [meaning for meaning, _ in legend]) == bool(rules)


def test_the_table_of_gaps_prints_the_statistics_and_what_separates(built, read):
    (matrix, *_) = matrices(built.cells, S)
    rows = rows_under(read(built.page), "Off the diagonal")

    printed_as(rows, "Transfer gap", matrix.crossings, lambda each: each.gap, "▼ below", -1)
    assert heads(rows[2:7]) == [
        "Score found on s1, trained on s2",
        "Transfer gap",
        "Advantage",
        "Against random",
        "Against dense",
    ]


def test_the_table_of_the_diagonal_prints_what_tickets_are_better_by_where_they_were_found(built, read):
    (matrix, *_) = matrices(built.cells, S)
    rows = rows_under(read(built.page), "On the diagonal")

    printed_as(rows, "Against random", matrix.diagonal, lambda each: each.against_random, "▲ above", 1)
    assert heads(rows[1:6]) == [
        "s1 → s1",
        "Score found on s1, trained on s1",
        "Advantage",
        "Against random",
        "Against dense",
    ]


def printed_as(rows, line, crossings, difference, mark, sign):
    """Every line of this name prints the means of its cell, and the mark where they separate in its direction."""
    lines = [row for row in rows if row[0].startswith(line)]
    for place, row in enumerate(lines):
        for rung, printed in enumerate(row[1:], start=1):
            found = difference(crossings[rung][place])
            mean, between, half_width, *_ = printed.replace("−", "-").split()
            assert float(mean) == pytest.approx(100 * found.interval.mean, abs=0.06)
            assert between == "±" and float(half_width) == pytest.approx(100 * found.interval.h, abs=0.06)
            assert (mark in printed) == (found.separates == sign)
    assert any(mark in cell for row in lines for cell in row)


def heads(rows):
    return [row[0].split(" minus")[0] for row in rows]


def test_a_cell_that_answers_one_class_says_so_with_the_majority_class_rate_wherever_its_number_stands(built, read):
    page = read(built.page)
    text = " ".join(page.text.split())
    score = rows_under(page, "Off the diagonal")[2][3]
    board = [row for row in rows_under_board(page) if row[0].startswith("imp")]
    (published,) = [row for row in rows_under(page, "Source") if "30.0 %" in row[4]]

    assert "At 4.63×: 30.00 %, and all 5 seeds answer one class; this is the majority-class rate, 30.00 %." in text
    for printed in (score, board[0][5]):
        assert "all 5 collapsed to one class: the majority-class rate, 30.00 %" in printed
    assert "every seed collapsed to one class; the majority-class rate is 30.00 %" in published[5]


def test_a_difference_of_two_collapsed_networks_says_so(built, read):
    rows = rows_under(read(built.page), "Off the diagonal")[2:7]  # found on s1, trained on s2

    noted = {row[0].split(" minus")[0]: ["× both collapsed" in cell for cell in row[1:]] for row in rows}
    assert noted.pop("Advantage") == [False, False, True]
    assert not any(any(each) for each in noted.values())


def test_a_claim_tells_that_what_it_is_set_against_collapsed(built, read):
    (claim,) = [row for row in rows_under(read(built.page), "Source") if "A quarter is worse" in row[4]]

    assert "against imp: every seed collapsed to one class; the majority-class rate is 30.00 %" in claim[5]


def rows_under_board(page):
    """The main table of the tickets found on s1 and trained on s2."""
    tables = [each for each in page.tables if each[0][:2] == ["Method ", "Seeds "]]
    (found,) = [table for table in tables if any("Carries weights of s1" in row[0] for row in table)]
    return [[" ".join(cell.split()) for cell in row] for row in found]


def test_tickets_that_carry_trained_weights_are_a_family_of_their_own(built, read):
    page = read(built.page)
    names = [row[0] for row in rows_under_board(page)]

    assert (
        names.index("late")
        == names.index("Carries weights of s1: a family of its own, not ordered with the others") + 1
    )
    assert names[-1] == "late"
    assert page.text.index("Tickets that carry weights") > page.text.index("Off the diagonal")
    assert page.text.count("carries weights of s1") == 2  # its panel and its table, off the diagonal alone


def test_the_ledger_stands_once_with_settings_and_a_verdict_in_words_for_each_reference(built, read):
    page = read(built.page)
    (table,) = [each for each in page.tables if each[0][0].split() == ["Source"]]
    rows = [[" ".join(cell.split()) for cell in row] for row in table]

    assert rows[0] == ["Source", "Found → trained", "Method", "At", "Published", "Here", "Difference", "Verdict"]
    assert {row[1] for row in rows[1:]} == {"s1 → s2"}
    verdicts = [row[-1] for row in rows[1:]]
    assert verdicts[1].startswith("✓ reproduced")
    assert verdicts[2].startswith("≠ not comparable the source’s recipe differs: trained for one epoch")
    assert verdicts[3].startswith("· not tested")
    assert "tested: lower than dense" in rows[2][4]


def test_diagonal_boards_are_whole_and_the_others_are_folded_tables(built, read):
    page = read(built.page)

    assert {"accuracy-1-s1", "table-1-s2", "speed-1-s2", "controls-1-s1"} <= page.ids
    folded = [attributes for tag, attributes in page.tags if tag == "details" and attributes.get("class") == "cell"]
    assert len(folded) == 2
    assert all("open" not in each for each in folded)
    assert "Found on s2, trained on s1: every method at every rung, and controls" in page.text
    assert len(page.ids) == len(set(re.findall(r' id="([^"]*)"', page.source))) + 1  # and None
    assert page.source.count(' id="') == len(page.ids) - 1


def test_the_recipe_is_told_once_and_each_setting_says_what_it_changes(built, read):
    text = "".join(read(built.page).text.split())

    assert "Settings1data.labels0,1,2,3,4Settings2data.labels5,6,7,8,9" in text
    assert "s2data.labels5,6,7,8,9;majorityclass30.00%" in text
    assert text.count("training.batch_size") == 1


def test_a_control_is_drawn_beside_its_method_and_its_difference_printed(rows_of, tmp_path, read):
    task = rows_of.make_task()
    rows = rows_of.make_results(task, {"dense": [0.95], "imp": [0.94, 0.9]}, 5)
    rows += rows_of.make_controls(task, "imp", {"shuffled": [0.9, 0.8], "long-dense": [0.96, 0.96]}, 5)
    results = rows_of.write_results(tmp_path / "results", rows)
    build_site([results], tmp_path / "site", {task.id: task})

    page = read(tmp_path / "site/tasks/digits/mlp.html")
    lines = rows_under(page, "imp minus its control")

    tickets, shuffled = (
        [row["test_final"] for row in rows if (row["kind"], row["label"], row["rung"]) == (*each, 2)]
        for each in (("ticket", ""), ("control", "shuffled"))
    )
    mean = 100 * (sum(tickets) - sum(shuffled)) / 5
    assert lines[1][0] == "shuffled mask shuffled within layers"
    assert float(lines[1][2].split()[0]) == pytest.approx(mean, abs=0.06)
    assert lines[2][1].startswith("−")
    assert "controls-1" in page.ids
    assert "A dense network trained for long keeps every weight" in " ".join(page.text.split())
    assert "A small dense network has about as many weights" not in " ".join(page.text.split())
    assert "matrix-1" not in page.ids
    assert "Rows of other kinds" not in page.text


def test_equal_results_give_equal_bytes(built, tmp_path):
    build_site([built.results], tmp_path, built.tasks)

    assert (tmp_path / "tasks/digits/label-split.html").read_bytes() == built.page.read_bytes()


def test_rows_alone_make_a_matrix_too(rows_of, tmp_path, read):
    task = label_split(rows_of)
    results = rows_of.write_results(tmp_path / "results", label_split_rows(rows_of, task))
    build_site([results], tmp_path / "site", {})

    page = read(tmp_path / "site/tasks/digits/label-split.html")

    assert "all 5 seeds answer one class." in " ".join(page.text.split())
    assert "majority class" not in page.text


def test_bands_of_one_seed_are_said_to_leave_other_seeds_out(rows_of, tmp_path, read):
    task = label_split(rows_of)
    rows = label_split_rows(rows_of, task)
    said = {}
    for seeds in (1, 5):
        some = rows_of.write_results(tmp_path / f"{seeds}", [row for row in rows if row["seed"] < seeds])
        build_site([some], tmp_path / f"{seeds}-site", {})
        page = " ".join(read(tmp_path / f"{seeds}-site/tasks/digits/label-split.html").text.split())
        (said[seeds],) = {
            *re.findall(r"against compression, means over seeds\. Bands are (.*?)\. The level band", page)
        }

    assert said[1].endswith("of one seed, for other test examples only (Wilson): another seed may lie outside")
    assert said[5].endswith("for other seeds and other test examples from the same source (the joint interval)")


PROBE = """<script>
addEventListener("load", async () => {
  for (const each of document.querySelectorAll("details")) each.open = true;
  const charts = [...document.querySelectorAll("[data-chart]")];
  const drawn = () => charts.every((chart) => chart.matches(".drawn"));
  for (let i = 0; i < 400 && !drawn(); i++) await new Promise((resolve) => setTimeout(resolve, 25));
  const panels = [...document.querySelectorAll(".panel")].map((each) => each.getBoundingClientRect());
  document.body.dataset.probe = JSON.stringify({
    waiting: charts.filter((chart) => !chart.matches(".drawn")).length,
    sideways: document.documentElement.scrollWidth - innerWidth,
    beside: panels[0].top === panels[1].top,
    below: panels[0].left === panels[2].left,
  });
});
</script></body>"""


@pytest.mark.parametrize("width", [500, 1280])
def test_in_a_browser_panels_stand_in_a_grid_or_one_below_another_and_nothing_overflows(
    built, tmp_path, browse, width
):
    shutil.copytree(built.site, tmp_path / "site")
    page = tmp_path / "site/tasks/digits/label-split.html"
    page.write_text(page.read_text("utf-8").replace("</body>", PROBE), "utf-8")

    dom, log = browse(page, tmp_path / "profile", width)

    assert "CONSOLE" not in log, log
    said = re.search(r'data-probe="([^"]*)"', dom)[1].replace("&quot;", '"')
    assert '"waiting":0' in said
    assert f'"beside":{"true" if width > 640 else "false"},"below":true' in said
    assert int(re.search(r'"sideways":(-?\d+)', said)[1]) <= 0
