"""The chance value of a text: a model that knows nothing but how frequent tokens are."""

from math import exp, log

import pytest
import torch

from ticketbench.errors import TicketbenchError
from ticketbench.harness.workloads import chance
from ticketbench.harness.workloads.chance import chance_of
from ticketbench.harness.workloads.reading import blocks_of


def test_chance_is_the_perplexity_of_the_test_blocks_by_the_training_text_s_frequencies(task, workload, texts):
    said = task()
    train, _, test = (text.tolist() for text in texts(workload()))
    scored = blocks_of(torch.tensor(test), said.data.streams, said.data.sequence).targets.flatten().tolist()

    nats = [-log(train.count(token) / len(train)) for token in scored]

    assert chance_of(said, games=1).value == pytest.approx(exp(sum(nats) / len(nats)), rel=1e-12)


def test_a_test_text_with_tokens_that_training_lacks_has_none(task, monkeypatch):
    found = chance.Language.load(task().data)
    found.text.train.fill_(int(found.text.train[0]))
    monkeypatch.setattr(chance.Language, "load", lambda data: found)
    with pytest.raises(TicketbenchError, match=r"has tokens that its training text lacks, so .* is infinite"):
        chance_of(task(), games=1)
