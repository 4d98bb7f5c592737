"""`ticketbench export`: from an id to a file, and what to do with it."""

import re

import torch
from safetensors.torch import load_file

from ticketbench.results import read_rows

NAME = 'a "net\'s" folder'


def test_a_row_is_exported_by_the_beginning_of_its_id_and_the_printed_lines_load_it(ticketbench, task, here):
    assert ticketbench("run", task, "--method", "imp", "--jobs", 1).code == 0
    row = read_rows(here / "results" / "tiny" / "mlp" / "imp.parquet")[1]
    said = ticketbench("export", row["row_id"][:8], "--task", task, "--out", NAME)
    assert said.code == 0, said.err
    path = here / NAME / f"{row['row_id']}.safetensors"
    assert said.out.startswith(f"{NAME}/{path.name}: keeps {row['kept']} of {row['prunable']} weights, test_final ")
    loaded = {}

    class Network:
        def load_state_dict(self, weights):
            loaded.update(weights)

    exec(said.out.split("\n\n", 1)[1], {"network": Network()})
    tensors = load_file(path)
    assert set(loaded) == {name for name in tensors if not name.startswith("mask/")} == {
        "hidden.0.weight", "hidden.0.bias", "output.weight", "output.bias",
    }  # fmt: skip
    assert all(torch.equal(loaded[name], tensors[name]) for name in loaded)
    assert len(re.split(r"\n", said.out.strip().split("\n\n", 1)[1])) == 3


def test_what_cannot_be_exported_is_one_message(ticketbench, task, here):
    assert "there is no such folder of results" in ticketbench("export", "01234567").message
    assert ticketbench("run", task, "--method", "imp", "--jobs", 1).code == 0
    row = read_rows(here / "results" / "tiny" / "mlp" / "imp.parquet")[0]
    assert "no row's id begins with 01234567" in ticketbench("export", "01234567").message
    assert "is no row's id" in ticketbench("export", "imp").message
    assert "task tiny/mlp is not known here (--task FILE.toml" in ticketbench("export", row["row_id"]).message
    assert not list(here.glob("*.safetensors"))
