"""Rows as scripts: small parts however many there are, every row findable, and no text breaks out of one."""

import json
import math
import re

import pytest

from ticketbench.report.site.rows_data import PART, id_digits, id_scripts, part_address, part_script, write_parts
from ticketbench.report.site.templates import script_json
from ticketbench.results import tables_of, write_rows

EVIL = "</script><script>alert(1)</script>\u2028\u2029<!-- ]]>"


def said(script):
    """The one argument of the one call that a script makes."""
    call = re.fullmatch(r"ticketbench\.(rows|ids|index)\((.*)\);\n", script, re.DOTALL)
    assert call, script[:80]
    return json.loads(call[2])


def unpacked(script):
    part = said(script)
    columns = part["columns"].items()
    return [part["same"] | {name: values[place] for name, values in columns} for place in range(part["count"])]


@pytest.fixture
def written(rows_of, tmp_path):
    """Rows of three methods on a task, with long curves, and what was written of them."""
    task = rows_of.make_task()
    curve = rows_of.make_curve([(40 * n, 0.1, 0.2, n / 1e3, 0.4, 1 / 3) for n in range(900)])
    rows = []
    for method in ("dense", "__proto__", "imp", "snip"):
        for seed in range(8):
            row = rows_of.make_row(task, method, 0 if method == "dense" else 1 + seed % 3, seed, reason=EVIL)
            rows.append(row | {"curve": curve})
    path = tmp_path / "rows.parquet"
    write_rows(path, rows)
    texts = {}
    parts = write_parts(path, task.id, texts.__setitem__, lambda columns: {"command": ["x"] * len(columns["seed"])})
    return rows, parts, texts


def test_every_row_is_in_one_part_and_the_index_of_all_rows_knows_which(written):
    rows, parts, texts = written
    index = dict(id_scripts({"digits/mlp": parts}))

    assert len(index) == 16
    for row in rows:
        ((found, task, number),) = [
            each for each in said(index[f"rows/ids/{row['row_id'][0]}.js"]) if each[0] == row["row_id"]
        ]
        (shown,) = [each for each in unpacked(texts[part_address(task, number)]) if each["row_id"] == found]
        assert {name: shown[name] for name in ("method", "seed", "rung", "reason", "kept", "density")} == {
            name: row[name] for name in ("method", "seed", "rung", "reason", "kept", "density")
        }
        assert shown["command"] == "x"


def test_the_index_of_a_task_names_the_parts_of_every_cell(written):
    rows, _, texts = written
    task, methods = said(texts["rows/digits/mlp/index.js"])
    where = {(method, rung): parts for method, rungs in methods for rung, parts in rungs}

    assert task == "digits/mlp"
    for row in rows:
        found = [
            each["row_id"]
            for number in where[row["method"], row["rung"]]
            for each in unpacked(texts[part_address(task, number)])
        ]
        assert row["row_id"] in found


def test_parts_are_small_and_there_are_more_of_them_where_there_are_more_rows(written):
    _, parts, texts = written
    sizes = [len(text) for name, text in texts.items() if not name.endswith("index.js")]

    assert len(sizes) > 2
    assert max(sizes) < 1.5 * PART < 2_000_000
    assert [id_digits(rows) for rows in (1, 32_000, 32_001, 512_000, 1_000_000)] == [1, 1, 2, 2, 3]
    assert len(parts.ids) == 32


def test_no_text_breaks_out_of_a_script(written):
    _, _, texts = written

    for text in texts.values():
        assert text.isascii() and "<" not in text
    assert json.loads(script_json({"a": EVIL})) == {"a": EVIL}


def test_what_json_or_javascript_cannot_say_is_said_as_text_and_curves_are_rounded(rows_of, tmp_path):
    task = rows_of.make_task()
    odd = rows_of.make_curve([(0, None, 0.25, 0.5, math.inf, 1 / 3), (40, math.nan, 1e-9, 0.123456789, 2.0, 1.0)])
    rows = [
        rows_of.make_row(
            task, "imp", 1, 2**53, test_final=math.nan, flops=math.inf, curve=odd, test_correct=b"\x01\x02"
        ),
        rows_of.make_row(task, "imp", 1, 3, early_losses=[2.123456789]),
    ]
    write_rows(tmp_path / "rows.parquet", rows)
    (table,) = tables_of(tmp_path / "rows.parquet")

    small, large = sorted(unpacked(part_script(table, lambda columns: {})), key=lambda row: int(row["seed"]))

    assert (large["seed"], large["test_final"], large["flops"]) == (str(2**53), "nan", "inf")
    assert large["curve"] == [[0, 40], [None, None], [0.25, 1e-9], [0.5, 0.123457], [None, 2], [0.333333, 1]]
    assert (large["test_correct"], small["test_correct"]) == (2, None)
    assert (small["curve"], small["early_losses"]) == (None, [2.12346])
