"""What is pruned is exactly zero, weights and optimizer state, after every step of every optimizer."""

import pytest
import torch

from ticketbench.harness.training import Member, advance, trainer
from ticketbench.methods.state import derive

OPTIMIZERS = {
    "adam": '{ name = "adam", lr = 0.01 }',
    "adam, decay": '{ name = "adam", lr = 0.01, weight_decay = 0.01 }',
    "adamw": '{ name = "adamw", lr = 0.01, weight_decay = 0.1 }',
    "rmsprop, decay": '{ name = "rmsprop", lr = 0.01, momentum = 0.5, weight_decay = 0.01 }',
    "sgd, decay": '{ name = "sgd", lr = 0.1, weight_decay = 0.01 }',
    "momentum, decay": '{ name = "sgd", lr = 0.1, momentum = 0.9, weight_decay = 0.01 }',
    "nesterov, decay": '{ name = "sgd", lr = 0.1, momentum = 0.9, nesterov = true, weight_decay = 0.01 }',
}


def slots_of(state, name):
    """An optimizer's tensors of a weight, those with a value for every place of it."""
    found = {key: slot for key, slot in (state.optimizer or {}).items() if key.split("/", 1)[1] == name}
    return {key: slot for key, slot in found.items() if slot.shape == state.weights[name].shape}


def all_zero_outside(state):
    return all(
        not tensor[~kept].any()
        for name, kept in state.mask.items()
        for tensor in (state.weights[name], *slots_of(state, name).values())
    )


@pytest.fixture
def optimizers(monkeypatch):
    """The optimizers that the engine has built, oldest first."""
    built = []

    def build(spec, parameters, real=trainer.build_optimizer):
        built.append(real(spec, parameters))
        return built[-1]

    monkeypatch.setattr(trainer, "build_optimizer", build)
    return built


@pytest.mark.parametrize("network", ["mlp", "conv"])
@pytest.mark.parametrize("optimizer", OPTIMIZERS)
def test_pruned_weights_and_their_state_stay_zero_after_every_step(
    network, optimizer, workload, watched, random_mask, optimizers
):
    work = workload(network, optimizer=OPTIMIZERS[optimizer])
    (dense,) = advance([Member(work.initial(0), 0)], 6, work)
    carried = [slot[~random_mask(dense, 0.3)[n]] for n in dense.mask for slot in slots_of(dense, n).values()]
    assert all(slot.any() for slot in carried)  # there is something to be kept from coming back
    state = derive(dense, mask=random_mask(dense, 0.3))
    assert all_zero_outside(state)

    seen = []

    def begins(_):
        weights = dict(work.module().named_parameters())
        for name, kept in state.mask.items():
            slots = [s for s in optimizers[-1].state.get(weights[name], {}).values() if s.shape == kept.shape]
            for tensor in (weights[name].detach(), *slots):
                assert not tensor[~kept].any(), name
                seen.append(tensor.any())

    (trained,) = advance([Member(state, 0)], 24, watched(work, begins))
    assert all_zero_outside(trained)
    assert len(seen) >= 18 * len(state.mask)
    assert all(seen)
    for name, kept in state.mask.items():  # and what is kept was trained
        assert (trained.weights[name] != state.weights[name])[kept].any()


def test_state_inside_the_mask_is_carried_as_it_was(workload, random_mask):
    work = workload()
    (dense,) = advance([Member(work.initial(0), 0)], 6, work)
    mask = random_mask(dense, 0.3)
    (unmoved,) = advance([Member(derive(dense, mask=mask), 0)], 6, work)
    for name, kept in mask.items():
        for key, slot in slots_of(dense, name).items():
            assert torch.equal(unmoved.optimizer[key][kept], slot[kept])
    assert unmoved.optimizer["step/hidden.0.weight"] == 6


@pytest.mark.parametrize("network", ["mlp", "conv"])
def test_what_a_growing_mask_takes_in_starts_at_zero_and_is_trained(network, workload, random_mask):
    work = workload(network, optimizer=OPTIMIZERS["momentum, decay"])
    small = random_mask(work.initial(0), 0.3)
    large = random_mask(work.initial(0), 0.6)
    (early,) = advance([Member(derive(work.initial(0), mask=small), 0)], 6, work)
    grown = derive(early, mask=large)
    (trained,) = advance([Member(grown, 0)], 20, work)
    for name in large:
        new = large[name] & ~small[name]
        assert new.any()
        assert not grown.weights[name][new].any()
        assert not any(slot[new].any() for slot in slots_of(grown, name).values())
        assert torch.equal(grown.weights[name][small[name]], early.weights[name][small[name]])
        assert trained.weights[name][new].any()
    assert all_zero_outside(trained)


def test_a_mask_holds_under_a_recipe_of_a_method_too(workload, random_mask):
    work = workload()
    state = derive(work.initial(0), mask=random_mask(work.initial(0), 0.3))
    (frozen,) = advance([Member(state, 0, freeze=("hidden.0.weight",))], 6, work)
    assert torch.equal(frozen.weights["hidden.0.weight"], state.weights["hidden.0.weight"])
    assert all_zero_outside(frozen)
    (free,) = advance([Member(frozen, 0)], 12, work)
    assert all_zero_outside(free)
    assert not torch.equal(free.weights["hidden.0.weight"], state.weights["hidden.0.weight"])
