"""Editions: what is frozen for good is whole, marked and cited, never changes, and every later build checks it."""

import errno
import json
import shutil
from pathlib import Path

import pytest
import yaml

from ticketbench.errors import TicketbenchError
from ticketbench.report.site.build import build_site


def test_an_edition_is_marked_linked_and_cited_and_holds_the_whole_site(whole, files_of, read):
    frozen = whole.site / "editions" / whole.edition
    manifest = json.loads((frozen / "manifest.json").read_text("utf-8"))

    assert manifest["rows"] == len(whole.rows) + 6
    assert manifest["tasks"][1] == {"id": "digits/mlp", "versions": [1], "rows": len(whole.rows)}
    assert set(manifest["files"]) == set(files_of(frozen)) - {"manifest.json"}
    assert f"Edition {whole.edition}, frozen" in " ".join(read(frozen / "tasks/digits/mlp.html").text.split())
    assert "frozen: these pages" not in read(whole.site / "index.html").text
    assert f"editions/{whole.edition}/index.html" in (whole.site / "index.html").read_text("utf-8")
    assert f"ticketbench-{whole.edition}," in read(whole.site / "editions.html").text


def copied(whole, tmp_path):
    return shutil.copytree(whole.site, tmp_path / "site")


def test_a_later_build_leaves_an_edition_as_it_is_and_lists_it(whole, files_of, rows_of, tmp_path, read):
    site = copied(whole, tmp_path)
    before = files_of(site / "editions")
    task = rows_of.make_task("digits/conv")
    rows = rows_of.make_results(task, {"dense": [0.9]}, seeds=2, examples=100)
    build_site([rows_of.write_results(tmp_path / "new", rows)], site, {task.id: task})

    assert files_of(site / "editions") == before
    assert f"editions/{whole.edition}/index.html" in (site / "tasks/digits/conv.html").read_text("utf-8")


def test_freezing_a_name_twice_or_by_no_name_is_refused_and_changes_nothing(whole, files_of, tmp_path):
    site = copied(whole, tmp_path)
    before = files_of(site)
    with pytest.raises(TicketbenchError, match="edition 2026-11 is there already, and an edition never changes"):
        build_site([whole.results], site, whole.tasks, edition=whole.edition)
    for name in ("../up", "november", "2026", ".2026-11"):
        with pytest.raises(TicketbenchError, match="cannot name an edition: expected year and month, as in 2026-11"):
            build_site([whole.results], site, whole.tasks, edition=name)
    assert files_of(site) == before


@pytest.mark.parametrize(
    ("harm", "said"),
    [
        (lambda folder: (folder / "index.html").write_text("other", "utf-8"), "index.html was changed"),
        (lambda folder: (folder / "row.html").unlink(), "row.html is missing"),
        (lambda folder: (folder / "new.html").write_text("", "utf-8"), "new.html does not belong to it"),
        (
            lambda folder: (folder / "manifest.json").write_text("{", "utf-8"),
            "its manifest.json is missing",
        ),
    ],
)
def test_a_damaged_edition_is_named_by_the_next_build(whole, tmp_path, harm, said):
    site = copied(whole, tmp_path)
    harm(site / "editions" / whole.edition)
    with pytest.raises(TicketbenchError, match=rf"edition 2026-11 is damaged: {said}"):
        build_site([whole.results], site, whole.tasks)


def test_a_build_that_fails_leaves_no_edition_and_can_be_repeated(whole, files_of, tmp_path, monkeypatch):
    site = copied(whole, tmp_path)
    before = files_of(site)

    def full(*_):
        raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as patched:
        patched.setattr("ticketbench.report.site.build.put_in_place", full)
        with pytest.raises(TicketbenchError, match="the site cannot be written: No space left on device"):
            build_site([whole.results], site, whole.tasks, edition="2026-12")
    assert files_of(site) == before
    build_site([whole.results], site, whole.tasks, edition="2026-12")
    assert {each.name for each in (site / "editions").iterdir()} == {whole.edition, "2026-12"}


def test_what_a_number_for_good_needs_is_one_message_naming_all_of_it(rows_of, tmp_path):
    task = rows_of.make_task(chance=None)
    stale = rows_of.make_task("digits/conv")
    rows = rows_of.make_results(task, {"dense": [0.9]}, seeds=1, examples=100)
    rows += rows_of.make_results(stale, {"dense": [0.9]}, seeds=2, examples=100, task_digest="0" * 64)
    results = rows_of.write_results(tmp_path / "results", rows)

    with pytest.raises(TicketbenchError) as caught:
        build_site([results], tmp_path / "site", {each.id: each for each in (task, stale)}, edition="2026-11")

    assert "digits/mlp: declares no chance value" in str(caught.value)
    assert "digits/conv: 2 rows were made under another wording of the task" in str(caught.value)
    assert list((tmp_path / "site").iterdir()) == []


def test_the_workflow_that_publishes_is_yaml_and_writes_only_where_it_keeps_an_edition():
    workflow = yaml.safe_load((Path(__file__).parents[3] / ".github/workflows/pages.yml").read_text("utf-8"))

    assert workflow["permissions"] == {}
    granted = {name: job["permissions"] for name, job in workflow["jobs"].items()}
    assert granted == {
        "build": {"contents": "read"},
        "keep": {"contents": "write"},
        "publish": {"pages": "write", "id-token": "write"},
    }
    commands = [step.get("run", "") for job in workflow["jobs"].values() for step in job["steps"]]
    assert not any("${{" in command for command in commands)  # what a person types stays out of scripts
    assert any("ticketbench leaderboard" in command for command in commands)
