"""A site that is built again: what is made no longer goes, and what others put there stays."""

import pytest

from ticketbench.report.site.build import build_site
from ticketbench.report.site.placing import put_in_place


def built(folder, *addresses):
    for address in (*addresses, "index.html"):
        path = folder / address
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(address, "utf-8")
    (folder / "assets").mkdir(exist_ok=True)
    return folder


def files_of(out):
    return {path.relative_to(out).as_posix() for path in out.rglob("*") if path.is_file()} - {"assets/files.txt"}


def test_the_pages_of_a_task_that_is_gone_are_removed(rows_of, tmp_path):
    one, other = rows_of.make_task(), rows_of.make_task("digits/conv")
    rows = [rows_of.make_results(task, {"dense": [0.9], "imp": [0.8]}, seeds=3) for task in (one, other)]
    first = rows_of.write_results(tmp_path / "both", [*rows[0], *rows[1]])
    second = rows_of.write_results(tmp_path / "one", rows[0])
    tasks = {task.id: task for task in (one, other)}
    out = tmp_path / "site"
    build_site([first], out, tasks)
    (out / "CNAME").write_text("example.org", "utf-8")
    build_site([second], out, tasks)
    build_site([second], tmp_path / "fresh", tasks)

    assert files_of(out) == files_of(tmp_path / "fresh") | {"CNAME"}
    assert not (out / "tasks/digits/conv").exists()


def test_what_the_site_did_not_write_stays(tmp_path):
    out = tmp_path / "out"
    put_in_place(built(tmp_path / "a", "tasks/x/y.html", "tasks/x/z.html"), out)
    (out / "tasks/x/notes.txt").write_text("mine", "utf-8")
    put_in_place(built(tmp_path / "b", "tasks/x/z.html"), out)

    assert files_of(out) == {"index.html", "tasks/x/z.html", "tasks/x/notes.txt"}


@pytest.mark.parametrize("address", ["../outside.html", "editions/2026-11/index.html", "{absolute}"])
def test_a_list_that_was_changed_removes_nothing_else(tmp_path, address):
    out = tmp_path / "out"
    put_in_place(built(tmp_path / "a"), out)
    spared = [tmp_path / "outside.html", out / "editions/2026-11/index.html"]
    for path in spared:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("", "utf-8")
    (out / "assets/files.txt").write_text(address.format(absolute=spared[0]) + "\n", "utf-8")
    put_in_place(built(tmp_path / "b"), out)

    assert all(path.is_file() for path in spared)
