"""A comparison as JUnit's XML: one test case a statistic, for what shows test reports."""

from xml.etree import ElementTree

from ticketbench.report.compare.comparison import Comparison, Tested
from ticketbench.report.compare.words import HEAD, capped, headline, line, name, place
from ticketbench.report.printable import plain

SUITE = "ticketbench compare"


def junit(found: Comparison) -> str:
    """The report. A regression and a row that failed are failures."""
    cases = [_case(each) for each in found.tested]
    cases += [_failure("failed rows", plain(each), "failed where BASE is done", plain(each)) for each in found.failed]
    if found.verdict == "identical":
        cases = [ElementTree.Element("testcase", classname="results", name=f"{found.rows} rows are identical")]
    said = [headline(found), *capped([f"warning: {each}" for each in found.warnings])]
    return _written(cases, "\n".join([*said, *capped([f"note: {each}" for each in found.notes])]))


def unusable(message: str) -> str:
    """The report where nothing could be compared: one test case, in error."""
    case = ElementTree.Element("testcase", classname="results", name="can be compared")
    ElementTree.SubElement(case, "error", message=plain(message, 2000), type="unusable")
    return _written([case], plain(message, 2000))


def _case(each: Tested) -> ElementTree.Element:
    if each.outcome is None or not each.outcome.regression:
        return ElementTree.Element("testcase", classname=place(each), name=name(each, False))
    cells = dict(zip(HEAD[1:], line(each, False)[1:], strict=True))
    told = ", ".join(f"{what} {value}" for what, value in cells.items())
    return _failure(place(each), name(each, False), f"dropped by more than the margin: {told}", told)


def _failure(of: str, named: str, message: str, said: str) -> ElementTree.Element:
    case = ElementTree.Element("testcase", classname=of, name=named)
    ElementTree.SubElement(case, "failure", message=message, type="regression").text = said
    return case


def _written(cases: list[ElementTree.Element], out: str) -> str:
    counts = {
        "tests": str(len(cases)),
        "failures": str(sum(case.find("failure") is not None for case in cases)),
        "errors": str(sum(case.find("error") is not None for case in cases)),
        "skipped": "0",
    }
    root = ElementTree.Element("testsuites", {"name": SUITE} | counts)
    suite = ElementTree.SubElement(root, "testsuite", {"name": SUITE} | counts)
    suite.extend(cases)
    ElementTree.SubElement(suite, "system-out").text = out
    ElementTree.indent(root)
    return ElementTree.tostring(root, encoding="unicode", xml_declaration=True) + "\n"
