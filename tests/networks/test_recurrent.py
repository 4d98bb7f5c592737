"""The LSTM: what it computes, what it carries from batch to batch, and what methods may do with it."""

import pytest
import torch
from torch import Tensor
from torch.func import functional_call

from ticketbench.errors import TicketbenchError
from ticketbench.networks import build, can_shrink, go_on, memory_of, prunable
from ticketbench.networks.recurrent import LSTM
from ticketbench.task import Network


def tiny(dropout: float = 0.0, layers: int = 2, seed: int = 0) -> LSTM:
    torch.manual_seed(seed)
    return LSTM((4,), 5, embedding=3, hidden=6, layers=layers, dropout=dropout)


def some_tokens(batch: int = 2, length: int = 4, seed: int = 1) -> Tensor:
    return torch.randint(5, (batch, length), generator=torch.Generator().manual_seed(seed))


def by_the_equations(network: LSTM, tokens: Tensor) -> Tensor:
    """The LSTM cell with a forget gate, token by token; torch's order of gates is input, forget, cell, output."""
    signal = list(network.embedding.weight[tokens].unbind(1))
    for layer in network.layers:
        hidden = cell = torch.zeros(len(tokens), layer.hidden_size, dtype=signal[0].dtype)
        for step, entering in enumerate(signal):
            gates = entering @ layer.weight_ih_l0.T + hidden @ layer.weight_hh_l0.T
            let_in, keep, new, let_out = (gates + layer.bias_ih_l0 + layer.bias_hh_l0).chunk(4, 1)
            cell = keep.sigmoid() * cell + let_in.sigmoid() * new.tanh()
            hidden = let_out.sigmoid() * cell.tanh()
            signal[step] = hidden
    return torch.stack([hidden @ network.output.weight.T + network.output.bias for hidden in signal], 1)


@pytest.mark.parametrize("layers", [1, 2, 3])
def test_it_computes_the_equations(layers):
    network, tokens = tiny(layers=layers).double().eval(), some_tokens()
    assert torch.allclose(network(tokens), by_the_equations(network, tokens), rtol=0, atol=1e-14)
    assert torch.allclose(network.float()(tokens).double(), by_the_equations(network.double(), tokens), atol=1e-6)


def test_the_paper_s_network_has_two_layers_of_650():
    network = build(Network(name="lstm"), (50,), 100)
    embedding, layer, output = 100 * 650, 4 * 650 * (650 + 650) + 2 * 4 * 650, 650 * 100 + 100
    assert sum(weight.numel() for weight in network.parameters()) == embedding + 2 * layer + output
    assert network.dropout.p == 0.5


def test_weights_begin_at_one_scale_so_that_magnitudes_can_be_compared_across_layers():
    """An embedding as torch draws it, of deviation 1, would be the last thing that global pruning touches."""
    network = build(Network(name="lstm", options={"embedding": 64, "hidden": 64}), (4,), 50)
    largest = {name: weight.abs().max().item() for name, weight in network.named_parameters()}
    assert largest.pop("output.bias") == 0
    assert all(0.09 < value <= 0.125 for value in largest.values()), largest


def test_masks_may_cover_all_of_it():
    network = build(Network(name="lstm", options={"embedding": 3, "hidden": 6}), (4,), 5)
    gates = [
        f"layers.{layer}.{each}_l0" for layer in (0, 1) for each in ("weight_ih", "weight_hh", "bias_ih", "bias_hh")
    ]
    assert prunable(network, (), "parameters") == ["embedding.weight", *gates, "output.weight", "output.bias"]
    assert prunable(network, ()) == ["output.weight"]


def test_a_text_read_in_pieces_is_the_text_read_at_once():
    network, tokens = tiny().double().eval(), some_tokens(length=9)
    whole = network(tokens)
    pieces = []
    for piece in tokens.split([4, 1, 4], 1):
        pieces.append(network(piece))
        go_on(network)
    assert torch.allclose(torch.cat(pieces, 1), whole, rtol=0, atol=1e-14)
    assert {name: tuple(tensor.shape) for name, tensor in memory_of(network).items()} == {
        "/hidden": (2, 2, 6),
        "/cell": (2, 2, 6),
    }


def test_it_refuses_to_go_on_in_another_number_of_columns():
    network = tiny().eval()
    network(some_tokens(batch=4))
    network(some_tokens(batch=2))  # both from nothing
    go_on(network)
    with pytest.raises(ValueError, match="goes on from a batch of 2 columns, not of 4"):
        network(some_tokens(batch=4))


def test_it_goes_on_only_when_it_is_told_to():
    network, tokens = tiny().eval(), some_tokens()
    first = network(tokens)
    assert torch.equal(network(tokens), first)
    go_on(network)
    assert not torch.equal(network(tokens), first)
    assert not any(tensor.requires_grad for tensor in (*network.memory.values(), *network.ended.values()))


def test_dropout_stands_between_the_layers_alone_and_draws_from_torch_s_generator():
    tokens = some_tokens()
    alone = tiny(0.5, layers=1)
    assert torch.equal(alone.train()(tokens), alone.eval()(tokens))
    network = tiny(0.5)
    quiet = network.eval()(tokens)
    drawn = []
    for seed in (3, 3, 4):
        torch.manual_seed(seed)
        drawn.append(network.train()(tokens))
    assert torch.equal(drawn[0], drawn[1])
    assert not torch.equal(drawn[0], drawn[2])
    assert not torch.equal(drawn[0], quiet)


def test_floats_stand_for_the_output_of_the_embedding():
    for network in (tiny().eval(), tiny().double().eval()):
        values = torch.tensor([0.5, -1.0, 2.0, 0.0, 1.0], dtype=network.output.weight.dtype)
        with torch.no_grad():
            network.embedding.weight.copy_(values[:, None].expand(5, 3))
        tokens = some_tokens()
        assert torch.equal(network(values[tokens]), network(tokens))


def test_other_weights_may_be_lent_to_it():
    one, other, tokens = tiny(seed=0).eval(), tiny(seed=1).eval(), some_tokens()
    lent = {name: weight.detach().clone().requires_grad_() for name, weight in other.named_parameters()}
    answers = functional_call(one, lent, (tokens,))
    assert torch.equal(answers, other(tokens))
    assert not torch.equal(answers, one(tokens))
    answers.square().mean().backward()
    assert all(weight.grad is not None and weight.grad.any() for weight in lent.values())


def test_it_can_be_differentiated_twice_in_single_precision():
    """As methods do that score by curvature; the slope of the slope agrees with double precision."""

    def slopes(network: LSTM) -> Tensor:
        weights = list(network.parameters())
        loss = network(some_tokens()).square().mean()
        first = torch.autograd.grad(loss, weights, create_graph=True)
        flat = torch.cat([slope.flatten() for slope in first])
        second = torch.autograd.grad(flat.square().sum(), weights)
        return torch.cat([slope.flatten() for slope in second]).double()

    assert torch.allclose(slopes(tiny().eval()), slopes(tiny().double().eval()), rtol=1e-3, atol=1e-6)


def test_a_narrower_one_is_of_the_same_kind():
    spec = Network(name="lstm", options={"embedding": 8, "hidden": 16, "shrink": 0.5})
    assert can_shrink(spec)
    network = build(spec, (4,), 5)
    sizes = {name: tuple(weight.shape) for name, weight in network.named_parameters() if weight.dim() > 1}
    assert sizes == {
        "embedding.weight": (5, 4),
        "layers.0.weight_ih_l0": (4 * 8, 4),
        "layers.0.weight_hh_l0": (4 * 8, 8),
        "layers.1.weight_ih_l0": (4 * 8, 8),
        "layers.1.weight_hh_l0": (4 * 8, 8),
        "output.weight": (5, 8),
    }


@pytest.mark.parametrize(
    ("shape", "options", "said"),
    [
        ((1, 8, 8), {}, "an lstm reads sequences of tokens, inputs of shape (T,), not (1, 8, 8)"),
        ((4,), {"layers": 0}, "layers is 1 or more, not 0"),
        ((4,), {"dropout": 1.5}, "dropout probability has to be between 0 and 1, but got 1.5"),
        ((4,), {"width": 3}, "width"),
    ],
)
def test_options_that_make_no_network_are_told(shape, options, said):
    with pytest.raises(TicketbenchError, match="network lstm: options") as error:
        build(Network(name="lstm", options=options), shape, 5)
    assert said in str(error.value)


@pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA")
def test_on_a_gpu_it_computes_the_same_alike_every_time_and_can_be_differentiated_twice_in_eval_mode():
    network, tokens = tiny(0.5).eval(), some_tokens()
    expected = network(tokens).detach()
    network, tokens = network.cuda(), tokens.cuda()
    answers = network(tokens)
    assert torch.allclose(answers.cpu(), expected, atol=1e-5)
    weights = list(network.parameters())
    first = torch.autograd.grad(answers.square().mean(), weights, create_graph=True)
    torch.autograd.grad(sum(slope.square().sum() for slope in first), weights)
    drawn = []
    for _ in range(2):
        torch.manual_seed(3)
        network.zero_grad()
        network.train()(tokens).square().mean().backward()
        drawn.append(torch.cat([weight.grad.flatten() for weight in weights]))
    assert torch.equal(*drawn)
