"""The widest network of the same kind with at most so many weights."""

import pytest
import torch

from ticketbench.errors import TicketbenchError
from ticketbench.networks import build, can_shrink, prunable, smaller
from ticketbench.task import Network

MNIST = (1, 28, 28)
LENET = Network(name="lenet-300-100")
EVERY = {
    "lenet-300-100": (LENET, MNIST),
    "lenet-5": (Network(name="lenet-5", init="glorot-normal"), MNIST),
    "lenet-5-caffe": (Network(name="lenet-5-caffe"), MNIST),
    "mlp": (Network(name="mlp", options={"hidden": [100, 50]}), (1, 8, 8)),
    "small-resnet": (Network(name="small-resnet", options={"width": 8}), (1, 8, 8)),
}


def counted(spec, shape, exclude=()):
    network = build(spec, shape, 10)
    return sum(network.get_parameter(name).numel() for name in prunable(network, exclude))


def lenet_weights(first, second):
    return 784 * first + first * second + second * 10


def lenet_candidates():
    """Every LeNet-300-100 whose hidden widths are one share, in millionths, of 300 and 100."""
    shares = (k / 10**6 for k in range(1, 10**6 + 1))
    widths = {(max(1, round(300 * share)), max(1, round(100 * share))) for share in shares}
    return {lenet_weights(*pair) for pair in widths}


def test_lenet_300_100_by_hand():
    """A share of 30 in 300 is 10 in 100, and both stay until 30.5 in 300 would be 31."""
    assert lenet_weights(30, 10) == 23_920
    for asked in (23_920, 23_921, lenet_weights(31, 10) - 1):
        found, weights = smaller(LENET, MNIST, 10, asked)
        assert weights == 23_920
        network = build(found, MNIST, 10)
        assert [layer.out_features for layer in (*network.hidden, network.output)] == [30, 10, 10]
    assert smaller(LENET, MNIST, 10, 23_919)[1] == lenet_weights(29, 10)
    assert smaller(LENET, MNIST, 10, lenet_weights(31, 10))[1] == lenet_weights(31, 10)


def test_no_candidate_between_the_one_found_and_what_was_asked():
    candidates = lenet_candidates()
    assert len(candidates) >= 300
    for asked in range(795, 266_200, 9_973):
        assert smaller(LENET, MNIST, 10, asked)[1] == max(n for n in candidates if n <= asked)


@pytest.mark.parametrize("name", EVERY)
def test_it_has_as_many_as_it_says_and_the_next_wider_one_has_too_many(name):
    spec, shape = EVERY[name]
    whole = counted(spec, shape)
    previous = 0
    for asked in [int(whole * 0.8**rung) for rung in range(10, 0, -3)]:
        found, weights = smaller(spec, shape, 10, asked)
        assert previous <= weights == counted(found, shape) <= asked
        wider = found.options | {"shrink": (round(found.options["shrink"] * 10**6) + 1) / 10**6}
        assert counted(found.model_copy(update={"options": wider}), shape) > asked
        assert (found.name, found.init) == (spec.name, spec.init)
        previous = weights


def test_the_same_number_of_weights_is_the_same_network_whatever_was_asked():
    assert smaller(LENET, MNIST, 10, 23_920) == smaller(LENET, MNIST, 10, 24_000)


def test_the_network_itself_comes_back_where_it_fits():
    for asked in (266_200, 10**9):
        assert smaller(LENET, MNIST, 10, asked) == (LENET, 266_200)
    assert smaller(LENET, MNIST, 10, 266_199)[1] < 266_199


def test_nothing_where_the_narrowest_is_too_large():
    assert lenet_weights(1, 1) == 795
    assert smaller(LENET, MNIST, 10, 795)[1] == 795
    assert smaller(LENET, MNIST, 10, 794) is None
    assert smaller(Network(name="mlp", options={"hidden": []}), (1, 8, 8), 10, 639) is None


def test_what_is_not_pruned_is_not_counted():
    by_head = smaller(LENET, MNIST, 10, 23_820, exclude=["output.weight"])
    unshared = LENET.model_copy(update={"unshared": ("output.weight", "output.bias")})
    assert by_head[1] == smaller(unshared, MNIST, 10, 23_820)[1] == 784 * 30 + 30 * 10
    assert by_head[0].options == smaller(unshared, MNIST, 10, 23_820)[0].options
    assert smaller(LENET, MNIST, 10, 23_820)[1] < 23_820


def test_nothing_is_drawn_and_nothing_allocated():
    torch.manual_seed(7)
    before = torch.get_rng_state()
    huge = Network(name="mlp", init="kaiming-normal", options={"hidden": [2_000_000, 2_000_000]})
    found, weights = smaller(huge, MNIST, 10, 10**6)
    assert 0.99 * 10**6 < weights <= 10**6
    assert torch.equal(torch.get_rng_state(), before)
    assert build(found, MNIST, 10).output.weight.device.type == "cpu"


FACTORY = """
import torch
from torch import nn

def takes(shape, classes, *, units=64, shrink=1.0):
    torch.rand(3, device="cpu")
    return nn.Sequential(nn.Flatten(), nn.Linear(64, max(1, round(units * shrink))), nn.Linear(1, classes))

def swallows(shape, classes, **options):
    return nn.Sequential(nn.Flatten(), nn.Linear(64, classes))
"""


def test_a_factory_is_shrunk_where_it_names_shrink(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "shrinking_nets.py").write_text(FACTORY)
    before = torch.get_rng_state()
    takes = Network(factory="shrinking_nets:takes", options={"units": 32})
    found, weights = smaller(takes, (1, 8, 8), 10, 64 * 20 + 17)
    assert weights == 64 * 20 + 10
    assert found.factory == takes.factory
    assert found.options["units"] == 32
    assert round(32 * found.options["shrink"]) == 20
    assert torch.equal(torch.get_rng_state(), before)
    assert smaller(Network(factory="shrinking_nets:swallows"), (1, 8, 8), 10, 100) is None


@pytest.mark.parametrize("name", EVERY)
def test_every_network_of_ours_can_be_shrunk_even_where_none_is_narrow_enough(name):
    spec, shape = EVERY[name]
    assert can_shrink(spec)
    assert smaller(spec, shape, 10, 1) is None


def test_a_factory_can_be_shrunk_where_it_names_shrink_and_one_that_is_not_there_is_told(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "nets_that_may_shrink.py").write_text(FACTORY)
    assert can_shrink(Network(factory="nets_that_may_shrink:takes"))
    assert not can_shrink(Network(factory="nets_that_may_shrink:swallows"))
    with pytest.raises(TicketbenchError, match="Unknown network factory"):
        can_shrink(Network(factory="nets_that_may_shrink:takse"))
