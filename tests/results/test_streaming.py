"""Result files larger than memory: read in parts, and merged into what merging them in memory gives."""

import math
import random
import re

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from ticketbench import results
from ticketbench.errors import TicketbenchError
from ticketbench.results import COMPARED, KEY, SCHEMA, comparing, merging, streaming
from ticketbench.results.reading import BATCH

LOCK = ".out.parquet.lock"


@pytest.fixture
def out(tmp_path):
    """Where files are merged to, in a folder of its own."""
    return tmp_path / "merged" / "out.parquet"


@pytest.fixture
def dealt(full, tmp_path):
    """Sixty rows, and the paths of five files that hold them all, some of them twice."""
    draw = random.Random(5)
    rows = [
        full(seed=seed, rung=rung, label=label) for seed in range(10) for rung in (1, 2, 3) for label in ("", "a")
    ]
    files = [tmp_path / f"{name}.parquet" for name in "abcde"]
    for number, path in enumerate(files):
        results.write_rows(path, [row for n, row in enumerate(rows) if n % 5 == number or draw.random() < 0.2])
    return rows, files


def unordered(path):
    """The same file, its rows in no order."""
    table = pq.ParquetFile(path).read()
    pq.write_table(table.take(np.random.default_rng(1).permutation(len(table))), path)


def left_in(folder):
    return {each.name for each in folder.iterdir()} - {LOCK}


# merging


def test_files_are_merged_into_the_very_file_that_merging_in_memory_writes(dealt, out, tmp_path):
    rows, files = dealt
    assert sum(len(results.read_rows(path)) for path in files) > len(rows)
    assert results.merge_files(files, out) == len(rows)
    results.write_rows(tmp_path / "expected.parquet", results.merge((), rows))
    assert out.read_bytes() == (tmp_path / "expected.parquet").read_bytes()
    assert left_in(out.parent) == {"out.parquet"}


@pytest.mark.parametrize(("held", "few", "open_"), [(40, 3, 256), (7, 1, 256), (40, 3, 2), (7, 2, 3)])
def test_how_much_lies_in_memory_and_how_many_files_are_open_changes_nothing(
    dealt, out, monkeypatch, held, few, open_
):
    rows, files = dealt
    monkeypatch.setattr(streaming, "_HELD", held)
    monkeypatch.setattr(streaming, "_FEWEST", few)
    monkeypatch.setattr(streaming, "_OPEN", open_)
    unordered(files[1])
    assert results.merge_files(files, out) == len(rows)
    assert results.read_rows(out) == results.merge((), rows)
    assert left_in(out.parent) == {"out.parquet"}


def test_row_groups_are_no_larger_than_a_reader_can_hold(full, out, tmp_path, monkeypatch):
    path = tmp_path / "a.parquet"
    results.write_rows(path, [full(seed=seed) for seed in range(25)])
    monkeypatch.setattr(streaming, "GROUP", 10)
    results.merge_files([path], out)
    about = pq.read_metadata(out)
    assert [about.row_group(n).num_rows for n in range(about.num_row_groups)] == [10, 10, 5]
    assert results.read_rows(out) == results.read_rows(path)


def test_of_rows_that_agree_that_of_the_earlier_file_stays(full, out, tmp_path):
    files = [tmp_path / "late.parquet", tmp_path / "early.parquet"]
    for path, day in zip(files, ("2026-02-02", "2026-01-01"), strict=True):
        results.write_rows(path, [full(finished_at=day, wall_seconds=float(day[-1]))])
    for order, kept in ((files, "2026-02-02"), (files[::-1], "2026-01-01")):
        results.merge_files(order, out)
        assert [row["finished_at"] for row in results.read_rows(out)] == [kept]


def test_a_conflict_names_the_row_the_columns_and_both_files_and_leaves_what_was_there(full, out, tmp_path):
    files = [tmp_path / f"{name}.parquet" for name in "abcd"]
    results.write_rows(files[0], [full(seed=7)])
    results.write_rows(files[1], [full(seed=seed) for seed in range(5)])
    results.write_rows(files[2], [full(seed=3)])
    results.write_rows(files[3], [full(seed=3, test_final=0.9, curve=[]), full(seed=9)])
    results.merge_files(files[:1], out)
    before = out.read_bytes()
    with pytest.raises(TicketbenchError) as caught:
        results.merge_files(files, out)
    said = str(caught.value)
    assert said.startswith("Two rows of digits/mlp imp, seed 3, rung 1, on ein Wört differ in test_final, curve ")
    assert f"({files[1]}, {files[3]}); neither was taken" in said
    assert out.read_bytes() == before
    assert left_in(out.parent) == {"out.parquet"}


def test_a_file_may_be_merged_into_itself(dealt):
    rows, files = dealt
    assert results.merge_files(files, files[2]) == len(rows)
    assert results.read_rows(files[2]) == results.merge((), rows)


def test_a_file_of_an_earlier_schema_is_merged_as_it_is_read(full, out, tmp_path):
    old, new = tmp_path / "old.parquet", tmp_path / "new.parquet"
    results.write_rows(old, [full(seed=0)])
    results.write_rows(new, [full(seed=1)])
    table = pq.ParquetFile(old).read().drop_columns(list(results.ADDED))
    pq.write_table(table.replace_schema_metadata({b"ticketbench_schema": b"1"}), old)
    results.merge_files([old, new], out)
    assert results.read_rows(out) == results.read_rows(old) + results.read_rows(new)
    assert pq.read_schema(out).metadata == SCHEMA.metadata


FULL_DISK = """
import resource, sys
from pathlib import Path
from ticketbench.errors import TicketbenchError
from ticketbench.results import merge_files
resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, 20_000))
try:
    merge_files([Path(each) for each in sys.argv[2:]], Path(sys.argv[1]))
except TicketbenchError as error:
    print(error)
"""


def test_a_full_disk_is_one_message_and_leaves_what_was_there(dealt, out, child):
    _, files = dealt
    out.parent.mkdir()
    out.write_bytes(b"what was there")
    unordered(files[0])
    said = child(FULL_DISK, out, *files)
    assert said.startswith(f"{out}: cannot be written: ") and said.endswith("Nothing was changed.\n")
    assert out.read_bytes() == b"what was there"
    assert left_in(out.parent) == {"out.parquet"}


# damage that lies deep in a file


def long_file(full, path, change=lambda table: table):
    """A file of three batches, changed past all that `write_rows` sees to."""
    row = full()
    table = pa.Table.from_pylist([row], schema=SCHEMA).take([0] * (3 * BATCH))
    seeds = list(range(3 * BATCH))
    columns = {"seed": seeds, "row_id": [results.row_id(row | {"seed": seed}) for seed in seeds]}
    for name, values in columns.items():
        table = table.set_column(table.schema.get_field_index(name), table.schema.field(name), pa.array(values))
    pq.write_table(change(table), path)
    return columns["row_id"]


def with_value(name, at, value):
    def change(table):
        values = table[name].to_pylist()
        values[at] = value
        return table.set_column(table.schema.get_field_index(name), table.schema.field(name), pa.array(values))

    return change


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (with_value("rung", 2 * BATCH + 5, 77), "row {} is damaged: its id does not fit its key."),
        (with_value("status", 2 * BATCH + 5, "great"), "row {} has status 'great', kind 'ticket'."),
        (with_value("label", 2 * BATCH + 5, None), f"row {2 * BATCH + 5} has no label."),
        (lambda table: pa.concat_tables([table, table.slice(2 * BATCH + 5, 1)]), "row {} is there twice."),
    ],
)
def test_a_damaged_row_anywhere_in_a_file_is_named_and_nothing_is_merged(full, out, tmp_path, change, said):
    path = tmp_path / "long.parquet"
    ids = long_file(full, path, change)
    for read in (results.read_rows, lambda path: list(results.rows_of(path, ["seed"])), lambda p: merged(p, out)):
        with pytest.raises(TicketbenchError) as caught:
            read(path)
        assert str(caught.value) == f"{path}: {said.format(ids[2 * BATCH + 5])}"
    assert left_in(out.parent) == set()


def merged(path, out):
    return results.merge_files([path], out)


def test_a_changed_bit_deep_in_a_column_that_only_merging_reads_is_noticed(full, out, tmp_path):
    path = tmp_path / "long.parquet"
    bits = [np.random.default_rng(seed).bytes(100) for seed in range(2 * BATCH)]
    results.write_rows(path, [full(seed=seed, test_correct=each) for seed, each in enumerate(bits)])
    damaged = bytearray(path.read_bytes())
    group = pq.read_metadata(path).row_group(0)
    columns = {each.path_in_schema: each for each in map(group.column, range(group.num_columns))}
    chunk = columns["test_correct"]
    damaged[(chunk.dictionary_page_offset or chunk.data_page_offset) + chunk.total_compressed_size - 1] ^= 1
    path.write_bytes(damaged)
    with pytest.raises(TicketbenchError, match=f"^{re.escape(str(path))}: is not a readable Parquet file"):
        results.merge_files([path], out)
    assert left_in(out.parent) == set()


# reading in parts


def test_rows_come_one_by_one_with_the_columns_that_were_asked_for(dealt):
    _, files = dealt
    rows = results.read_rows(files[0])
    assert list(results.rows_of(files[0])) == rows
    some = list(results.rows_of(files[0], ["test_final", "seed"]))
    assert some == [{"test_final": row["test_final"], "seed": row["seed"]} for row in rows]
    assert [list(row) for row in some] == [["test_final", "seed"]] * len(rows)


def test_tables_hold_no_more_rows_than_a_batch_in_the_types_of_the_schema(full, tmp_path):
    path = tmp_path / "long.parquet"
    ids = long_file(full, path)
    tables = list(results.tables_of(path, ["row_id", "curve"]))
    assert all(len(table) <= BATCH for table in tables) and len(tables) >= 3
    assert [each for table in tables for each in table["row_id"].to_pylist()] == ids
    assert {table.schema.field("curve") for table in tables} == {SCHEMA.field("curve")}


def test_a_column_that_rows_do_not_have_is_refused(dealt):
    _, files = dealt
    with pytest.raises(TicketbenchError, match="no column accuracy"):
        list(results.rows_of(files[0], ["seed", "accuracy"]))


def test_a_file_without_rows_gives_none_and_still_has_to_be_one(tmp_path, out):
    empty = tmp_path / "empty.parquet"
    results.write_rows(empty, [])
    assert list(results.rows_of(empty)) == [] and list(results.tables_of(empty)) == []
    assert results.merge_files([empty], out) == 0 and results.read_rows(out) == []
    pq.write_table(pa.table({"seed": pa.array([], pa.int64())}), empty)
    with pytest.raises(TicketbenchError, match="does not hold ticketbench results"):
        list(results.rows_of(empty))


PEAK = """
import sys
from pathlib import Path
from ticketbench.results import merge_files, rows_of, streaming

streaming._HELD = streaming.GROUP = 256


def peak():
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("VmHWM")) // 1024

path, small = map(Path, sys.argv[1:])
for _ in rows_of(small):  # what the libraries themselves take
    pass
merge_files([small], small.with_name("first.parquet"))
before = peak()
for _ in rows_of(path):
    pass
read = peak()
merge_files([path], path.with_name("out.parquet"))
print(read - before, peak() - before)
"""


def test_a_file_larger_than_what_may_lie_in_memory_is_read_and_merged(full, tmp_path, child):
    """In one row group, as another writer might leave it. It holds 230 MiB of bits that do not compress."""
    count, size = 20_000, 12_000
    path, small = tmp_path / "large.parquet", tmp_path / "small.parquet"
    row = {name: value for name, value in full().items() if name in (*KEY, "row_id", "status")}
    columns = {name: pa.array([value] * count) for name, value in row.items()}
    columns["seed"] = pa.array(range(count))
    columns["row_id"] = pa.array([results.row_id(row | {"seed": seed}) for seed in range(count)])
    draw = np.random.default_rng(0)
    columns["test_correct"] = pa.array([draw.bytes(size) for _ in range(count)], pa.binary())
    table = pa.table([columns.get(f.name, pa.nulls(count, f.type)) for f in SCHEMA], SCHEMA.names)
    pq.write_table(table.cast(SCHEMA), path, compression="none", use_dictionary=False, row_group_size=count)
    results.write_rows(small, [full()])
    assert path.stat().st_size > 220 * 2**20
    read, merging_too = map(int, child(PEAK, path, small).split())
    assert read < 160
    assert merging_too < 190


# equality, all rows at once


@pytest.mark.parametrize("name", [name for name in COMPARED if name not in (*KEY, "row_id")])
def test_every_compared_column_is_compared_at_once_as_it_is_row_by_row(full, name):
    kind = SCHEMA.field(name).type
    here = full()[name]
    values = [None, here, *variants(kind, here)]
    one = [a for a in values for _ in values]
    other = [b for _ in values for b in values]
    tables = [pa.table({name: pa.array(each, kind)}) for each in (one, other)]
    stored = [table[name].to_pylist() for table in tables]
    expected = [not merging._equal(a, b) for a, b in zip(*stored, strict=True)]
    assert comparing.differing(*tables, name).tolist() == expected
    assert any(expected) and not all(expected)


def variants(kind, here):
    """Other values of a type, near to this one and far from it."""
    if kind == pa.float64():
        return [0.0, -0.0, math.nan, math.inf, -math.inf, math.nextafter(here, 1), 5e-324]
    if pa.types.is_list(kind):
        return [[], here[:1], here * 2, *([here[0], each] for each in variants(kind.value_type, here[1]))]
    if pa.types.is_struct(kind):
        return [
            {**here, each.name: other} for each in kind for other in [None, *variants(each.type, here[each.name])]
        ]
    if kind == pa.int64():
        return [0, here + 1, -here]
    return {pa.string(): ["", "ein Wort"], pa.bool_(): [False], pa.binary(): [b"", b"\0", b"\0\xfe"]}[kind]
