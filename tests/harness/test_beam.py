"""Beam search, on models small enough to work out by hand."""

from itertools import product
from math import log

import pytest
import torch

from ticketbench.data.subwords import BOS, EOS, PAD, UNK
from ticketbench.harness.workloads.beam import beam_search
from ticketbench.networks.transformer import Transformer

CPU = torch.device("cpu")
A, B = 4, 5


class Toy:
    """A model that knows a sentence's next token by all that came before it: `following(sentence, prefix)`."""

    def __init__(self, following, sentences):
        self.following = following
        self.sentences = list(range(sentences))
        self.prefixes = None

    def extend(self, tokens):
        if self.prefixes is None:
            self.prefixes = [[()] * tokens.shape[1] for _ in self.sentences]
        else:
            pairs = zip(self.prefixes, tokens.tolist(), strict=True)
            self.prefixes = [[(*p, t) for p, t in zip(row, last, strict=True)] for row, last in pairs]
        rows = zip(self.sentences, self.prefixes, strict=True)
        return torch.stack([torch.stack([self.following(which, p) for p in row]) for which, row in rows])

    def keep(self, sentences, parents):
        self.sentences = [self.sentences[i] for i in sentences.tolist()]
        kept = [self.prefixes[i] for i in sentences.tolist()]
        self.prefixes = [[row[i] for i in which] for row, which in zip(kept, parents.tolist(), strict=True)]


def logits(**probabilities):
    """Logits of six tokens; one that is not named is next to impossible."""
    found = torch.full((6,), -1e4)
    for name, each in probabilities.items():
        found[{"end": EOS, "a": A, "b": B, "pad": PAD, "begin": BOS}[name]] = log(each)
    return found


def search(following, beam, longest=6, penalty=0.0, sentences=1):
    return beam_search(Toy(following, sentences), sentences, beam, longest, penalty, CPU)


def garden_path(_, prefix):
    """A is likelier at first, but B ends better: 0.4 * 0.9 = 0.36 against 0.5 * 0.4 = 0.2."""
    if not prefix:
        return logits(a=0.5, b=0.4, end=0.1)
    if prefix == (B,):
        return logits(a=0.05, b=0.05, end=0.9)
    return logits(a=0.3, b=0.3, end=0.4)


def test_a_beam_of_one_is_greedy_and_a_wider_one_finds_the_better_hypothesis():
    assert search(garden_path, beam=1) == [[A]]
    assert search(garden_path, beam=2) == [[B]]


def test_the_length_penalty_decides_between_short_and_long():
    """The end at once has ln 0.3 = -1.20, A and the end ln 0.6 + ln 0.4 = -1.43, of a token each -0.71."""

    def following(_, prefix):
        return logits(a=0.4, b=0.2, end=0.4) if prefix else logits(a=0.6, b=0.1, end=0.3)

    assert search(following, beam=2, penalty=0.0) == [[]]
    assert search(following, beam=2, penalty=1.0) == [[A]]


def test_padding_and_begin_are_never_said_and_what_is_not_a_number_is_never_chosen():
    assert search(lambda _, p: logits(pad=0.6, begin=0.2, a=0.15, end=0.05) if not p else logits(end=1), 2) == [[A]]
    assert search(lambda *_: torch.full((6,), torch.nan), beam=2, sentences=3) == [[], [], []]


def test_a_model_that_never_ends_is_made_to():
    assert search(lambda *_: logits(a=0.9, b=0.1), beam=1, longest=5) == [[A] * 4]
    assert search(lambda *_: logits(a=0.9, b=0.1), beam=3, longest=5) == [[A] * 4]


def test_sentences_do_not_mix():
    """Sentences end after 3, 0, 5 and 1 tokens and hypotheses change places; each is as it is alone."""
    ends = [3, 0, 5, 1]

    def following(which, prefix):
        if len(prefix) >= ends[which]:
            return logits(end=0.9, a=0.05, b=0.05)
        generator = torch.Generator().manual_seed(hash((which, prefix)) % 2**31)
        a = 0.1 + 0.7 * float(torch.rand((), generator=generator))
        return logits(a=a, b=0.9 - a, end=0.1)

    together = search(following, beam=3, longest=9, penalty=1.0, sentences=4)
    for which, found in enumerate(together):
        alone = search(lambda _, prefix, which=which: following(which, prefix), beam=3, longest=9, penalty=1.0)
        assert alone == [found]
    assert len({tuple(each) for each in together}) > 2


@pytest.mark.parametrize("penalty", [0.0, 0.6, 1.0])
def test_a_beam_that_holds_everything_finds_the_best_of_all_hypotheses(penalty):
    """Three tokens and the end: of up to three tokens there are 1 + 3 + 9 + 27 hypotheses."""
    table = {}
    generator = torch.Generator().manual_seed(5)
    tokens = (UNK, A, B)
    for length in range(4):
        for prefix in product(tokens, repeat=length):
            table[prefix] = torch.randn(6, generator=generator).index_fill(0, torch.tensor([PAD, BOS]), -1e4)

    def score(hypothesis):
        total = sum(float(table[hypothesis[:i]].log_softmax(0)[token]) for i, token in enumerate((*hypothesis, EOS)))
        return total / (len(hypothesis) + 1) ** penalty

    everything = [h for length in range(4) for h in product(tokens, repeat=length)]
    best = max(everything, key=score)
    assert search(lambda _, prefix: table.get(prefix, torch.zeros(6)), beam=40, longest=4, penalty=penalty) == [
        list(best)
    ]


def test_greedy_search_of_a_transformer_is_the_likeliest_token_again_and_again():
    torch.manual_seed(3)
    model = Transformer((2, 8), 12, width=16, heads=2, layers=1, feedforward=16).eval()
    sources = torch.randint(3, 12, (5, 6))
    with torch.no_grad():
        found = beam_search(model.begin(sources), 5, 1, 8, 1.0, CPU)
        for source, tokens in zip(sources, found, strict=True):
            said = [BOS]
            while len(said) < 8:
                both = torch.zeros(1, 2, max(6, len(said)), dtype=torch.int64)
                both[0, 0, :6], both[0, 1, : len(said)] = source, torch.tensor(said)
                following = model(both)[0, len(said) - 1]
                following[[PAD, BOS]] = -torch.inf
                if (token := int(following.argmax())) == EOS:
                    break
                said.append(token)
            assert tokens == said[1:]
