"""What the tests of language modelling share: a tiny task, its workload, and how a training of it is made."""

import pytest
import torch

from ticketbench.harness.training import Member
from ticketbench.harness.workloads.language import Language
from ticketbench.task import load_task

CPU = torch.device("cpu")
TASK = """
id = "tiny/lstm"
version = 1
title = "A tiny language model"
tier = "smoke"
[data]
kind = "text"
name = "wikitext-2"
digest = "{digest}"
sequence = 5
streams = 3
[network]
name = "lstm"
options = {{ embedding = 8, hidden = 12, layers = 2, dropout = 0.2 }}
[training]
steps = 24
batch_size = 4
optimizer = {{ name = "adam", lr = 0.05 }}
evaluate_every = 10
rewind_step = 6
[ladder]
prune = 0.5
rounds = 2
scope = "global"
cover = "parameters"
"""


@pytest.fixture
def task(text_mirror, tmp_path, monkeypatch):
    """`task(old=new)`: the tiny task, words of its file replaced."""
    monkeypatch.setenv("TICKETBENCH_DATA", str(text_mirror.root))

    def make(**changes):
        said = TASK.format(digest=text_mirror.digest).replace('"lstm"', f'"{changes.pop("network", "lstm")}"')
        for key, value in changes.items():
            line = next(line for line in said.splitlines() if line.startswith(f"{key} = "))
            said = said.replace(line, f"{key} = {value}")
        path = tmp_path / "tiny.toml"
        path.write_text(said)
        return load_task(path)

    return make


@pytest.fixture
def workload(task):
    """`workload(key=value)`: the tiny task's workload, values in its file replaced."""
    return lambda **changes: Language(task(**changes), CPU)


@pytest.fixture(scope="session")
def trained():
    """`trained(workload, until, start=None, data_order=0)`: the state that a training ends in."""

    def train(workload, until, start=None, data_order=0):
        (state,) = workload.advance([Member(start or workload.initial(0), 0, data_order)], until)
        return state

    return train


@pytest.fixture(scope="session")
def texts():
    """`texts(workload)`: training, validation and test text as numbers."""

    def load(workload):
        found = Language.load(workload.task.data).text
        return found.train, found.validation, found.test

    return load
