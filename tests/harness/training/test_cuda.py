"""The same call on CUDA: as on the CPU in everything but the bits, and no step waits for the device."""

from dataclasses import dataclass

import pytest
import torch

from ticketbench.harness.training import Member, advance, trainer
from ticketbench.harness.training.determinism import device_kind, seed_global
from ticketbench.methods.state import derive

pytestmark = pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA")

DEVICE = "cuda"
OPTIMIZERS = {
    "adam, decay": '{ name = "adam", lr = 0.01, weight_decay = 0.01 }',
    "adamw": '{ name = "adamw", lr = 0.01, weight_decay = 0.1 }',
    "sgd": '{ name = "sgd", lr = 0.1 }',
    "nesterov, decay": '{ name = "sgd", lr = 0.1, momentum = 0.9, nesterov = true, weight_decay = 0.01 }',
}


@dataclass(frozen=True)
class Gated:
    """Trains a gate on every output weight, with noise."""

    def __call__(self, network, weights, extra, inputs, targets, step, rng, loss):
        noise = torch.randn(extra["gate"].shape, generator=rng).to(extra["gate"].device)
        gated = weights | {"output.weight": weights["output.weight"] * torch.sigmoid(extra["gate"] + 0.1 * noise)}
        return loss(network, gated, inputs, targets)


@pytest.fixture(params=["mlp", "conv"])
def network(request):
    return request.param


@pytest.fixture(params=OPTIMIZERS)
def optimizer(request):
    return OPTIMIZERS[request.param]


@pytest.fixture
def masked(random_mask):
    """A member under a mask, its optimizer state carried from three steps of the dense network."""

    def make(work, **said):
        (early,) = advance([Member(work.initial(1), 1)], 3, work)
        state = derive(early, mask=random_mask(early, 0.3))
        if "objective" in said:
            state = derive(state, extra={"gate": torch.zeros(state.weights["output.weight"].shape)})
        return Member(state, 1, **said)

    return make


def test_a_training_split_anywhere_is_bit_identical(network, optimizer, workload, masked, assert_same):
    work = workload(network, DEVICE, optimizer=optimizer)
    member = masked(work)
    (whole,) = advance([member], 24, work)
    for cuts in ([3], [4], [5, 10], [7, 13, 23], range(4, 24)):
        state = member.start
        for cut in [*cuts, 24]:
            (state,) = advance([Member(state, 1)], cut, work)
        assert_same(state, whole)


@pytest.mark.parametrize("said", [{"objective": Gated()}, {"data_order": 2}, {"freeze": ("output.weight",)}])
def test_what_a_method_asks_for_may_be_split_too(said, workload, masked, assert_same):
    work = workload("mlp", DEVICE)
    member = masked(work, **said)
    (whole,) = advance([member], 24, work)
    (half,) = advance([member], 11, work)
    assert_same(advance([Member(half, 1, **said)], 24, work)[0], whole)


def test_a_training_is_the_same_again_and_in_company(network, workload, masked, assert_same):
    work = workload(network, DEVICE)
    member = masked(work)
    (first,) = advance([member], 24, work)
    torch.manual_seed(7)
    torch.rand(100, device=DEVICE)
    _, second = advance([Member(work.initial(2), 2), member], 24, work)
    assert_same(first, second)


def test_pruned_weights_and_their_state_stay_zero_after_every_step(
    network, optimizer, workload, masked, watched, monkeypatch
):
    built = []
    real = trainer.build_optimizer
    monkeypatch.setattr(trainer, "build_optimizer", lambda *said: built.append(real(*said)) or built[-1])
    work = workload(network, DEVICE, optimizer=optimizer)
    member = masked(work)
    mask = {name: kept.to(DEVICE) for name, kept in member.start.mask.items()}
    seen = []

    def begins(_):
        weights = dict(work.module().named_parameters())
        for name, kept in mask.items():
            slots = [s for s in built[-1].state.get(weights[name], {}).values() if s.shape == kept.shape]
            for tensor in (weights[name].detach(), *slots):
                assert not tensor[~kept].any(), name
                seen.append(name)

    (trained,) = advance([member], 24, watched(work, begins))
    assert len(seen) >= 21 * len(mask)
    for name, kept in member.start.mask.items():
        assert not trained.weights[name][~kept].any()


def test_it_agrees_with_the_cpu(network, optimizer, workload, random_mask):
    here, there = workload(network, optimizer=optimizer), workload(network, DEVICE, optimizer=optimizer)
    start = derive(here.initial(1), mask=random_mask(here.initial(1), 0.5))
    (cpu,) = advance([Member(start, 1)], 24, here)
    (cuda,) = advance([Member(start, 1)], 24, there)
    assert cuda.history.early_losses == pytest.approx(cpu.history.early_losses, rel=1e-4)
    for one, other in zip(cuda.history.points, cpu.history.points, strict=True):
        assert one.validation_loss == pytest.approx(other.validation_loss, rel=1e-3)
        assert one.test == pytest.approx(other.test, abs=0.02)
    assert cuda.history.path_length == pytest.approx(cpu.history.path_length, rel=1e-2)
    assert all(tensor.device.type == "cpu" for tensor in {**cuda.weights, **(cuda.optimizer or {})}.values())


def test_initial_weights_are_those_of_the_cpu(network, workload, assert_same):
    assert_same(workload(network, DEVICE).initial(3), workload(network).initial(3))


def test_no_step_waits_for_the_device(network, optimizer, workload, watched, masked):
    """Between the evaluations at steps 3 and 30; three epochs begin on the way."""
    work = workload(network, DEVICE, optimizer=optimizer, steps="40", evaluate_every="30")
    member = masked(work)
    steps = []

    def begins(_):
        steps.append(len(steps))
        # The last step before the training is read back is left out: reading it is waiting.
        torch.cuda.set_sync_debug_mode("error" if len(steps) < 22 else "default")

    try:
        advance([member], 25, watched(work, begins))
    finally:
        torch.cuda.set_sync_debug_mode("default")
    assert len(steps) == 22


def test_waiting_would_be_noticed():
    torch.cuda.set_sync_debug_mode("error")
    try:
        with pytest.raises(RuntimeError, match="synchroniz"):
            torch.ones(1, device=DEVICE).item()
    finally:
        torch.cuda.set_sync_debug_mode("default")


def test_the_device_is_named_and_its_generator_seeded():
    device = torch.device(DEVICE)
    assert device_kind(device) == torch.cuda.get_device_name()
    seed_global(device, "step", 0, 0, 1)
    first = torch.rand(5, device=DEVICE)
    torch.rand(5, device=DEVICE)
    seed_global(device, "step", 0, 0, 1)
    assert torch.equal(torch.rand(5, device=DEVICE), first)
