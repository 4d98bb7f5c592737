"""Declaring a method: what its file may say, and what is told to an author who said it wrong."""

import pytest
import torch

from ticketbench import Rung, Search, Ticket, method, scorer
from ticketbench.errors import TicketbenchError
from ticketbench.methods import Checkpoint, Method
from ticketbench.methods.state import State


def generator(search):
    """Ask for the dense network.

    And for nothing else.
    """
    yield search.dense


def test_a_declaration_holds_what_it_was_given():
    declared = method(
        "my-method_2",
        title="Mine",
        cites=["someone2020"],
        family="magnitude",
        needs=["batch norm"],
        density="nearest",
        tags=["core"],
    )(generator)
    assert isinstance(declared, Method)
    assert (declared.name, declared.title, declared.family) == ("my-method_2", "Mine", "magnitude")
    assert (declared.cites, declared.needs, declared.tags) == (("someone2020",), ("batch norm",), ("core",))
    assert (declared.density, declared.per_rung, dict(declared.parameters)) == ("nearest", False, {})
    assert declared.module == __name__
    assert declared.description == "Ask for the dense network.\n\nAnd for nothing else."


def test_keyword_only_arguments_are_the_parameters():
    @method("m", title="M")
    def declared(search, rung, *, interval=100, kind="cosine"):
        yield interval, kind, rung

    assert declared.per_rung
    assert dict(declared.parameters) == {"interval": 100, "kind": "cosine"}
    changed = declared.with_parameters(interval=50)
    assert dict(changed.parameters) == {"interval": 50, "kind": "cosine"}
    assert dict(declared.parameters) == {"interval": 100, "kind": "cosine"}
    assert next(changed.start(None, "the rung")) == (50, "cosine", "the rung")
    with pytest.raises(TypeError):
        declared.parameters["interval"] = 7


def test_a_method_of_the_whole_ladder_is_started_without_a_rung():
    @method("m", title="M")
    def declared(search):
        yield search

    assert not declared.per_rung
    assert next(declared.start("the search", None)) == "the search"


def test_an_unknown_parameter_is_answered_with_the_closest():
    @method("rigl", title="R")
    def declared(search, *, interval=100, fraction=0.3):
        yield interval, fraction

    with pytest.raises(TicketbenchError) as caught:
        declared.with_parameters(intervall=50)
    message = "Unknown parameter of rigl 'intervall'. Did you mean 'interval'? It takes interval, fraction."
    assert str(caught.value) == message
    with pytest.raises(TicketbenchError, match=r"Unknown parameter of m 'speed'\. It takes none\."):
        method("m", title="M")(generator).with_parameters(speed=1)


def two_positional(search, interval=50):
    yield interval


def three_positional(search, rung, draw):
    yield draw


def no_positional(*, interval=50):
    yield interval


def required_parameter(search, *, interval):
    yield interval


def any_arguments(search, *rest):
    yield rest


def any_keywords(search, **rest):
    yield rest


def returns(search):
    return [search.dense]


@pytest.mark.parametrize(
    ("function", "message"),
    [
        (returns, r"method 'm': never yields"),
        (two_positional, r"method 'm': its parameter interval needs a default after a bare \*"),
        (three_positional, r"method 'm': takes \(search\) or \(search, rung\), and no other"),
        (no_positional, r"method 'm': takes \(search\) or \(search, rung\), and no other"),
        (required_parameter, r"method 'm': its parameter interval needs a default after a bare \*"),
        (any_arguments, r"method 'm': its parameter rest needs"),
        (any_keywords, r"method 'm': its parameter rest needs"),
    ],
)
def test_a_function_that_is_no_method_is_refused(function, message):
    with pytest.raises(TicketbenchError, match=message):
        method("m", title="M")(function)


@pytest.mark.parametrize("name", ["", "Upper", "with space", "a/b", "-", "-dash", "ä", "a.b", "a(b=1)", 7])
def test_a_name_that_could_not_be_asked_for_is_refused(name):
    with pytest.raises(TicketbenchError, match="a name is of lower-case letters, digits, - and _"):
        method(name, title="M")(generator)


def test_the_name_of_the_dense_network_is_taken():
    with pytest.raises(TicketbenchError, match="method 'dense': this name belongs to the dense network"):
        method("dense", title="M")(generator)
    with pytest.raises(TicketbenchError, match="method 'dense': this name belongs to the dense network"):
        scorer("dense", title="M")(lambda search, checkpoint: {})


@pytest.mark.parametrize(
    ("said", "message"),
    [
        ({"needs": ["convolution"]}, "Unknown need of m 'convolution'. Did you mean 'convolutions'?"),
        ({"needs": ["attention"]}, "Known: batch norm, convolutions"),
        ({"density": "exakt"}, "Unknown density of m 'exakt'. Did you mean 'exact'?"),
        ({"cites": "someone2020"}, r"method 'm': cites is a list of strings, as in cites=\['someone2020'\]"),
        ({"tags": "core"}, r"method 'm': tags is a list of strings"),
        ({"needs": "batch norm"}, r"method 'm': needs is a list of strings"),
    ],
)
def test_a_declaration_that_means_nothing_is_refused(said, message):
    with pytest.raises(TicketbenchError, match=message):
        method("m", title="M", **said)(generator)


def yields_scores(search, checkpoint):
    yield checkpoint


@pytest.mark.parametrize(
    ("said", "function", "message"),
    [
        ({}, yields_scores, "scorer 'm': yields; a scorer returns its scores"),
        ({}, lambda search: {}, r"takes \(search, checkpoint\), and no other"),
        ({}, lambda search, checkpoint, rung: {}, r"takes \(search, checkpoint\), and no other"),
        ({}, lambda search, checkpoint, *, draws: {}, r"parameter draws needs a default"),
        ({"at": "finish"}, lambda search, checkpoint: {}, "at is a step, 0 or more, or \"end\", got 'finish'"),
        ({"start": -1}, lambda search, checkpoint: {}, 'start is a step, 0 or more, or "end", got -1'),
        ({"at": 0.5}, lambda search, checkpoint: {}, r'at is a step, 0 or more, or "end", got 0\.5'),
    ],
)
def test_a_function_that_is_no_scorer_is_refused(said, function, message):
    with pytest.raises(TicketbenchError, match=message):
        scorer("m", title="M", **said)(function)


class FourWeights(Search):
    """As much of a search as a scorer sees: four weights, whose dense training doubles them at every step."""

    def __init__(self):
        self.steps = 3
        self.ladder = tuple(Rung(i, kept, 4, {"w": kept}, "global") for i, kept in ((1, 3), (2, 1)))

    def checkpoint(self, step):
        weights = {"w": torch.tensor([4.0, -1.0, 3.0, -2.0]) * 2**step}
        state = State(step, weights, {}, {"w": torch.ones(4, dtype=torch.bool)})
        return Checkpoint(f"dense at {step}", step, lambda: state)

    @property
    def initial(self):
        return self.checkpoint(0)

    def answer(self, generator):
        """What the generator asked for, every training granted."""
        asked, reply = [], None
        try:
            while True:
                request = generator.send(reply)
                asked.append(request)
                reply = request if isinstance(request, list) else self.checkpoint(request.until)
        except StopIteration:
            return asked

    network = reinitialized = batches = loss = method = None


def magnitude(search, checkpoint, *, power=1):
    """Score by magnitude."""
    return {name: w.abs() ** power for name, w in checkpoint.prunable.items()}


@pytest.mark.parametrize(
    ("at", "start", "trained_to", "starts"),
    [(0, 0, [], 0), ("end", 0, [3], 0), (2, 1, [2, 1], 1), (0, "end", [3], 3), ("end", "end", [3, 3], 3)],
)
def test_a_scorer_is_a_one_shot_method_on_the_whole_ladder(at, start, trained_to, starts):
    declared = scorer("m", title="M", at=at, start=start, tags=["core"])(magnitude)
    assert (declared.per_rung, declared.density, declared.tags) == (False, "exact", ("core",))
    assert (declared.description, declared.module) == ("Score by magnitude.", __name__)
    *trained, tickets = FourWeights().answer(declared.start(FourWeights(), None))
    assert [train.until for train in trained] == trained_to
    assert all(isinstance(ticket, Ticket) and ticket.checkpoint.step == starts for ticket in tickets)
    assert [ticket.rung.index for ticket in tickets] == [1, 2]
    assert tickets[0].mask["w"].tolist() == [True, False, True, True]
    assert tickets[1].mask["w"].tolist() == [True, False, False, False]


def test_a_scorer_s_parameters_reach_it():
    declared = scorer("m", title="M")(magnitude).with_parameters(power=-1)
    *_, tickets = FourWeights().answer(declared.start(FourWeights(), None))
    assert tickets[1].mask["w"].tolist() == [False, True, False, False]
