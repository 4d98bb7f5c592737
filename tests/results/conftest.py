"""Rows as full as the schema allows, and a process of one's own."""

import subprocess
import sys

import pyarrow as pa
import pytest

from ticketbench import results
from ticketbench.results import SCHEMA


def value(kind):
    """Something that a column of this Arrow type may hold."""
    plain = {
        pa.string(): "ein Wört",
        pa.int64(): 2**53 + 1,
        pa.float64(): 0.1,
        pa.bool_(): True,
        pa.binary(): b"\0\xff",
    }
    if pa.types.is_list(kind):
        return [value(kind.value_type), value(kind.value_type)]
    if pa.types.is_struct(kind):
        return {each.name: value(each.type) for each in kind}
    return plain[kind]


@pytest.fixture
def full():
    """`full(column=value)`: a row in which every column is filled."""

    def make(**said):
        made = {each.name: value(each.type) for each in SCHEMA}
        made |= {"kind": "ticket", "status": "done", "task": "digits/mlp", "method": "imp", "label": "", "seed": 0}
        made |= {"rung": 1, "task_version": 1, "method_params": "{}", "numerics": "fp32"} | said
        return made | {"row_id": results.row_id(made)}

    return make


@pytest.fixture
def child():
    """`child(code, *arguments)`: what Python code prints in a process of its own."""

    def run(code, *arguments):
        command = [sys.executable, "-c", code, *map(str, arguments)]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
        return done.stdout

    return run
