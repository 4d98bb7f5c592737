"""The manifest: every key, every mistake, and whatever an author writes comes back from its TOML."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ticketbench.errors import TicketbenchError
from ticketbench.report.submission.declared import HOW, declared, from_options
from ticketbench.report.submission.manifest import Manifest, read_manifest, read_table, to_toml

ROWS = "results/digits/mlp/mine.parquet"
MANIFEST, METHOD = "baselines/mine.toml", "baselines/mine.py"
RAN = {"id": "digits/mlp", "version": 1, "digest": "0" * 64}


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"authors": []}, "authors: needs an entry"),
        ({"authors": ["A\u202eB"]}, "authors.0: should be one line of printable characters"),
        ({"paper": "soon"}, "paper: input should be 'none'"),
        ({"paper": {"title": "T"}}, "paper: needs one of url, arxiv and bibtex"),
        ({"paper": {"title": "T", "url": "javascript:alert(1)"}}, "paper.url: string should match"),
        ({"licence": "Proprietary"}, "licence: input should be 'Apache-2.0'"),
        ({"extra_data": 3}, "extra_data: input should be a valid string"),
        ({"tuning": {"configurations": 0, "tasks": ["digits/mlp"], "chosen_by": "validation"}}, "tuning.configurations"),  # noqa: E501
        ({"tuning": {"configurations": 3, "tasks": ["digits/mlp"], "chosen_by": "test"}}, "tuning.chosen_by"),
        ({"tasks": "all"}, "tasks: input should be a valid tuple"),
        ({"files": {"x": "short"}}, "files.x: string should match"),
        ({"tasks": [RAN | {"seeds": [7, 3]}]}, "tasks.0.seeds: should be the first ones, 0 to N - 1"),
        ({"tasks": [RAN | {"seeds": [0, 1, 1]}]}, "tasks.0.seeds: should be the first ones, 0 to N - 1"),
        ({"tasks": [RAN | {"seeds": [1, 2, 3]}]}, "tasks.0.seeds: should be the first ones, 0 to N - 1"),
        ({"colour": "red"}, "colour: there is no such key"),
        ({"manifest": 2}, "manifest: input should be 1"),
    ],
)  # fmt: skip
def test_a_mistake_in_the_manifest_names_its_key(folder, change, said):
    table, _ = read_table((folder.path / MANIFEST).read_bytes())
    _, wrong = read_manifest(table | change)
    assert len(wrong) == 1 and wrong[0].startswith(said), wrong


def test_every_key_of_the_manifest_is_needed(folder):
    table, _ = read_table((folder.path / MANIFEST).read_bytes())
    assert set(table) == set(Manifest.model_fields)
    for name in table:
        assert read_manifest({key: value for key, value in table.items() if key != name}) == (
            None,
            [f"{name}: is missing"],
        )


LINE = st.text(st.characters(exclude_categories=["C", "Z"]) | st.just(" "), min_size=1, max_size=40).filter(
    str.isprintable
)


@given(authors=st.lists(LINE, min_size=1, max_size=3), extra=LINE, title=LINE, bibtex=LINE)
def test_whatever_an_author_writes_survives_its_toml(authors, extra, title, bibtex):
    manifest = Manifest(
        authors=authors,
        paper={"title": title, "bibtex": f"@x{{{bibtex},\n\ttitle = {{{title}}}\n}}\x7f"},
        licence="MIT",
        extra_data=extra,
        tuning={"configurations": 2, "tasks": ["digits/mlp"], "chosen_by": "training"},
        manifest=1,
        suite_version="1",
        engine_version=1,
        methods=["mine"],
        tasks=[{"id": "digits/mlp", "version": 1, "digest": "0" * 64, "seeds": [0, 1]}],
        files={METHOD: "0" * 64},
    )
    table, why = read_table(to_toml(manifest).encode())
    assert why == "" and read_manifest(table) == (manifest, [])


def test_the_longest_manifest_that_can_be_made_can_be_read(folder):
    table, _ = read_table((folder.path / MANIFEST).read_bytes())
    many = {
        "authors": ['"' * 500] * 100,
        "paper": {"title": '"' * 500, "url": "https://example.org/" + "x" * 480, "bibtex": '"' * 4000},
        "tuning": {"configurations": 9, "tasks": ["a/" + "b" * 198] * 40, "chosen_by": "training"},
        "methods": ["m" * 100] * 50,
        "tasks": [RAN | {"seeds": range(1000)}],
    }
    manifest, wrong = read_manifest(table | many)
    assert wrong == []
    again, why = read_table(to_toml(manifest).encode())
    assert why == "" and read_manifest(again) == (manifest, [])


def test_what_an_author_has_not_said_is_asked_for_at_once_with_how_to_say_it():
    with pytest.raises(TicketbenchError) as error:
        declared({"licence": "MIT"}, {}, "here.toml")
    said = str(error.value)
    assert said.startswith("The manifest lacks authors, paper, extra_data, tuning; nothing was run.")
    assert all(option in said for option in ("--author 'NAME'", "--paper none", "--extra-data none", "--tuning none"))
    assert said.endswith("or write them into here.toml.") and "--licence" not in said


def test_options_go_before_an_earlier_manifest():
    earlier = {
        "authors": ["A"],
        "paper": "none",
        "licence": "MIT",
        "extra_data": "none",
        "tuning": "none",
        "files": 3,
    }
    assert set(HOW) == set(earlier) - {"files"}
    assert declared({"licence": "ISC"}, earlier, "").licence == "ISC"
    with pytest.raises(TicketbenchError, match=r"nothing was run.\n  licence: input should be 'Apache-2.0'"):
        declared({"licence": "GPL-3.0-only"}, earlier, "")


@pytest.mark.parametrize(
    ("said", "means"),
    [
        ("none", "none"),
        ("Optimal Brain Damage, https://example.org/obd.pdf", {"title": "Optimal Brain Damage", "url": "https://example.org/obd.pdf"}),
        ("The Lottery Ticket Hypothesis: Finding, arXiv:1803.03635v5", {"title": "The Lottery Ticket Hypothesis: Finding", "arxiv": "1803.03635v5"}),  # noqa: E501
        ("SNIP 1810.02340", {"title": "SNIP", "arxiv": "1810.02340"}),
    ],
)  # fmt: skip
def test_a_paper_is_a_title_and_where_it_is(said, means):
    assert from_options((), said, None, None, None) == {"paper": means}


def test_a_paper_may_be_a_bibtex_file(tmp_path):
    entry = "@inproceedings{a,\n  title = {The {Lottery} Ticket},\n  year = {2019},\n}"
    (tmp_path / "a.bib").write_text(entry)
    given_ = from_options((), str(tmp_path / "a.bib"), None, None, None)
    assert given_ == {"paper": {"title": "The Lottery Ticket", "bibtex": entry}}


def test_tuning_says_how_many_on_what_and_by_which_scores():
    means = {"configurations": 12, "tasks": ["digits/mlp", "digits/conv"], "chosen_by": "validation"}
    assert from_options((), None, None, None, "12 on digits/mlp, digits/conv by validation") == {"tuning": means}


@pytest.mark.parametrize(
    ("paper", "tuning"), [("A title", None), ("none.bib", None), (None, "a few"), (None, "12 on digits/mlp by test")]
)
def test_what_cannot_be_taken_apart_says_what_was_expected(paper, tuning, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(TicketbenchError, match=r"expected|cannot be read"):
        from_options((), paper, None, None, tuning)
