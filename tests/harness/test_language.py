"""Language modelling: in which order a text is read, what a network is scored by, and that splits change no bit."""

import os
from dataclasses import dataclass, replace
from math import exp, log
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor, nn
from torch.func import functional_call

from ticketbench.data.text import TEXTS
from ticketbench.errors import TicketbenchError
from ticketbench.harness.training import Member
from ticketbench.harness.workloads import workloads_of
from ticketbench.harness.workloads.language import Language
from ticketbench.harness.workloads.reading import blocks_of
from ticketbench.methods import find_methods
from ticketbench.methods.requests import Refused
from ticketbench.methods.state import derive
from ticketbench.networks import go_on, memory_of, remember
from ticketbench.task import load_task, shipped_tasks

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


def trained(workload, until, start=None, data_order=0):
    (state,) = workload.advance([Member(start or workload.initial(0), 0, data_order)], until)
    return state


def texts(workload):
    """Training, validation and test text as numbers."""
    found = Language.load(workload.task.data).text
    return found.train, found.validation, found.test


# The order of reading


def test_every_batch_goes_on_where_the_one_before_ended_through_all_epochs(workload):
    work = workload()
    ring = work.order(0, 0)
    for step in range(3 * work.examples // 4):
        assert torch.equal(ring.batch(step)[1][:, -1], ring.batch(step + 1)[0][:, 0])


def test_the_place_to_begin_depends_on_seed_and_data_order_alone(workload):
    one = workload()
    begins = {(seed, order): one.order(seed, order).begin for seed in range(3) for order in range(3)}
    assert begins == {key: workload().order(*key).begin for key in begins}
    assert len(set(begins.values())) > 5


def test_a_sample_is_of_sequences_of_the_text_none_twice(workload):
    work = workload()
    train, _, _ = texts(work)
    assert work.examples == len(train) // 5
    inputs, targets = work.sample(work.examples, 3, "batches", 0)
    chunks = train[: 5 * work.examples].view(-1, 5).tolist()
    assert sorted(inputs.tolist()) == sorted(chunks)
    last = train.roll(-5)[: 5 * work.examples].view(-1, 5)[:, 0].tolist()  # of a ring: what follows the end begins it
    assert sorted(zip(inputs.tolist(), targets[:, -1].tolist(), strict=True)) == sorted(
        zip(chunks, last, strict=True)
    )
    assert torch.equal(inputs[:, 1:], targets[:, :-1])
    again, _ = work.sample(7, 3, "batches", 0)
    assert torch.equal(again, inputs[:7])
    assert not torch.equal(work.sample(7, 3, "batches", 1)[0], again)


# Scores


class ByTheLast(nn.Module):
    """The next token's distribution by the last one, as a table says."""

    def __init__(self, table: Tensor):
        super().__init__()
        self.logits = nn.Parameter(table.log())

    def forward(self, inputs: Tensor) -> Tensor:
        return self.logits[inputs]


def test_perplexity_is_e_to_the_mean_of_the_blocks_nats(workload):
    """A model made by hand, so that every number can be computed from the text."""
    work = workload()
    _, validation, test = texts(work)
    table = torch.rand(work.classes, work.classes, generator=torch.Generator().manual_seed(0)) + 0.1
    table /= table.sum(1, keepdim=True)
    found = work.evaluate(ByTheLast(table))

    def by_hand(text):
        nats = [-log(table[one, other]) for one, other in zip(text.tolist(), text[1:].tolist(), strict=False)]
        stream = (len(text) - 1) // 3
        begins = [stream * s + 5 * block for s in range(3) for block in range(stream // 5)]
        return [sum(nats[begin : begin + 5]) / 5 for begin in begins]

    assert found.test_scores == pytest.approx(by_hand(test), rel=1e-6)
    assert len(found.test_scores) == work.test_examples
    assert found.test_loss == pytest.approx(np.mean(by_hand(test)), rel=1e-6)
    assert found.validation_loss == pytest.approx(np.mean(by_hand(validation)), rel=1e-6)
    assert found.test == pytest.approx(exp(np.mean(found.test_scores)), rel=1e-12)
    assert found.validation == pytest.approx(exp(found.validation_loss), rel=1e-12)
    assert found.test_correct is None


def test_the_loss_of_knowing_nothing_is_the_log_of_the_vocabulary(workload):
    work = workload()
    uniform = ByTheLast(torch.ones(work.classes, work.classes))
    inputs, targets = work.sample(3, 0)
    assert work.loss(uniform, None, inputs, targets).item() == pytest.approx(log(work.classes), rel=1e-6)
    other = {"logits": torch.full((work.classes, work.classes), 1e-3).log().index_fill(1, torch.tensor(0), 0.0)}
    share = 1 / (1 + 1e-3 * (work.classes - 1))
    expected = -torch.where(targets == 0, log(share), log(1e-3 * share)).mean().item()
    assert work.loss(uniform, other, inputs, targets).item() == pytest.approx(expected, rel=1e-5)


def test_the_hidden_state_is_carried_from_block_to_block(workload):
    work = workload()
    network = work.module().eval()
    _, _, test = texts(work)
    stream = (len(test) - 1) // 3
    whole = stream // 5 * 5
    with torch.no_grad():
        at_once = torch.stack([test[stream * s : stream * s + whole] for s in range(3)])
        after = torch.stack([test[stream * s + 1 : stream * s + whole + 1] for s in range(3)])
        nats = nn.functional.cross_entropy(network(at_once).flatten(0, 1), after.flatten(), reduction="none")
    remember(network, {})
    assert work.evaluate(network).test_scores == pytest.approx(nats.view(-1, 5).mean(1).tolist(), rel=1e-5)


def test_evaluation_leaves_a_training_s_memory_alone_and_does_not_begin_with_it(workload):
    work = workload()
    network = work.module().eval()
    fresh = work.evaluate(network)
    network(work.order(0, 0).batch(0)[0])
    go_on(network)
    before = memory_of(network)
    assert work.evaluate(network) == fresh
    assert all(torch.equal(memory_of(network)[name], tensor) for name, tensor in before.items())
    remember(network, {})


def test_one_token_that_is_the_likeliest_everywhere_is_one_answer(workload):
    work = workload()
    table = torch.ones(work.classes, work.classes)
    table[:, 2] = 2.0
    assert work.evaluate(ByTheLast(table)).one_answer
    table[4, 3] = 3.0
    assert not work.evaluate(ByTheLast(table)).one_answer


def test_a_loss_that_no_double_holds_the_exponential_of_still_has_a_perplexity(workload):
    work = workload()
    hopeless = ByTheLast(torch.ones(work.classes, work.classes))
    with torch.no_grad():
        hopeless.logits[:, 0] = 5000.0
    found = work.evaluate(hopeless)
    assert found.test_loss > 1000
    assert np.isfinite(found.test)


# Training


@pytest.mark.parametrize("places", [[1], [7, 8], [10], [3, 10, 20, 23]])
def test_a_training_that_is_split_is_the_one_that_is_not(workload, places):
    """With dropout, which is drawn anew at every step, and a hidden state that goes on across the split."""
    whole = trained(workload(), 24)
    state = None
    for until in (*places, 24):
        state = trained(workload(), until, state)  # a new network every time, as in another process
        shapes = {name: tuple(tensor.shape) for name, tensor in state.memory.items()}
        assert shapes == {"/hidden": (2, 4, 12), "/cell": (2, 4, 12)}
    assert state.digest() == whole.digest()
    assert state.history == whole.history


def test_what_is_carried_decides_the_training(workload):
    work = workload()
    half = trained(work, 12)
    forgotten = trained(work, 24, replace(half, memory={}))
    assert forgotten.digest() != trained(work, 24, half).digest()
    assert trained(work, 24).digest() != trained(work, 24, data_order=1).digest()


def test_a_rewound_network_begins_to_read_from_nothing(workload):
    work = workload()
    half = trained(work, 12)
    assert half.memory
    mask = {name: torch.rand(kept.shape) < 0.5 for name, kept in half.mask.items()}
    assert derive(half, mask=mask).memory == {}
    assert derive(half, step=6).memory == {}
    assert derive(half).memory == half.memory


@dataclass(frozen=True)
class WithTeacher:
    """The plain loss, a network with other weights answering the batch before or after it, unheard."""

    before: bool

    def __call__(self, network, weights, extra, inputs, targets, step, rng, loss):
        def teacher():
            network.eval()
            with torch.no_grad():
                functional_call(network, {name: 2 * weight for name, weight in weights.items()}, (inputs,))
            network.train()

        if self.before:
            teacher()
        learnt = loss(network, None, inputs, targets)
        if not self.before:
            teacher()
        return learnt


@dataclass(frozen=True)
class Half:
    """The plain loss of half the batch."""

    def __call__(self, network, weights, extra, inputs, targets, step, rng, loss):
        return loss(network, None, inputs[::2], targets[::2])


@dataclass(frozen=True)
class Penalised:
    """The plain loss with a pass over half the batch beside it, where there is nothing to remember."""

    def __call__(self, network, weights, extra, inputs, targets, step, rng, loss):
        return 0.1 * loss(network, None, inputs[::2], targets[::2]) + loss(network, None, inputs, targets)


@pytest.mark.parametrize("before", [True, False])
def test_a_teacher_s_pass_leaves_the_student_where_it_was_in_the_text(workload, before):
    work = workload()
    (taught,) = work.advance([Member(work.initial(0), 0, objective=WithTeacher(before))], 24)
    alone = trained(work, 24)
    for part in ("weights", "optimizer", "memory"):
        found, expected = getattr(taught, part), getattr(alone, part)
        assert all(torch.equal(found[name], tensor) for name, tensor in expected.items()), part
        assert list(found) == list(expected)


def test_a_loss_of_half_the_batch_is_the_method_s_failure_at_once(workload):
    """Else its two columns would be what the plain training after it goes on from, with four."""
    work = workload()
    with pytest.raises(Refused, match=r"objective Half at step 0: no pass with gradients over the whole batch"):
        work.advance([Member(work.initial(0), 0, objective=Half())], 1)
    half = trained(work, 12)
    with pytest.raises(
        Refused, match="objective Half raised ValueError at step 12: the lstm goes on from a batch of 4"
    ):
        work.advance([Member(half, 0, objective=Half())], 13)
    (first,) = work.advance([Member(work.initial(0), 0, objective=Penalised())], 1)
    assert {tuple(tensor.shape) for tensor in first.memory.values()} == {(2, 4, 12)}
    assert trained(work, 24, first).step == 24


HALF = """
from dataclasses import dataclass

@dataclass(frozen=True)
class Half:
    def __call__(self, network, weights, extra, inputs, targets, step, rng, loss):
        return loss(network, None, inputs[::2], targets[::2])

@method("half", title="A loss of half the batch")
def half(search):
    begun = yield Train(search.initial, 1, objective=Half())
    found = yield Train(begun, search.steps)
    for rung in search.ladder:
        yield Ticket(keep_largest(scores_of(found), rung, scope="global"), search.initial)
"""


def test_a_loss_of_half_the_batch_makes_failed_rows(lab, task):
    for row in lab.search(HALF, task()):
        assert row["status"] == "failed"
        assert "objective Half at step 0: no pass with gradients over the whole batch" in row["reason"]


def test_an_lstm_learns_what_a_unigram_cannot_know(workload):
    """Of four words of a sentence two follow from the one before: below half of the unigram's perplexity."""
    work = workload(steps=150, evaluate_every=150)
    train, _, _ = texts(work)
    shares = train.bincount(minlength=work.classes) / len(train)
    unigram = work.evaluate(ByTheLast(shares.expand(work.classes, -1))).test
    assert 8 < unigram < work.classes
    assert trained(work, 150).history.points[-1].test < unigram / 2


def test_flops_are_two_for_every_entry_of_a_matrix_and_every_token(workload):
    work = workload()
    total, of = work.flops
    by_hand = {
        "layers.0.weight_ih_l0": 2 * 5 * (4 * 12 * 8),
        "layers.0.weight_hh_l0": 2 * 5 * (4 * 12 * 12),
        "layers.1.weight_ih_l0": 2 * 5 * (4 * 12 * 12),
        "layers.1.weight_hh_l0": 2 * 5 * (4 * 12 * 12),
        "output.weight": 2 * 5 * (12 * work.classes),
    }
    assert {name: flops for name, flops in of.items() if flops} == by_hand
    assert total == sum(by_hand.values())
    assert list(of) == work.prunable == [name for name, _ in work.module().named_parameters()]


@pytest.mark.parametrize("name", ["imp-late", "snip"])
def test_methods_of_other_domains_find_tickets_here(lab, task, name):
    (found,) = find_methods([name])
    (row,) = lab.search(found, task(steps=60, evaluate_every=30, rounds=1))
    assert (row["rung"], row["status"], row["reason"]) == (1, "done", "")
    assert (row["metric"], row["higher_is_better"]) == ("perplexity", False)
    assert row["test_final"] == pytest.approx(exp(np.mean(row["test_scores"])), rel=1e-12)
    assert row["test_correct"] is None
    assert {"embedding.weight", "output.bias"} < {each["layer"] for each in row["kept_per_layer"]}
    assert 0 < row["flops"] < row["flops_dense"]


def test_synflow_starts_at_the_embedding_s_output_and_so_prunes_the_embedding_first(lab, task):
    """No flow passes through it, whose input are tokens. Without it a network answers everything alike."""
    (found,) = find_methods(["synflow(rounds=2)"])
    first, _ = lab.search(found, task())
    kept = {each["layer"]: each["kept"] for each in first["kept_per_layer"]}
    assert kept["embedding.weight"] == 0 < kept["layers.0.weight_ih_l0"]
    assert (first["status"], first["reason"]) == (
        "collapsed",
        "one token is the likeliest at every place of the test text",
    )
    spared = lab.search(found, task(rounds='2\nexclude = ["embedding.weight"]'))
    assert [row["status"] for row in spared] == ["done", "done"]


# What can be wrong


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"batch_size": 5000}, "training.batch_size 5,000 is more columns than the training text has tokens, 750."),
        ({"sequence": 800}, "data.sequence 800 is longer than the training text, 750 tokens."),
        ({"streams": 20}, "the validation text, 100 tokens, has no 20 streams (data.streams) of 5 tokens"),
    ],
)
def test_a_text_too_short_for_its_task_is_told(task, changes, said):
    with pytest.raises(TicketbenchError) as error:
        workloads_of(task(**changes), CPU)
    assert said in str(error.value)


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
    task, tmp_path, monkeypatch, write, network, said
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


# The shipped tasks


@pytest.mark.parametrize("name", ["tiny-shakespeare/lstm", "tiny-shakespeare/lstm-ci"])
def test_chance_is_the_perplexity_of_the_training_text_s_frequencies(name):
    task = load_task(shipped_tasks()[name])
    source = TEXTS[task.data.name]
    if not (Path(os.environ.get("TICKETBENCH_DATA", "")).expanduser() / source.id).is_dir():
        pytest.skip(f"data set {source.id} is not in TICKETBENCH_DATA")
    found = Language.load(task.data)
    shares = found.text.train.bincount().double() / len(found.text.train)
    blocks = blocks_of(found.text.test, found.streams, found.sequence)
    assert task.scoring.chance == pytest.approx(exp(-shares.log()[blocks.targets].mean()), rel=1e-12)
