"""Rows that were forged or left out are told, one line each, with what was expected."""

import hashlib
from collections import Counter
from pathlib import Path

import pyarrow as pa
import pytest

from ticketbench.data.sources import SOURCES
from ticketbench.report.submission.check import check_submission, known_tasks
from ticketbench.results import read_rows, row_id, tables_of, write_rows
from ticketbench.task import Images

ROWS = "results/digits/mlp/mine.parquet"
MANIFEST, METHOD = "baselines/mine.toml", "baselines/mine.py"


def test_what_was_packed_is_valid_and_says_what_was_run(made):
    found = check_submission(made.folder)
    assert found.problems == ()
    assert found.statuses == Counter(row["status"] for row in read_rows(made.results / "digits/mlp/mine.parquet"))
    assert found.statuses["done"] + found.statuses["collapsed"] == 2 * made.task.ladder.rounds
    assert found.manifest.tasks[0].digest == made.task.digest and found.manifest.tasks[0].seeds == (0, 1)
    assert found.manifest.files[METHOD] == hashlib.sha256(made.text.encode()).hexdigest()
    assert found.rows[ROWS] == read_rows(made.results / "digits/mlp/mine.parquet")


def raised(row):
    """A better score, told wherever a score is told, but not in the bits."""
    last = row["curve"][-1]
    row["test_final"] = row["test_best"] = last["test"] = last["test"] + 0.01


def one_more(row):
    layer = row["kept_per_layer"][0]
    layer["kept"] += 1
    row["kept"] += 1
    row["density"] = row["kept"] / row["prunable"]


def other_layers(row):
    first, second = row["kept_per_layer"][:2]
    first["prunable"] += 1
    second["prunable"] -= 1


def before(row, **values):
    """An evaluation that no score is taken from, before all others."""
    first = row["curve"][0]
    row["curve"].insert(0, first | {"step": first["step"] - 1, "validation_loss": 1e9} | values)


def of_two(row):
    """A perfect score on a test set of two."""
    row.update(test_examples=2, test_correct=b"\xc0", test_final=1.0, test_best=1.0)
    for point in row["curve"]:
        point["test"] = 1.0


FORGED = [
    (raised, "expected test_correct that fits: its bits say that"),
    (one_more, "expected 7140 weights at rung 1, got 7141"),
    (other_layers, "expected kept_per_layer to name the layers of the task's network"),
    (lambda row: row.update(kept=row["kept"] - 1, density=(row["kept"] - 1) / row["prunable"]), "sum of kept_per_layer"),  # noqa: E501
    (lambda row: row.update(density=0.01), "expected density = kept / prunable"),
    (lambda row: row.update(density_asked=0.01), "expected density_asked to be its rung's"),
    (lambda row: row.update(test_best=1.0), "expected test_best as the curve has it"),
    (lambda row: row.update(validation_final=1.0), "expected validation_final as the curve has it"),
    (lambda row: row.update(test_correct=None), "expected test_correct"),
    (lambda row: row.update(test_correct=row["test_correct"][:-1]), "expected test_correct that fits: test_correct"),
    (lambda row: row.update(test_final=None), "expected scores, since its status is done"),
    (lambda row: row.update(test_final=float("nan")), "expected scores, since its status is done"),
    (lambda row: row.update(curve=[]), "expected a curve"),
    (lambda row: row.update(status="failed", reason="at night"), "expected no scores, since its status is failed"),
    (lambda row: row.update(start_step=0), "expected start_step + training_steps to be 600"),
    (lambda row: row.update(task_digest="0" * 64), "expected task_digest to be digest of the task as it is here"),
    (lambda row: row.update(task_version=9), "expected task_version to be 1, got 9"),
    (lambda row: row.update(method_digest="0" * 64), "expected method_digest to be sha256 of the method's file"),
    (lambda row: row.update(engine_version=99), "expected engine_version to be "),
    (lambda row: row.update(numerics="bf16"), "expected numerics to be fp32, got bf16"),
    (lambda row: row.update(data_digest="0" * 64), "expected data_digest to be that of digits"),
    (lambda row: row.update(suite_version="0.0.1"), "expected one version of ticketbench"),
    (lambda row: row.update(task="digits/conv"), "expected task digits/mlp and method mine"),
    (lambda row: row.update(method="imp"), "expected task digits/mlp and method mine"),
    (lambda row: row.update(seed=7), "expected only settings and rungs of the task, and seeds that the manifest names"),  # noqa: E501
    (lambda row: row.update(rung=42), "expected only settings and rungs of the task"),
    (lambda row: row.update(found_on="elsewhere"), "expected only settings and rungs of the task"),
    (lambda row: row.update(kind="dense"), "expected no rows of the dense network"),
    (lambda row: row.update(search_steps=-1), "expected no negative count"),
    (lambda row: row.update(kept_per_layer=None), "lacks values that its status needs"),
    (lambda row: row.update(kept_per_layer=[{"layer": None, "kept": 1}]), "row 0 lacks part of kept_per_layer"),
    (lambda row: row.update(metric=None), "row 0 lacks metric"),
    (lambda row: row.update(packages=[None]), "row 0 lacks part of packages"),
    (lambda row: row.update(packages=[{"name": "torch", "version": None}]), "row 0 lacks part of packages"),
    (lambda row: row.update(early_losses=[None]), "row 0 lacks part of early_losses"),
    (lambda row: row.update(curve=[None]), "row 0 lacks part of curve"),
    (lambda row: row["curve"][0].update(test=None), "row 0 lacks part of curve"),
    (lambda row: row.update(search_steps=None), "expected search_steps, since its status is"),
    (lambda row: row.update(search_examples=None), "expected search_examples, since its status is"),
    (lambda row: row.update(carried=None, edited=None), "expected carried, edited, since its status is"),
    (lambda row: row.update(optimizer_state=None), "expected optimizer_state, since its status is"),
    (lambda row: row.update(path_length=None), "expected path_length, since its status is"),
    (lambda row: row.update(search_steps=0), "expected search_steps of a search that carried trained weights"),
    (lambda row: row.update(search_examples=row["search_steps"] * 60 - 1), "expected search_examples of at least a batch for each"),  # noqa: E501
    (lambda row: before(row, validation_loss=float("nan")), "expected finite losses throughout"),
    (lambda row: before(row, training_loss=float("inf")), "expected finite losses throughout"),
    (lambda row: row.update(early_losses=[float("nan")]), "expected finite losses throughout"),
    (lambda row: before(row, test=7.0), "expected accuracies between 0 and 1 throughout the curve"),
    (lambda row: before(row, validation=float("nan")), "expected accuracies between 0 and 1 throughout the curve"),
    (lambda row: row.update(path_length=float("nan")), "expected path_length to be a number, 0 or more"),
    (lambda row: row.update(distance_moved=-1.0), "expected distance_moved to be a number, 0 or more"),
    (lambda row: row.update(flops=float("inf"), bytes_sparse=-1), "expected flops, bytes_sparse to be a number"),
    (lambda row: row.update(higher_is_better=False), "expected higher_is_better to be True, got False"),
    (lambda row: row.update(optimizer_state="good"), "expected optimizer_state to be one of fresh, carried, dropped"),
    (lambda row: row.update(mask_digest="same"), "expected mask_digest to be 64 hexadecimal digits"),
    (lambda row: of_two(row), "expected test_examples to be 360, as digits has, got 2"),
    (lambda row: row.update(method_params='{"a": 1}'), "expected method_params to be parameters and their values"),
    (lambda row: row.update(method_params='{"a":NaN}'), "expected method_params to be parameters and their values"),
    (lambda row: row.update(method_params='{"a b":1}'), "expected method_params to be parameters and their values"),
    (lambda row: row.update(method_params="null"), "expected method_params to be parameters and their values"),
    (lambda row: row.update(method_params="[" * 4900), "expected method_params to be parameters and their values"),
    (lambda row: row.update(method_params="[" * 990), "expected method_params to be parameters and their values"),
    (lambda row: row.update(kind="control", label="winner"), "expected a control to be one of shuffled, "),
    (lambda row: row.update(kind="control", label="shuffled of b"), "expected the ticket that it is a control of"),
]  # fmt: skip


@pytest.mark.parametrize(("change", "said"), FORGED, ids=[said for _, said in FORGED])
def test_a_forged_row_is_told_with_what_was_expected(folder, change, said):
    folder.forge(change)
    found = folder.problems()
    assert any(line.startswith(f"{ROWS}: ") and said in line for line in found), found
    assert not any("\n" in line for line in found)


def test_all_rows_of_another_digest_are_one_line_with_the_first_of_them(folder):
    folder.forge(lambda row: row.update(method_digest="0" * 64), which=None)
    assert folder.only().startswith(f"{ROWS}: 16 rows, the first of seed 0, rung 1: expected method_digest")


def test_a_row_that_is_left_out_is_missed(folder):
    rows = [row for row in read_rows(folder.path / ROWS) if (row["seed"], row["rung"]) != (1, 3)]
    write_rows(folder.path / ROWS, rows)
    folder.sign()
    assert "1 are missing, the first of seed 1, rung 3" in folder.only()


def test_a_row_id_that_is_not_its_keys_is_refused(folder):
    rows = read_rows(folder.path / ROWS)
    rows[0]["row_id"] = "0" * 32
    write_rows(folder.path / ROWS, rows)
    folder.sign()
    assert f"{ROWS}: row {'0' * 32} is damaged: its id does not fit its key." in folder.problems()


def test_a_method_that_is_not_exact_may_keep_what_comes(folder):
    source = (
        (folder.path / METHOD)
        .read_text()
        .replace('"mine",', '"mine", density="outcome",')
        .replace("scorer", "method")
    )
    (folder.path / METHOD).write_text(source)
    digest = hashlib.sha256(source.encode()).hexdigest()
    folder.forge(lambda row: row.update(method_digest=digest), which=None)
    folder.forge(one_more)
    assert folder.problems() == []


def test_what_weakens_a_submission_but_does_not_forbid_it_is_a_note(folder):
    folder.forge(lambda row: row.update(dirty=True, commit=None, edited=True))
    found = check_submission(folder.path)
    assert found.problems == ()
    said = "\n".join(found.notes)
    for words in ("uncommitted changes", "name no commit", "1 of 16 tickets hold a weight or buffer"):
        assert words in said


def added(folder, **changes):
    """Another row like the first, but for these values."""
    rows = read_rows(folder.path / ROWS)
    new = rows[0] | changes
    write_rows(folder.path / ROWS, [*rows, new | {"row_id": row_id(new)}])
    folder.sign()


def test_a_control_beside_its_ticket_is_taken(folder):
    added(folder, kind="control", label="reinitialized", carried=False)
    added(folder, kind="control", label="small-dense", mask_digest=None)
    assert folder.problems() == []


def test_a_second_ticket_of_a_rung_is_allowed_and_said(folder):
    added(folder, label="second")
    found = check_submission(folder.path)
    assert found.problems == ()
    said = "tickets have 2 labels: 'none' at 16, 'second' at 1 of 16 places; each label is an entry of its own"
    assert f"{ROWS}: {said}" in found.notes


def test_the_manifest_is_of_the_engine_that_is_here(folder):
    folder.sign(engine_version=999)
    assert folder.only().startswith(f"{MANIFEST}: expected engine_version to be ")


def test_a_diverged_row_may_say_what_its_losses_were(folder):
    none = dict.fromkeys(("test_final", "test_best", "validation_final", "validation_best", "test_correct"))

    def diverge(row):
        row.update(none, status="diverged", reason="the loss was not finite", distance_moved=float("nan"))
        row["curve"][-1]["validation_loss"] = float("nan")

    folder.forge(diverge)
    assert folder.problems() == []


def test_the_sizes_of_test_sets_are_those_of_published_rows():
    columns = ("task", "trained_on", "test_examples")
    published = (Path(__file__).parents[3] / "results").rglob("*.parquet")
    tables = [table.group_by(columns).aggregate([]) for path in published for table in tables_of(path, columns)]
    found = pa.concat_tables(tables).group_by(columns).aggregate([]).to_pylist()
    parts: dict[str, dict[tuple[int, ...], int]] = {}
    for row in found:
        data = known_tasks()[row["task"]].in_setting(row["trained_on"]).data
        if isinstance(data, Images):
            if data.labels is None:
                assert row["test_examples"] == SOURCES[data.name].test_examples, row
            else:
                parts.setdefault(data.name, {})[data.labels] = row["test_examples"]
    assert sorted(parts["mnist"]) == [(0, 1, 2, 3, 4), (5, 6, 7, 8, 9)]
    for name, sizes in parts.items():
        assert sum(sizes.values()) == SOURCES[name].test_examples, sizes


def test_of_very_many_problems_the_first_are_told(folder):
    more = "".join(f'"x{number}" = "{"0" * 64}"\n' for number in range(300))
    (folder.path / MANIFEST).write_text((folder.path / MANIFEST).read_text() + more)
    problems = folder.problems()
    assert len(problems) == 101 and problems[-1].startswith("and ") and problems[-1].endswith(" more")
