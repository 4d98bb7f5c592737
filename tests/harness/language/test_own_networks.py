"""Networks of one's own over running text: which fit, and which remember as the engine asks them to."""

import pytest
import torch

from ticketbench.errors import TicketbenchError
from ticketbench.harness.workloads import workloads_of
from ticketbench.task import load_task

CPU = torch.device("cpu")


def test_a_network_for_images_does_not_fit(task):
    changed = task(network="mlp", options="{ hidden = [4] }")
    with pytest.raises(TicketbenchError) as error:
        workloads_of(changed, CPU)
    expected = "expected logits of shape (3, 5, 14) from tokens of shape (3, 5), but it raised RuntimeError: "
    assert f"tiny/lstm: network mlp (setting default): {expected}" in str(error.value)


RECURRENT = """
import torch
from torch import nn
from ticketbench.networks import Remembering

class Alone(nn.Module):
    def __init__(self, classes, when):
        super().__init__()
        self.embedding, self.cell = nn.Embedding(classes, 4), nn.LSTM(4, 4, batch_first=True)
        self.norm, self.dropout, self.output = nn.BatchNorm1d(5), nn.Dropout(0.5), nn.Linear(4, classes)
        self.when, self.h = when, None

    def forward(self, inputs):
        goes_on = {"always": True, "training": self.training, "never": False}[self.when]
        signal, ended = self.cell(self.embedding(inputs), self.h if goes_on else None)
        self.h = tuple(each.detach() for each in ended)
        return self.output(self.dropout(self.norm(signal)))

def alone(shape, classes, when):
    return Alone(classes, when)

class Told(Remembering):
    def __init__(self, classes):
        super().__init__()
        self.embedding, self.cell = nn.Embedding(classes, 4), nn.LSTM(4, 4, batch_first=True)
        self.output = nn.Linear(4, classes)

    def forward(self, inputs):
        began = (self.memory["h"], self.memory["c"]) if self.memory else None
        signal, (h, c) = self.cell(self.embedding(inputs), began)
        self.ended = {"h": h.detach(), "c": c.detach()}
        return self.output(signal)

def told(shape, classes):
    return Told(classes)
"""


@pytest.mark.parametrize(
    ("network", "said"),
    [
        ('factory = "my_readers:alone"\noptions.when = "always"', "gives other logits for the same tokens"),
        ('factory = "my_readers:alone"\noptions.when = "training"', "is a ticketbench.networks.Remembering."),
        ('factory = "my_readers:alone"\noptions.when = "never"', None),
        ('factory = "my_readers:told"', None),
    ],
)
def test_a_network_of_one_s_own_remembers_as_it_is_asked_to_or_is_refused(
    task, trained, tmp_path, monkeypatch, write, network, said
):
    """Dropout and batch norm, whose draws and buffers the engine keeps, are no memory of its own."""
    monkeypatch.chdir(write("my_readers.py", RECURRENT).parent)
    task()
    path = tmp_path / "tiny.toml"
    text = path.read_text()
    old = text[text.index('name = "lstm"') : text.index("[training]")]
    path.write_text(text.replace(old, network + "\n"))
    if said:
        with pytest.raises(TicketbenchError, match=r"tiny/lstm: network my_readers:alone .*second time") as error:
            workloads_of(load_task(path), CPU)
        assert said in str(error.value)
        return
    whole, split = (workloads_of(load_task(path), CPU)["default"] for _ in range(2))
    assert (
        trained(split, 24, trained(split, 7)).digest() == trained(whole, 24).digest() == trained(whole, 24).digest()
    )
