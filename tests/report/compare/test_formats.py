"""What is printed: the verdict first, the worst statistics, and nothing that a row says may act."""

import html
import re
from xml.etree import ElementTree

import pytest

from ticketbench.report.compare import junit, markdown
from ticketbench.report.compare.text import text

HOSTILE = "x|y`<b onclick=1>@someone #12 [l](http://evil.example) \x1b[31m*_~\\ &amp; www.evil.example\n# head"


@pytest.fixture
def regression(sides):
    both = sides()
    both.noise()
    both.drop(0.05, method="imp", rung=2)
    both.change(lambda row: row | {"status": "failed", "reason": HOSTILE}, method="one-shot", rung=4, seed=0)
    return both.found()


@pytest.fixture
def hostile(sides):
    both = sides()
    for side in ("base", "new"):
        both.change(lambda row: row | {"label": HOSTILE}, side=side, method="imp")
    both.noise()
    both.drop(0.05, method="imp")
    both.change(lambda r: r | {"status": "failed", "reason": HOSTILE}, method="one-shot", rung=4, seed=0)
    return both.found()


def test_text_says_the_verdict_first_then_the_worst_then_what_else_there_is(regression):
    lines = text(regression).splitlines()
    assert re.fullmatch(
        r"REGRESSION: \d of 16 statistics dropped by more than the margin, and 1 row failed where BASE is done\.",
        lines[0],
    )
    assert lines[1] == "digits/mlp: seeds 0–4; scores in %, changes in points."
    table = lines[3:14]
    assert table[0].split() == ["base", "new", "change", "drop", "at", "most", "margin", "p"]
    assert all("REGRESSION" in line for line in table[1 : len(regression.regressions) + 1])
    assert any(re.match(r"imp, rung 2 \(2\.78×\) .* −[45]\.\d\d ", line) for line in table)
    assert "Left out of the table: 6 more." in lines
    assert any(line.startswith("failed: digits/mlp one-shot, seed 0, rung 4: x|y") for line in lines)


def test_text_of_each_verdict(sides):
    both = sides()
    assert text(both.found()).splitlines()[0] == "No regression: scores, masks and curves identical in all 65 rows."
    both.change(lambda row: row | {"mask_digest": "n"}, method="imp")
    begins = "No regression: rows differ, but no score that is tested does, in any of 16 statistics.\n"
    assert text(both.found()).startswith(begins)
    both.noise(1e-5)
    assert text(both.found()).startswith("No regression: no worse than the margin, in each of 16 statistics.\n")
    both.noise(0.02)
    first, second = text(both.found()).splitlines()[:2]
    assert re.match(r"No regression shown: \d+ of 16 statistics may have dropped by more than the margin", first)
    assert re.match(
        r"Smallest drop that is found with probability 0\.8, anywhere: [\d.]+ points of a curve, [\d.]+ points of a "
        r"single rung, [\d.]+ points of the dense network\.",
        second,
    )


def test_text_has_nothing_that_acts_on_a_terminal(hostile):
    said = text(hostile)
    assert "\x1b" not in said and all(line.isprintable() for line in said.splitlines())


def test_markdown_is_a_table_in_which_a_rows_text_is_only_text(hostile):
    said = markdown.markdown(hostile)
    assert said.startswith("### REGRESSION: ") and "\x1b" not in said
    table = [line for line in said.splitlines() if line.startswith("|")]
    assert {line.count("|") for line in table} == {9} and len(table) >= 12
    for part in ("<b", "`", "[l]", "*_~", "@s", "http:", "www."):
        assert part not in said
    shown = html.unescape(said)
    assert "<b onclick=1>" in shown
    for part in ("@someone", "#12", "\n# head"):
        assert part not in shown


def test_markdown_that_nothing_could_be_compared(sides):
    assert markdown.unusable("a `b` | <c>") == "### No comparison\n\na &#96;b&#96; &#124; &#60;c&#62;\n"


def test_junit_has_a_test_case_for_every_statistic(regression):
    root = ElementTree.fromstring(junit.junit(regression))
    (suite,) = root
    cases = suite.findall("testcase")
    failures = [case for case in cases if case.find("failure") is not None]
    assert root.get("tests") == suite.get("tests") == str(len(cases)) == "17"
    assert root.get("failures") == str(len(failures)) == str(len(regression.regressions) + 1)
    assert len({(case.get("classname"), case.get("name")) for case in cases}) == 17
    (rung,) = [case for case in failures if case.get("name") == "imp, rung 2 (2.78×)"]
    assert rung.get("classname") == "digits/mlp" and "margin 0." in rung.find("failure").get("message")
    assert suite.find("system-out").text.startswith("REGRESSION: ")


def test_junit_is_valid_whatever_rows_say(hostile):
    names = [case.get("name") for case in ElementTree.fromstring(junit.junit(hostile)).iter("testcase")]
    assert any("<b onclick=1>" in name for name in names)


def test_junit_of_identical_results_and_of_none_to_compare(sides):
    (case,) = ElementTree.fromstring(junit.junit(sides().found())).iter("testcase")
    assert case.get("name") == "65 rows are identical" and len(case) == 0
    root = ElementTree.fromstring(junit.unusable("NEW lacks <rows>\x00"))
    assert root.get("errors") == "1" and root.find(".//error").get("message") == "NEW lacks <rows>?"


def test_of_very_many_warnings_some_are_told(sides):
    both = sides()
    both.change(lambda row: row | {"test_correct": b"\x0f", "test_examples": 8})
    found = both.found()
    said = text(found)
    assert len(found.warnings) == 65 and said.count("warning: ") == 21 and "warning: And 45 more." in said


def test_with_two_tasks_each_line_says_which(sides):
    both = sides()
    for side in ("base", "new"):
        rows = getattr(both, side)
        setattr(both, side, rows + [row | {"task": "mine/net"} for row in rows])
    both.noise()
    both.drop(0.05, method="imp", task="mine/net")
    lines = text(both.found()).splitlines()
    assert lines[1].startswith("digits/mlp, mine/net: seeds 0–4")
    assert any(line.startswith("mine/net imp, curve ") and line.endswith("REGRESSION") for line in lines)
