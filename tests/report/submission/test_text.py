"""The report says what the rows do, and nothing in it acts."""

import hashlib
import re
import shutil

import pytest

from ticketbench.errors import TicketbenchError
from ticketbench.report.submission.check import Findings, check_submission
from ticketbench.report.submission.manifest import Declared, Manifest, read_table
from ticketbench.report.submission.pack import check_place, write_submission
from ticketbench.report.submission.rows import marks
from ticketbench.report.submission.text import report_text
from ticketbench.results import read_rows, row_id

ROWS = "results/digits/mlp/mine.parquet"
MANIFEST, METHOD = "baselines/mine.toml", "baselines/mine.py"
SAID = Declared(authors=("A. Author",), paper="none", licence="MIT", extra_data="none", tuning="none")


def test_the_report_says_scores_cost_and_marks_beside_what_is_published(made):
    found = check_submission(made.folder)
    dense = read_rows(made.results / "digits/mlp/dense.parquet")
    others = [row | {"method": "imp", "method_digest": "0" * 64} for row in made.rows]
    for row in others:
        row["row_id"] = row_id(row)
    text = report_text(found, [*dense, *others])
    mean = 100 * sum(row["test_final"] for row in dense) / len(dense)
    assert f"Dense network: {mean:.2f} %. Fewer than 3 seeds: no interval." in text
    first = sum(row["test_final"] for row in made.rows if row["rung"] == 1) * 50
    line = f"| 1.67× | {first:.2f} | 1.00 | `carried, scored as it is` | {first:.2f} (0.00) |"
    assert line in text.splitlines()
    assert text.count("× | ") == made.task.ladder.rounds


@pytest.mark.parametrize(
    ("seeds", "alone", "few"),
    [
        (1, ", over test examples alone", "Fewer than 3 seeds: an interval over test examples alone"),
        (2, "", "Fewer than 3 seeds: no interval"),
        (3, "", "Fewer than 5 seeds: an interval, but no rank"),
    ],
)
def test_one_seed_of_accuracy_has_an_interval_over_test_examples_alone(rows_of, seeds, alone, few):
    task = rows_of.make_task()
    rows = rows_of.make_results(task, {"dense": [0.95], "mine": [0.9]}, seeds)
    manifest = Manifest.model_construct(
        **vars(SAID), suite_version="1", engine_version=1, methods=("mine",), tasks=(), files={}, manifest=1
    )
    text = report_text(Findings(manifest, None, {ROWS: rows}, (), ()), [])

    assert re.search(rf"Dense network: [\d.±– ]+ %{alone}\. {few}\.$", text, re.MULTILINE), text


def test_rows_of_another_version_of_a_task_are_not_compared_with(made):
    old = [row | {"method": "imp", "task_digest": "0" * 64} for row in made.rows]
    assert "imp" not in report_text(check_submission(made.folder), old)


def test_a_late_ticket_of_a_recipe_of_its_own_is_marked(folder, made):
    source = "from ticketbench import Train\n" + made.text + "\nASKED = Train(None, 9, objective=print)\n"
    (folder.path / METHOD).write_text(source)
    digest = hashlib.sha256(source.encode()).hexdigest()
    folder.forge(lambda row: row.update(method_digest=digest), which=None)
    found = check_submission(folder.path)
    assert found.problems == () and "`carried, scored as it is, own recipe`" in report_text(found, [])
    row = made.rows[0]
    trained = [row | {"start_step": 600 - steps, "training_steps": steps} for steps in (0, 59, 60, 600)]
    assert ["own recipe" in marks(each, own_recipe=True) for each in trained] == [True, True, False, False]
    assert not any("own recipe" in marks(each, own_recipe=False) for each in trained)
    assert "own recipe" not in marks(row | {"carried": False}, own_recipe=True)  # the mask alone was learned


def test_nothing_that_an_author_writes_acts_in_the_report(folder, made):
    hostile = "<img src=x onerror=y> [a](http://b) `c` https://d @e #1 | *f* ![g](h)"
    folder.sign(authors=[hostile], extra_data=hostile, paper={"title": hostile, "url": "https://example.org/<"[:-1]})
    (folder.path / METHOD).write_text(made.text.replace("Train, prune, and nothing more", hostile))
    digest = hashlib.sha256((folder.path / METHOD).read_bytes()).hexdigest()
    folder.forge(lambda row: row.update(method_digest=digest, label=hostile), which=None)
    text = report_text(check_submission(folder.path), [])
    outside = re.sub(r"`[^`\n]*`", "", text)
    assert "img" in text and not re.search(r"<|>|\]\(|http|@|`", outside), outside
    tables = [line for line in text.splitlines() if line.startswith("| ")]
    assert {len(re.findall(r"(?<!\\)\|", line)) for line in tables} == {5}


def test_with_problems_the_report_has_no_numbers(folder):
    folder.forge(lambda row: row.update(density=0.01))
    text = report_text(check_submission(folder.path), [])
    assert "## Problems" in text and "| compression |" not in text


def test_packing_anew_takes_away_what_is_no_longer_part_of_it(made, folder):
    (folder.path / "results/digits/conv").mkdir()
    earlier = "results/digits/conv/mine.parquet"
    shutil.copy(folder.path / ROWS, folder.path / earlier)
    table, _ = read_table((folder.path / MANIFEST).read_bytes())
    folder.sign(files=table["files"] | {earlier: "0" * 64})
    write_submission(folder.path, made.source, made.said, {made.task.id: (made.task, range(2))}, made.rows)
    assert folder.problems() == []
    assert [path.relative_to(folder.path).as_posix() for path in folder.path.rglob("*.parquet")] == [ROWS]


def test_packing_anew_leaves_what_no_manifest_of_this_method_names(made, folder):
    (folder.path / "results/digits/conv").mkdir()
    shutil.copy(folder.path / ROWS, folder.path / "results/digits/conv/other.parquet")
    write_submission(folder.path, made.source, made.said, {made.task.id: (made.task, range(2))}, made.rows)
    assert folder.only() == f"{MANIFEST}: files does not name results/digits/conv/other.parquet, which is there"


def test_a_folder_that_holds_another_submission_is_not_written_into(made, folder, tmp_path):
    second = tmp_path / "second.py"
    second.write_text(made.text.replace('"mine"', '"second"'))
    before = {path: path.read_bytes() for path in folder.path.rglob("*") if path.is_file()}
    said = "holds another submission, baselines/mine.toml; give each a folder of its own"
    with pytest.raises(TicketbenchError, match=said):
        check_place(folder.path, "second.py")
    with pytest.raises(TicketbenchError, match=said):
        write_submission(folder.path, second, made.said, {made.task.id: (made.task, range(2))}, made.rows)
    assert {path: path.read_bytes() for path in folder.path.rglob("*") if path.is_file()} == before


def test_a_file_is_no_folder(tmp_path):
    (tmp_path / "thesis.tex").write_text("years of work")
    for out in (tmp_path / "thesis.tex", tmp_path / "thesis.tex/mine"):
        with pytest.raises(TicketbenchError, match=r"thesis.tex is a file; expected a folder"):
            check_place(out, "mine.py")


def test_a_folder_with_other_things_in_it_is_not_written_into(tmp_path, folder):
    assert check_place(tmp_path / "none", "mine.py") == {}
    assert check_place(folder.path, "mine.py")["authors"] == ["A. Author"]
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine/thesis.tex").write_text("years of work")
    with pytest.raises(TicketbenchError, match=r"holds other things than a submission \(thesis.tex: does not belong"):
        check_place(tmp_path / "mine", "mine.py")
