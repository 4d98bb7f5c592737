"""What holds of a method's masks whatever was trained: exact counts, none that grows, no order of hidden units."""

from dataclasses import dataclass
from itertools import pairwise
from types import SimpleNamespace

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from ticketbench import Checkpoint, Rung, Ticket, Train
from ticketbench.masks import count, count_per_layer
from ticketbench.methods import shipped_methods
from ticketbench.methods.state import State

CHAIN = ["imp", "imp-late", "imp-reinit", "random-sampling", "weight-rewind", "fine-tune", "lr-rewind"]
NESTED = [*CHAIN, "one-shot", "snip"]
IN_LAYERS = ["movement", "edge-popup"]  # whatever the task's scope
TRAINED = [*CHAIN, "one-shot", "gradual", *IN_LAYERS]  # masks of weights or scores that are sent back
METHODS = [*TRAINED, "snip", "snip-shuffled"]
STEPS = 30


@dataclass
class Given:
    """A perceptron of 3 inputs, some hidden units, 4 more and 2 outputs, and what any training would make of it.

    `counts` are the rungs', layer by layer. With `ties` all weights are small whole numbers, many of them equal or
    zero. `order` is that of the hidden units.
    """

    seed: int
    units: int
    counts: list[dict[str, int]]
    scope: str
    ties: bool
    order: list[int] | None = None

    def arranged(self, tensors):
        """The same network with its hidden units in `order`; scores of its weights likewise."""
        if self.order is None:
            return tensors
        places = {"hidden.weight": (self.order,), "hidden.bias": (self.order,), "middle.weight": (..., self.order)}
        return {name: tensor[places.get(name.rpartition(" ")[2], ...)] for name, tensor in tensors.items()}

    def drawn(self, *purpose, extra=()):
        """Weights and `extra` scores of them: a function of the seed and of what they are for alone."""
        rng = torch.Generator().manual_seed(hash((self.seed, *purpose)) % 2**32)  # of whole numbers: ever the same
        shapes = {
            "hidden.weight": (self.units, 3),
            "hidden.bias": (self.units,),
            "middle.weight": (4, self.units),
            "output.weight": (2, 4),
        }
        shapes |= {name: shapes[name.rpartition(" ")[2]] for name in extra}
        found = {name: torch.randn(shape, generator=rng) for name, shape in shapes.items()}
        return self.arranged({name: tensor.round() for name, tensor in found.items()} if self.ties else found)


class Search:
    """What these methods look at of a search on a given network. Nothing is trained."""

    steps = STEPS
    task = SimpleNamespace(training=SimpleNamespace(rewind_step=10, batch_size=5))

    def __init__(self, given):
        self.given, self.rng = given, torch.Generator().manual_seed(given.seed)
        self.initial = self.reinitialized(0)
        sizes = {name: weight.numel() for name, weight in self.initial.prunable.items()}
        rungs = enumerate(given.counts, start=1)
        self.ladder = tuple(Rung(i, sum(each.values()), sum(sizes.values()), each, given.scope) for i, each in rungs)
        self.dense = self.at(STEPS)

    def reinitialized(self, draw):
        weights = self.given.drawn(0, draw)
        whole = {n: torch.ones_like(w, dtype=torch.bool) for n, w in weights.items() if n != "hidden.bias"}
        return Checkpoint(None, 0, lambda: State(0, weights, {}, whole))

    def at(self, step):
        return Train(self.initial, step)

    def network(self, checkpoint):
        network = nn.Sequential()
        network.add_module("hidden", nn.Linear(3, self.given.units))
        network.add_module("first", nn.ReLU())
        network.add_module("middle", nn.Linear(self.given.units, 4, bias=False))
        network.add_module("second", nn.ReLU())
        network.add_module("output", nn.Linear(4, 2, bias=False))
        network.load_state_dict(checkpoint.weights)
        return network

    def batches(self, count, size):
        rng = torch.Generator().manual_seed(self.given.seed + 1)
        return [(torch.randn(size, 3, generator=rng), torch.randint(2, (size,), generator=rng)) for _ in range(count)]

    def loss(self, network, inputs, targets):
        return nn.functional.cross_entropy(network(inputs), targets)

    def trained(self, request):
        """What is sent back: weights that depend on the step and on how many are kept, not on where they began."""
        begun, until = request.checkpoint, STEPS
        if isinstance(request, Ticket):
            begun = begun.replace(mask=request.mask)
        else:
            until = request.until
        made = self.given.drawn(until, count(begun.mask), extra=begun.extra)
        weights = {name: made[name] for name in begun.weights}
        return begun.replace(step=until, weights=weights, extra={name: made[name] for name in begun.extra})


def asked(name, given):
    """All that a method asks for, a list for every time that it is begun: once, or once a rung."""
    search, method = Search(given), shipped_methods()[name]
    begun = search.ladder if method.per_rung else (None,)
    return [list(_requests(method.start(search, rung), search)) for rung in begun]


def _requests(generator, search):
    answer = None
    while True:
        try:
            request = generator.send(answer)
        except StopIteration:
            return
        several = request if isinstance(request, list) else [request]
        yield from several
        answers = [search.trained(each) for each in several]
        answer = answers if isinstance(request, list) else answers[0]


def tickets(name, given):
    return [each for requests in asked(name, given) for each in requests if isinstance(each, Ticket)]


def same(one, other):
    return one.keys() == other.keys() and all(torch.equal(one[name], other[name]) for name in one)


def within(smaller, larger):
    return all(not (smaller[name] & ~larger[name]).any() for name in larger)


@st.composite
def networks(draw, ties=True):
    """Networks and ladders; `ties` says whether weights may be equal."""
    units = draw(st.integers(1, 6))
    left, counts = {"hidden.weight": 3 * units, "middle.weight": 4 * units, "output.weight": 8}, []
    for _ in range(draw(st.integers(1, 3))):
        left = {name: draw(st.integers(0, kept)) for name, kept in left.items()}
        counts.append(left)
    scope = draw(st.sampled_from(["global", "layer"]))
    return Given(draw(st.integers(0, 2**16)), units, counts, scope, ties and draw(st.booleans()))


@pytest.mark.parametrize("name", METHODS)
@settings(deadline=None, max_examples=10)
@given(given=networks())
def test_every_rung_gets_one_ticket_of_exactly_its_count(name, given):
    masks = [ticket.mask for ticket in tickets(name, given)]
    for mask, counts in zip(masks, given.counts, strict=True):
        assert count(mask) == sum(counts.values())
        if name in IN_LAYERS or (given.scope == "layer" and not name.startswith("snip")):
            assert count_per_layer(mask) == counts


@pytest.mark.parametrize("name", METHODS)
@settings(deadline=None, max_examples=10)
@given(given=networks())
def test_in_a_search_no_mask_grows_and_where_it_is_promised_none_does_from_rung_to_rung(name, given):
    for requests in asked(name, given):
        masks = [each.mask if isinstance(each, Ticket) else each.checkpoint.mask for each in requests]
        assert all(within(smaller, larger) for larger, smaller in pairwise(masks))
    if name in NESTED:
        masks = [ticket.mask for ticket in tickets(name, given)]
        assert all(within(smaller, larger) for larger, smaller in pairwise(masks))


@pytest.mark.parametrize("name", METHODS)
@settings(deadline=None, max_examples=5)
@given(given=networks())
def test_equal_networks_get_equal_tickets(name, given):
    for one, other in zip(tickets(name, given), tickets(name, given), strict=True):
        assert same(one.mask, other.mask) and same(one.checkpoint.weights, other.checkpoint.weights)
        assert (one.checkpoint.step, one.schedule) == (other.checkpoint.step, other.schedule)


@pytest.mark.parametrize("name", TRAINED)
@settings(deadline=None, max_examples=10)
@given(given=networks(ties=False), data=st.data())
def test_hidden_units_in_another_order_have_their_masks_and_weights_in_that_order(name, given, data):
    straight = tickets(name, given)
    given.order = data.draw(st.permutations(range(given.units)))
    for one, other in zip(straight, tickets(name, given), strict=True):
        assert same(given.arranged(one.mask), other.mask)
        if name != "random-sampling":  # its weights are drawn place by place
            assert same(given.arranged(one.checkpoint.weights), other.checkpoint.weights)


@pytest.mark.parametrize("name", CHAIN)
@settings(deadline=None, max_examples=10)
@given(given=networks())
def test_where_the_same_weights_are_trained_the_chain_of_masks_is_imps(name, given):
    for one, other in zip(tickets(name, given), tickets("imp", given), strict=True):
        assert same(one.mask, other.mask)
