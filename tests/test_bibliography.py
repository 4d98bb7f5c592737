"""references.bib: complete for what we ship, and read strictly."""

import pytest

from ticketbench.bibliography import read_bibliography
from ticketbench.errors import TicketbenchError
from ticketbench.task import load_task, shipped_tasks

ENTRY = """@misc{key2020,
  title = {A {Title}},
  author = {Ada Lovelace and Charles Babbage and Luigi Menabrea},
  year = {2020},
  eprint = {2001.00001},
}
"""


def test_every_key_that_a_shipped_task_cites_is_there():
    known = read_bibliography()
    cited = {
        key
        for path in shipped_tasks().values()
        for task in [load_task(path)]
        for key in (*task.cites, *(reference.cite for reference in task.references))
    }

    assert cited
    assert cited <= known.keys()


def test_an_entry_reads_as_a_label_a_sentence_a_link_and_its_own_bibtex(tmp_path):
    path = tmp_path / "some.bib"
    path.write_text(f"% a comment\n\n{ENTRY}", "utf-8")

    entry = read_bibliography(path)["key2020"]

    assert entry.short == "Lovelace et al. 2020"
    assert entry.sentence == "Ada Lovelace, Charles Babbage, Luigi Menabrea. A Title. 2020."
    assert entry.link == ("https://arxiv.org/abs/2001.00001", "arXiv 2001.00001")
    assert entry.bibtex == ENTRY.strip()


def test_two_authors_are_both_named_in_the_label():
    assert read_bibliography()["frankle2019lottery"].short == "Frankle & Carbin 2019"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (ENTRY + ENTRY, "line 7: the key key2020 is there twice"),
        (ENTRY.replace("  year = {2020},\n", ""), "key2020 lacks year"),
        (ENTRY.removesuffix("}\n"), "key2020 is never closed"),
        (ENTRY.replace("{2020},", "2020"), "line 4: expected one BibTeX field a line"),
        ("stray\n" + ENTRY, "line 1: expected"),
    ],
)
def test_a_mistake_is_named_with_its_place(tmp_path, text, said):
    path = tmp_path / "some.bib"
    path.write_text(text, "utf-8")

    with pytest.raises(TicketbenchError, match=said):
        read_bibliography(path)
