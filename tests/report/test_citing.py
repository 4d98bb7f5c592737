"""Citations: BibTeX that another program reads, complete, no key twice, nothing in it that a stranger slipped in."""

import re
import tomllib
from pathlib import Path

import pytest

import ticketbench
from ticketbench.bibliography import read_bibliography
from ticketbench.report.citing import Cited, cite_papers, cite_row, cite_suite, describe_row
from ticketbench.task import load_task, shipped_tasks

ROOT = Path(__file__).parents[2]
OWN = "@article{mine2026,\n  title = {Mine},\n  author = {A. Person},\n  year = {2026},\n}"


@pytest.fixture(scope="module")
def task():
    return load_task(shipped_tasks()["digits/mlp"])


def entries(cited, tmp_path):
    """As our own strict reader reads what was printed; it wants a year, which a version of a program has not."""
    text = re.sub(r"(@software{.*?)\n}", r"\1\n  year = {0},\n}", cited.bibtex, flags=re.DOTALL)
    path = tmp_path / "refs.bib"
    path.write_text(text, "utf-8")
    return read_bibliography(path)


def test_the_suite_is_cited_as_its_citation_file_says(tmp_path):
    said = dict(re.findall(r'^(?:  - )?(\w[\w-]*): "?(.*?)"?$', (ROOT / "CITATION.cff").read_text("utf-8"), re.M))
    author = re.search(r'authors:\n  - name: "(.*)"', (ROOT / "CITATION.cff").read_text("utf-8"))
    fields = entries(cite_suite(), tmp_path)["ticketbench"].fields
    assert fields["title"].replace("{", "").replace("}", "") == said["title"]
    assert fields["author"] == f"{{{author[1]}}}"
    assert fields["version"] == said["version"] == ticketbench.__version__
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    assert fields["url"] == said["repository-code"] == project["urls"]["Documentation"].removesuffix("#readme")


def test_papers_stand_as_the_bibliography_has_them(task, tmp_path):
    sources = read_bibliography()
    cited = cite_papers([*task.cites, "frankle2019lottery"], sources, "task")
    assert entries(cited, tmp_path) == {key: sources[key] for key in [*task.cites, "frankle2019lottery"]}
    assert cited.remarks == ()


def test_bibtex_of_an_author_s_own_stands_as_it_was_given():
    cited = cite_papers([OWN, "frankle2019lottery"], read_bibliography(), "method mine")
    assert list(cited.entries) == ["mine2026", "frankle2019lottery"]
    assert cited.bibtex.startswith(OWN)


def test_what_is_neither_a_key_nor_bibtex_is_told_and_not_printed():
    cited = cite_papers(["nobody1999"], read_bibliography(), "method mine")
    assert cited.bibtex == ""
    (remark,) = cited.remarks
    assert remark.startswith("method mine cites 'nobody1999'")


def test_no_entry_comes_twice_and_two_of_one_key_are_told():
    other = OWN.replace("Mine", "Another")
    sources = read_bibliography()
    both = cite_papers([OWN], sources, "a") + cite_papers([OWN], sources, "b")
    assert both == Cited({"mine2026": OWN})
    clash = both + cite_papers([other], sources, "c")
    assert clash.entries == {"mine2026": OWN}
    assert clash.remarks == ("Two entries have the key mine2026; the first was taken.",)


def test_a_row_is_cited_by_its_whole_id_with_what_it_says(rows_of, task, tmp_path):
    row = rows_of.make_row(task, "imp", 3, seed=4, test_final=0.9375)
    cited = cite_row(row)
    (entry,) = entries(cited, tmp_path).values()
    assert entry.key == f"ticketbench-{row['row_id'][:12]}"
    assert row["row_id"] in entry.fields["title"] and entry.fields["year"] == "2025"
    said = f"imp on digits/mlp (version 1), seed 4, rung 3 (density {row['density']:.4g}): test accuracy 0.9375"
    assert said in entry.fields["note"] and said in cited.sentences[0]
    assert f"(ticketbench row {row['row_id']})." in cited.sentences[0]


@pytest.mark.parametrize(
    ("commit", "dirty", "said"),
    [
        ("0123abcd" * 5, False, f"; made by ticketbench 0.1.0, commit {'0123abcd' * 5}"),
        (
            "0123abcd" * 5,
            True,
            f"; made by ticketbench 0.1.0, commit {'0123abcd' * 5}, with changes",
        ),
        (None, None, "; made by ticketbench 0.1.0"),
    ],
)
def test_a_row_s_entry_names_the_code_that_made_it(rows_of, task, tmp_path, commit, dirty, said):
    row = rows_of.make_row(task, "imp", 3, seed=4) | {"suite_version": "0.1.0", "commit": commit, "dirty": dirty}
    (entry,) = entries(cite_row(row), tmp_path).values()
    assert entry.fields["note"].endswith(said)


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        (
            {"method": "dense", "rung": 0, "kind": "dense"},
            "The dense network on digits/mlp (version 1), seed 0: test",
        ),
        ({"kind": "control", "label": "shuffled"}, "The control shuffled of imp on"),
        ({"kind": "probe", "label": "early"}, "The probe early of imp on"),
        ({"method_params": '{"interval":50}'}, 'The ticket of imp with {"interval":50} on'),
        ({"found_on": "s1", "trained_on": "s2"}, ", found on s1 and trained on s2, seed 0"),
        ({"status": "collapsed"}, "test accuracy 0.9 at the last step (collapsed)"),
        ({"status": "failed", "reason": "ended at rung 2", "test_final": None}, "): failed, ended at rung 2"),
    ],
)
def test_a_row_of_any_kind_is_described(rows_of, task, changes, said):
    row = rows_of.make_row(task, "imp", changes.pop("rung", 2), seed=0, test_final=0.9)
    assert said in describe_row(row | changes)


def test_nothing_in_a_row_leaves_its_field_or_touches_the_terminal(rows_of, task, tmp_path):
    """A submission's texts are a stranger's: they can close no brace, begin no entry and move no cursor."""
    bad = "x}\n}\n@misc{evil, title={}, \x1b[2J_%&#$~^\\input{/etc/passwd}"
    row = rows_of.without_score(rows_of.make_row(task, "imp", 2, seed=0, label=bad, method_params=bad), "failed", bad)
    cited = cite_row(row | {"suite_version": bad, "commit": bad})
    (entry,) = entries(cited, tmp_path).values()
    assert set(entry.fields) == {"title", "author", "year", "note", "url"}
    for value in entry.fields.values():
        depth = 0
        for each in value:
            depth += {"{": 1, "}": -1}.get(each, 0)
            assert depth >= 0
        assert depth == 0
    assert r"\input" not in cited.bibtex and r"\textbackslash{}input" in entry.fields["note"]
    assert all(each.isprintable() or each == "\n" for each in cited.bibtex)
    assert all(each.isprintable() for each in cited.sentences[0])
