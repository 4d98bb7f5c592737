"""A folder and the files in it may be anything: no link is followed, and every byte that is off is told."""

import shutil
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ticketbench.errors import TicketbenchError
from ticketbench.report.submission.check import check_submission
from ticketbench.report.submission.manifest import read_manifest, read_table, to_toml
from ticketbench.results import SCHEMA

ROWS = "results/digits/mlp/mine.parquet"
MANIFEST, METHOD = "baselines/mine.toml", "baselines/mine.py"


def test_a_file_changed_after_the_manifest_was_written_is_noticed(folder, made):
    (folder.path / METHOD).write_text(made.text + "\n# better\n")
    assert (
        f"{MANIFEST}: files: {METHOD} has another sha256; it was changed after the manifest was written"
        in folder.problems()
    )


def test_files_that_are_not_named_or_not_there_are_told(folder, made):
    (folder.path / "baselines/other.py").write_text(made.text)
    (folder.path / ROWS).unlink()
    assert folder.problems() == [
        f"{MANIFEST}: files names {ROWS}, which is not there",
        f"{MANIFEST}: files does not name baselines/other.py, which is there",
        f"{MANIFEST}: expected {ROWS}",
    ]


@pytest.mark.parametrize(
    "name",
    ["setup.py", "baselines/.hidden.py", "results/x.parquet", "results/Digits/mlp/mine.parquet",
     "results/digits/mlp/mine.pkl", ".github/workflows/ci.yml", "suite/ticketbench/ladder.py", "baselines/a b.py"],
)  # fmt: skip
def test_a_file_that_does_not_belong_is_told(folder, name):
    (folder.path / name).parent.mkdir(parents=True, exist_ok=True)
    (folder.path / name).write_text("x")
    assert folder.only().startswith(f"{name}: does not belong there; a submission is baselines/FILE.py")


@pytest.mark.parametrize("name", [METHOD, ROWS, "results/digits/conv", "baselines/passwd.py"])
def test_a_link_is_refused_and_never_followed(folder, tmp_path, name):
    target = tmp_path / "elsewhere"
    if (folder.path / name).exists():
        (folder.path / name).rename(target)
    (folder.path / name).symlink_to(target)
    assert f"{name}: is a link; expected a file or a folder" in folder.problems()


def test_a_name_that_leaves_the_folder_is_refused(folder):
    for name in ("../secret.py", "/etc/passwd", "baselines/../../x.py"):
        table, _ = read_table((folder.path / MANIFEST).read_bytes())
        manifest, _ = read_manifest(table)
        files = manifest.files | {name: "0" * 64}
        (folder.path / "baselines" / "spoilt").unlink(missing_ok=True)
        (folder.path / MANIFEST).write_text(to_toml(manifest.model_copy(update={"files": files})))
        assert f"{MANIFEST}: files names {name}, which is neither a method's file nor rows" in folder.problems()
        (folder.path / MANIFEST).write_text(to_toml(manifest))


def test_a_huge_file_is_refused_by_its_size_before_it_is_read(folder):
    with (folder.path / ROWS).open("wb") as file:
        file.truncate(1 << 40)  # sparse: it takes no room, but no machine could read it
    assert f"{ROWS}: has {1 << 40} bytes; at most {1 << 25} are read" in folder.problems()


def test_where_there_is_no_submission_it_is_one_error(tmp_path, folder):
    with pytest.raises(TicketbenchError, match="there is no such folder"):
        check_submission(tmp_path / "none")
    (tmp_path / "empty").mkdir()
    with pytest.raises(TicketbenchError, match="holds no manifest"):
        check_submission(tmp_path / "empty")
    for content in (b"\xff\xfe", b"a = ", b"x = " + b"[" * 100_000, b"x = " + b"1" * 5000, b"a." * 20_000 + b"a = 1"):
        (folder.path / MANIFEST).write_bytes(content)
        with pytest.raises(TicketbenchError, match=r"mine\.toml: is not readable TOML"):
            check_submission(folder.path)


def test_parquet_that_decodes_to_more_than_results_need_is_refused_before_it_is_decoded(folder):
    many = pa.nulls(30_000, pa.string())
    wide = pa.array(["x" * 10_000] * 10)
    for column, said in ((many, "has 30000 rows"), (wide, "has a value of reason longer than 5000 bytes")):
        columns = {f.name: column if f.name == "reason" else pa.nulls(len(column), f.type) for f in SCHEMA}
        pq.write_table(pa.table(columns, schema=SCHEMA), folder.path / ROWS, compression="zstd")
        folder.sign()
        assert said in folder.of_rows()


def test_row_groups_and_repeated_texts_are_counted_together(folder, made):
    table = pq.read_table(folder.path / ROWS)

    def written(column, values, times):
        one = table.slice(0, 1).set_column(table.schema.get_field_index(column), SCHEMA.field(column), values)
        with pq.ParquetWriter(folder.path / ROWS, one.schema, compression="zstd") as file:
            for _ in range(times):
                file.write_table(one)
        folder.sign()
        return folder.of_rows()

    many = pa.array([[0.0] * 900_000], pa.list_(pa.float64()))
    assert "has 3 rows, 2700000 values in a column" in written("test_scores", many, 3)
    layers = [[{"layer": "x" * 1_000_000, "kept": 1, "prunable": 1}] * 20]
    long = pa.array(layers, SCHEMA.field("kept_per_layer").type)
    assert "has a value of kept_per_layer longer than 500 bytes" in written("kept_per_layer", long, 1)
    layers = [[{"layer": "x" * 400, "kept": 1, "prunable": 1}] * 400_000]
    often = pa.array(layers, SCHEMA.field("kept_per_layer").type)
    said = written("kept_per_layer", often, 1)
    assert "bytes of text and bits; at most" in said and (folder.path / ROWS).stat().st_size < 1 << 20


def test_a_submission_is_found_from_any_folder(folder, monkeypatch):
    (folder.path / "baselines/deep").mkdir()
    for where, named in (("baselines", "mine.toml"), ("baselines/deep", "../mine.toml"), (".", MANIFEST)):
        monkeypatch.chdir(folder.path / where)
        assert check_submission(Path(named)).problems == ()


def test_parquet_that_holds_something_else_is_told(folder):
    for table, said in (
        (pa.table({"x": [1]}), "has columns that results do not have: x"),
        (pa.table({"seed": [1]}), "does not hold ticketbench results"),
        (pa.table({"seed": [1]}).replace_schema_metadata({"ticketbench_schema": "9" * 5000}), "is not a readable"),
        (pa.table({"seed": ["one"]}).replace_schema_metadata({"ticketbench_schema": "2"}), "lacks the columns"),
        (SCHEMA.empty_table(), "expected rows"),
    ):
        pq.write_table(table, folder.path / ROWS)
        folder.sign()
        assert said in folder.of_rows()


@settings(max_examples=80, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_damaged_bytes_are_lines_or_one_error_never_a_traceback(folder, made, data):
    """Of every kind of file, with the manifest signed anew for it where that is still possible."""
    for name in (METHOD, ROWS, MANIFEST):
        shutil.copy(made.folder / name, folder.path / name)
    name = data.draw(st.sampled_from([METHOD, ROWS, MANIFEST]))
    content = bytearray((folder.path / name).read_bytes())
    for place in data.draw(st.lists(st.integers(0, len(content) - 1), min_size=1, max_size=8)):
        content[place] = data.draw(st.integers(0, 255))
    (folder.path / name).write_bytes(content[: data.draw(st.integers(0, len(content)))])
    if name != MANIFEST:
        folder.sign()
    try:
        found = folder.problems()
    except TicketbenchError as error:
        assert name == MANIFEST and "\n" not in str(error)
    else:
        assert all(line.isprintable() for line in found)


def test_in_a_checkout_only_what_the_manifest_names_is_looked_at(folder, tmp_path):
    manifest = folder.path / MANIFEST
    (folder.path / "pyproject.toml").write_text("")
    (folder.path / "baselines/imp.py").write_text("")
    assert check_submission(manifest).problems == ()
    (folder.path / ROWS).rename(tmp_path / "elsewhere")
    assert f"{MANIFEST}: files names {ROWS}, which is not there" in check_submission(manifest).problems
    (folder.path / ROWS).symlink_to(tmp_path / "elsewhere")
    assert f"{ROWS}: is a link; expected a file or a folder" in check_submission(manifest).problems
    (folder.path / ROWS).unlink()
    (folder.path / "results/digits").rename(tmp_path / "digits")
    (tmp_path / "elsewhere").rename(tmp_path / "digits/mlp/mine.parquet")
    (folder.path / "results/digits").symlink_to(tmp_path / "digits")
    assert f"{ROWS}: is a link; expected a file or a folder" in check_submission(manifest).problems
    with pytest.raises(TicketbenchError, match="holds no manifest"):
        check_submission(folder.path / "pyproject.toml")
