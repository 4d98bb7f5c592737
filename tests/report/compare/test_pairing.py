"""Which rows are compared, what is only noted, and what makes a comparison impossible: one message each."""

import pytest

from ticketbench.errors import TicketbenchError
from ticketbench.report.compare.comparison import compare
from ticketbench.report.compare.entries import Narrowing
from ticketbench.results import result_file


def refused(sides, narrowing=None):
    with pytest.raises(TicketbenchError) as error:
        sides.found(*([narrowing] if narrowing else []))
    assert "\n" not in str(error.value) and error.value.exit_code == 2
    return str(error.value)


def test_nothing_changed_is_identical_whoever_made_it_and_however_long_it_took(sides):
    both = sides()
    both.change(lambda row: row | {"wall_seconds": 99.0, "commit": "f" * 40, "method_digest": "2" * 64, "threads": 4})
    found = both.found()
    assert (found.verdict, found.exit_code, found.rows, found.tested) == ("identical", 0, 65, ())


@pytest.mark.parametrize(
    "change",
    [
        {"mask_digest": "n"},
        {"test_correct": b"\x01", "test_examples": 8, "test_final": 0.125},
        {"test_final": 0.9},
        {"test_best": 0.99},
        {"curve": [{"step": 1, "test": 0.5}]},
        {"test_scores": [0.25]},
        {"status": "collapsed"},
    ],
    ids=lambda change: next(iter(change)),
)
def test_one_value_of_one_row_makes_it_not_identical(sides, change):
    both = sides()
    both.change(lambda row: row | change, method="imp", rung=2, seed=3)
    assert both.found().verdict != "identical"


def test_a_number_that_is_none_equals_itself(sides):
    curve = [{"step": 1, "validation": float("nan"), "test": None}]
    assert sides(curve=curve, test_scores=[float("nan")]).found().verdict == "identical"


@pytest.mark.parametrize(("name", "value"), [("task_digest", "f" * 64), ("data_digest", "f" * 64)])
def test_another_task_or_data_is_refused_with_both_digests(sides, name, value):
    both = sides()
    both.change(lambda row: row | {name: value}, method="imp")
    said = refused(both)
    assert said.startswith(name.removesuffix("_digest") + " digits/mlp: ") and f"another {name}" in said
    assert both.base[0][name][:12] in said and value[:12] in said


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"numerics": "bf16"}, "BASE and NEW have another numerics (fp32 and bf16)"),
        ({"task_version": 2}, "BASE and NEW have another version of the task (1 and 2)"),
        ({"task": "digits/conv"}, "no task in common: BASE has digits/mlp, NEW has digits/conv."),
        ({"label": "a"}, "no row in common"),
    ],
)
def test_no_common_key_says_why(sides, change, said):
    both = sides()
    both.change(lambda row: row | change)
    assert said in refused(both)


def test_a_part_of_one_task_in_other_arithmetic_is_not_taken_for_missing(sides):
    both = sides()
    both.change(lambda row: row | {"numerics": "bf16"}, method="imp")
    assert "another numerics (fp32 and bf16)" in refused(both)


def test_rows_that_new_lacks_are_refused_unless_the_caller_narrows(sides):
    both = sides()
    both.change(lambda row: None, method="imp", seed=4, rung=2)
    said = refused(both)
    assert "NEW lacks 1 row that BASE has: digits/mlp imp, seed 4, rung 2. Make it" in said and "--seeds N" in said
    assert both.found(Narrowing(seeds=4)).verdict == "identical"
    assert both.found(Narrowing(only=("random-*", "one-shot"))).verdict == "identical"


def test_rows_that_new_lacks_are_told_apart(sides):
    both = sides()
    (row,) = [row for row in both.base if (row["method"], row["seed"], row["rung"]) == ("imp", 4, 2)]
    both.base += [row | {"found_on": "s1", "trained_on": "s2"}, row | {"method_params": '{"step":50}'}]
    said = refused(both)
    assert "digits/mlp imp, seed 4, rung 2, s1 to s2" in said and "digits/mlp imp(step=50), seed 4, rung 2" in said


def test_whole_methods_that_new_lacks_are_named_as_such(sides):
    both = sides()
    both.change(lambda row: None, method="imp")
    both.change(lambda row: None, method="one-shot")
    assert "NEW lacks 40 rows that BASE has: all of the methods imp, one-shot. Make them" in refused(both)


def test_controls_can_be_left_out(sides):
    both = sides()
    both.base += [row | {"kind": "control", "label": "shuffled"} for row in both.base if row["method"] == "imp"]
    both.change(lambda row: row, side="base")
    assert "NEW lacks 20 rows" in refused(both)
    assert both.found(Narrowing(controls=False)).verdict == "identical"


def test_only_keeps_the_dense_network_and_refuses_a_method_that_is_not_there(sides):
    both = sides()
    both.noise()
    assert {each.method for each in both.found(Narrowing(only=("imp",))).tested} == {"dense", "imp"}
    assert refused(both, Narrowing(only=("imp", "rigl"))).startswith("Unknown method in BASE 'rigl'.")


def test_a_method_is_named_with_its_parameters_or_without(sides):
    both = sides()
    for side in ("base", "new"):
        both.change(lambda row: row | {"method_params": '{"step":50}'}, side=side, method="imp")
    for said in ("imp", "imp(step=50)", "imp*"):
        assert both.found(Narrowing(only=(said,))).rows == 25
    assert "Unknown method" in refused(both, Narrowing(only=("imp(step=5)",)))


def test_what_only_new_has_is_noted_and_ignored(sides):
    both = sides()
    extra = [row | {"seed": row["seed"] + 5} for row in both.new]
    extra += [row | {"method": "rigl"} for row in both.new if row["method"] == "imp"]
    extra += [
        row | {"rung": 7} for row in both.new if row["method"] == "imp" and row["seed"] == 0 and row["rung"] == 1
    ]
    both.new += extra
    both.change(lambda row: row)
    found = both.found()
    assert found.verdict == "identical" and found.rows == 65
    assert "Only NEW has seeds 5–9: ignored." in found.notes
    assert "Only NEW has the methods rigl: ignored." in found.notes
    assert "Only NEW has digits/mlp imp, seed 0, rung 7: ignored." in found.notes


def test_another_version_beside_the_bases_is_ignored_and_two_of_both_are_kept_apart(sides):
    both = sides()
    both.new += [row | {"task_version": 2} for row in both.new]
    assert "Only NEW has the task versions 2: ignored." in both.found().notes
    both.base += [row | {"task_version": 2} for row in both.base]
    both.drop(0.05, method="imp", task_version=2)
    found = both.found()
    assert {(each.version, each.method) for each in found.regressions} == {(2, "imp")}
    assert "Margin of digits/mlp version 2: " in " ".join(found.notes)


def test_two_seeds_are_too_few_unless_bit_identical(sides):
    both = sides(seeds=2)
    assert both.found().verdict == "identical"
    both.drop(0.01, method="imp", rung=2)
    assert refused(both).startswith("digits/mlp imp, rung 2: 2 paired seeds, and at least 3 are needed")


def test_a_cell_of_few_seeds_that_is_bit_identical_stands_in_nobodys_way(sides):
    both = sides()
    for side in ("base", "new"):
        both.change(lambda row: None if row["seed"] > 1 else row, side=side, method="one-shot")
    both.drop(0.05, method="imp")
    found = both.found()
    assert {each.method for each in found.regressions} == {"imp"}


def test_a_curve_is_over_the_seeds_that_all_its_rungs_have(sides):
    both = sides()
    both.change(lambda row: None, side="base", method="imp", rung=2, seed=0)
    both.noise()
    tested = {(each.method, each.rung): each.seeds for each in both.found().tested}
    assert tested["imp", None] == tested["imp", 2] == (1, 2, 3, 4) and tested["imp", 1] == (0, 1, 2, 3, 4)


def test_not_applicable_in_base_is_noted_and_in_new_alone_is_refused(sides):
    def inapplicable(row):
        return row | {"status": "not applicable", "reason": "needs batch norm", "test_final": None}

    both = sides()
    for side in ("base", "new"):
        both.change(inapplicable, side=side, method="imp", rung=1)
    both.noise()
    both.change(lambda row: row | {"test_final": None}, method="imp", rung=1)
    found = both.found()
    assert any(note.startswith("Not applicable in BASE, so not compared: digits/mlp imp") for note in found.notes)
    assert ("imp", 1) not in {(each.method, each.rung) for each in found.tested}
    both.change(inapplicable, method="one-shot")
    assert "NEW says not applicable where BASE has a score" in refused(both)
    assert "(needs batch norm)" in refused(both)


def test_what_cannot_be_read_is_named(sides, tmp_path):
    base, new = sides().write()
    empty = tmp_path / "empty"
    empty.mkdir()
    for path, said in (
        (tmp_path / "none", "there is no such file"),
        (empty, "NEW .*holds no result files"),
        (__file__, "is not a readable Parquet file"),
    ):
        with pytest.raises(TicketbenchError, match=said):
            compare(base, type(base)(path))
    file = result_file(new, "digits/mlp", "imp")
    file.write_bytes(file.read_bytes()[:-9])
    with pytest.raises(TicketbenchError, match=r"imp\.parquet: is not a readable Parquet file"):
        compare(base, new)


def test_a_link_to_a_folder_is_refused_by_compare_and_verify_alike(sides, tmp_path):
    from ticketbench.report.verify.reading import read_published

    both = sides()
    base, new = both.write()
    (tmp_path / "worse").mkdir()
    (new / "more").symlink_to(tmp_path / "worse", target_is_directory=True)
    for reading in (lambda: compare(base, new), lambda: read_published(new, ())):
        with pytest.raises(TicketbenchError, match="new/more: is a link to a folder"):
            reading()


def test_what_a_killed_merge_left_is_neither_compared_nor_verified(sides):
    from ticketbench.report.verify.reading import read_published

    both = sides()
    base, new = both.write()
    there = [*read_published(new, ()).files]
    left = new / ".all.parquet.x1y2"
    left.mkdir()
    (left / "0.parquet").write_bytes(b"half")
    (new / ".imp.parquet").write_bytes(b"half")
    assert compare(base, new).verdict == "identical" and [*read_published(new, ()).files] == there


def test_two_rows_of_one_key_in_one_folder_are_refused_where_they_differ(sides, rows_of):
    both = sides()
    both.new = [row for row in both.new if row["method"] == "dense"]
    base, new = both.write()
    rows_of.write_results(base / "copy", both.new)
    assert compare(base, new, (), Narrowing(only=("dense",))).verdict == "identical"
    both.drop(0.1)
    rows_of.write_results(base / "copy", both.new)
    with pytest.raises(TicketbenchError, match="the two differ"):
        compare(base, new)


def test_a_row_that_is_done_without_a_score_is_damaged(sides):
    both = sides()
    both.change(lambda row: row | {"test_final": None}, method="imp", seed=1, rung=3)
    assert refused(both) == "digits/mlp imp, seed 1, rung 3 is damaged: done, but its test_final is None."
