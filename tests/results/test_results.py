"""Results: a row comes back as it was written, and no process loses another's."""

import errno
import json
import math
import os
import subprocess
import sys
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from ticketbench import results
from ticketbench.errors import TicketbenchError
from ticketbench.results import COMPARED, KEY, SCHEMA, SCHEMA_VERSION

NOT_COMPARED = {
    "search_seconds",
    "wall_seconds",
    "device_seconds",
    "peak_memory_bytes",
    "latency",
    "suite_version",
    "commit",
    "dirty",
    "packages",
    "device",
    "threads",
    "finished_at",
}
ANOTHER = {pa.string(): "another", pa.int64(): 99, pa.float64(): 0.99, pa.bool_(): False, pa.binary(): b"\x01"}


def python(code, *arguments):
    return subprocess.Popen(
        [sys.executable, "-c", code, *map(str, arguments)], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )


def finished(process):
    out, err = process.communicate(timeout=60)
    assert process.returncode == 0, err
    return out


# the schema


def test_every_column_says_what_it_holds_and_whether_it_is_compared():
    for each in SCHEMA:
        said = {key.decode(): text.decode() for key, text in each.metadata.items()}
        assert said["description"].strip()
        assert said["compared"] in ("yes", "no")
        assert set(said) <= {"description", "compared", "unit", "better"}
    assert SCHEMA.metadata == {b"ticketbench_schema": str(SCHEMA_VERSION).encode()}


def test_seconds_memory_latency_and_provenance_are_not_compared_and_all_else_is():
    """Provenance that decides whether a row is current, engine and data, is compared."""
    assert set(SCHEMA.names) - set(COMPARED) == NOT_COMPARED


def test_the_row_id_is_a_digest_of_the_key_alone(full):
    base = full()
    for each in SCHEMA:
        if each.name == "row_id":
            continue
        other = dict(base)
        other[each.name] = ANOTHER.get(each.type)
        assert (results.row_id(other) != base["row_id"]) == (each.name in KEY), each.name
    assert results.row_id({name: base[name] for name in KEY}) == base["row_id"]


def test_the_row_id_never_changes():
    """It stands in published files. This one was made from the key as compact JSON by `sha256sum`."""
    key = ["ticket", "digits/mlp", 1, "imp", "{}", "default", "default", 0, 1, "", "fp32"]
    assert results.row_id(dict(zip(KEY, key, strict=True))) == "757fe050445e3e445dd59a2aa2ef23da"


# writing and reading


def test_every_type_comes_back_as_it_was_written(full, tmp_path):
    whole, empty = full(), full(seed=1)
    for each in SCHEMA:
        if each.name not in (*KEY, "row_id", "status"):
            empty[each.name] = None
    point = {"step": 1, "training_loss": None, "validation_loss": math.nan}
    point |= {"validation": 0.5, "test_loss": -math.inf, "test": 1.0}
    odd = full(seed=2, test_final=math.inf, path_length=5e-324, curve=[point], test_scores=[], test_correct=b"")
    odd["early_losses"] = [math.nan, -0.0]
    path = results.result_file(tmp_path, "digits/mlp", "imp")
    results.write_rows(path, [whole, empty, odd])
    assert repr(results.read_rows(path)) == repr([whole, empty, odd])


def test_other_readers_see_the_columns_and_what_they_mean(full, tmp_path):
    path = tmp_path / "imp.parquet"
    results.write_rows(path, [full(seed=4)])
    assert pq.read_table(path).to_pandas()["seed"].tolist() == [4]
    stored = pq.read_schema(path)
    assert stored.metadata == SCHEMA.metadata
    assert [(each.name, each.metadata) for each in stored] == [(each.name, each.metadata) for each in SCHEMA]


def test_a_task_and_method_have_one_file_and_all_are_found_in_order(full, tmp_path):
    written = [results.result_file(tmp_path, task, "imp") for task in ("mnist/b", "digits/a")]
    for path in written:
        results.write_rows(path, [full()])
    assert written[1] == tmp_path / "digits" / "a" / "imp.parquet"
    assert list(results.result_files(tmp_path)) == sorted(written)
    assert list(results.result_files(tmp_path / "nowhere")) == []


def test_rows_lie_in_an_order_of_their_own(full, tmp_path):
    rows = [full(seed=s, rung=r, task_version=v) for s in (1, 0) for r in (2, 1) for v in (2, 1)]
    results.write_rows(tmp_path / "a.parquet", rows)
    results.write_rows(tmp_path / "b.parquet", rows[::-1])
    assert (tmp_path / "a.parquet").read_bytes() == (tmp_path / "b.parquet").read_bytes()
    seen = [(each["seed"], each["rung"]) for each in results.read_rows(tmp_path / "a.parquet")]
    assert seen == sorted(seen)
    assert results.merge(rows[:4], rows[4:]) == results.merge(rows[4:], rows[:4])


FULL_DISK = """
import resource, sys
from pathlib import Path
from ticketbench import results
from ticketbench.errors import TicketbenchError
path = Path(sys.argv[1])
old = results.read_rows(path)
new = [dict(old[0], seed=s, test_correct=bytes(hash((s, i)) % 256 for i in range(5000))) for s in range(1, 20)]
for each in new:
    each["row_id"] = results.row_id(each)
resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, 20_000))
try:
    results.add_rows(path, new)
except TicketbenchError as error:
    print(error)
"""


def test_a_full_disk_is_one_message_and_leaves_the_old_file_and_no_other(full, tmp_path):
    path = tmp_path / "imp.parquet"
    results.write_rows(path, [full()])
    before = path.read_bytes()
    message = finished(python(FULL_DISK, path)).strip()
    assert message.startswith(f"{path}: cannot be written: ") and message.endswith("Nothing was changed.")
    assert "File too large" in message and "\n" not in message
    assert path.read_bytes() == before
    assert {each.name for each in tmp_path.iterdir()} == {"imp.parquet", ".imp.parquet.lock"}


def test_a_place_that_cannot_be_written_is_one_message(full, tmp_path):
    (tmp_path / "file").write_text("in the way")
    path = tmp_path / "file" / "imp.parquet"
    for write in (results.write_rows, results.add_rows):
        with pytest.raises(TicketbenchError) as caught:
            write(path, [full()])
        assert str(caught.value).startswith(f"{path}: cannot be written: ")
    assert (tmp_path / "file").read_text() == "in the way"


def test_a_disk_that_is_full_before_the_first_byte_is_one_message_too(full, tmp_path, monkeypatch):
    """As a read-only or a full file system answers: already the lock cannot be made."""

    def no_room(*_, **__):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(Path, "mkdir", no_room)
    for write in (results.write_rows, results.add_rows):
        with pytest.raises(TicketbenchError, match=r"imp\.parquet: cannot be written: No space left on device"):
            write(tmp_path / "imp.parquet", [full()])


def test_who_is_reading_the_old_file_goes_on_reading_it_whole(full, tmp_path):
    path = tmp_path / "imp.parquet"
    results.write_rows(path, [full()])
    before = path.read_bytes()
    with path.open("rb") as reader:
        half = reader.read(len(before) // 2)
        results.write_rows(path, [full(seed=seed) for seed in range(9)])
        assert half + reader.read() == before
    assert len(results.read_rows(path)) == 9


def test_an_interrupted_write_leaves_nothing_behind(full, tmp_path, monkeypatch):
    path = tmp_path / "imp.parquet"
    results.write_rows(path, [full()])
    before = path.read_bytes()

    def interrupted(table, where, **_):
        where.write_bytes(b"half a file")
        raise KeyboardInterrupt

    monkeypatch.setattr(pq, "write_table", interrupted)
    with pytest.raises(KeyboardInterrupt):
        results.write_rows(path, [full(seed=1)])
    assert {each.name: each.read_bytes() for each in tmp_path.iterdir()} == {"imp.parquet": before}


# merging


def test_merging_is_a_union(full):
    first, second, third = full(seed=0), full(seed=1), full(seed=2)
    assert results.merge([first, second], [third]) == [first, second, third]
    assert results.merge([third], [second, first]) == [first, second, third]
    assert results.merge([], []) == []


def test_of_two_rows_that_agree_the_older_stays(full):
    old = full(finished_at="2026-01-01", wall_seconds=1.0, packages=[])
    new = full(finished_at="2026-02-02", wall_seconds=2.0, suite_version="9")
    assert results.merge([old], [new]) == [old]
    assert results.merge([], [old, new]) == [old]


@pytest.mark.parametrize("name", [name for name in COMPARED if name not in (*KEY, "row_id")])
def test_two_rows_that_differ_in_a_compared_column_conflict_and_it_is_named(full, name):
    old, new = full(), full()
    kind = SCHEMA.field(name).type
    new[name] = ANOTHER.get(kind, [])
    with pytest.raises(TicketbenchError) as caught:
        results.merge([old], [new])
    assert f"differ in {name}; neither was taken" in str(caught.value)
    assert "digits/mlp imp, seed 0, rung 1" in str(caught.value)


def test_a_conflict_names_every_column_that_differs(full):
    with pytest.raises(TicketbenchError, match=r"differ in density, test_final, curve; neither"):
        results.merge([full()], [full(density=0.5, test_final=0.5, curve=[])])


def test_not_a_number_equals_itself_wherever_it_stands(full, tmp_path):
    curve = [full()["curve"][0] | {"validation_loss": math.nan}]
    diverged = full(status="diverged", test_final=math.nan, early_losses=[1.0, math.nan], curve=curve)
    path = tmp_path / "imp.parquet"
    results.add_rows(path, [diverged])
    results.add_rows(path, [diverged])
    assert len(results.read_rows(path)) == 1
    with pytest.raises(TicketbenchError, match="differ in test_final;"):
        results.add_rows(path, [diverged | {"test_final": 0.1}])


@pytest.mark.parametrize(("one", "other"), [(0.0, -0.0), (0.1, math.nextafter(0.1, 1)), (None, math.nan)])
def test_equal_means_equal_in_every_bit(full, one, other):
    with pytest.raises(TicketbenchError, match="differ in distance_moved"):
        results.merge([full(distance_moved=one)], [full(distance_moved=other)])


def test_a_row_added_again_as_python_made_it_is_no_conflict(full, tmp_path):
    """A tuple for a list, or a whole number for a float, is what Parquet brings back as the other."""
    layers = ({"prunable": 9, "layer": "w", "kept": 3},)
    made = full(early_losses=(0.5, 0.25), distance_moved=1, kept_per_layer=layers)
    path = tmp_path / "imp.parquet"
    results.add_rows(path, [made])
    results.add_rows(path, [made])
    assert [each["early_losses"] for each in results.read_rows(path)] == [[0.5, 0.25]]


def test_rows_that_are_replaced_are_taken_out_before_the_new_ones_come(full, tmp_path):
    path, stale = tmp_path / "imp.parquet", full(engine_version=1)
    results.add_rows(path, [stale, full(seed=1)])
    fresh = full(engine_version=2, test_final=0.5)
    with pytest.raises(TicketbenchError, match="engine_version"):
        results.add_rows(path, [fresh])
    assert [each["engine_version"] for each in results.read_rows(path)] == [1, full()["engine_version"]]
    results.add_rows(path, [fresh], replacing=[stale["row_id"]])
    assert [each["engine_version"] for each in results.read_rows(path)] == [2, full()["engine_version"]]


ADDER = """
import json, sys, time
from pathlib import Path
from ticketbench import results
rows = json.loads(Path(sys.argv[2]).read_text())
print("ready", flush=True)
while not Path(sys.argv[3]).exists():
    time.sleep(0.001)
for each in rows:
    results.add_rows(Path(sys.argv[1]), [each | {"test_correct": b"bits"}])
"""


def test_two_processes_that_add_rows_to_one_file_at_once_lose_none(full, tmp_path):
    path, go = tmp_path / "results" / "imp.parquet", tmp_path / "go"
    processes = []
    for which in (0, 1):
        rows = [full(seed=which, rung=rung) for rung in range(1, 16)]
        said = tmp_path / f"{which}.json"
        said.write_text(json.dumps([{k: v for k, v in each.items() if k != "test_correct"} for each in rows]))
        processes.append(python(ADDER, path, said, go))
    for process in processes:
        assert process.stdout.readline() == "ready\n"
    go.touch()
    for process in processes:
        finished(process)
    seen = {(each["seed"], each["rung"]) for each in results.read_rows(path)}
    assert seen == {(seed, rung) for seed in (0, 1) for rung in range(1, 16)}


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({}, "digits/mlp imp a, seed 3, rung 2"),
        ({"found_on": "s1", "trained_on": "s1"}, "digits/mlp imp a, seed 3, rung 2, on s1"),
        ({"found_on": "s1", "trained_on": "s2"}, "digits/mlp imp a, seed 3, rung 2, s1 to s2"),
        ({"found_on": "s1"}, "digits/mlp imp a, seed 3, rung 2, s1 to default"),
        ({"method_params": '{"step":50}'}, "digits/mlp imp(step=50) a, seed 3, rung 2"),
        ({"kind": "control"}, "digits/mlp imp control a, seed 3, rung 2"),
        ({"kind": "probe", "label": ""}, "digits/mlp imp probe, seed 3, rung 2"),
        ({"task_version": 2, "numerics": "bf16"}, "digits/mlp imp a, seed 3, rung 2, version 2, bf16"),
    ],
)
def test_a_row_is_described_by_its_key_in_words(full, changes, said):
    described = full(label="a", seed=3, rung=2, found_on="default", trained_on="default") | changes
    assert results.describe(described) == said
    assert results.describe(described, seed=False) == said.replace(", seed 3", "")


def test_a_file_of_an_earlier_schema_is_read_with_nulls_for_what_it_did_not_know(full, tmp_path):
    path = tmp_path / "old.parquet"
    results.write_rows(path, [full(seed=0), full(seed=1)])
    known = results.read_rows(path)
    old = pq.read_table(path).drop_columns(list(results.ADDED))
    pq.write_table(old.replace_schema_metadata({b"ticketbench_schema": b"1"}), path)
    assert results.read_rows(path) == [each | dict.fromkeys(results.ADDED) for each in known]
    pq.write_table(old.replace_schema_metadata({b"ticketbench_schema": b"2"}), path)
    with pytest.raises(TicketbenchError, match="lacks the columns network_digest"):
        results.read_rows(path)
