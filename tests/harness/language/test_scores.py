"""What a network of language is scored by, on models made by hand, and that an LSTM learns by it."""

from math import exp, log

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from ticketbench.networks import go_on, memory_of, remember


class ByTheLast(nn.Module):
    """The next token's distribution by the last one, as a table says."""

    def __init__(self, table: Tensor):
        super().__init__()
        self.logits = nn.Parameter(table.log())

    def forward(self, inputs: Tensor) -> Tensor:
        return self.logits[inputs]


def test_perplexity_is_e_to_the_mean_of_the_blocks_nats(workload, texts):
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


def test_the_hidden_state_is_carried_from_block_to_block(workload, texts):
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


def test_an_lstm_learns_what_a_unigram_cannot_know(workload, texts, trained):
    """Of four words of a sentence two follow from the one before: below half of the unigram's perplexity."""
    work = workload(steps=150, evaluate_every=150)
    train, _, _ = texts(work)
    shares = train.bincount(minlength=work.classes) / len(train)
    unigram = work.evaluate(ByTheLast(shares.expand(work.classes, -1))).test
    assert 8 < unigram < work.classes
    assert trained(work, 150).history.points[-1].test < unigram / 2
