"""One row by its id or the beginning of it."""

from itertools import pairwise

import pytest

from ticketbench import results
from ticketbench.errors import TicketbenchError


@pytest.fixture
def folder(full, tmp_path):
    results.write_rows(tmp_path / "a" / "imp.parquet", [full(seed=seed) for seed in range(4)])
    results.write_rows(tmp_path / "b" / "imp.parquet", [full(seed=seed) for seed in range(3, 6)])
    return tmp_path


def refused(folder, wanted):
    with pytest.raises(TicketbenchError) as caught:
        results.find_row(folder, wanted)
    return str(caught.value)


def test_a_row_is_found_by_its_id_and_by_eight_digits_wherever_it_lies(full, folder):
    for seed in range(6):
        row = full(seed=seed)
        assert results.find_row(folder, row["row_id"]) == results.find_row(folder, row["row_id"][:8]) == row


def test_what_can_be_no_id_is_refused(folder):
    for wanted in ("", "abc", "0123abc", "0123456g", "0" * 33, "../../etc/passwd"):
        assert "is no row's id: expected its 32 hexadecimal digits" in refused(folder, wanted)
        assert not results.may_be_id(wanted)
    assert results.may_be_id("01234567")


def test_an_id_may_be_in_capitals(full, folder):
    row = full(seed=1)
    assert results.may_be_id("A1234567")
    assert results.find_row(folder, row["row_id"].upper()) == row


def test_what_lies_behind_a_linked_folder_is_not_left_out_in_silence(full, folder, tmp_path_factory):
    other = tmp_path_factory.mktemp("other")
    results.write_rows(other / "imp.parquet", [full(seed=9)])
    (folder / "more").symlink_to(other, target_is_directory=True)
    assert refused(folder, "00000000").startswith(f"{folder / 'more'}: is a link to a folder")
    (folder / "more").unlink()
    (folder / ".more").symlink_to(other, target_is_directory=True)
    (folder / "linked.parquet").symlink_to(other / "imp.parquet")
    names = [path.relative_to(folder).as_posix() for path in results.result_files(folder)]
    assert names == ["a/imp.parquet", "b/imp.parquet", "linked.parquet"]
    assert list(results.result_files(folder / "none")) == []


def test_an_id_that_is_not_there_and_a_folder_that_is_not(folder):
    assert refused(folder, "00000000") == f"{folder}: no row's id begins with 00000000."
    assert "there is no such folder of results" in refused(folder / "none", "00000000")


def test_a_beginning_of_two_ids_names_both(full, folder, monkeypatch):
    monkeypatch.setattr(results.finding, "FEWEST", 1)
    rows = [full(seed=seed) for seed in range(17)]  # of which two begin alike
    results.write_rows(folder / "a" / "imp.parquet", rows)
    ids = sorted(row["row_id"] for row in rows)
    first = next(one[0] for one, other in pairwise(ids) if one[0] == other[0])
    both = [each for each in ids if each[0] == first]
    message = refused(folder, first)
    assert all(each in message for each in both[:3]) and message.endswith("Give more digits.")


def test_files_that_disagree_about_a_row_are_a_conflict(full, folder):
    results.write_rows(folder / "c" / "imp.parquet", [full(seed=2, test_final=0.5)])
    assert "differ in test_final" in refused(folder, full(seed=2)["row_id"])
    assert results.find_row(folder, full(seed=1)["row_id"]) == full(seed=1)
