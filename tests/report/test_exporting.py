"""Exported networks: what another program loads scores what the row says, and nothing else is ever written."""

import json
import re
import shutil
import subprocess
import sys
from pathlib import Path
from textwrap import indent

import pytest
import torch
from safetensors import safe_open
from safetensors.torch import load_file, save_file

from ticketbench.data import splits
from ticketbench.errors import TicketbenchError
from ticketbench.harness.plan import make_plan
from ticketbench.harness.runner import run_plan
from ticketbench.harness.shard import Place
from ticketbench.harness.store import DEFAULT_LIMIT
from ticketbench.methods import find_methods
from ticketbench.methods.state import mask_digest
from ticketbench.networks import build
from ticketbench.report.exporting import MASK, export
from ticketbench.results import read_rows, result_files, row_id
from ticketbench.task import load_task

TASK = """
id = "tiny/mlp"
version = 1
title = "A tiny perceptron on digits"
tier = "smoke"
extends = "digits/mlp"
[training]
steps = 120
evaluate_every = 40
rewind_step = 10
[training.schedule]
milestones = []
[ladder]
prune = 0.5
rounds = 3
"""
METHOD = """
from ticketbench import Probe, Ticket, keep_largest, method

@method("mine", title="Magnitude at the start, a probe, and an error")
def mine(search):
    scores = {name: weight.abs() for name, weight in search.initial.prunable.items()}
    for rung in search.ladder[:2]:
        trained = yield Ticket(keep_largest(scores, rung), search.initial)
    yield Probe(trained, "last")
    raise RuntimeError("no more")
"""
# A weight under two names, and a buffer that its state dict leaves out.
TIED = """
import torch
from torch import nn

class Tied(nn.Module):
    def __init__(self, shape, classes):
        super().__init__()
        self.first, self.second, self.output = nn.Linear(64, 64), nn.Linear(64, 64), nn.Linear(64, classes)
        self.second.weight = self.first.weight
        self.register_buffer("shift", torch.zeros(64), persistent=False)

    def forward(self, images):
        return self.output(self.second(self.first(images.flatten(1)).relu() + self.shift).relu())
"""
# What docs/citing.md says, in a process that never imports ticketbench.
BLOCKS = re.findall(
    r"```python\n(.*?)```", (Path(__file__).parents[2] / "docs" / "citing.md").read_text("utf-8"), re.DOTALL
)
PLAIN = """
import sys
import torch
{network}
for path in sys.argv[2:]:
{loading}
    test = load_file(sys.argv[1])
    with torch.no_grad():
        right = network(test["inputs"]).argmax(1) == test["targets"]
    print(right.double().mean().item())
assert "ticketbench" not in sys.modules
"""


@pytest.fixture(scope="module")
def ran(tmp_path_factory):
    """A folder with rows of every kind, and what made them: task, methods, the store."""
    folder = tmp_path_factory.mktemp("exported")
    (folder / "tiny.toml").write_text(TASK)
    (folder / "mine.py").write_text(METHOD)
    task, methods = load_task(folder / "tiny.toml"), find_methods([str(folder / "mine.py"), "imp"])
    plan = make_plan([task], methods, 1, folder / "results", ("shuffled", "small-dense"))
    run_plan(plan, folder / "results", Place(folder / "store", DEFAULT_LIMIT, "cpu"), 1, lambda *_: None)
    rows = [row for path in result_files(folder / "results") for row in read_rows(path)]
    return folder, {task.id: task}, {method.name: method for method in methods}, rows


@pytest.fixture
def exported(ran, tmp_path):
    """A function from a row to its exported file; the store that made it is used unless another is named."""
    folder, tasks, methods, _ = ran

    def write(row, store="store"):
        return export(row, tmp_path / "out", tasks, methods, folder / store, "cpu").path

    return write


def row_of(ran, method, kind, label="", rung=2):
    (found,) = [
        row
        for row in ran[3]
        if (row["method"], row["kind"], row["label"]) == (method, kind, label) and row["rung"] in (0, rung)
    ]
    return found


def accuracies(paths, task, tmp_path):
    """Of the exported networks on the test split, loaded as the documentation has it."""
    test = splits(task.data).test
    save_file(
        {"inputs": test.inputs.contiguous(), "targets": test.targets.contiguous()}, tmp_path / "test.safetensors"
    )
    loading, network = BLOCKS
    assert len(list(filter(None, loading.splitlines()))) == 3
    loading = re.sub(r'load_file\(".*"\)', "load_file(path)", loading)
    code = PLAIN.format(network=network, loading=indent(loading, "    "))
    command = [sys.executable, "-c", code, str(tmp_path / "test.safetensors"), *map(str, paths)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return [float(line) for line in done.stdout.splitlines()]


def test_plain_torch_loads_each_and_scores_what_its_row_says(ran, exported, tmp_path):
    of = ("imp", "ticket", ""), ("dense", "dense", ""), ("imp", "control", "shuffled"), ("mine", "probe", "last")
    rows = [row_of(ran, *each) for each in of]
    paths = [exported(row) for row in rows]
    assert accuracies(paths, ran[1]["tiny/mlp"], tmp_path) == [row["test_final"] for row in rows]
    for row, path in zip(rows, paths, strict=True):
        tensors = load_file(path)
        masks = {name.removeprefix(MASK): tensor for name, tensor in tensors.items() if name.startswith(MASK)}
        assert sum(int(mask.sum()) for mask in masks.values()) == row["kept"]
        for name, mask in masks.items():
            assert mask.dtype == torch.bool and bool((tensors[name][~mask] == 0).all())


def test_a_state_dict_with_tied_weights_is_whole(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "tied_net.py").write_text(TIED)
    (tmp_path / "tied.toml").write_text(
        TASK.replace("tiny/mlp", "tiny/tied") + '[network]\nfactory = "tied_net:Tied"\n'
    )
    task, methods = load_task(tmp_path / "tied.toml"), find_methods(["random-layer"])
    run_plan(
        make_plan([task], methods, 1, tmp_path), tmp_path, Place(tmp_path, DEFAULT_LIMIT, "cpu"), 1, lambda *_: None
    )
    (row,) = [row for path in result_files(tmp_path) for row in read_rows(path) if row["rung"] == 3]
    path = export(row, tmp_path, {task.id: task}, {"random-layer": methods[0]}, tmp_path, "cpu").path
    tensors = load_file(path)
    network = build(task.network, (1, 8, 8), 10)
    network.load_state_dict({name: tensor for name, tensor in tensors.items() if not name.startswith(MASK)})
    assert torch.equal(tensors["second.weight"], tensors["first.weight"]) and "shift" not in tensors
    test = splits(task.data).test
    with torch.no_grad():
        right = network.eval()(test.inputs).argmax(1) == test.targets
    assert right.double().mean().item() == row["test_final"]


def test_the_mask_is_the_row_s(ran, exported):
    row = row_of(ran, "imp", "ticket")
    tensors = load_file(exported(row))
    layers = [layer["layer"] for layer in row["kept_per_layer"]]
    assert mask_digest({name: tensors[f"{MASK}{name}"] for name in layers}) == row["mask_digest"]


def test_the_header_says_which_row_it_is(ran, exported):
    row = row_of(ran, "imp", "ticket")
    path = exported(row)
    assert path.name == f"{row['row_id']}.safetensors"
    with safe_open(path, "pt") as file:
        said = file.metadata()
    expected = {
        name: str(row[name]) for name in ("row_id", "task", "method", "seed", "density", "test_final", "rung")
    }
    assert said.items() >= expected.items()
    assert json.loads(said["network"])["options"] == {"hidden": [100, 50]}


def test_another_network_than_the_task_s_is_exported_without_its_name(ran, exported):
    row = row_of(ran, "imp", "control", "small-dense")
    path = exported(row)
    with safe_open(path, "pt") as file:
        assert "network" not in file.metadata()
    assert load_file(path)["hidden.0.weight"].shape[0] < 100


def content(path):
    """Of a file, whose header names things in no order of its own."""
    with safe_open(path, "pt") as file:
        said = file.metadata()
    return said, {name: tensor.numpy().tobytes() for name, tensor in load_file(path).items()}


def test_from_nothing_comes_what_the_store_had(ran, exported):
    row = row_of(ran, "mine", "ticket")
    stored = content(exported(row))
    assert content(exported(row, store="fresh")) == stored


def test_a_damaged_checkpoint_is_trained_again(ran, exported, tmp_path):
    folder = ran[0]
    row = row_of(ran, "mine", "ticket", rung=1)
    expected = content(exported(row))
    shutil.copytree(folder / "store", folder / "damaged")
    for path in (folder / "damaged").rglob("*.safetensors"):
        path.write_bytes(path.read_bytes()[:-1] + b"\x7f")
    assert content(exported(row, store="damaged")) == expected


def refused(exported, row, tmp_path):
    with pytest.raises(TicketbenchError) as caught:
        exported(row)
    assert not list(tmp_path.glob("out/*"))
    return str(caught.value)


@pytest.mark.parametrize(
    ("column", "value", "said"),
    [
        ("test_final", 0.5, "is damaged: expected test_final as the curve has it"),
        ("mask_digest", "0" * 64, "the mask is another (000000000000 published, "),
        ("test_correct", b"\0" * 45, "is damaged: expected test_correct that fits"),
        ("kept", 3, "is damaged: expected density = kept / prunable"),
        ("status", "collapsed", "status collapsed published, done here"),
        ("method_digest", "0" * 64, "cannot be computed again here: method_digest: 000000000000... published"),
        ("task_digest", "0" * 64, "cannot be computed again here: task_digest: 000000000000... published"),
        ("task", "tiny/other", "task tiny/other is not known here"),
        ("method", "yours", "method yours is not known here"),
        ("engine_version", 99, "engine_version: 99 published"),
    ],
)
def test_a_row_that_does_not_come_out_as_published_is_refused(ran, exported, tmp_path, column, value, said):
    row = row_of(ran, "imp", "ticket") | {column: value}
    message = refused(exported, row | {"row_id": row_id(row)}, tmp_path)
    assert said in message and row_id(row) in message


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"mask_digest": None}, "is damaged: expected a counted mask and a start"),
        ({"test_correct": None}, "is damaged: expected test_correct"),
        ({"curve": None}, "is damaged: expected a curve"),
    ],
)
def test_a_row_that_contradicts_itself_is_refused_before_anything_is_trained(ran, exported, tmp_path, changes, said):
    assert said in refused(exported, row_of(ran, "imp", "ticket") | changes, tmp_path)


def test_a_row_without_a_network_is_refused_with_its_reason(ran, exported, tmp_path):
    row = row_of(ran, "mine", "ticket", rung=3)
    assert "has no final weights, it is failed: ended at rung 3: RuntimeError: no more" in refused(
        exported, row, tmp_path
    )


def test_a_label_that_the_method_does_not_make_is_refused(ran, exported, tmp_path):
    row = row_of(ran, "imp", "ticket") | {"label": "x"}
    assert "imp made no such row here" in refused(exported, row | {"row_id": row_id(row)}, tmp_path)


def test_a_folder_that_cannot_be_written_is_one_message(ran, tmp_path):
    folder, tasks, methods, _ = ran
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(TicketbenchError, match="cannot be written"):
        export(row_of(ran, "imp", "ticket"), tmp_path / "file", tasks, methods, folder / "store", "cpu")
