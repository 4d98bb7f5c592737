"""Rows merged and read again: seconds and memory, by the number of rows.

The rows have curves of 50 evaluations and the bits of 10,000 test examples, drawn at random, so that they hardly
compress. They are dealt out to several files, and some are in two. Every stage is a process of its own: the files are
made, merged into one, and that one is read and checked whole.
"""

import argparse
import json
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from measuring import machine, now, table

from ticketbench.results import KEY, SCHEMA, merge_files, row_id, tables_of

RUNGS, BATCH = 20, 4000
EVALUATIONS, EXAMPLES, EARLY, LAYERS = 50, 10_000, 16, 3
STAGES = ("make", "merge", "read")


def measure(rows: int, files: int, again: float, unordered: bool) -> str:
    """Run the stages, and tell what each took."""
    with tempfile.TemporaryDirectory(dir=Path.cwd()) as folder:
        given = json.dumps({"folder": folder, "rows": rows, "files": files, "again": again, "unordered": unordered})
        took = {}
        for stage in STAGES:
            done = subprocess.run([sys.executable, __file__, "--stage", stage, given], capture_output=True, text=True)
            if done.returncode:
                sys.exit(done.stderr)
            took[stage] = json.loads(done.stdout)
            print(stage, done.stdout.strip(), file=sys.stderr, flush=True)
    order = ", none of them in order" if unordered else ""
    return "\n".join(
        [
            machine(),
            f"{rows:,} rows of {EVALUATIONS} evaluations and {EXAMPLES:,} test examples, in {files} files{order}; "
            f"{again:.0%} of the rows in two of them",
            "",
            table(
                ("", "rows", "GiB on disk", "s, clock", "s, processor", "peak MiB"),
                [
                    (
                        {"make": "made", "merge": "merged into one file", "read": "read and checked"}[stage],
                        f"{each['rows']:,}",
                        f"{each['bytes'] / 2**30:.2f}",
                        f"{each['wall']:.1f}",
                        f"{each['cpu']:.1f}",
                        f"{each['peak'] / 2**10:,.0f}",
                    )
                    for stage, each in took.items()
                ],
            ),
        ]
    )


def run(stage: str, given: dict[str, object]) -> dict[str, float]:
    """One stage, in this process."""
    folder = Path(str(given["folder"]))
    out, began = folder / "merged.parquet", now()
    if stage == "make":
        rows = make(folder, int(given["rows"]), int(given["files"]), float(given["again"]), bool(given["unordered"]))
    elif stage == "merge":
        rows = merge_files(parts(folder), out)
    else:
        rows = sum(len(each) for each in tables_of(out))
    took = now() - began
    stored = parts(folder) if stage == "make" else [out]
    size = sum(path.stat().st_size for path in stored)
    return {"rows": rows, "bytes": size, "wall": took.wall, "cpu": took.cpu, "peak": peak()}


def peak() -> int:
    """The most memory that this process has held, in KiB."""
    lines = Path("/proc/self/status").read_text("utf-8").splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("VmHWM"))


def parts(folder: Path) -> list[Path]:
    return sorted(folder.glob("part-*.parquet"))


def make(folder: Path, rows: int, files: int, again: float, unordered: bool) -> int:
    """Deal rows out: to file after file, and a share of them to the next file as well."""
    writers = [pq.ParquetWriter(folder / f"part-{n}.parquet", SCHEMA, compression="zstd") for n in range(files)]
    written = 0
    for number, made in enumerate(tables(rows, unordered)):
        index = np.arange(len(made)) + number
        for which, writer in enumerate(writers):
            twice = (index % files == (which - 1) % files) & (index % 1000 < 1000 * again)
            mine = made.filter(pa.array((index % files == which) | twice))
            writer.write_table(mine)
            written += len(mine)
    for writer in writers:
        writer.close()
    return written


def tables(rows: int, unordered: bool) -> Iterator[pa.Table]:
    """Rows in the order of a file, or its parts from the last to the first."""
    starts = range(0, rows, BATCH)
    for start in reversed(starts) if unordered else starts:
        yield drawn(start, min(BATCH, rows - start))


def drawn(start: int, count: int) -> pa.Table:
    """Random rows number `start` and following: seed after seed, rung after rung."""
    draw = np.random.default_rng(start)
    columns: dict[str, pa.Array] = {}
    for field in SCHEMA:
        if field.type == pa.float64():
            columns[field.name] = pa.array(draw.random(count))
        elif field.type == pa.int64():
            columns[field.name] = pa.array(draw.integers(0, 10**6, count))
        elif field.type == pa.bool_():
            columns[field.name] = pa.array(draw.random(count) < 0.5)
        elif field.type == pa.string():
            columns[field.name] = pa.array([f"a word of {field.name}"] * count)
    index = np.arange(start, start + count)
    said = {"kind": "ticket", "task": "digits/mlp", "task_version": 1, "method": "imp", "method_params": "{}"}
    said |= {"found_on": "default", "trained_on": "default", "label": "", "numerics": "fp32", "status": "done"}
    keys = [said | {"seed": int(n) // RUNGS, "rung": 1 + int(n) % RUNGS} for n in index]
    columns |= {name: pa.array([key[name] for key in keys]) for name in (*KEY, "status")}
    columns["row_id"] = pa.array([row_id(key) for key in keys])
    bits = draw.integers(0, 256, (count, (EXAMPLES + 7) // 8), np.uint8)
    columns["test_correct"] = pa.array([each.tobytes() for each in bits], pa.binary())
    columns["test_scores"] = pa.nulls(count, pa.list_(pa.float64()))
    columns["early_losses"] = lists(pa.array(draw.random(count * EARLY)), EARLY)
    for name, length in (("curve", EVALUATIONS), ("kept_per_layer", LAYERS), ("packages", LAYERS)):
        children = [
            pa.array(["a name"] * (count * length))
            if each.type == pa.string()
            else pa.array(draw.random(count * length)).cast(each.type, safe=False)
            for each in SCHEMA.field(name).type.value_type
        ]
        names = [each.name for each in SCHEMA.field(name).type.value_type]
        columns[name] = lists(pa.StructArray.from_arrays(children, names), length)
    return pa.table([columns[name] for name in SCHEMA.names], SCHEMA.names).cast(SCHEMA)


def lists(values: pa.Array, length: int) -> pa.Array:
    return pa.ListArray.from_arrays(pa.array(range(0, len(values) + 1, length), pa.int32()), values)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=50_000, help="default: %(default)s")
    parser.add_argument("--files", type=int, default=8, help="default: %(default)s")
    parser.add_argument("--again", type=float, default=0.1, help="share of rows in two files (default: %(default)s)")
    parser.add_argument("--unordered", action="store_true", help="files whose rows are not in order")
    parser.add_argument("--stage", nargs=2, help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.stage:
        print(json.dumps(run(given.stage[0], json.loads(given.stage[1]))))
    else:
        print(measure(given.rows, given.files, given.again, given.unordered))
