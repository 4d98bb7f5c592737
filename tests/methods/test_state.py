"""States: exact zeros outside the mask, histories that end when they must, digests of content and nothing else."""

from dataclasses import replace

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from ticketbench.methods.state import History, Point, State, check_mask, derive, mask_digest

SHAPES = {"first.weight": (4, 3), "last.weight": (2, 4)}


def a_state(seed=0, density=0.6):
    """Two masked weights, a bias, running statistics, Adam's slots and a history of one evaluation."""
    generator = torch.Generator().manual_seed(seed)

    def draw(shape):
        return torch.randn(shape, generator=generator)

    mask = {name: torch.rand(shape, generator=generator) < density for name, shape in SHAPES.items()}
    weights = {name: draw(shape) * mask[name] for name, shape in SHAPES.items()} | {"first.bias": draw(4)}
    optimizer = {
        f"{slot}/{name}": draw(tensor.shape) * mask.get(name, torch.tensor(True))
        for slot in ("exp_avg", "exp_avg_sq")
        for name, tensor in weights.items()
    }
    optimizer |= {f"step/{name}": torch.tensor(7.0) for name in weights}
    history = History(
        start=3,
        points=(Point(5, 0.5, 0.4, 0.9, 0.45, 0.88),),
        early_losses=(2.3, 2.2),
        test_correct=b"\x0f",
        origin={name: tensor.clone() for name, tensor in weights.items()},
        anchor={name: tensor.clone() for name, tensor in weights.items()},
    )
    return State(
        step=5,
        weights=weights,
        buffers={"norm.running_mean": draw(4)},
        mask=mask,
        optimizer=optimizer,
        optimizer_name="adam",
        extra={"gate": draw(3)},
        history=history,
    )


def masks(draw, like):
    bits = {name: draw(st.lists(st.booleans(), min_size=m.numel(), max_size=m.numel())) for name, m in like.items()}
    return {name: torch.tensor(bits[name]).view(like[name].shape) for name in like}


@given(st.data())
@settings(deadline=None)
def test_all_outside_the_mask_is_exactly_zero_and_all_inside_is_as_it_was(data):
    """Weights and every optimizer slot of a weight's shape; where the mask grows, what it takes in starts at zero."""
    state = a_state(data.draw(st.integers(0, 9)))
    mask = masks(data.draw, state.mask)
    new = derive(state, mask=mask)
    for name, kept in mask.items():
        slots = [f"{slot}/{name}" for slot in ("exp_avg", "exp_avg_sq")]
        pairs = [(new.weights[name], state.weights[name])] + [(new.optimizer[s], state.optimizer[s]) for s in slots]
        for now, before in pairs:
            assert (now[~kept] == 0).all()
            assert torch.equal(now[kept], before[kept])
            assert (now[kept & ~state.mask[name]] == 0).all()
        assert new.optimizer[f"step/{name}"] == 7
        assert torch.equal(new.mask[name], kept)
    assert torch.equal(new.weights["first.bias"], state.weights["first.bias"])
    assert torch.equal(new.optimizer["exp_avg/first.bias"], state.optimizer["exp_avg/first.bias"])
    assert new.optimizer_name == "adam"


def test_a_weight_that_is_not_a_number_is_zero_too_once_it_is_outside():
    """Multiplying by the mask would leave NaN and minus zero behind."""
    state = a_state(density=1.0)
    weights = {"first.weight": torch.full((4, 3), float("nan"))}
    mask = {name: torch.zeros_like(kept) for name, kept in state.mask.items()}
    new = derive(state, mask=mask, weights=weights)
    assert torch.equal(new.weights["first.weight"], torch.zeros(4, 3))
    negative = derive(state, mask=mask, weights={"first.weight": -torch.ones(4, 3)})
    assert not negative.weights["first.weight"].signbit().any()


def test_weights_given_outside_the_mask_are_zero_and_weights_not_named_stay():
    state = a_state()
    new = derive(state, weights={"first.weight": torch.ones(4, 3)})
    assert torch.equal(new.weights["first.weight"], state.mask["first.weight"].float())
    assert torch.equal(new.weights["last.weight"], state.weights["last.weight"])
    assert torch.equal(new.optimizer["exp_avg/first.weight"], state.optimizer["exp_avg/first.weight"])


def test_weights_given_together_with_a_larger_mask_are_taken():
    state = a_state()
    grown = {name: torch.ones_like(kept) for name, kept in state.mask.items()}
    new = derive(state, mask=grown, weights={"first.weight": torch.ones(4, 3)})
    assert torch.equal(new.weights["first.weight"], torch.ones(4, 3))
    assert (new.optimizer["exp_avg/first.weight"][~state.mask["first.weight"]] == 0).all()


def test_given_weights_keep_the_network_s_type():
    new = derive(a_state(), weights={"first.bias": torch.ones(4, dtype=torch.float64)}, buffers={})
    assert new.weights["first.bias"].dtype == torch.float32


NOTHING_CHANGED = {
    "nothing": lambda s: {},
    "its own parts": lambda s: {"mask": s.mask, "weights": s.weights, "buffers": s.buffers, "step": 5},
    "copies": lambda s: {"mask": {n: m.clone() for n, m in s.mask.items()}, "weights": {}, "buffers": {}},
    "its own extra": lambda s: {"extra": {"gate": s.extra["gate"].clone()}},
    "weights that differ only outside the mask": lambda s: {
        "weights": {n: torch.where(s.mask[n], s.weights[n], 1.0) for n in s.mask}
    },
}


@pytest.mark.parametrize("given", NOTHING_CHANGED.values(), ids=NOTHING_CHANGED.keys())
def test_where_nothing_changes_the_state_is_itself(given):
    state = a_state()
    assert derive(state, **given(state)) is state


def test_a_state_without_optimizer_or_extra_is_itself_where_it_is_given_none():
    state = replace(a_state(), optimizer=None, optimizer_name="", extra={})
    assert derive(state, fresh_optimizer=True, extra={}) is state


def test_not_a_number_equals_itself():
    state = a_state()
    state.weights["first.bias"][0] = float("nan")
    assert derive(state, weights={"first.bias": state.weights["first.bias"].clone()}) is state


def test_a_new_mask_weights_buffers_or_step_begin_another_history():
    """Buffers too: a network whose running statistics are another's is not the one that was evaluated."""
    state = a_state()
    smaller = {name: torch.zeros_like(kept) for name, kept in state.mask.items()}
    shifted = {name: buffer + 1 for name, buffer in state.buffers.items()}
    for change in (
        {"mask": smaller},
        {"weights": {"first.bias": torch.ones(4)}},
        {"buffers": shifted},
        {"step": 2},
    ):
        new = derive(state, **change)
        assert new.history == History(new.step)
        assert new.step == change.get("step", 5)


def test_extra_and_a_fresh_optimizer_leave_the_history_as_it_is():
    state = a_state()
    for change in ({"extra": {"gate": torch.zeros(3)}}, {"fresh_optimizer": True}):
        new = derive(state, **change)
        assert new is not state and new.history is state.history


def test_a_fresh_optimizer_has_neither_state_nor_name():
    new = derive(a_state(), fresh_optimizer=True)
    assert (new.optimizer, new.optimizer_name) == (None, "")


def test_what_is_given_is_copied():
    state, ones = a_state(), torch.ones(4)
    mask = {name: torch.ones_like(kept) for name, kept in state.mask.items()}
    new = derive(
        state, mask=mask, weights={"first.bias": ones}, buffers={"norm.running_mean": ones}, extra={"e": ones}
    )
    before = new.digest()
    ones.zero_()
    for kept in mask.values():
        kept.zero_()
    assert new.digest() == before
    assert (new.weights["first.bias"] == 1).all() and all(kept.all() for kept in new.mask.values())


def test_a_mask_comes_back_in_network_order():
    state = a_state()
    backwards = dict(reversed(state.mask.items()))
    assert list(check_mask(backwards, state.mask)) == list(SHAPES)
    assert derive(state, mask=backwards) is state


ONES = {name: torch.ones(shape, dtype=torch.bool) for name, shape in SHAPES.items()}


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"mask": [torch.ones(3)]}, "a mask is a dict of bool tensors by parameter name, not list"),
        ({"mask": {"first.weight": ONES["first.weight"]}}, r"these differ: last\.weight"),
        ({"mask": ONES | {"first.bias": torch.ones(4).bool()}}, r"these differ: first\.bias"),
        (
            {"mask": ONES | {"last.weight": torch.ones(4, 2).bool()}},
            r"mask of last\.weight: expected torch\.bool \(2, 4\), got torch\.bool \(4, 2\)",
        ),
        (
            {"mask": ONES | {"last.weight": torch.ones(2, 4)}},
            r"mask of last\.weight: expected torch\.bool \(2, 4\), got torch\.float32 \(2, 4\)",
        ),
        ({"mask": ONES | {"last.weight": [[True]]}}, r"mask of last\.weight: .* got list"),
        ({"weights": {"middle.weight": torch.ones(3)}}, r"weights: the network has no middle\.weight"),
        (
            {"weights": {"first.bias": torch.ones(5)}},
            r"weights of first\.bias: expected shape \(4,\), got \(5,\)",
        ),
        ({"weights": {"first.bias": [1.0] * 4}}, r"weights of first\.bias: expected a tensor, got list"),
        ({"buffers": {"norm.mean": torch.ones(4)}}, r"buffers: the network has no norm\.mean"),
        (
            {"buffers": {"norm.running_mean": torch.ones(())}},
            r"buffers of norm\.running_mean: expected shape \(4,\), got \(\)",
        ),
        ({"extra": {"gate": 1.0}}, "extra of gate: expected a tensor, got float"),
        ({"step": -1}, "step: expected a whole number, 0 or more, got -1"),
        ({"step": 2.5}, r"step: expected a whole number, 0 or more, got 2\.5"),
        ({"step": True}, "step: expected a whole number, 0 or more, got True"),
    ],
)
def test_what_the_network_does_not_have_is_refused_by_name(given, message):
    with pytest.raises(ValueError, match=message):
        derive(a_state(), **given)


def test_equal_states_have_equal_digests_however_their_tensors_lie_in_memory():
    state, again = a_state(), a_state()
    assert state.digest() == again.digest()
    turned = dict(state.weights)
    turned["first.weight"] = state.weights["first.weight"].t().contiguous().t()
    assert not turned["first.weight"].is_contiguous()
    assert replace(state, weights=turned).digest() == state.digest()


def flipped(tensors, name, byte=0, bit=0):
    """The tensors with one bit of one of them changed."""
    copy = tensors[name].clone()
    copy.view(-1).view(torch.uint8)[byte] ^= 1 << bit
    return tensors | {name: copy}


CHANGES = {
    "step": lambda s: replace(s, step=6),
    "weights": lambda s: replace(s, weights=flipped(s.weights, "first.bias")),
    "buffers": lambda s: replace(s, buffers=flipped(s.buffers, "norm.running_mean")),
    "mask": lambda s: replace(s, mask=flipped(s.mask, "last.weight")),
    "optimizer": lambda s: replace(s, optimizer=flipped(s.optimizer, "step/first.bias")),
    "fresh optimizer": lambda s: replace(s, optimizer=None),
    "optimizer's name": lambda s: replace(s, optimizer_name="adamw"),
    "extra": lambda s: replace(s, extra=flipped(s.extra, "gate")),
    "a tensor's name": lambda s: replace(s, extra={"gates": s.extra["gate"]}),
    "a tensor's shape": lambda s: replace(s, extra={"gate": s.extra["gate"].view(3, 1)}),
    "a tensor's type": lambda s: replace(s, extra={"gate": s.extra["gate"].view(torch.int32)}),
    "a tensor's group": lambda s: replace(s, buffers=s.buffers | s.extra, extra={}),
    "history's start": lambda s: replace(s, history=replace(s.history, start=4)),
    "history's points": lambda s: replace(s, history=replace(s.history, points=())),
    "early losses": lambda s: replace(s, history=replace(s.history, early_losses=(2.3,))),
    "bits right": lambda s: replace(s, history=replace(s.history, test_correct=b"\x0e")),
    "diverged": lambda s: replace(s, history=replace(s.history, diverged=True)),
    "origin": lambda s: replace(s, history=replace(s.history, origin=flipped(s.history.origin, "first.bias"))),
    "anchor": lambda s: replace(s, history=replace(s.history, anchor=flipped(s.history.anchor, "first.bias"))),
}


def test_any_change_of_any_part_changes_the_digest():
    digests = {name: change(a_state()).digest() for name, change in CHANGES.items()} | {"none": a_state().digest()}
    assert len(set(digests.values())) == len(digests)


@given(st.data())
@settings(deadline=None)
def test_any_bit_of_any_tensor_changes_the_digest(data):
    state = a_state()
    group = data.draw(st.sampled_from(["weights", "buffers", "mask", "optimizer", "extra"]))
    tensors = getattr(state, group)
    name = data.draw(st.sampled_from(sorted(tensors)))
    whole = tensors[name].numel() * (1 if group == "mask" else 4)
    byte = data.draw(st.integers(0, whole - 1))
    bit = 0 if group == "mask" else data.draw(st.integers(0, 7))
    assert replace(state, **{group: flipped(tensors, name, byte, bit)}).digest() != state.digest()


def test_a_mask_s_digest_is_of_its_names_shapes_and_bits():
    mask = a_state().mask
    assert mask_digest(mask) == mask_digest({name: kept.clone() for name, kept in mask.items()})
    others = [
        flipped(mask, "first.weight"),
        {"other.weight" if name == "first.weight" else name: kept for name, kept in mask.items()},
        {name: kept.view(-1) for name, kept in mask.items()},
    ]
    assert len({mask_digest(each) for each in [mask, *others]}) == 4


def test_a_history_s_facts_bring_it_back():
    history = a_state().history
    again = History.from_facts(history.facts(), history.origin, history.anchor)
    assert again == history
    assert again.points[0].test == 0.88 and again.test_correct == b"\x0f"
