"""What is seen before any training: rows that contradict themselves, and rows of what is not here."""

import pytest

from ticketbench.errors import TicketbenchError
from ticketbench.methods import find_methods
from ticketbench.report.verify.preparing import prepare
from ticketbench.results import write_rows
from ticketbench.task import load_task

FIRST = "the row of seed 0, rung 1"


def of_first(row):
    return (row["kind"], row["seed"], row["rung"]) == ("ticket", 0, 1)


def test_honest_rows_are_all_ready(published, prepared):
    found = prepared(published.folder)
    assert (found.damaged, found.barred, found.lost) == ((), (), 0)
    dense, tickets, controls = 3, 4 * 3 * 3, 3 * 3 * 3  # early-bird needs batch norm: it has no controls
    assert len(found.ready) == len(found.published.rows) == dense + tickets + controls


def flip(row):
    row["test_correct"] = bytes([row["test_correct"][0] ^ 0b10000000]) + row["test_correct"][1:]


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda row: row.update(density=row["density"] * 1.01), "density = kept / prunable"),
        (lambda row: row["kept_per_layer"][0].update(kept=1), "kept to be the sum of kept_per_layer"),
        (lambda row: row.update(test_final=row["test_final"] + 0.1), "test_final as the curve has it"),
        (flip, "test_correct that fits: its bits say that"),
        (lambda row: row.update(status="diverged", reason="so"), "no scores, since its status is diverged"),
        (lambda row: row.update(status="collapsed", test_correct=None), "test_correct, which of 2 or more"),
        (lambda row: row["curve"][1].update(step=0), "a curve whose steps ascend"),
        (lambda row: row.update(search_examples=0, search_steps=30), "search_examples of at least a batch"),
        (lambda row: row.update(training_steps=29, start_step=0), "start_step + training_steps"),
        (lambda row: row.update(density_asked=0.4), "density_asked to be its rung's"),
    ],
)
def test_a_row_that_contradicts_itself_is_damaged_and_its_field_named(forged, prepared, change, said):
    path = forged("imp", change, of_first)
    found = prepared(path)
    assert any(line.startswith(f"{path}: {FIRST}: expected ") and said in line for line in found.damaged)


def test_a_count_off_the_ladder_is_damaged(forged, prepared):
    """One weight more than the rung asks for, and every number that follows from it."""

    def one_more(row):
        row["kept"] += 1
        row["kept_per_layer"][0]["kept"] += 1
        row["density"] = row["kept"] / row["prunable"]

    (line,) = prepared(forged("random-layer", one_more, of_first)).damaged
    assert f"{FIRST}: expected 296 weights at rung 1, got 297" in line


def test_all_that_is_wrong_is_told_at_once_also_of_files_that_cannot_be_read(forged, prepared):
    path = forged("imp", lambda row: row.update(density=0.9, kept_per_layer=[]), lambda row: row["rung"] == 2)
    broken = path.with_name("broken.parquet")
    broken.write_bytes(path.read_bytes()[:-100])
    damaged = prepared(path.parent.parent.parent).damaged
    assert len(damaged) >= 4
    assert sum("6 rows, the first of seed 0, rung 2" in line for line in damaged) >= 3
    assert any(line.startswith(f"{broken}: is not a readable Parquet file") for line in damaged)


def test_an_id_that_does_not_fit_its_key_is_damaged(published, prepared, tmp_path):
    rows = published.rows("imp")
    rows[0]["seed"] = 7
    write_rows(tmp_path / "imp.parquet", rows)
    (line,) = prepared(tmp_path / "imp.parquet").damaged
    assert f"row {rows[0]['row_id']} is damaged: its id does not fit its key" in line


def test_a_file_named_for_a_method_holds_no_others_rows(published, prepared, tmp_path):
    path = tmp_path / "imp.parquet"
    path.write_bytes((published.folder / "tiny/mlp/random-layer.parquet").read_bytes())
    (line,) = prepared(path).damaged
    assert "expected method to be imp, as the file is named, got random-layer" in line
    renamed = path.rename(tmp_path / "downloaded.parquet")  # a name that is no method's says nothing
    assert prepared(renamed).damaged == ()


def test_a_row_in_two_files_says_one_thing(published, forged, prepared):
    path = forged("random-layer", lambda row: row.update(path_length=1.0), of_first)
    copy = path.with_name("copy.parquet")
    copy.write_bytes((published.folder / "tiny/mlp/random-layer.parquet").read_bytes())
    (line,) = prepared(path.parent).damaged
    assert line == f"{path}: {FIRST}: is in {copy} too, where path_length differ"


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"task_digest": "0" * 64}, "task_digest: 000000000000... published, "),
        ({"task_version": 2}, "task_version: 2 published, 1 here"),
        ({"task": "else/where"}, "task else/where is not known here"),
        ({"method_digest": "0" * 64}, "method_digest: 000000000000... published, "),
        ({"method": "mine"}, "method mine is not known here"),
        ({"method_params": '{"rate":2}'}, "method_params: Unknown parameter of random-layer 'rate'"),
        ({"method_params": '{"rates":[2]}'}, "method_params: Unknown parameter of random-layer 'rates'"),
        ({"engine_version": 99}, "engine_version: 99 published, "),
        ({"numerics": "bf16"}, "numerics: bf16 published, fp32 here"),
        ({"data_digest": "0" * 64}, "data_digest: 000000000000... published, "),
        ({"network_digest": "0" * 64}, "network_digest: 000000000000... published, None here"),
        ({"trained_on": "left"}, "trained_on: no setting of the task"),
        ({"rung": 9}, "rung: 9 is none of the task's"),
    ],
)
def test_a_row_of_what_is_not_here_is_told_with_the_reason(forged, prepared, tmp_path, change, said):
    path = forged("random-layer", lambda row: row.update(change), of_first)
    path = path.rename(tmp_path / "any.parquet")
    found = prepared(path)
    assert found.lost == 1 and len(found.ready) == len(found.published.rows) - 1
    assert any(f"{path}: the row of seed 0" in line and said in line for line in found.barred)


def test_another_file_under_a_methods_name_is_told(published, tmp_path):
    """The published rows are honest, but here the method's file is another."""
    changed = tmp_path / "random_masks.py"
    changed.write_bytes(published.methods["random-layer"].source.read_bytes() + b"\n# changed\n")
    (other,) = find_methods([f"{changed}:random-layer"])
    path = published.folder / "tiny/mlp/random-layer.parquet"
    found = prepare(path, {published.task.id: published.task}, published.methods | {"random-layer": other}, "cpu")
    assert found.ready == () and found.lost == 18
    assert "method_digest" in found.barred[0] and "that of random_masks.py" in found.barred[0]


def test_data_that_are_not_here_are_a_reason(published, tmp_path):
    (tmp_path / "images/train/cat").mkdir(parents=True)
    file = tmp_path / "own.toml"
    file.write_text(published.task_file.read_text() + '[data]\nfolder = "images"\nvalidation = 2\n')
    found = prepare(published.folder, {published.task.id: load_task(file)}, published.methods, "cpu")
    assert found.ready == () and found.lost == len(found.published.rows)
    assert any("what tiny/mlp needs is not here: " in line for line in found.barred)


def test_a_folder_without_result_files_is_refused(tmp_path, prepared):
    with pytest.raises(TicketbenchError, match="holds no result files"):
        prepared(tmp_path)


@pytest.mark.parametrize("text", ["[1]", "{", '{"rate": 2}', "[" * 5000])
def test_parameters_that_are_none_are_damaged(forged, prepared, text):
    path = forged("random-layer", lambda row: row.update(method_params=text), of_first)
    assert any("expected method_params to be" in line for line in prepared(path).damaged)


def test_text_of_a_row_cannot_write_to_the_terminal(forged, prepared, tmp_path):
    path = forged("random-layer", lambda row: row.update(method="\x1b[2J" + "x" * 900, label="\x1b[1m"), of_first)
    path = path.rename(tmp_path / "any.parquet")
    lines = prepared(path).barred
    assert lines and all("\x1b" not in line and len(line) < 700 for line in lines)
