"""The Transformer: what it may see, what it is made of, and translating a token at a time."""

import pytest
import torch
from torch.func import functional_call

from ticketbench.errors import TicketbenchError
from ticketbench.networks import build, prunable, smaller
from ticketbench.networks.attention import positions
from ticketbench.networks.transformer import Transformer
from ticketbench.task import Network

CLASSES = 11
OPTIONS = {"width": 8, "heads": 2, "layers": 2, "feedforward": 12, "dropout": 0.0}


def network(**options):
    torch.manual_seed(0)
    return Transformer((2, 9), CLASSES, **OPTIONS | options).double().eval()


def pair(source, target, length):
    """Inputs (1, 2, length), padded."""
    rows = [row + [0] * (length - len(row)) for row in (source, target)]
    return torch.tensor(rows).unsqueeze(0)


@pytest.mark.parametrize("norm", ["pre", "post"])
def test_logits_depend_neither_on_padding_nor_on_company(norm):
    model = network(norm=norm)
    source, target = [4, 9, 5, 2], [1, 7, 7]
    alone = model(pair(source, target, 4))[0, :3]
    padded = model(pair(source, target, 9))[0, :3]
    company = model(torch.cat([pair([5] * 9, [1] + [8] * 8, 9), pair(source, target, 9)]))[1, :3]
    torch.testing.assert_close(padded, alone, rtol=0, atol=1e-12)
    torch.testing.assert_close(company, alone, rtol=0, atol=1e-12)


@pytest.mark.parametrize("norm", ["pre", "post"])
def test_a_target_token_is_seen_by_what_follows_it_and_by_nothing_before(norm):
    model = network(norm=norm)
    one, other = pair([4, 9, 2], [1, 3, 5, 6], 4), pair([4, 9, 2], [1, 3, 8, 6], 4)
    change = (model(one) - model(other))[0].abs().amax(1)
    assert change[:2].max() < 1e-12
    assert change[2:].min() > 1e-6


def test_every_source_token_matters_and_so_does_its_place():
    model = network()
    first = model(pair([4, 9, 5, 2], [1], 4))[0, 0]
    for other in ([6, 9, 5, 2], [4, 9, 6, 2], [9, 4, 5, 2]):
        assert (model(pair(other, [1], 4))[0, 0] - first).abs().max() > 1e-6


@pytest.mark.parametrize("norm", ["pre", "post"])
@pytest.mark.parametrize("tie", [True, False])
def test_token_by_token_gives_the_logits_of_the_whole(norm, tie):
    """Two sentences, two hypotheses each; after two tokens the first sentence is done and hypotheses change place."""
    model = network(norm=norm, tie=tie)
    sources = torch.tensor([[4, 9, 2, 0, 0], [3, 5, 6, 7, 2]])
    decoding = model.begin(sources)
    decoding.extend(torch.tensor([[1, 1], [1, 1]]))
    decoding.extend(torch.tensor([[3, 4], [5, 6]]))
    decoding.keep(torch.tensor([1]), torch.tensor([[1, 1]]))
    last = decoding.extend(torch.tensor([[8, 9]]))
    for hypothesis, token in enumerate((8, 9)):
        whole = model(torch.stack([sources[1], torch.tensor([1, 6, token, 0, 0])]).unsqueeze(0))
        torch.testing.assert_close(last[0, hypothesis], whole[0, 2], rtol=0, atol=1e-12)


def test_floats_stand_for_embeddings_that_are_alike_over_the_width():
    """An embedding whose rows are constant gives what its constants give as floats: nothing of them is padding."""
    model = network()
    with torch.no_grad():
        model.embedding.weight.copy_(torch.arange(CLASSES).unsqueeze(1) / model.width**0.5)
    tokens = torch.tensor([[[4, 9, 5], [1, 7, 7]]])
    torch.testing.assert_close(model(tokens.double()), model(tokens), rtol=0, atol=1e-12)
    assert model(torch.zeros(1, 2, 3, dtype=torch.float64)).isfinite().all()


def test_it_can_be_called_with_other_weights_and_differentiated_twice():
    model = network()
    weights = {name: weight.detach().clone().requires_grad_() for name, weight in model.named_parameters()}
    tokens = torch.tensor([[[4, 9, 5], [1, 7, 7]]])
    torch.testing.assert_close(functional_call(model, weights, (tokens,)), model(tokens))
    loss = functional_call(model, weights, (tokens,)).log_softmax(-1)[..., 3].sum()
    first = torch.autograd.grad(loss, list(weights.values()), create_graph=True)
    second = torch.autograd.grad(sum((each**2).sum() for each in first), list(weights.values()))
    assert all(each.isfinite().all() for each in second)
    assert sum(float(each.abs().sum()) for each in second) > 0


@pytest.mark.parametrize("tie", [True, False])
def test_other_weights_reach_every_place_that_shares_them_and_leave_no_trace(tie):
    model, tokens = network(tie=tie), torch.tensor([[[4, 9, 5], [1, 7, 7]]])
    before, own = model(tokens), dict(model.named_parameters())
    weights = {name: weight.detach() + 0.1 for name, weight in model.named_parameters()}
    called = functional_call(model, weights, (tokens,))
    assert {name: id(each) for name, each in model.named_parameters()} == {n: id(each) for n, each in own.items()}
    assert torch.equal(model(tokens), before)
    with torch.no_grad():
        for name, weight in model.named_parameters():
            weight.copy_(weights[name])
    torch.testing.assert_close(called, model(tokens), rtol=0, atol=1e-12)


def test_a_tied_network_has_one_matrix_of_tokens_and_it_is_prunable():
    tied, apart = network(), network(tie=False)
    names = dict(tied.named_parameters())
    assert tied.embedding.weight is tied.output.weight is names["output.weight"]
    assert not any("embedding" in name for name in names)
    assert "output.weight" in prunable(tied)
    matrix = CLASSES * 8
    assert sum(p.numel() for p in apart.parameters()) - sum(p.numel() for p in tied.parameters()) == 2 * matrix
    assert len({id(each.weight) for each in (apart.embedding, apart.target_embedding, apart.output)}) == 3


def test_how_many_weights_it_has():
    """By hand: 4 matrices an attention, 2 a feed-forward; two norms in an encoder layer and three in a decoder's."""
    width, inside = 8, 12
    attention = 4 * (width * width + width)
    feedforward = 2 * width * inside + inside + width
    norm = 2 * width
    encoder, decoder = attention + feedforward + 2 * norm, 2 * attention + feedforward + 3 * norm
    whole = CLASSES * width + 2 * (encoder + decoder)
    assert sum(p.numel() for p in network().parameters()) == whole
    assert sum(p.numel() for p in network(norm="pre").parameters()) == whole + 2 * norm
    biased = {name.removesuffix(".bias") + ".weight" for name, _ in network().named_parameters() if "bias" in name}
    assert set(prunable(network())) == {n for n in biased if "norm" not in n} | {"output.weight"}


def test_shrinking_keeps_the_heads_and_narrows_the_rest():
    half = network(shrink=0.5)
    assert (half.width, half.encoder[0].attention.heads, half.encoder[0].feedforward.hidden.out_features) == (4, 2, 6)
    spec = Network(name="transformer", options=OPTIONS)
    whole = sum(p.numel() for n, p in network().named_parameters() if n in prunable(network()))
    found, count = smaller(spec, (2, 9), CLASSES, whole // 2)
    built = build(found, (2, 9), CLASSES)
    assert count == sum(p.numel() for n, p in built.named_parameters() if n in prunable(built)) <= whole // 2


def test_initial_weights_are_a_function_of_torchs_generator():
    one, other = network(), network()
    assert all(torch.equal(a, b) for a, b in zip(one.parameters(), other.parameters(), strict=True))
    weights = Transformer((2, 9), 4000, **OPTIONS | {"width": 64}).output.weight
    assert float(weights.detach().std()) == pytest.approx(64**-0.5, rel=0.01)


def test_dropout_is_drawn_in_training_alone():
    model = network(dropout=0.5)
    tokens = torch.tensor([[[4, 9, 5], [1, 7, 7]]])
    assert torch.equal(model(tokens), model(tokens))
    model.train()
    assert not torch.equal(model(tokens), model(tokens))


def test_positions_are_the_papers_sinusoids():
    """Section 3.5, units 2i and 2i + 1: here the sines come first. 10,000 ** (2 / 4) is 100."""
    angles = torch.tensor([[3.0, 0.03], [4.0, 0.04]], dtype=torch.float64)
    expected = torch.cat([angles.sin(), angles.cos()], 1)
    torch.testing.assert_close(positions(3, 2, 4, torch.device("cpu")), expected, rtol=0, atol=1e-12)


@pytest.mark.parametrize(
    ("shape", "options", "complaint"),
    [
        ((1, 28, 28), {}, r"examples of shape \(2, L\), source and target tokens, not \(1, 28, 28\)"),
        ((2, 9), {"heads": 3}, "width 8 is not divisible by heads 3"),
        ((2, 9), {"heads": 0}, "width, heads, layers and feedforward are whole numbers above 0"),
        ((2, 9), {"norm": "both"}, 'norm is "pre" or "post", not \'both\''),
        ((2, 9), {"shrink": 0}, "shrink is a share"),
    ],
)
def test_what_does_not_fit_is_one_message(shape, options, complaint):
    with pytest.raises(TicketbenchError, match=complaint):
        build(Network(name="transformer", options=OPTIONS | options), shape, CLASSES)
