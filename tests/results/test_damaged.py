"""Result files that are not, or no longer, what was written: each is refused in one line that names it."""

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from ticketbench import results
from ticketbench.errors import TicketbenchError
from ticketbench.results import KINDS, SCHEMA, SCHEMA_VERSION, STATUSES


def row(**said):
    """As little of a row as a file takes."""
    made = dict.fromkeys(SCHEMA.names) | {"kind": "ticket", "status": "done", "task": "digits/mlp", "task_version": 1}
    made |= {"method": "imp", "method_params": "{}", "found_on": "default", "trained_on": "default", "seed": 0}
    made |= {"rung": 1, "label": "", "numerics": "fp32", "test_correct": b"\x0f" * 16} | said
    return made | {"row_id": results.row_id(made)}


def refused(path):
    with pytest.raises(TicketbenchError) as caught:
        results.read_rows(path)
    message = str(caught.value)
    assert message.startswith(f"{path}: ") and "\n" not in message
    return message.removeprefix(f"{path}: ")


def test_a_file_that_is_missing_or_not_parquet_is_refused(tmp_path):
    assert refused(tmp_path / "none.parquet") == "there is no such file."
    text = tmp_path / "text.parquet"
    text.write_text("not a table at all, but long enough to be looked at for a footer")
    assert "is not a readable Parquet file" in refused(text)
    (tmp_path / "empty.parquet").touch()
    assert "is not a readable Parquet file" in refused(tmp_path / "empty.parquet")
    results.write_rows(tmp_path / "folder.parquet" / "imp.parquet", [row()])
    assert "is not a readable Parquet file" in refused(tmp_path / "folder.parquet")


def test_somebody_else_s_parquet_is_told_from_ours(tmp_path):
    path = tmp_path / "foreign.parquet"
    pq.write_table(pa.table({"seed": [1, 2], "accuracy": [0.5, 0.6]}), path)
    assert refused(path) == "is a Parquet file, but does not hold ticketbench results."


def test_a_file_cut_short_anywhere_is_refused(tmp_path):
    path = tmp_path / "imp.parquet"
    results.write_rows(path, [row(seed=s) for s in range(5)])
    whole = path.read_bytes()
    for length in [0, 3, 4, 8, 100, len(whole) // 2, len(whole) - 8, len(whole) - 4, len(whole) - 1]:
        path.write_bytes(whole[:length])
        assert "is not a readable Parquet file" in refused(path), length


def test_a_changed_bit_in_a_column_s_data_is_noticed(tmp_path):
    """Parquet keeps no checksum unless it is asked to."""
    path = tmp_path / "imp.parquet"
    results.write_rows(path, [row(seed=s, test_final=s / 7) for s in range(50)])
    group = pq.read_metadata(path).row_group(0)
    columns = {each.path_in_schema: each for each in map(group.column, range(group.num_columns))}
    for name in ("test_final", "seed", "test_correct"):
        start = columns[name].dictionary_page_offset or columns[name].data_page_offset
        damaged = bytearray(path.read_bytes())
        damaged[start + columns[name].total_compressed_size - 1] ^= 1
        other = tmp_path / f"{name}.parquet"
        other.write_bytes(damaged)
        assert "is not a readable Parquet file" in refused(other), name


def changed(tmp_path, change):
    """A file whose table was changed by hand, past all that `write_rows` sees to."""
    path = tmp_path / "changed.parquet"
    results.write_rows(path, [row(seed=s) for s in range(3)])
    pq.write_table(change(pq.ParquetFile(path).read()), path)
    return path


def with_column(table, name, values):
    return table.set_column(table.schema.get_field_index(name), table.schema.field(name), pa.array(values))


def test_a_newer_schema_is_refused_with_the_version_that_is_read(tmp_path):
    newer = {b"ticketbench_schema": str(SCHEMA_VERSION + 1).encode()}
    message = refused(changed(tmp_path, lambda table: table.replace_schema_metadata(newer)))
    assert message == (
        f"was written by a newer ticketbench (schema {SCHEMA_VERSION + 1}, this one reads up to {SCHEMA_VERSION}); "
        "upgrade to read it."
    )


def test_a_table_without_a_column_or_with_another_type_or_two_of_one_name_is_refused(tmp_path):
    assert refused(changed(tmp_path, lambda table: table.drop_columns(["kept", "seed"]))) == (
        "lacks the columns seed, kept."
    )

    def words(table):
        return table.set_column(table.schema.get_field_index("kept"), "kept", pa.array(["many"] * 3))

    assert refused(changed(tmp_path, words)).startswith("a column is not of its type: ")
    twice = refused(changed(tmp_path, lambda table: table.append_column("seed", table["seed"])))
    assert twice == "has two columns of one name."


def test_a_column_that_is_not_ours_is_left_aside(tmp_path):
    path = changed(tmp_path, lambda table: table.append_column("remark", pa.array(["a", "b", "c"])))
    assert [list(each) for each in results.read_rows(path)] == [SCHEMA.names] * 3


def test_a_row_whose_id_does_not_fit_its_key_is_damaged(tmp_path):
    path = changed(tmp_path, lambda table: with_column(table, "seed", [0, 1, 7]))
    assert refused(path) == f"row {row(seed=2)['row_id']} is damaged: its id does not fit its key."


def test_a_row_that_is_there_twice_is_refused(tmp_path):
    path = changed(tmp_path, lambda table: pa.concat_tables([table, table.slice(1, 1)]))
    assert refused(path) == f"row {row(seed=1)['row_id']} is there twice."


def test_a_status_or_kind_of_no_meaning_is_refused(tmp_path):
    path = changed(tmp_path, lambda table: with_column(table, "status", ["done", "great", "done"]))
    assert "has status 'great', kind 'ticket'" in refused(path)
    path = tmp_path / "kind.parquet"
    results.write_rows(path, [row(kind="guess")])
    assert "has status 'done', kind 'guess'" in refused(path)
    for status in STATUSES:
        for kind in KINDS:
            results.write_rows(path, [row(kind=kind, status=status)])
            assert len(results.read_rows(path)) == 1


def test_a_damaged_file_is_not_added_to_and_not_changed(tmp_path):
    path = tmp_path / "imp.parquet"
    results.write_rows(path, [row()])
    path.write_bytes(path.read_bytes()[:-10])
    before = path.read_bytes()
    with pytest.raises(TicketbenchError, match="is not a readable Parquet file"):
        results.add_rows(path, [row(seed=1)])
    assert path.read_bytes() == before
