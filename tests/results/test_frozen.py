"""Result files of earlier versions: read, for good, as what they were written from. See tests/frozen/README.md."""

import hashlib
import json
from collections import Counter
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from ticketbench import results
from ticketbench.errors import TicketbenchError
from ticketbench.results import COMPARED, KINDS, SCHEMA, SCHEMA_VERSION, STATUSES

FROZEN = Path(__file__).parents[1] / "frozen"
EXPECTED = json.loads((FROZEN / "expected.json").read_text("utf-8"))
FILES = sorted(EXPECTED["files"])


def test_every_frozen_file_is_expected_and_every_schema_has_one():
    assert [path.relative_to(FROZEN).as_posix() for path in results.result_files(FROZEN)] == FILES
    versions = {int(pq.read_schema(FROZEN / name).metadata[b"ticketbench_schema"]) for name in FILES}
    assert versions == set(range(1, SCHEMA_VERSION + 1))


def test_the_frozen_files_have_every_kind_and_status():
    rows = [row for name in FILES for row in results.read_rows(FROZEN / name)]
    assert {row["kind"] for row in rows} == set(KINDS)
    assert {row["status"] for row in rows} == set(STATUSES)


@pytest.mark.parametrize("name", FILES)
def test_a_frozen_file_is_read_as_what_it_was_written_from(name):
    *columns, digest = EXPECTED["columns"]
    assert digest == "digest"
    found = {}
    for row in results.read_rows(FROZEN / name):
        assert list(row) == SCHEMA.names
        compared = repr([row[column] for column in EXPECTED["compared"]])
        said = [row[column] for column in columns]
        found[row["row_id"]] = [*said, hashlib.sha256(compared.encode()).hexdigest()]
    assert found == EXPECTED["files"][name]
    assert list(found) == list(EXPECTED["files"][name])


def test_what_was_compared_then_is_compared_now():
    assert set(EXPECTED["compared"]) <= set(COMPARED)


@pytest.mark.parametrize("name", FILES)
def test_a_frozen_file_written_again_says_the_same(name, tmp_path):
    rows = results.read_rows(FROZEN / name)
    results.write_rows(tmp_path / "again.parquet", rows)
    assert repr(results.read_rows(tmp_path / "again.parquet")) == repr(rows)


def test_frozen_files_merge_with_each_other_and_with_rows_of_today(tmp_path):
    paths = [FROZEN / name for name in FILES]
    rows = [row for path in paths for row in results.read_rows(path)]
    today = {**rows[0], "seed": 99}
    today["row_id"] = results.row_id(today)
    results.write_rows(tmp_path / "today.parquet", [today, rows[-1]])
    out = tmp_path / "out.parquet"
    assert results.merge_files([*paths, tmp_path / "today.parquet"], out) == len(rows) + 1
    assert repr(results.read_rows(out)) == repr(results.merge(rows, [today]))
    results.add_rows(out, rows)
    assert Counter(row["row_id"] for row in results.read_rows(out)) == Counter(
        row["row_id"] for row in [*rows, today]
    )


def test_a_frozen_row_that_was_changed_is_a_conflict(tmp_path):
    name = FILES[0]
    row = results.read_rows(FROZEN / name)[0]
    results.write_rows(tmp_path / "changed.parquet", [row | {"test_final": row["test_final"] + 1e-9}])
    with pytest.raises(TicketbenchError, match="differ in test_final"):
        results.merge_files([FROZEN / name, tmp_path / "changed.parquet"], tmp_path / "out.parquet")
